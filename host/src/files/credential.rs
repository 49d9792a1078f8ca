//! The key to a storage, as the management API says it.

use std::fmt;

use serde_json::{Value, json};

use super::fields::Fields;
use super::profile::{Problem, StorageProfile};

/// A text that shows itself only by [`Sensitive::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive(String);

impl Sensitive {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What the host reaches a storage with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageCredential {
    S3(S3Credential),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum S3Credential {
    AccessKey(AccessKey),
    /// Whatever the machine that this server runs on is known as: environment, web identity, instance profile.
    AwsSystemIdentity {
        external_id: Option<String>,
    },
    /// Cloudflare's R2, which has an API of its own for short-lived keys; the key itself is one of S3.
    CloudflareR2 {
        key: AccessKey,
        account_id: String,
        token: Sensitive,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    pub access_key_id: String,
    pub secret_access_key: Sensitive,
    /// Told to AssumeRole, where a role asks for it.
    pub external_id: Option<String>,
}

/// A key that somebody else made: for one place and some time, or as what this machine is known by.
#[derive(Clone, Debug)]
pub struct SessionKey {
    pub access_key_id: String,
    pub secret_access_key: Sensitive,
    /// Absent where the key stands for itself, as one of the environment may.
    pub session_token: Option<Sensitive>,
    /// Milliseconds since the epoch; `None` where nobody says that it ends.
    pub ends_at_ms: Option<i64>,
}

const EXPECTED: &str = "expected an object such as {\"type\": \"s3\", \"credential-type\": \"access-key\", \
                        \"access-key-id\": \"…\", \"secret-access-key\": \"…\"}";

impl StorageCredential {
    /// Every problem at once; no problem repeats a value.
    pub fn parse(credential: &Value) -> Result<Self, Vec<Problem>> {
        let Value::Object(members) = credential else { return Err(vec![Problem::at("", EXPECTED)]) };
        let mut fields = Fields::of(members);
        match fields.required_text("type", "s3") {
            Some("s3") => S3Credential::parse(fields).map(Self::S3),
            Some(_) => Err(vec![Problem::at("/type", "not offered, expected `s3`")]),
            None => Err(fields.problems),
        }
    }

    /// The text that is sealed; [`StorageCredential::parse`] reads it again.
    pub fn to_sealable(&self) -> String {
        let Self::S3(credential) = self;
        let mut members = match credential {
            S3Credential::AccessKey(key) => key.members(),
            S3Credential::AwsSystemIdentity { external_id } => json!({ "external-id": external_id }),
            S3Credential::CloudflareR2 { key, account_id, token } => {
                let mut members = key.members();
                members["account-id"] = json!(account_id);
                members["token"] = json!(token.expose());
                members
            }
        };
        members["type"] = json!("s3");
        members["credential-type"] = json!(self.kind());
        members.to_string()
    }

    /// The name that clients know the kind by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::S3(S3Credential::AccessKey(_)) => "access-key",
            Self::S3(S3Credential::AwsSystemIdentity { .. }) => "aws-system-identity",
            Self::S3(S3Credential::CloudflareR2 { .. }) => "cloudflare-r2",
        }
    }

    /// The key itself; `None` for an identity that this machine has.
    pub fn access_key(&self) -> Option<&AccessKey> {
        match self {
            Self::S3(S3Credential::AccessKey(key) | S3Credential::CloudflareR2 { key, .. }) => Some(key),
            Self::S3(S3Credential::AwsSystemIdentity { .. }) => None,
        }
    }

    /// What a role wants to hear before it is assumed.
    pub fn external_id(&self) -> Option<&str> {
        match self {
            Self::S3(S3Credential::AwsSystemIdentity { external_id }) => external_id.as_deref(),
            Self::S3(S3Credential::AccessKey(key) | S3Credential::CloudflareR2 { key, .. }) => {
                key.external_id.as_deref()
            }
        }
    }

