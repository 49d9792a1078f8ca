//! How a client reaches a table's files: by keys of its own, by signatures, or not at all.
//!
//! The host writes the scope, the storage plugin chooses the means, the host holds the answer against the scope. Keys are
//! remembered for half their life, for the very caller, table, place, right and version of the warehouse they were made
//! for.

mod cache;
mod delegation;
mod kept;
mod lasting;
mod means;
mod own;
mod place;
mod plugin;
mod trial;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::{Value, json};

pub use cache::Vending;
pub use delegation::Delegation;
pub use means::{Means, unable};
pub use own::{Reached, Unreached};
pub use place::TablePlace;
pub use trial::Trial;

use super::authorize::Access;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ids::{TabularId, WarehouseId};
use crate::catalog::scope::Verbs;
use crate::error::Error;
use crate::plugin::storage::{Grant, Keys};
use crate::store::rows::Tabular;

/// What the answer of a load tells a client of its files.
#[derive(Clone, Debug, Default)]
pub struct FileAccess {
    /// The flat keys that older clients read, the storage's own properties.
    pub config: BTreeMap<String, String>,
    pub credentials: Vec<Keys>,
    pub signs: bool,
}

impl FileAccess {
    /// What tells two answers apart: the means, the keys by their ids and ends. Those change once half of a life is over.
    pub fn mark(&self, delegation: Delegation) -> String {
        let one = |keys: &Keys| {
            format!("{}@{}", keys.config.get("s3.access-key-id").map_or("", String::as_str), keys.expires_at_ms)
        };
        let keys: Vec<String> = self.credentials.iter().map(one).collect();
        format!("{delegation:?}|{}|{}", keys.join(","), self.signs)
    }

    /// The same for a client that came through views: what it is told to call says so, too.
    pub fn through(mut self, views: Option<&str>) -> Self {
        let Some(views) = views else { return self };
        let encoded = percent_encoding::utf8_percent_encode(views, percent_encoding::NON_ALPHANUMERIC).to_string();
        for key in ["s3.signer.endpoint", "signer.endpoint", "client.refresh-credentials-endpoint"] {
            if let Some(path) = self.config.get_mut(key) {
                path.push_str(&format!("?referenced-by={encoded}"));
            }
        }
        self
    }

    /// `storage-credentials` as the spec has it.
    pub fn storage_credentials(&self) -> Vec<Value> {
        let one = |keys: &Keys| json!({ "prefix": keys.prefix.as_str(), "config": keys.config });
        self.credentials.iter().map(one).collect()
    }

    /// The members of an answer behind `config`, each with its comma before it; none where nothing is possible.
    pub fn members(&self) -> String {
        let mut members = String::new();
        if !self.credentials.is_empty() {
            members.push_str(&format!(",\"storage-credentials\":{}", json!(self.storage_credentials())));
        }
        if self.signs {
            members.push_str(",\"remote-signing-config\":{}");
        }
        members
    }
}

impl App {
    /// What the caller, who may do so much with the table, can have for its files.
    pub async fn file_access(
        &self,
        caller: &Caller,
        table: &Tabular,
        access: Access,
        delegation: Delegation,
    ) -> Result<FileAccess, Error> {
        let verbs = match access {
            Access::None => return Ok(FileAccess::default()),
            Access::Read => Verbs::Read,
            Access::ReadWrite => Verbs::ReadWrite,
        };
        let Some(place) = self.table_place(table, verbs).await? else { return Ok(FileAccess::default()) };
        let mut found = FileAccess { config: place.client_config(), ..FileAccess::default() };
        if delegation.is_empty() {
            return Ok(found);
        }
        let grant = self.grant(caller, &place, delegation).boxed().await?;
        self.take(&mut found, &place, &grant, delegation);
        Ok(found)
    }

    fn take(&self, found: &mut FileAccess, place: &TablePlace, grant: &Arc<Grant>, delegation: Delegation) {
        found.config.extend(grant.config.clone());
        if delegation.vended && !grant.keys.is_empty() {
            for keys in &grant.keys {
                found.config.extend(keys.config.clone());
            }
            found.credentials = grant.keys.clone();
            found.config.insert("client.refresh-credentials-endpoint".to_owned(), refresh_path(place));
        } else if delegation.signing && grant.remote_signing {
            found.signs = true;
            found.config.extend(signer_config(place.table.warehouse_id, place.table.id));
        }
    }
}

/// The path of `…/credentials`, relative to the catalog's URI, each name encoded as clients do.
fn refresh_path(place: &TablePlace) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let namespace: Vec<String> = place.table.namespace.parts().iter().map(|part| encode(part)).collect();
    format!(
        "v1/{}/namespaces/{}/tables/{}/credentials",
        place.table.warehouse_id,
        namespace.join("%1F"),
        encode(&place.table.name)
    )
}

/// All three generations of what clients call the signer. The path names the table by its id, so that a rename does not
/// break what a client was told.
fn signer_config(warehouse: WarehouseId, table: TabularId) -> BTreeMap<String, String> {
    let path = format!("v1/signer/{warehouse}/tabular-id/{table}/v1/aws/s3/sign");
    let pairs = [
        ("s3.remote-signing-enabled", "true"),
        // What PyIceberg looks for.
        ("s3.signer", "S3V4RestSigner"),
        ("s3.signer.endpoint", &path),
        ("signer.endpoint", &path),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
