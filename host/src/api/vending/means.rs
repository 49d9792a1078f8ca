//! What a storage plugin is asked, what it is lent.

use std::sync::Arc;

use serde_json::{Value, json};

use super::place::{TablePlace, client_config};
use crate::api::authorize::Object;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::location::Location;
use crate::catalog::scope::Verbs;
use crate::error::Error;
use crate::files::{S3Profile, StorageCredential};
use crate::plugin::storage::{Access, Audience, Bounds, Exchange, Grant, KeyUse, Lent, Profile, Want};
use crate::plugin::{Guest, Object as Described, PluginFault};

/// A place in a storage, what is to be done there.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) profile: &'a S3Profile,
    pub(super) credential: Option<&'a StorageCredential>,
    pub(super) location: &'a Location,
    pub(super) verbs: Verbs,
}

/// A place, the plugin that serves its storage, the question to it.
pub struct Means<'a> {
    asked: Asked<'a>,
    pub guest: Arc<Guest>,
    pub want: Want,
}

/// Keys live no longer, whatever a profile says.
const TTL_SECONDS_MAX: u32 = 43_200;

impl App {
    /// The question about a table's files; 503 where no plugin serves the storage.
    pub async fn means<'a>(&self, caller: &Caller, place: &'a TablePlace, with_keys: bool) -> Result<Means<'a>, Error> {
        let object = self.object_for_plugins(&Object::Tabular(&place.table)).await?;
        self.means_of(caller, place, object, with_keys).await
    }

    /// The same about a table that is in no ledger.
    pub(super) async fn means_of<'a>(
        &self,
        caller: &Caller,
        place: &'a TablePlace,
        object: Described,
        with_keys: bool,
    ) -> Result<Means<'a>, Error> {
        let asked = Asked {
            profile: &place.profile,
            credential: place.storage.credential.as_ref(),
            location: &place.table.location,
            verbs: place.verbs,
        };
        let scope_document = if with_keys { place.scope_document()? } else { None };
        self.asks(caller, asked, (Audience::Client, scope_document), object).await
    }

    /// The question about a place of a table, or of a warehouse as a whole.
    pub(super) async fn asks<'a>(
        &self,
        caller: &Caller,
        asked: Asked<'a>,
        (audience, scope_document): (Audience, Option<String>),
        object: Described,
    ) -> Result<Means<'a>, Error> {
        let own_id = if object.kind == "warehouse" { object.id.clone() } else { String::new() };
        let warehouse = object.warehouse.as_ref().map_or(own_id, |warehouse| warehouse.id.clone());
        let guest = self.storage_plugin(caller, (&object.project.id, &warehouse), "s3").await?;
        let want = Want {
            profile: Profile {
                kind: "s3".to_owned(),
                settings_json: settings(&asked)?.to_string(),
                location: asked.profile.root().as_str().to_owned(),
            },
            table: object,
            location: asked.location.as_str().to_owned(),
            access: match asked.verbs {
                Verbs::Read => Access::Read,
                Verbs::ReadWrite => Access::ReadWrite,
            },
            audience,
            ttl_seconds_max: asked.profile.sts_token_validity_seconds.min(TTL_SECONDS_MAX),
            scope_document,
        };
        Ok(Means { asked, guest, want })
    }
}

impl App {
    /// 400 with everything that the plugin which would serve a storage finds wrong with its profile. Where none would, nobody
    /// knows better than the host.
    pub(in crate::api) async fn check_profile(
        &self,
        profile: &S3Profile,
        credential: Option<&StorageCredential>,
        warehouse: &Described,
    ) -> Result<(), Error> {
        let asked = Asked { profile, credential, location: profile.root(), verbs: Verbs::Read };
        let caller = Caller::anonymous();
        let Means { guest, want, .. } = match self.asks(&caller, asked, (Audience::Host, None), warehouse.clone()).await
        {
            Err(Error::Unsupported(_)) => return Ok(()),
            means => means?,
        };
        let problems = guest.check_profile(&self.plugin_call(&caller), &want.profile).await;
        let problems = problems.map_err(|fault| unable(&guest, fault))?;
        if problems.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = problems.iter().map(|each| format!("{} {}", each.pointer, each.message)).collect();
        Err(Error::BadRequest(format!("storage profile, says the plugin `{}`: {}", guest.name(), told.join("; "))))
    }
}

impl Means<'_> {
    /// Asks the plugin; keys leave it only inside the bounds.
    pub async fn vend(&self, app: &App, caller: &Caller) -> Result<Grant, Error> {
        self.ask(app, caller).await?.map_err(|fault| unable(&self.guest, fault))
    }

    /// The same, with the fault of a plugin that gives no answer.
    pub(super) async fn ask(&self, app: &App, caller: &Caller) -> Result<Result<Grant, PluginFault>, Error> {
        let bounds = Bounds {
            location: self.asked.location.clone(),
            now_ms: u64::try_from(app.clock.now_ms()).unwrap_or_default(),
            fixed: client_config(self.asked.profile),
        };
        let lent = self.lent(app).await?;
        Ok(self.guest.vend(&app.plugin_call(caller), &self.want, lent, &bounds).await)
    }

    /// The storage's key, for the exchange under the scope, or for nothing where there is no scope.
    async fn lent(&self, app: &App) -> Result<Option<Lent>, Error> {
        let Asked { profile, credential, .. } = self.asked;
        let Some(credential) = credential else { return Ok(None) };
        let secret = app.credential_key(profile, credential).await?;
        let for_use = match &self.want.scope_document {
            None => KeyUse::None,
            Some(policy) => KeyUse::Exchange(Exchange {
                origin: profile.sts_endpoint_url(),
                // The operator's list names it, or it is Amazon's own.
                allow_private: profile.sts_endpoint.is_some() || profile.endpoint.is_some(),
                region: profile.region.clone(),
                role_arn: match self.want.audience {
                    Audience::Client => profile.clients_role_arn().map(str::to_owned),
                    Audience::Host => profile.assume_role_arn.clone(),
                },
                external_id: credential.external_id().map(str::to_owned),
                policy: policy.clone(),
                seconds_max: self.want.ttl_seconds_max,
            }),
        };
        Ok(Some(Lent { secret, for_use }))
    }
}

/// The profile as the plugin reads it, with what of the credential is no secret.
fn settings(asked: &Asked<'_>) -> Result<Value, Error> {
    let mut settings = serde_json::to_value(asked.profile).map_err(Error::internal)?;
    let external_id = asked.credential.and_then(StorageCredential::external_id);
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
