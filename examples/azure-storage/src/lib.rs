//! A storage of one's own: Azure, by a shared access signature for exactly the folder of a table.
//!
//! The plugin never sees the account's key. The host writes the beginning of the text that is signed (rights, times, folder) from
//! the table's location and the caller's right, and the key that it lends computes the MAC of no text that begins otherwise.

mod base64;
mod folder;

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{
    AccessGrant, Audience, Call, Credential, Fault, Headers, Key, Plugin, Problem, Profile, SignRequest, Storage,
    Touched, Want, plugin, problem,
};

pub use crate::folder::Folder;

/// <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>: the form of the text below.
const VERSION: &str = "2022-11-02";

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

/// The storage profile of a warehouse, as far as this plugin goes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Account {
    account_name: String,
}

pub struct Azure;

impl Plugin for Azure {
    type Settings = Settings;
    const SUMMARY: &'static str = "Access to tables in Azure: a shared access signature for exactly the table's folder";

    fn configure(_: Settings) -> Result<Self, Vec<Problem>> {
        Ok(Self)
    }
}

impl Storage for Azure {
    const KINDS: &'static [&'static str] = &["adls"];

    fn check_profile(&self, profile: &Profile) -> Vec<Problem> {
        let account = match weir_plugin::glue::parse::<Account>(&profile.settings_json) {
            Ok(account) => account,
            Err(problems) => return problems,
        };
        match Folder::parse(&profile.location) {
            Some(folder) if folder.account == account.account_name => Vec::new(),
            Some(_) => vec![problem("/account-name", "is another account than the warehouse's root names")],
            None => vec![problem("", "expected a root such as `abfss://lake@account.dfs.core.windows.net/path`")],
        }
    }

    /// Nothing where the host wrote no scope, or no key is there: a client gets no signature that reaches further.
    fn vend(&self, _: &Call, want: &Want, key: Option<Key<'_>>) -> Result<AccessGrant, Fault> {
        let mut grant = AccessGrant {
            config: Vec::new(),
            credentials: Vec::new(),
            use_stored_key: want.audience == Audience::Host,
            remote_signing: false,
        };
        if let (Some(key), Some(text)) = (key, &want.scope_document) {
            let folder = Folder::parse(&want.location).ok_or_else(|| {
                Fault::invalid("no_folder", format!("`{}` is no folder of an Azure account", want.location))
            })?;
            let scope = Scope::parse(text, &folder)?;
            let mac = key.mac(scope.message().as_bytes(), true)?;
            grant.credentials.push(Credential {
                prefix: want.location.clone(),
                config: vec![(format!("adls.sas-token.{}", folder.host()), scope.token(&mac))],
                expires_at_ms: Some(scope.ends_at_ms),
            });
            grant.use_stored_key = false;
        }
        Ok(grant)
    }

    fn sign(&self, _: &Call, _: &Want, _: (&SignRequest, &Touched), _: Key<'_>) -> Result<Headers, Fault> {
        Err(Fault::invalid("not_signed", "Azure's clients take signatures for folders, not for requests"))
    }
}

/// What the host allows: four lines with rights, begin, end, folder.
#[derive(Debug)]
pub struct Scope<'a> {
    text: &'a str,
    rights: &'a str,
    begins: &'a str,
    ends: &'a str,
    ends_at_ms: u64,
    depth: usize,
}

impl<'a> Scope<'a> {
    pub fn parse(text: &'a str, folder: &Folder<'_>) -> Result<Self, Fault> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [rights, begins, ends, place] = lines[..] else {
            return Err(Fault::internal("scope", "the scope does not have its four lines"));
        };
        if place != folder.canonical() {
            return Err(Fault::internal("scope", "the scope is about another folder than the one that is wanted"));
        }
        let ends_at_ms = folder::epoch_ms(ends);
        let ends_at_ms = ends_at_ms.ok_or_else(|| Fault::internal("scope", "the end is no time in UTC"))?;
        Ok(Self { text, rights, begins, ends, ends_at_ms, depth: folder.depth() })
    }

    /// The text that is signed. Behind the scope: no stored policy, any address, TLS only, version, a directory, no snapshot, no
    /// encryption scope, none of the five headers of the answer.
    pub fn message(&self) -> String {
        format!("{}\n\n\nhttps\n{VERSION}\nd\n\n\n\n\n\n\n", self.text)
    }

    pub fn token(&self, mac: &[u8]) -> String {
        let Self { rights, begins, ends, depth, .. } = self;
        let [begins, ends] = [begins, ends].map(|time| time.replace(':', "%3A"));
        let signature = base64::encoded(mac).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!("sv={VERSION}&spr=https&st={begins}&se={ends}&sr=d&sdd={depth}&sp={rights}&sig={signature}")
    }
}

plugin!(Azure: storage);

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: &str = "rl\n2026-01-31T12:00:00Z\n2026-01-31T13:00:00Z\n/blob/acc/lake/wh/t1";
    const PLACE: &str = "abfss://lake@acc.dfs.core.windows.net/wh/t1";

    #[test]
    fn the_text_has_sixteen_fields_the_token_says_the_same() {
        let folder = Folder::parse(PLACE).unwrap();
        let scope = Scope::parse(SCOPE, &folder).unwrap();

        let message = scope.message();
        assert_eq!(message.split('\n').count(), 16);
        assert!(message.starts_with(&format!("{SCOPE}\n")));

        let token = scope.token(&[0xfb, 0xff, 0xfe]);
        assert_eq!(
            token,
            "sv=2022-11-02&spr=https&st=2026-01-31T12%3A00%3A00Z&se=2026-01-31T13%3A00%3A00Z&sr=d&sdd=2&sp=rl&sig=%2B%2F%2F%2B"
        );
        assert_eq!(scope.ends_at_ms, 1_769_864_400_000);
    }

    #[test]
    fn a_scope_for_another_folder_is_refused() {
        for place in ["wh/t10", "wh", "wh/t1/x"] {
            let location = format!("abfss://lake@acc.dfs.core.windows.net/{place}");
            assert!(Scope::parse(SCOPE, &Folder::parse(&location).unwrap()).is_err(), "{place}");
        }
    }

    #[test]
    fn without_a_scope_there_is_no_signature() {
        let settings = r#"{"account-name": "other"}"#;
        let profile = Profile { kind: "adls".into(), settings_json: settings.into(), location: PLACE.into() };
        assert_eq!(Azure.check_profile(&profile)[0].pointer, "/account-name");
    }
}
