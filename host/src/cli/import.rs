//! `weir import`: fills an empty store from an archive.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::PathBuf;

use super::Source;
use super::migrate::now_ms;
use crate::app::store_settings;
use crate::permit::Permit;
use crate::store::Store;

/// Fill an empty store from an archive of `weir export`: all of it, or nothing. The digest is that of the export.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The archive to read; `-` is standard input.
    #[arg(value_name = "FILE")]
    from: PathBuf,
}

pub(super) async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let store = Store::open(&store_settings(&source.load()?)?).await?;
    let archive: Box<dyn Read + Send> = match args.from.as_os_str().as_encoded_bytes() {
        b"-" => Box::new(stdin()),
        _ => Box::new(open(&args.from)?),
    };
    store.migrate(now_ms()?).await?;
    let mut progress = |table: &str, rows: u64| eprintln!("{rows} rows, at {table}");
    let carried = store.import(&Permit::operator("import"), archive, &mut progress).await?;
    eprintln!("imported {} rows, sha256 {}", carried.rows, carried.sha256);
    store.close().await;
    Ok(())
}

fn open(path: &PathBuf) -> anyhow::Result<File> {
    File::open(path).map_err(|error| anyhow::anyhow!("`{}` cannot be read: {error}", path.display()))
}
