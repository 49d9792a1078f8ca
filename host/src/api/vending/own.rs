//! How the host itself reaches a storage: by its credential, or by sessions of the role that the profile names.
//!
//! INVARIANT: where a profile names a role, the credential opens that role and nothing else; no fault of the token service
//! leads back to it.

use futures_util::FutureExt;

use super::kept::{handle_of_access_key, handle_of_session, session_of};
use super::lasting::Made;
use super::means::{Asked, unable};
use super::place::{TablePlace, scope_document};
use crate::api::storage_access::{Own, StorageAccess};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::scope::Verbs;
use crate::error::Error;
use crate::files::{FileError, S3Profile, SessionKey, Storage, StorageCredential, StorageProfile};
use crate::plugin::storage::Audience;
use crate::plugin::{Guest, Object, PluginFault, Secret};

/// A key of this machine that does not say when it ends is asked for again after half of this.
const MACHINE_KEY_MS: i64 = 600_000;

/// The files of a storage as the host reaches them.
#[derive(Clone, Debug)]
pub struct Reached {
    pub files: Storage,
    /// The session's key, which signs for clients as well; `None` where the credential does.
    key: Option<SessionKey>,
}

/// Why the host does not reach a storage.
pub enum Unreached {
    File(FileError),
    /// The role is not the credential's to assume, or gives no keys.
    Role(String),
    Other(Error),
}

impl From<FileError> for Unreached {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<Error> for Unreached {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// For requests of those who did not choose the storage.
impl From<Unreached> for Error {
    fn from(unreached: Unreached) -> Self {
        match unreached {
            Unreached::File(error) => error.into(),
            Unreached::Role(why) => {
                tracing::error!("{why}");
                Self::unavailable(format!("{why}; nothing was changed"))
            }
            Unreached::Other(error) => error,
        }
    }
}

impl App {
    /// The files of a warehouse as the host reaches them now. A session is remembered for half of its life.
    pub async fn reached(&self, access: &StorageAccess) -> Result<Reached, Error> {
        match &access.own {
            Own::Open(reached) => Ok(reached.clone()),
            Own::Sessions { profile, warehouse } => {
                let make = Box::pin(async {
                    let made = self.new_session(profile, access.credential.as_ref(), warehouse).await;
                    made.map_err(Error::from)
                });
                self.vending.sessions.get((access.warehouse, access.version), &self.clock, make).boxed().await
            }
        }
    }

    /// The files of a storage that nobody has tried yet: nothing is remembered.
    pub(in crate::api) async fn reach(
        &self,
        profile: &StorageProfile,
        credential: Option<&StorageCredential>,
        warehouse: &Object,
    ) -> Result<Reached, Unreached> {
        match profile {
            StorageProfile::S3(s3) if s3.assume_role_arn.is_some() => {
                self.files.admit(profile, credential).await?;
                self.new_session(s3, credential, warehouse).boxed().await.map(|made| made.value)
            }
            _ => Ok(Reached { files: self.files.storage(profile, credential).await?, key: None }),
        }
    }

    /// A session of the profile's role for the whole warehouse, made as clients' keys are: by the plugin, under a policy of
    /// the host's.
    async fn new_session(
        &self,
        profile: &S3Profile,
        credential: Option<&StorageCredential>,
        warehouse: &Object,
    ) -> Result<Made<Reached>, Unreached> {
        let role = profile.assume_role_arn.as_deref().unwrap_or_default();
        let policy = scope_document(profile, profile.root(), Verbs::ReadWrite);
        let policy = policy.map_err(|unbounded| Unreached::Role(unreached(role, &unbounded.to_string())))?;
        let asked = Asked { profile, credential, location: profile.root(), verbs: Verbs::ReadWrite };
        let caller = Caller::anonymous();
        let means = self.asks(&caller, asked, (Audience::Host, Some(policy)), warehouse.clone()).await?;
        let granted = means.ask(self, &caller).boxed().await?;
        let grant = granted.map_err(|fault| refused(role, &means.guest, fault))?;
        let keys = grant.keys.iter().find(|keys| keys.prefix == *profile.root());
        let keys = keys.ok_or_else(|| Unreached::Role(unreached(role, "the storage plugin gives no keys for it")))?;
        let key = session_of(keys)?;
        let ends_at_ms = key.ends_at_ms.unwrap_or_else(|| self.clock.now_ms());
        let files = self.files.by_session(profile, &key);
        Ok(Made { value: Reached { files, key: Some(key) }, ends_at_ms })
    }

    /// What signs requests for a table's files: the session where there is one, else the credential. `None` where there is
    /// no key at all.
    pub(in crate::api) async fn signing_key(&self, place: &TablePlace) -> Result<Option<Secret>, Error> {
        let Some(credential) = &place.storage.credential else { return Ok(None) };
        match self.reached(&place.storage).await?.key {
            Some(key) => Ok(Some(handle_of_session(&key))),
            None => self.credential_key(&place.profile, credential).await.map(Some),
        }
    }

    /// A handle of the credential's key. What this machine is known by is asked for before it ends.
    pub(super) async fn credential_key(
        &self,
        profile: &S3Profile,
        credential: &StorageCredential,
    ) -> Result<Secret, Error> {
        if let Some(key) = credential.access_key() {
            return Ok(handle_of_access_key(key));
        }
        let make = Box::pin(async {
            let key = self.files.machine_key(profile).await?;
            let ends_at_ms = key.ends_at_ms.unwrap_or_else(|| self.clock.now_ms() + MACHINE_KEY_MS);
            Ok::<_, Error>(Made { value: handle_of_session(&key), ends_at_ms })
        });
        self.vending.machine.get(profile.region.clone(), &self.clock, make).boxed().await
    }
}

/// What a token service says is in the log alone: some repeat there what a request was signed by.
fn refused(role: &str, guest: &Guest, fault: PluginFault) -> Unreached {
    let code = fault.code();
    let error = unable(guest, fault);
    match code {
        "guest_internal" | "guest_invalid_input" => {
            Unreached::Role(unreached(role, "the token service refuses it, see the server's log"))
        }
        _ => Unreached::Other(match error {
            Error::Unavailable { retry_after_s, .. } => Error::Unavailable {
                message: format!("{}; nothing was changed, retry", unreached(role, &format!("no answer ({code})"))),
                retry_after_s,
            },
            error => error,
        }),
    }
}

fn unreached(role: &str, why: &str) -> String {
    format!(
        "this server reaches the storage by a session of the role `{role}` (`assume-role-arn`), and got none: {why}"
    )
}
