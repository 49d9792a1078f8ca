//! `weir secrets`: the keys of storages as the ledger keeps them.

use anyhow::Context;

use super::Source;
use crate::api::storage_access::kept;
use crate::app::{Clock, store_settings};
use crate::permit::Permit;
use crate::secrets::{Owner, Secrets};
use crate::store::Store;
use crate::store::rows::StoredSecret;

/// The keys of storages as the ledger keeps them.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Encrypt every secret anew with the current key, or move it to the store of secrets. Replicas on Postgres may go on serving meanwhile. An embedded
    /// catalog without a configured key has to be stopped; it gets a new key file.
    Rotate,
}

const PAGE: u32 = 100;

pub(super) async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let Verb::Rotate = args.verb;
    let config = source.load()?;
    let store = Store::open(&store_settings(&config)?).await?;
    store.check_schema().await?;
    let secrets = Secrets::open(&config.secrets, store.url().file())?;
    // A new key is of no use to secrets that leave the ledger.
    let file_renewed = config.secrets.vault.is_none() && secrets.keyring().renew_file()?;
    let resealed = reseal_all(&store, &secrets).await?;
    if file_renewed {
        secrets.keyring().settle_file()?;
    }
    let outcome = if config.secrets.vault.is_some() { "were moved to the secret store" } else { "are encrypted anew" };
    println!("{}: {resealed} secrets {outcome}", store.url());
    if let Some(file) = secrets.keyring().file().filter(|_| file_renewed) {
        println!("their new key is in {}; back it up together with the ledger", file.display());
    }
    store.close().await;
    Ok(())
}

async fn reseal_all(store: &Store, secrets: &Secrets) -> anyhow::Result<usize> {
    let (mut after, mut resealed) = (None, 0);
    loop {
        let page = store.secrets_page(after, PAGE).await?;
        for row in &page {
            if !secrets.is_current(&kept(row)) && reseal(store, secrets, row).await? {
                resealed += 1;
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.warehouse_id),
            _ => return Ok(resealed),
        }
    }
}

/// `false` where somebody replaced the secret meanwhile, who sealed it with a key of today.
async fn reseal(store: &Store, secrets: &Secrets, row: &StoredSecret) -> anyhow::Result<bool> {
    let now_ms = Clock::default().now_ms();
    let owner = Owner { warehouse: row.warehouse_id, version: row.version };
    let named = || format!("the secret of warehouse {}", row.warehouse_id);
    let plain = secrets.reveal(owner, &kept(row), now_ms).await.map_err(anyhow::Error::new).with_context(named)?;
    let sealed = secrets.keep(owner, &plain, now_ms).await?;
    let mut writer = store.begin(&Permit::operator("secrets-rotate")).await?;
    let done = writer.reseal_secret(row, &sealed.keeper, &sealed.sealed).await?;
    writer.commit().await?;
    Ok(done)
}
