//! Where a warehouse keeps its files, as requests name it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::storage_access::{Own, StorageAccess};
use crate::api::vending::{Reached, Trial, Unreached};
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::files::{FileError, Problem, StorageCredential, StorageProfile};
use crate::plugin::{Object, Parent};

/// The storage of a warehouse.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = StorageProfile)]
#[expect(dead_code, reason = "it describes what requests and answers hold, for the OpenAPI document")]
pub enum StorageProfileBody {
    Local(LocalStorageProfile),
    S3(Box<S3StorageProfile>),
}

/// A directory of the machine, or of a volume that every replica mounts at the same path.
#[derive(Serialize, ToSchema)]
#[schema(as = LocalProfile)]
pub struct LocalStorageProfile {
    #[serde(rename = "type")]
    #[schema(example = "local")]
    pub kind: String,
    /// An absolute `file://` URI inside one of the roots that the operator allows.
    #[schema(example = "file:///srv/lake")]
    pub root: String,
}

/// A bucket of S3, or a part of one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = S3Profile)]
pub struct S3StorageProfile {
    #[serde(rename = "type")]
    #[schema(example = "s3")]
    pub kind: String,
    #[schema(example = "lake")]
    pub bucket: String,
    /// The part of the bucket that belongs to the warehouse; all of it when left out.
    pub key_prefix: Option<String>,
    #[schema(example = "eu-central-1")]
    pub region: String,
    /// An origin without a path, which the operator has to allow; Amazon's own of the region when left out.
    #[schema(example = "https://minio.example:9000")]
    pub endpoint: Option<String>,
    /// `aws` (when left out) or `s3-compat`.
    pub flavor: Option<String>,
    /// Whether the bucket stands in the path of URLs; when left out, only for `s3-compat`.
    pub path_style_access: Option<bool>,
    /// Whether clients may get short-lived keys of their own.
    pub sts_enabled: Option<bool>,
    /// Where short-lived keys come from; the endpoint when left out.
    pub sts_endpoint: Option<String>,
    /// The role that this server itself reads and writes by; the credential then has to assume it, and no more.
    pub assume_role_arn: Option<String>,
    /// The role that clients' keys belong to, `assume-role-arn` when left out; AWS needs one of them with `sts-enabled`.
    pub sts_role_arn: Option<String>,
    pub sts_session_tags: Option<BTreeMap<String, String>>,
    /// From 900 to 43200; 3600 when left out.
    pub sts_token_validity_seconds: Option<u32>,
    /// The key that the bucket is encrypted with, which clients' keys may then use.
    pub aws_kms_key_arn: Option<String>,
    /// Whether clients may have their requests signed; true when left out.
    pub remote_signing_enabled: Option<bool>,
    /// Whether clients are told not to delete files, where dropped tables can be brought back; true when left out.
    pub push_s3_delete_disabled: Option<bool>,
}

/// The key to a storage; no answer ever shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = StorageCredential)]
pub struct StorageCredentialBody {
    #[serde(rename = "type")]
    #[schema(example = "s3")]
    pub kind: String,
    /// `access-key`, `aws-system-identity` (where the operator allows it) or `cloudflare-r2`.
    #[schema(example = "access-key")]
    pub credential_type: String,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<String>,
    /// What a role wants to hear before it is assumed.
    pub external_id: Option<String>,
    /// Cloudflare only.
    pub account_id: Option<String>,
    /// Cloudflare only.
    pub token: Option<String>,
}

/// Which kind of key a warehouse has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StorageCredentialType {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub credential_type: String,
}

/// A credential as it was sent, before it is read; `Debug` does not show it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct SentCredential(Value);

impl fmt::Debug for SentCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A storage as a request describes it.
#[derive(Debug)]
pub struct Described {
    pub profile: StorageProfile,
    pub credential: Option<StorageCredential>,
}

