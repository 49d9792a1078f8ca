//! Secrets in a store of their own that speaks Vault's KV version 2.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vaultrs::client::VaultClient;
use vaultrs::error::ClientError;
use vaultrs::kv2;

use super::vault_session::Sessions;
use super::{Kept, Owner, Plain};
use crate::catalog::ids::WarehouseId;
use crate::config;
use crate::error::{Error, Result};

/// The keeper of a secret that lies in Vault.
pub(super) const KEEPER: &str = "vault";

/// One mount of one Vault.
pub(super) struct Vault {
    settings: config::Vault,
    sessions: Sessions,
}

/// What lies under the path of a warehouse.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Bound to its owner: a version that was copied to another path is refused.
    warehouse: WarehouseId,
    version: i64,
    credential: String,
}

/// What the ledger keeps of it.
#[derive(Serialize, Deserialize)]
struct Reference {
    version: u64,
}

enum Ask {
    Write(Stored),
    Read(Reference),
    Delete,
}

enum Answer {
    Written(Reference),
    Read(Stored),
    Deleted,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault at {}", self.settings.url)
    }
}

impl Vault {
    /// Nothing is sent yet; certificates that cannot be read are noticed.
    pub(super) fn new(settings: &config::Vault) -> Result<Self> {
        Ok(Self { settings: settings.clone(), sessions: Sessions::new(settings)? })
    }

    pub(super) async fn keep(&self, owner: Owner, plain: &Plain, now_ms: i64) -> Result<Kept> {
        let credential = String::from_utf8(plain.expose().to_vec());
        let credential = credential.map_err(|_| Error::internal(anyhow::anyhow!("a secret is no text")))?;
        let stored = Stored { warehouse: owner.warehouse, version: owner.version, credential };
        match self.ask(owner.warehouse, &Ask::Write(stored), now_ms).await? {
            Answer::Written(reference) => {
                let sealed = serde_json::to_vec(&reference).map_err(Error::internal)?;
                Ok(Kept { keeper: KEEPER.to_owned(), sealed })
            }
            Answer::Read(_) | Answer::Deleted => Err(misunderstood()),
        }
    }

    pub(super) async fn reveal(&self, owner: Owner, kept: &Kept, now_ms: i64) -> Result<Plain> {
        let reference: Reference = serde_json::from_slice(&kept.sealed).map_err(Error::internal)?;
        match self.ask(owner.warehouse, &Ask::Read(reference), now_ms).await? {
            Answer::Read(stored) if stored.warehouse == owner.warehouse && stored.version == owner.version => {
                Ok(Plain::new(stored.credential))
            }
            Answer::Read(_) => {
                let path = self.path(owner.warehouse);
                Err(Error::internal(anyhow::anyhow!("Vault holds the secret of another owner at `{path}`")))
            }
            Answer::Written(_) | Answer::Deleted => Err(misunderstood()),
        }
    }

    /// A login that is used before it ends, renewed where that is due.
    pub(super) async fn tend(&self, now_ms: i64) -> Result<()> {
        self.sessions.current(now_ms).await.map(drop)
    }

    /// All versions go. There are at most as many as the mount keeps (ten, unless it says otherwise): a change of the
    /// credential that does not reach the ledger uses one up.
    pub(super) async fn forget(&self, warehouse: WarehouseId, now_ms: i64) -> Result<()> {
        self.ask(warehouse, &Ask::Delete, now_ms).await.map(drop)
    }

    /// A token that is not taken any more is replaced once.
    async fn ask(&self, warehouse: WarehouseId, ask: &Ask, now_ms: i64) -> Result<Answer> {
        let path = self.path(warehouse);
        let client = self.sessions.current(now_ms).await?;
        let answer = match self.send(&client, &path, ask).await {
            Err(ClientError::APIError { code: 401 | 403, .. }) => {
                let client = self.sessions.replace(&client, now_ms).await?;
                self.send(&client, &path, ask).await
            }
            other => other,
        };
        answer.map_err(|error| fault(&self.settings.url, &format!("`{}/{path}`", self.settings.mount), error))
    }

    async fn send(&self, client: &Arc<VaultClient>, path: &str, ask: &Ask) -> Result<Answer, ClientError> {
        let (client, mount) = (client.as_ref(), self.settings.mount.as_str());
        match ask {
            Ask::Write(stored) => {
                let written = kv2::set(client, mount, path, stored).await?;
                Ok(Answer::Written(Reference { version: written.version }))
            }
            Ask::Read(reference) => kv2::read_version(client, mount, path, reference.version).await.map(Answer::Read),
            Ask::Delete => match kv2::delete_metadata(client, mount, path).await {
                Ok(()) | Err(ClientError::APIError { code: 404, .. }) => Ok(Answer::Deleted),
                Err(error) => Err(error),
            },
        }
    }

    fn path(&self, warehouse: WarehouseId) -> String {
        format!("{}/{warehouse}", self.settings.path_prefix.trim_matches('/'))
    }
}

fn misunderstood() -> Error {
    Error::internal(anyhow::anyhow!("Vault answered something else than it was asked"))
}

/// What Vault refuses, its operator mends; what it cannot do now, it may do later. Its own words may hold values.
pub(super) fn fault(url: &str, what: &str, error: ClientError) -> Error {
    match error {
        ClientError::APIError { code: 503, .. } => Error::unavailable(format!(
            "the secret store at {url} is sealed or in standby: it answered 503 about {what}"
        )),
        ClientError::APIError { code: code @ (400 | 401 | 403), .. } => Error::unavailable(format!(
            "the secret store at {url} refuses this server ({code}) about {what}: check `[secrets.vault]` and its policy"
        )),
        ClientError::APIError { code: 404, .. } => Error::internal(anyhow::anyhow!(
            "the secret store at {url} has nothing at {what}: restore it, or set the storage credential anew"
        )),
        ClientError::APIError { code, .. } => {
            Error::unavailable(format!("the secret store at {url} answered {code} about {what}"))
        }
        ClientError::JsonParseError { .. } | ClientError::ResponseEmptyError | ClientError::ResponseDataEmptyError => {
            Error::internal(anyhow::anyhow!("the answer of the secret store at {url} about {what} cannot be read"))
        }
        _ => Error::unavailable(format!("the secret store at {url} cannot be reached")),
    }
}
