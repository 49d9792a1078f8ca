//! S3 as a plugin: how a client gets at a table's files, without ever holding the storage's own key.
#![doc = include_str!("../README.md")]

mod profile;
mod session;
mod time;

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{
    Access, AccessGrant, Audience, Call, Fault, Headers, Key, Plugin, Problem, Profile, SignRequest, Storage, Touched,
    Want, problem,
};

pub use crate::profile::S3Profile;
pub use crate::session::{Session, form, keys};
pub use crate::time::epoch_ms;

/// What the operator says of the plugin itself; all about a storage is in the warehouse's profile.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// What names of sessions begin with; the caller's name follows.
    pub session_prefix: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { session_prefix: "weir".to_string() }
    }
}

pub struct S3 {
    session_prefix: String,
}

impl Plugin for S3 {
    type Settings = Settings;
    const SUMMARY: &'static str =
        "Access to tables in S3: short-lived keys by AssumeRole, signatures for single requests";

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let Settings { session_prefix } = settings;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@-".contains(&byte);
        if session_prefix.is_empty() || session_prefix.len() > 20 || !session_prefix.bytes().all(legal) {
            return Err(vec![problem(
                "/session-prefix",
                "expected 1 to 20 letters, digits or `+=,.@-`, such as `weir`",
            )]);
        }
        Ok(Self { session_prefix })
    }
}

impl Storage for S3 {
    const KINDS: &'static [&'static str] = &["s3"];

    fn check_profile(&self, profile: &Profile) -> Vec<Problem> {
        match S3Profile::parse(&profile.settings_json) {
            Ok(profile) => profile.problems(),
            Err(problems) => problems,
        }
    }

    fn vend(&self, call: &Call, want: &Want, key: Option<Key<'_>>) -> Result<AccessGrant, Fault> {
        let profile = read(want)?;
        let mut grant = AccessGrant {
            config: profile.client_config(),
            credentials: Vec::new(),
            use_stored_key: false,
            remote_signing: profile.remote_signing_enabled && key.is_some() && want.audience == Audience::Client,
        };
        match (key, &want.scope_document) {
            (Some(key), Some(policy)) if profile.makes_keys(want.audience) => {
                let session = Session { profile: &profile, call, want, policy, prefix: &self.session_prefix };
                grant.credentials.push(session.assume(key)?);
            }
            // Without a role the host reads metadata with the storage's own key; a client never gets it.
            _ => grant.use_stored_key = want.audience == Audience::Host,
        }
        Ok(grant)
    }

    fn sign(&self, _: &Call, want: &Want, request: (&SignRequest, &Touched), key: Key<'_>) -> Result<Headers, Fault> {
        let profile = read(want)?;
        let (request, found) = request;
        if !profile.remote_signing_enabled {
            return Err(Fault::invalid("signing_off", "the warehouse's profile says `remote-signing-enabled: false`"));
        }
        if found.write && want.access != Access::ReadWrite {
            return Err(Fault::invalid("read_only", format!("{} needs the right to write", found.operation)));
        }
        key.sign_request(request, found)
    }
}

/// The host has checked the profile already; whatever is wrong now is told in one line.
fn read(want: &Want) -> Result<S3Profile, Fault> {
    S3Profile::parse(&want.profile.settings_json).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(|each| format!("{}: {}", each.pointer, each.message)).collect();
        Fault::invalid("bad_profile", told.join("; "))
    })
}

weir_plugin::plugin!(S3: storage);
