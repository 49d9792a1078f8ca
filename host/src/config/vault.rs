//! `[secrets.vault]`: a store of secrets that speaks Vault's KV version 2.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, Secret};

/// A store of secrets that speaks Vault's KV version 2 (Vault, OpenBao): with it, the keys of storages lie there instead
/// of in the database.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vault {
    /// Its address.
    #[schemars(example = &"https://vault.internal:8200")]
    pub url: String,
    /// The mount of the KV engine, version 2.
    pub mount: String,
    /// What the paths of this server's secrets begin with; the id of the warehouse follows.
    pub path_prefix: String,
    /// The namespace, for a Vault that has them.
    #[schemars(example = &"teams/lake")]
    pub namespace: Option<String>,
    /// Certificates of authorities, in PEM, that are trusted beside those of the system.
    #[schemars(with = "Option<String>", example = &"/etc/weir/vault-ca.pem")]
    pub ca_file: Option<PathBuf>,
    /// How this server logs in.
    pub login: VaultLogin,
    /// The mount of the login method, where it is not the name of the method.
    #[schemars(example = &"kubernetes-prod")]
    pub login_mount: Option<String>,
    /// For `token`. Secret.
    pub token: Option<Secret>,
    /// For `userpass`.
    #[schemars(example = &"weir")]
    pub username: Option<String>,
    /// For `userpass`. Secret.
    pub password: Option<Secret>,
    /// For `approle`.
    #[schemars(example = &"4d1b6f5c-0b6a-4f0e-9a2e-1c8e5f0f7a11")]
    pub role_id: Option<String>,
    /// For `approle`. Secret.
    pub secret_id: Option<Secret>,
    /// For `kubernetes`.
    #[schemars(example = &"weir")]
    pub role: Option<String>,
    /// For `kubernetes`: the file with the token of the service account, read again for each login.
    #[schemars(with = "String")]
    pub service_account_file: PathBuf,
}

/// How this server logs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum VaultLogin {
    #[default]
    Token,
    Userpass,
    Approle,
    Kubernetes,
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            url: String::new(),
            mount: "secret".into(),
            path_prefix: "weir".into(),
            namespace: None,
            ca_file: None,
            login: VaultLogin::Token,
            login_mount: None,
            token: None,
            username: None,
            password: None,
            role_id: None,
            secret_id: None,
            role: None,
            service_account_file: "/var/run/secrets/kubernetes.io/serviceaccount/token".into(),
        }
    }
}

impl Vault {
    /// The mount of the login method.
    pub fn login_mount(&self) -> &str {
        let usual = match self.login {
            VaultLogin::Token => "token",
            VaultLogin::Userpass => "userpass",
            VaultLogin::Approle => "approle",
            VaultLogin::Kubernetes => "kubernetes",
        };
        self.login_mount.as_deref().unwrap_or(usual)
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let is_url = url::Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_url {
            problems.push(Problem::at("secrets.vault.url", &self.url, "a URL such as `https://vault.internal:8200`"));
        }
        let wanted: &[(&str, bool)] = match self.login {
            VaultLogin::Token => &[("token", self.token.is_some())],
            VaultLogin::Userpass => &[("username", self.username.is_some()), ("password", self.password.is_some())],
            VaultLogin::Approle => &[("role_id", self.role_id.is_some()), ("secret_id", self.secret_id.is_some())],
            VaultLogin::Kubernetes => &[("role", self.role.is_some())],
        };
        for (name, _) in wanted.iter().filter(|(_, is_there)| !is_there) {
            let expected = format!("a value, which `login = \"{}\"` needs", self.login_mount());
            problems.push(Problem::at(&format!("secrets.vault.{name}"), "nothing", expected));
        }
        let of_header = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if self.token.as_ref().is_some_and(|token| !of_header(token.expose())) {
            problems.push(Problem::at("secrets.vault.token", "characters that no header carries", "the token alone"));
        }
        if let Some(namespace) = self.namespace.as_ref().filter(|text| text.is_empty() || !of_header(text)) {
            problems.push(Problem::at("secrets.vault.namespace", namespace, "a name such as `teams/lake`"));
        }
        for (name, text) in [("mount", &self.mount), ("path_prefix", &self.path_prefix)] {
            let legal = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
            if text.trim_matches('/').is_empty() || !text.chars().all(legal) {
                let expected = "letters, digits, hyphens, underscores, slashes";
                problems.push(Problem::at(&format!("secrets.vault.{name}"), text, expected));
            }
        }
        problems
    }
}
