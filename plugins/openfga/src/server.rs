//! The OpenFGA server: its store with the model, found or made; requests with their faults.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_plugin::Fault;
use weir_plugin::host::http::{Auth, HttpFault, Request, Response};
use weir_plugin::host::{cache, http, log, secrets};

use crate::model;
use crate::settings::{Consistency, Settings};

/// When it may be worth asking a server again that did not answer.
const RETRY_MS: u32 = 1_000;
/// How long instances share what they found out; a server that lost its store is noticed at once.
const TARGET_TTL_MS: u32 = 300_000;
const TARGET: &str = "target";
const WROTE: &str = "wrote";

/// Where questions go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub store: String,
    pub model: String,
}

pub struct Server {
    pub settings: Settings,
}

#[derive(Deserialize)]
struct Stores {
    #[serde(default)]
    stores: Vec<Store>,
    #[serde(default)]
    continuation_token: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Store {
    id: String,
    name: String,
    created_at: String,
}

#[derive(Deserialize)]
struct Models {
    #[serde(default)]
    authorization_models: Vec<Value>,
    #[serde(default)]
    continuation_token: String,
}

#[derive(Deserialize)]
struct Written {
    authorization_model_id: String,
}

/// What OpenFGA says when it refuses.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: String,
    message: String,
}

impl Server {
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Where the store is with the model: looked up once, shared by the instances of the plugin, forgotten by all at once.
    pub fn target(&self) -> Result<Target, Fault> {
        let known = cache::get(TARGET).and_then(|bytes| serde_json::from_slice::<Target>(&bytes).ok());
        if let Some(target) = known {
            return Ok(target);
        }
        let target = self.find_or_make()?;
        crate::self_test::run(self, &target)?;
        cache::put(TARGET, json!(target).to_string().as_bytes(), TARGET_TTL_MS);
        Ok(target)
    }

    fn forget_target(&self) {
        cache::put(TARGET, &[], 0);
    }

    fn find_or_make(&self) -> Result<Target, Fault> {
        let store = match self.oldest_store()? {
            Some(store) => store,
            None => {
                self.may_make("store")?;
                let _: Value = self.ask("POST", "/stores", &json!({ "name": self.settings.store }))?;
                // Another replica may have made one at the same moment: everybody takes the oldest.
                let made = self.oldest_store()?;
                made.ok_or_else(|| {
                    Fault::unavailable("openfga_store", "the store that was made is not there", RETRY_MS)
                })?
            }
        };
        let model = match self.model(&store.id)? {
            Some(model) => model,
            None => {
                self.may_make("authorization model")?;
                let document = model::document().map_err(|why| Fault::internal("bad_model", why))?;
                let written: Written =
                    self.ask("POST", &format!("/stores/{}/authorization-models", store.id), &document)?;
                log::info("the authorization model was written", &[("model", &written.authorization_model_id)]);
                written.authorization_model_id
            }
        };
        Ok(Target { store: store.id, model })
    }

    fn may_make(&self, what: &str) -> Result<(), Fault> {
        if self.settings.create {
            return Ok(());
        }
        let message =
            format!("OpenFGA has no {what} for `{}`, the plugin may not make one (`create`)", self.settings.store);
        Err(Fault::unavailable("openfga_not_set_up", message, RETRY_MS))
    }

    fn oldest_store(&self) -> Result<Option<Store>, Fault> {
        let mut found: Vec<Store> = Vec::new();
        let mut token = String::new();
        loop {
            let name = crate::names::escaped(&self.settings.store);
            let page: Stores =
                self.ask("GET", &format!("/stores?page_size=100&name={name}&continuation_token={token}"), &())?;
            found.extend(page.stores.into_iter().filter(|store| store.name == self.settings.store));
            if page.continuation_token.is_empty() {
                break;
            }
            token = crate::names::escaped(&page.continuation_token);
        }
        found.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        Ok(found.into_iter().next())
    }

