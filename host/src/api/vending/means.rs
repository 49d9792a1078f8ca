//! What a storage plugin is asked, what it is lent.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kept::as_key;
use super::place::TablePlace;
use crate::api::authorize::Object;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::scope::Verbs;
use crate::error::Error;
use crate::plugin::storage::{Access, Audience, Bounds, Exchange, Grant, KeyUse, Lent, Profile, Want};
use crate::plugin::{Guest, Object as Described, PluginFault, Secret};

/// For whom keys are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Client,
    Host,
}

/// A place, the plugin that serves its storage, the question to it.
pub struct Means<'a> {
    pub place: &'a TablePlace,
    pub guest: Arc<Guest>,
    pub want: Want,
}

/// Keys live no longer, whatever a profile says.
const TTL_SECONDS_MAX: u32 = 43_200;

impl App {
    /// The question about a table's files; 503 where no plugin serves the storage.
    pub async fn means<'a>(
        &self,
        caller: &Caller,
        place: &'a TablePlace,
        asked: (Purpose, bool),
    ) -> Result<Means<'a>, Error> {
        let object = self.object_for_plugins(&Object::Tabular(&place.table)).await?;
        self.means_of(caller, place, object, asked).await
    }

    /// The same about a table that is in no ledger.
    pub(super) async fn means_of<'a>(
        &self,
        caller: &Caller,
        place: &'a TablePlace,
        object: Described,
        (purpose, with_keys): (Purpose, bool),
    ) -> Result<Means<'a>, Error> {
        let warehouse = object.warehouse.as_ref().map(|warehouse| warehouse.id.clone()).unwrap_or_default();
        let guest = self.storage_plugin(caller, (&object.project.id, &warehouse), "s3").await?;
        let want = Want {
            profile: Profile {
                kind: "s3".to_owned(),
                settings_json: settings(place)?.to_string(),
                location: place.profile.root().as_str().to_owned(),
            },
            table: object,
            location: place.table.location.as_str().to_owned(),
            access: match place.verbs {
                Verbs::Read => Access::Read,
                Verbs::ReadWrite => Access::ReadWrite,
            },
            audience: match purpose {
                Purpose::Client => Audience::Client,
                Purpose::Host => Audience::Host,
            },
            ttl_seconds_max: place.profile.sts_token_validity_seconds.min(TTL_SECONDS_MAX),
            scope_document: if with_keys { place.scope_document()? } else { None },
        };
        Ok(Means { place, guest, want })
    }
}

impl Means<'_> {
    /// Asks the plugin; keys leave it only inside the bounds.
    pub async fn vend(&self, app: &App, caller: &Caller) -> Result<Grant, Error> {
        let bounds = Bounds {
            location: self.place.table.location.clone(),
            now_ms: u64::try_from(app.clock.now_ms()).unwrap_or_default(),
            fixed: self.place.client_config(),
        };
        let lent = self.lent()?;
        let granted = self.guest.vend(&app.plugin_call(caller), &self.want, lent, &bounds).await;
        granted.map_err(|fault| unable(&self.guest, fault))
    }

    /// The storage's key, for the exchange under the scope, or for nothing where there is no scope.
    fn lent(&self) -> Result<Option<Lent>, Error> {
        let Some(secret) = self.secret()? else { return Ok(None) };
        let profile = &self.place.profile;
        let credential = self.place.storage.credential.as_ref();
        let for_use = match &self.want.scope_document {
            None => KeyUse::None,
            Some(policy) => KeyUse::Exchange(Exchange {
                origin: profile.sts_endpoint_url(),
                // The operator's list names it, or it is Amazon's own.
                allow_private: profile.sts_endpoint.is_some() || profile.endpoint.is_some(),
                region: profile.region.clone(),
                role_arn: profile.sts_role_arn.clone(),
                external_id: credential.and_then(|credential| credential.external_id()).map(str::to_owned),
                policy: policy.clone(),
                seconds_max: self.want.ttl_seconds_max,
            }),
        };
        Ok(Some(Lent { secret, for_use }))
    }

    pub fn secret(&self) -> Result<Option<Secret>, Error> {
        self.place.storage.credential.as_ref().map(as_key).transpose()
    }
}

/// The profile as the plugin reads it, with what of the credential is no secret.
fn settings(place: &TablePlace) -> Result<Value, Error> {
    let mut settings = serde_json::to_value(&place.profile).map_err(Error::internal)?;
    let external_id = place.storage.credential.as_ref().and_then(|credential| credential.external_id());
    settings["external-id"] = json!(external_id);
    Ok(settings)
}

/// A plugin that gives no answer gives no access. What can pass by itself is told as such.
pub fn unable(guest: &Guest, fault: PluginFault) -> Error {
    tracing::warn!(plugin.name = guest.name(), fault.code = fault.code(), %fault, "a storage plugin gave no access");
    let retry_after_s = u32::try_from(fault.retry_after().as_secs().max(1)).unwrap_or(60);
    match fault.code() {
        "credential_scope_violation" => Error::internal(anyhow::anyhow!("credential_scope_violation: {fault}")),
        code => Error::Unavailable {
            message: format!("access to the table's files could not be given ({code}): retry"),
            retry_after_s,
        },
    }
}