    /// What is wrong with this credential for this storage.
    pub fn problem_with(&self, profile: &StorageProfile) -> Option<Problem> {
        match (self, profile) {
            (Self::S3(_), StorageProfile::Local { .. }) => {
                Some(Problem::at("", "a local storage has no credential: leave `storage-credential` out"))
            }
            (Self::S3(S3Credential::CloudflareR2 { .. }), StorageProfile::S3(s3)) if s3.sts_enabled => {
                Some(Problem::at(
                    "/credential-type",
                    "R2 has no STS and its own API for short-lived keys is not asked: set `sts-enabled` to false, so that \
                 clients' requests are signed",
                ))
            }
            (Self::S3(_), StorageProfile::S3(_)) => None,
        }
    }
}

impl S3Credential {
    fn parse(mut fields: Fields<'_>) -> Result<Self, Vec<Problem>> {
        match fields.required_text("credential-type", "access-key") {
            Some("access-key") => {
                let key = AccessKey::read(&mut fields);
                fields.finish("an access key", || key.map(Self::AccessKey))
            }
            Some("aws-system-identity") => {
                let external_id = external_id(&mut fields);
                fields.finish("a system identity", || Some(Self::AwsSystemIdentity { external_id }))
            }
            Some("cloudflare-r2") => {
                let key = AccessKey::read(&mut fields);
                let account_id = fields.required_text("account-id", "023e105f4ecef8ad9ca31a8372d0c353");
                let token = fields.required_text("token", "…").map(Sensitive::new);
                fields.finish("an R2 credential", || {
                    Some(Self::CloudflareR2 { key: key?, account_id: account_id?.to_owned(), token: token? })
                })
            }
            Some(_) => {
                let expected = "not offered, expected `access-key`, `aws-system-identity` or `cloudflare-r2`";
                fields.problem("credential-type", expected);
                Err(fields.problems)
            }
            None => Err(fields.problems),
        }
    }
}

impl AccessKey {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required_text("access-key-id", "AKIAIOSFODNN7EXAMPLE");
        let id = id.filter(|id| {
            // It stands in a header and in a URL, where a slash would end it.
            let legal = id.len() <= 256 && id.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,".contains(&byte));
            if !legal {
                fields.problem("access-key-id", "expected printable characters without slash or comma");
            }
            legal
        });
        let secret = fields.required_text("secret-access-key", "…");
        let external_id = external_id(fields);
        Some(Self { access_key_id: id?.to_owned(), secret_access_key: Sensitive::new(secret?), external_id })
    }

    fn members(&self) -> Value {
        json!({
            "access-key-id": self.access_key_id,
            "secret-access-key": self.secret_access_key.expose(),
            "external-id": self.external_id,
        })
    }
}

fn external_id(fields: &mut Fields<'_>) -> Option<String> {
    fields.text("external-id", "a text that the role asks for").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Value {
        json!({"type": "s3", "credential-type": "access-key", "access-key-id": "AK", "secret-access-key": "canary"})
    }

    #[test]
    fn what_is_sealed_reads_as_the_same_credential() {
        let r2 = json!({"type": "s3", "credential-type": "cloudflare-r2", "access-key-id": "AK",
                        "secret-access-key": "canary", "account-id": "a1", "token": "canary"});
        let identity = json!({"type": "s3", "credential-type": "aws-system-identity", "external-id": "x"});
        for sent in [key(), r2, identity] {
            let credential = StorageCredential::parse(&sent).unwrap();
            let sealed = serde_json::from_str(&credential.to_sealable()).unwrap();
            assert_eq!(StorageCredential::parse(&sealed).unwrap(), credential);
        }
    }

    #[test]
    fn s8_neither_debug_nor_a_problem_shows_a_secret() {
        let shown = format!("{:?}", StorageCredential::parse(&key()).unwrap());
        assert!(!shown.contains("canary"), "{shown}");

        let mut wrong = key();
        wrong["access-key-id"] = json!("canary/canary");
        wrong["credential-kind"] = json!("canary");
        let problems = StorageCredential::parse(&wrong).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(!told.concat().contains("canary"), "{told:?}");
    }

    #[test]
    fn every_problem_has_a_pointer() {
        for (sent, pointer) in [
            (json!([]), ""),
            (json!({"credential-type": "access-key"}), "/type"),
            (json!({"type": "gcs"}), "/type"),
            (json!({"type": "s3"}), "/credential-type"),
            (json!({"type": "s3", "credential-type": "aliyun-oss"}), "/credential-type"),
            (json!({"type": "s3", "credential-type": "access-key", "access-key-id": "AK"}), "/secret-access-key"),
        ] {
            let problems = StorageCredential::parse(&sent).unwrap_err();
            assert_eq!(problems[0].pointer, pointer, "{sent}");
        }
    }
}
