//! A store of secrets in this process that speaks Vault's KV version 2, with its logins.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

#[derive(Default)]
struct Secret {
    /// By number, the first is 1; older ones are gone.
    versions: BTreeMap<usize, Value>,
    newest: usize,
}

#[derive(Default)]
struct Vault {
    /// By path inside the mount.
    secrets: BTreeMap<String, Secret>,
    tokens: BTreeSet<String>,
    is_sealed: bool,
    /// Requests for secrets are denied, whatever the token.
    denies: bool,
    logins: Vec<String>,
    renewals: usize,
    namespaces: BTreeSet<String>,
}

/// A running server with the mount `secret`; it stops when it is dropped.
pub struct VaultServer {
    port: u16,
    vault: Arc<Mutex<Vault>>,
    _stop: DropGuard,
}

/// What a mount keeps of each secret, unless it is told otherwise.
const VERSIONS_MAX: usize = 10;

/// How long a token lives that a login gave.
const LEASE_SECONDS: u64 = 3_600;

impl VaultServer {
    pub const ROOT_TOKEN: &str = "hvs.canary-root-token";
    pub const PASSWORD: &str = "canary password of weir";
    pub const SECRET_ID: &str = "canary-secret-id";
    pub const JWT: &str = "canary.service.account";

    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let vault = Arc::new(Mutex::new(Vault::default()));
        locked(&vault).tokens.insert(Self::ROOT_TOKEN.to_owned());
        let stop = CancellationToken::new();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&vault));
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router) => served.expect("the store of secrets serves"),
                () = stopped.cancelled() => {}
            }
        });
        Self { port, vault, _stop: stop.drop_guard() }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn seal(&self, is_sealed: bool) {
        locked(&self.vault).is_sealed = is_sealed;
    }

    pub fn deny(&self, denies: bool) {
        locked(&self.vault).denies = denies;
    }

    /// Every token that a login gave is worth nothing any more.
    pub fn revoke_tokens(&self) {
        locked(&self.vault).tokens.retain(|token| token == Self::ROOT_TOKEN);
    }

    /// The secrets by path, with how many versions there are of each.
    pub fn secrets(&self) -> BTreeMap<String, usize> {
        locked(&self.vault).secrets.iter().map(|(path, secret)| (path.clone(), secret.newest)).collect()
    }

    /// By which method somebody logged in, in their order.
    pub fn logins(&self) -> Vec<String> {
        locked(&self.vault).logins.clone()
    }

    pub fn renewals(&self) -> usize {
        locked(&self.vault).renewals
    }

    /// Which namespaces were named.
    pub fn namespaces(&self) -> BTreeSet<String> {
        locked(&self.vault).namespaces.clone()
    }
}

fn locked(vault: &Mutex<Vault>) -> MutexGuard<'_, Vault> {
    vault.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(vault): State<Arc<Mutex<Vault>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut vault = locked(&vault);
    if !header("x-vault-namespace").is_empty() {
        vault.namespaces.insert(header("x-vault-namespace").to_owned());
    }
    if vault.is_sealed {
        return errors(503, "Vault is sealed");
    }
    let path = parts.uri.path().trim_start_matches("/v1/");
    let query = parts.uri.query().unwrap_or_default();
    if let Some(login) = path.strip_prefix("auth/").filter(|rest| rest.contains("/login")) {
        return vault.login(login, &body);
    }
    let token = header("x-vault-token");
    if !vault.tokens.contains(token) {
        return errors(403, "permission denied");
    }
    match path {
        "auth/token/lookup-self" => token_answer(token),
        "auth/token/renew-self" => {
            vault.renewals += 1;
            auth_answer(token)
        }
        _ if vault.denies => errors(403, "permission denied"),
        _ => vault.kv(&parts.method, path, query, &body),
    }
}

impl Vault {
    fn login(&mut self, path: &str, body: &Value) -> Response {
        let is_right = match path {
            "userpass/login/weir" => body["password"] == VaultServer::PASSWORD,
            "approle/login" => body["role_id"] == "weir" && body["secret_id"] == VaultServer::SECRET_ID,
            "kubernetes/login" => body["role"] == "weir" && body["jwt"] == VaultServer::JWT,
            _ => false,
        };
        if !is_right {
            // As Vault answers: 403 for what a cluster does not confirm, else 400.
            let status = if path.starts_with("kubernetes") { 403 } else { 400 };
            return errors(status, "invalid credentials");
        }
        self.logins.push(path.split('/').next().unwrap_or_default().to_owned());
        let token = format!("hvs.canary-{}", Uuid::new_v4());
        self.tokens.insert(token.clone());
        auth_answer(&token)
    }

    fn kv(&mut self, method: &Method, path: &str, query: &str, body: &Value) -> Response {
        let data = path.strip_prefix("secret/data/");
        match (method.as_str(), data, path.strip_prefix("secret/metadata/")) {
            ("POST" | "PUT", Some(_), _) if !body["data"].is_object() => errors(400, "no data provided"),
            ("POST" | "PUT", Some(path), _) => {
                let secret = self.secrets.entry(path.to_owned()).or_default();
                secret.newest += 1;
                secret.versions.insert(secret.newest, body["data"].clone());
                let oldest = secret.newest.saturating_sub(VERSIONS_MAX);
                secret.versions.retain(|number, _| *number > oldest);
                data_answer(&version_facts(secret.newest))
            }
            ("GET", Some(path), _) => {
                let Some(secret) = self.secrets.get(path) else { return errors(404, "") };
                let asked = query.split('&').find_map(|pair| pair.strip_prefix("version=")?.parse().ok());
                let number = asked.filter(|number| *number != 0).unwrap_or(secret.newest);
                match secret.versions.get(&number) {
                    Some(found) => data_answer(&json!({"data": found, "metadata": version_facts(number)})),
                    None => errors(404, ""),
                }
            }
            ("DELETE", _, Some(path)) => {
                self.secrets.remove(path);
                StatusCode::NO_CONTENT.into_response()
            }
            _ => errors(404, "no handler for the route"),
        }
    }
}

fn version_facts(number: usize) -> Value {
    json!({
        "version": number, "created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false,
        "custom_metadata": null,
    })
}

fn errors(status: u16, message: &str) -> Response {
    let errors: Vec<&str> = Some(message).filter(|message| !message.is_empty()).into_iter().collect();
    (StatusCode::from_u16(status).expect("a status"), axum::Json(json!({ "errors": errors }))).into_response()
}

fn envelope(data: &Value, auth: &Value) -> Response {
    axum::Json(json!({
        "request_id": Uuid::new_v4(), "lease_id": "", "lease_duration": 0, "renewable": false,
        "data": data, "warnings": null, "wrap_info": null, "auth": auth,
    }))
    .into_response()
}

fn data_answer(data: &Value) -> Response {
    envelope(data, &Value::Null)
}

fn auth_answer(token: &str) -> Response {
    let auth = json!({
        "client_token": token, "accessor": "a", "policies": ["weir"], "token_policies": ["weir"], "metadata": {},
        "lease_duration": LEASE_SECONDS, "renewable": true, "entity_id": "", "token_type": "service", "orphan": true,
    });
    envelope(&Value::Null, &auth)
}

fn token_answer(token: &str) -> Response {
    data_answer(&json!({
        "accessor": "a", "creation_time": 1, "creation_ttl": 0, "display_name": "root", "entity_id": "",
        "expire_time": null, "explicit_max_ttl": 0, "id": token, "meta": null, "num_uses": 0, "orphan": true,
        "path": "auth/token/root", "policies": ["root"], "ttl": 0,
    }))
}
