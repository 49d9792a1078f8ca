//! The questions that the catalog asks a storage plugin: keys for a place, a signature for a request.
//!
//! The guest gets a handle of the storage's key for one purpose in one call. What it answers is held against what the
//! host itself wrote, fetched, computed in that call; nothing that goes further is taken.

mod answer;
mod exchange;
mod loan;
#[cfg(test)]
mod tests;

use std::time::Instant;

use wasmtime::component::Resource;

pub use answer::{Bounds, Grant, Keys};
pub use exchange::Exchange;
pub(super) use exchange::Outgoing;
pub(super) use loan::Loan;
pub use loan::{KeyUse, SignedRequest};

use super::Call;
use super::bindings::storing::exports::weir::plugin::storage as interface;
use super::faults::PluginFault;
use super::guest::Guest;
use super::imports::{Secret, SecretHandle};
use super::instance::{Instance, State};
use super::pool::Lease;
use super::trap;

pub use interface::{Access, Audience, Problem as ProfileProblem, Profile, SignRequest, Touched, Want};

/// The storage's key with the one purpose that it is lent for.
pub struct Lent {
    pub secret: Secret,
    pub for_use: KeyUse,
}

impl Guest {
    /// The kinds of profiles that the plugin serves.
    pub async fn storage_kinds(&self, call: &Call) -> Result<Vec<String>, PluginFault> {
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin_storage(call, ends, KeyUse::None).await?;
            let Instance { store, exports } = &mut lease.instance;
            let storing = exports.storing.as_ref().ok_or(PluginFault::NotExported("storage"))?;
            let kinds = storing.weir_plugin_storage().call_kinds(store).await;
            self.end(lease, kinds.map(Ok), |_| Ok(()))
        };
        self.counted(ends, asking, PluginFault::is_failure_of_storage).await
    }

    /// Whether the plugin serves profiles of this kind; it is asked once.
    pub async fn serves(&self, call: &Call, kind: &str) -> Result<bool, PluginFault> {
        let kinds = self.kinds.get_or_try_init(|| self.storage_kinds(call)).await?;
        Ok(kinds.iter().any(|served| served == kind))
    }

    /// Everything that is wrong with a profile, in the plugin's eyes.
    pub async fn check_profile(&self, call: &Call, profile: &Profile) -> Result<Vec<ProfileProblem>, PluginFault> {
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin_storage(call, ends, KeyUse::None).await?;
            let Instance { store, exports } = &mut lease.instance;
            let storing = exports.storing.as_ref().ok_or(PluginFault::NotExported("storage"))?;
            let checked = storing.weir_plugin_storage().call_check_profile(store, profile).await;
            let problems = checked.map(|checked| Ok(checked.err().unwrap_or_default()));
            self.end(lease, problems, |problems| answer::problems(problems))
        };
        self.counted(ends, asking, PluginFault::is_failure_of_storage).await
    }

    /// What a client may have for the place that is wanted, inside the bounds.
    pub async fn vend(
        &self,
        call: &Call,
        want: &Want,
        lent: Option<Lent>,
        bounds: &Bounds,
    ) -> Result<Grant, PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let (secret, for_use) = parts(lent);
            let mut lease = self.begin_storage(call, ends, for_use).await?;
            let Instance { store, exports } = &mut lease.instance;
            let storing = exports.storing.as_ref().ok_or(PluginFault::NotExported("storage"))?;
            let key = secret.map(|secret| lend(store.data_mut(), secret)).transpose()?;
            let borrowed = key.as_ref().map(|key| Resource::new_borrow(key.rep()));
            let answer = storing.weir_plugin_storage().call_vend(&mut *store, call, want, borrowed).await;
            let loan = take_back(store.data_mut(), key);
            let answer = answer.map_err(|error| trap::fault(&error, self.limits(), self.limits().deadline_ms))?;
            if loan.has_seen_keys() {
                // A guest that has seen keys speaks by its answer alone, then it is forgotten with all its memory.
                drop(lease);
                let grant = answer.map_err(|_| PluginFault::Unavailable("it gave up after it had got keys".into()))?;
                return bounds.grant(grant, want, &loan);
            }
            lease.give_back();
            bounds.grant(answer.map_err(PluginFault::of_guest)?, want, &loan)
        };
        self.counted(ends, asking, PluginFault::is_failure_of_storage).await
    }

    /// The headers that a client adds to its request, which are those that the host computed.
    pub async fn sign(
        &self,
        call: &Call,
        want: &Want,
        (request, touched): (&SignRequest, &Touched),
        secret: Secret,
    ) -> Result<Vec<(String, String)>, PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let for_use = KeyUse::Request(SignedRequest::of(request, touched));
            let mut lease = self.begin_storage(call, ends, for_use).await?;
            let Instance { store, exports } = &mut lease.instance;
            let storing = exports.storing.as_ref().ok_or(PluginFault::NotExported("storage"))?;
            let key = lend(store.data_mut(), secret)?;
            let borrowed = Resource::new_borrow(key.rep());
            let guest = storing.weir_plugin_storage();
            let answer = guest.call_sign(&mut *store, call, want, request, touched, borrowed).await;
            let loan = take_back(store.data_mut(), Some(key));
            self.end(lease, answer, |signed| answer::check_signed(&signed.headers, &loan))?;
            Ok(loan.signature().unwrap_or_default().to_vec())
        };
        self.counted(ends, asking, PluginFault::is_failure_of_storage).await
    }

    async fn begin_storage(&self, call: &Call, ends: Instant, for_use: KeyUse) -> Result<Lease, PluginFault> {
        let mut lease = self.begin(call, ends).await?;
        lease.instance.store.data_mut().invocation.loan = Some(Loan::new(for_use));
        Ok(lease)
    }
}

fn parts(lent: Option<Lent>) -> (Option<Secret>, KeyUse) {
    match lent {
        Some(Lent { secret, for_use }) => (Some(secret), for_use),
        None => (None, KeyUse::None),
    }
}

fn lend(state: &mut State, secret: Secret) -> Result<Resource<SecretHandle>, PluginFault> {
    let full = |error| PluginFault::Unavailable(format!("the key cannot be lent: {error}"));
    state.table.push(SecretHandle::lent(secret)).map_err(full)
}

/// The call is over: the key goes, with it what the host remembers of its use.
fn take_back(state: &mut State, key: Option<Resource<SecretHandle>>) -> Loan {
    if let Some(key) = key
        && let Err(error) = state.table.delete(key)
    {
        // The guest cannot drop what it only borrowed; the instance is lost where it managed to.
        tracing::error!(%error, "a lent key was gone before its call ended");
    }
    state.invocation.loan.take().unwrap_or_else(|| Loan::new(KeyUse::None))
}