    /// The newest model that carries the mark of this very text.
    fn model(&self, store: &str) -> Result<Option<String>, Fault> {
        let marker = model::marker();
        let mut token = String::new();
        loop {
            let path = format!("/stores/{store}/authorization-models?page_size=20&continuation_token={token}");
            let page: Models = self.ask("GET", &path, &())?;
            let marked = |model: &&Value| {
                let types = model["type_definitions"].as_array();
                types.is_some_and(|types| types.iter().any(|one| one["type"] == marker.as_str()))
            };
            if let Some(model) = page.authorization_models.iter().find(marked) {
                return Ok(model["id"].as_str().map(ToString::to_string));
            }
            if page.continuation_token.is_empty() {
                return Ok(None);
            }
            token = crate::names::escaped(&page.continuation_token);
        }
    }

    /// Asks something of the store, e.g. `batch-check`.
    pub fn of_store<A: DeserializeOwned>(&self, what: &str, body: &impl Serialize) -> Result<A, Fault> {
        let target = self.target()?;
        self.ask("POST", &format!("/stores/{}/{what}", target.store), body)
    }

    pub fn ask<A: DeserializeOwned>(&self, method: &str, path: &str, body: &impl Serialize) -> Result<A, Fault> {
        let response = self.send(method, path, body, self.settings.request_ms).map_err(|fault| unreachable(&fault))?;
        if response.status / 100 != 2 {
            return Err(self.refused(&response));
        }
        let body = if response.body.is_empty() { b"{}".as_slice() } else { &response.body };
        let strange = |error| Fault::unavailable("openfga_answer", format!("OpenFGA's answer: {error}"), RETRY_MS);
        serde_json::from_slice(body).map_err(strange)
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        body: &impl Serialize,
        timeout_ms: u32,
    ) -> Result<Response, HttpFault> {
        let no_json = |error: serde_json::Error| HttpFault::Transport(error.to_string());
        let body = if method == "GET" { Vec::new() } else { serde_json::to_vec(body).map_err(no_json)? };
        let headers = vec![("content-type".to_string(), b"application/json".to_vec())];
        let url = format!("{}{path}", self.settings.url());
        let request = Request { method: method.to_string(), url, headers, body, timeout_ms };
        if !self.settings.token {
            return http::send(&request, &Auth::None);
        }
        let token = secrets::open("token").map_err(HttpFault::Denied)?;
        http::send(&request, &Auth::Bearer(&token))
    }

    /// A refusal is never an answer to who may do what: not knowing is not denying.
    pub fn refused(&self, response: &Response) -> Fault {
        let Refusal { code, message } = serde_json::from_slice(&response.body).unwrap_or_default();
        let what = format!("OpenFGA answers {} {code}: {message}", response.status);
        match response.status {
            401 | 403 => Fault::unavailable("openfga_refuses_token", what, RETRY_MS),
            404 => {
                self.forget_target();
                Fault::unavailable("openfga_store_lost", what, RETRY_MS)
            }
            400 if code.contains("authorization_model_not_found") => {
                self.forget_target();
                Fault::unavailable("openfga_model_lost", what, RETRY_MS)
            }
            400 | 409 | 422 => Fault::internal("openfga_refuses", what),
            _ => Fault::unavailable("openfga_unavailable", what, RETRY_MS),
        }
    }

    /// For a while after this, the server must not answer from its caches.
    pub fn note_write(&self) {
        cache::put(WROTE, &[1], self.settings.own_writes_ms);
    }

    pub fn consistency(&self) -> &'static str {
        let higher = self.settings.consistency == Consistency::Always || cache::get(WROTE).is_some();
        if higher { "HIGHER_CONSISTENCY" } else { "MINIMIZE_LATENCY" }
    }
}

pub fn unreachable(fault: &HttpFault) -> Fault {
    let (code, message) = match fault {
        HttpFault::Denied(why) => ("openfga_not_granted", format!("the way to OpenFGA is closed: {why}")),
        HttpFault::Timeout => ("openfga_timeout", "OpenFGA does not answer in time".to_string()),
        HttpFault::TooLarge => {
            ("openfga_too_large", "OpenFGA's answer is larger than `limits.http_bytes_max`".to_string())
        }
        HttpFault::Transport(why) => ("openfga_unreachable", format!("OpenFGA is not reached: {why}")),
    };
    Fault::unavailable(code, message, RETRY_MS)
}