impl Described {
    /// 400 tells every problem at once.
    pub fn parse(profile: &Value, credential: Option<&SentCredential>) -> Result<Self> {
        let profile = StorageProfile::parse(profile).map_err(|problems| told("storage profile", &problems));
        let credential = parse_credential(credential);
        match (profile, credential) {
            (Ok(profile), Ok(credential)) => Self { profile, credential }.fitting(),
            (Err(profile), Err(credential)) => Err(Error::BadRequest(format!("{profile}; {credential}"))),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    /// 400 where the one does not go with the other.
    pub fn fitting(self) -> Result<Self> {
        let needs_key = matches!(self.profile, StorageProfile::S3(_));
        match &self.credential {
            None if needs_key => Err(Error::bad_request(
                "storage credential: an s3 storage needs one: send `storage-credential`, e.g. {\"type\": \"s3\", \
                 \"credential-type\": \"access-key\", \"access-key-id\": \"…\", \"secret-access-key\": \"…\"}; one that \
                 was sent before is not used again",
            )),
            Some(credential) => match credential.problem_with(&self.profile) {
                Some(problem) => Err(told("storage credential", &[problem])),
                None => Ok(self),
            },
            None => Ok(self),
        }
    }

    /// What a warehouse row keeps of the profile.
    pub fn profile_text(&self) -> Result<String> {
        serde_json::to_string(&self.profile).map_err(Error::internal)
    }

    /// 400 where a warehouse could not work with it: outside of what the operator allows, or not usable.
    pub async fn refuse_unusable(&self, app: &App, warehouse: &Object) -> Result<()> {
        self.admit(app, warehouse).await?;
        self.probe(app, warehouse).await
    }

    /// Whether the operator allows it at all, and the plugin that would serve it finds nothing wrong.
    pub async fn admit(&self, app: &App, warehouse: &Object) -> Result<()> {
        app.files.admit(&self.profile, self.credential.as_ref()).await?;
        match &self.profile {
            StorageProfile::S3(profile) => app.check_profile(profile, self.credential.as_ref(), warehouse).await,
            StorageProfile::Local { .. } => Ok(()),
        }
    }

    /// Whether files can be written there, read, listed, deleted.
    pub async fn probe(&self, app: &App, warehouse: &Object) -> Result<()> {
        let reached = self.reached(app, warehouse).await?;
        reached.files.probe(self.profile.root()).await.map_err(chosen)
    }

    async fn reached(&self, app: &App, warehouse: &Object) -> Result<Reached> {
        let reached = app.reach(&self.profile, self.credential.as_ref(), warehouse).await;
        reached.map_err(|unreached| match unreached {
            Unreached::File(error) => chosen(error),
            Unreached::Role(why) => Error::BadRequest(why),
            Unreached::Other(error) => error,
        })
    }
}

impl Described {
    /// What clients get of an S3 storage that was admitted, for a try.
    pub async fn trial<'a>(
        &self,
        (app, caller): (&'a App, &'a Caller),
        (project, warehouse): (Parent, Parent),
    ) -> Result<Trial<'a>> {
        let StorageProfile::S3(profile) = &self.profile else {
            return Err(Error::bad_request("a local storage has nothing for clients to be given"));
        };
        let reached = self.reached(app, &described(&project, &warehouse)).await?;
        let access = StorageAccess {
            warehouse: warehouse.id.parse().map_err(Error::internal)?,
            version: 0,
            profile: self.profile.clone(),
            credential: self.credential.clone(),
            drops_softly: false,
            own: Own::Open(reached),
        };
        Trial::at(app, caller, (project, warehouse), (access, (**profile).clone()))
    }
}

/// A warehouse as plugins are told of it.
pub fn described(project: &Parent, warehouse: &Parent) -> Object {
    Object {
        kind: "warehouse".to_owned(),
        id: warehouse.id.clone(),
        project: project.clone(),
        warehouse: None,
        namespace: Vec::new(),
        name: warehouse.name.clone(),
        attributes: Vec::new(),
    }
}

/// What goes wrong with a storage that the caller has just chosen is the caller's to mend.
fn chosen(error: FileError) -> Error {
    match error {
        FileError::Refused { .. } => Error::BadRequest(error.to_string()),
        other => other.into(),
    }
}

pub fn parse_credential(sent: Option<&SentCredential>) -> Result<Option<StorageCredential>> {
    match sent {
        None | Some(SentCredential(Value::Null)) => Ok(None),
        Some(SentCredential(value)) => {
            StorageCredential::parse(value).map(Some).map_err(|problems| told("storage credential", &problems))
        }
    }
}

fn told(what: &str, problems: &[Problem]) -> Error {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Error::BadRequest(format!("{what}: {}", texts.join("; ")))
}
