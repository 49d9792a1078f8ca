//! A small OpenID provider inside the test's own process, which can misbehave.

use std::process::Command;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How the provider answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// An error page of a proxy.
    Html,
    /// Ten megabytes of a JWK set.
    Huge,
    /// 500 for everything.
    Down,
    /// A redirect to another address.
    Elsewhere,
    /// No answer while the test waits.
    Silent,
    /// The discovery document of another issuer.
    Impostor,
}

/// A key that signs tokens.
pub struct SigningKey {
    pub kid: String,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    pub fn es256(kid: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Ec(pair) }
    }

    pub fn eddsa(kid: &str) -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Ed(Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("a key")) }
    }

    pub fn rs256(kid: &str) -> Self {
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER", "-quiet"])
            .output()
            .expect("openssl is needed: apt-get install openssl");
        assert!(made.status.success(), "{made:?}");
        // OpenSSL 3.0 writes the key as PKCS#1, later ones wrap it as PKCS#8.
        let pair = RsaKeyPair::from_pkcs8(&made.stdout).or_else(|_| RsaKeyPair::from_der(&made.stdout)).expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Rsa(Box::new(pair)) }
    }

    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
            Pair::Rsa(_) => "RS256",
        }
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Pair::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())}),
            Pair::Rsa(pair) => {
                let parts = signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": text(&parts.n), "e": text(&parts.e)})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm());
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token of exactly these parts, whatever they say.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let random = SystemRandom::new();
        let signed = match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, message.as_bytes()).expect("it signs").as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signed = vec![0; pair.public().modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signed).expect("it signs");
                signed
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed))
    }

    /// The usual header of a token of this key.
    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm(), "kid": self.kid, "typ": "JWT"})
    }
}

/// One running provider; it ends when this is dropped.
pub struct Provider {
    pub url: String,
    state: Arc<Shared>,
    stop: CancellationToken,
}

struct Shared {
    url: Mutex<String>,
    keys: Mutex<Vec<Arc<SigningKey>>>,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    /// Tokens are made for this far from now.
    offset_s: AtomicI64,
}

impl Provider {
    /// With one key of each algorithm that is accepted by default but RSA, which is slow to make.
    pub async fn start() -> Self {
        Self::with_keys(vec![SigningKey::es256("one"), SigningKey::eddsa("two")]).await
    }

    pub async fn with_keys(keys: Vec<SigningKey>) -> Self {
        let state = Arc::new(Shared {
            url: Mutex::default(),
            keys: Mutex::new(keys.into_iter().map(Arc::new).collect()),
            mood: Mutex::default(),
            asked: AtomicUsize::new(0),
            offset_s: AtomicI64::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys_of))
            .route("/token", post(token_of))
            .fallback(stray)
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        url.clone_into(&mut state.url.lock().expect("no panic before"));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let serve = axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned());
            serve.await.expect("the provider serves");
        });
        Self { url, state, stop }
    }

    /// The settings that make a catalog trust it under a name.
    pub fn settings(&self, name: &str) -> Vec<(String, String)> {
        let name = name.to_uppercase();
        let set = |key: &str, value: &str| (format!("WEIR__AUTH__ISSUERS__{name}__{key}"), value.to_owned());
        vec![set("ISSUER", &self.url), set("AUDIENCE", "weir"), set("ROLES_CLAIMS", "groups,realm.roles")]
    }

    pub fn feel(&self, mood: Mood) {
        *self.state.mood.lock().expect("no panic before") = mood;
    }

    /// How many requests came, of whatever kind.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// From now on these are its keys.
    pub fn rotate(&self, keys: Vec<SigningKey>) {
        *self.state.keys.lock().expect("no panic before") = keys.into_iter().map(Arc::new).collect();
    }

    pub fn key(&self, at: usize) -> Arc<SigningKey> {
        Arc::clone(&self.state.keys.lock().expect("no panic before")[at])
    }

    /// Tokens are made as if it were so much later, for a catalog whose clock was shifted.
    pub fn shift_s(&self, by: i64) {
        self.state.offset_s.fetch_add(by, Ordering::SeqCst);
    }

    pub fn now_s(&self) -> i64 {
        self.state.now_s()
    }

    /// The claims of a good token of somebody.
    pub fn claims(&self, subject: &str) -> Value {
        self.state.claims(subject)
    }

    /// A good token of somebody.
    pub fn token(&self, subject: &str) -> String {
        self.token_with(subject, json!({}))
    }

    /// The same, with some claims added, replaced, or (where they are null) left out.
    pub fn token_with(&self, subject: &str, changes: Value) -> String {
        let mut claims = self.claims(subject);
        for (key, value) in changes.as_object().expect("an object of claims") {
            match value {
                Value::Null => drop(claims.as_object_mut().expect("an object").remove(key)),
                value => claims[key] = value.clone(),
            }
        }
        let key = self.key(0);
        key.sign(&key.header().to_string(), &claims.to_string())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    fn now_s(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        i64::try_from(since_epoch).expect("not that far") + self.offset_s.load(Ordering::SeqCst)
    }

    fn claims(&self, subject: &str) -> Value {
        let now_s = self.now_s();
        let issuer = self.url.lock().expect("no panic before").clone();
        json!({"iss": issuer, "aud": "weir", "sub": subject, "iat": now_s, "exp": now_s + 600})
    }

    fn note(&self) -> Mood {
        self.asked.fetch_add(1, Ordering::SeqCst);
        *self.mood.lock().expect("no panic before")
    }
}

async fn discovery(State(state): State<Arc<Shared>>) -> Response {
    let mood = state.note();
    let url = state.url.lock().expect("no panic before").clone();
    let issuer = if mood == Mood::Impostor { format!("{url}/") } else { url.clone() };
    let document =
        json!({"issuer": issuer, "jwks_uri": format!("{url}/keys"), "token_endpoint": format!("{url}/token")});
    in_mood(mood, &document).await
}

async fn keys_of(State(state): State<Arc<Shared>>) -> Response {
    let mood = state.note();
    let keys: Vec<Value> = state.keys.lock().expect("no panic before").iter().map(|key| key.jwk()).collect();
    in_mood(mood, &json!({ "keys": keys })).await
}

async fn in_mood(mood: Mood, document: &Value) -> Response {
    match mood {
        Mood::Well | Mood::Impostor => axum::Json(document).into_response(),
        Mood::Html => (StatusCode::OK, "<html><body>Service down for maintenance</body></html>").into_response(),
        Mood::Huge => Body::from(format!("{{\"keys\": [], \"pad\": \"{}\"}}", "x".repeat(10 << 20))).into_response(),
        Mood::Down => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Elsewhere => Redirect::temporary("/elsewhere").into_response(),
        Mood::Silent => std::future::pending().await,
    }
}

/// Client credentials: whoever asks is given a token with their id as the subject; the secret is `secret`.
/// Clients name themselves in the form (PyIceberg) or by HTTP Basic (DuckDB); a provider takes both.
async fn token_of(State(state): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    state.note();
    let field = |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(str::to_owned);
    let basic = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let basic = basic.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let basic = basic.and_then(|pair| pair.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    let in_form = || Some((field("client_id")?, field("client_secret")?));
    let Some((client, _)) = basic.or_else(in_form).filter(|(_, secret)| secret == "secret") else {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({"error": "invalid_client"}))).into_response();
    };
    let mut claims = state.claims(&client);
    claims["client_id"] = claims["sub"].clone();
    let key = Arc::clone(&state.keys.lock().expect("no panic before")[0]);
    let token = key.sign(&key.header().to_string(), &claims.to_string());
    axum::Json(json!({"access_token": token, "token_type": "bearer", "expires_in": 600})).into_response()
}

/// Whatever a token may point to.
async fn stray(State(state): State<Arc<Shared>>, uri: Uri) -> Response {
    state.note();
    (StatusCode::NOT_FOUND, uri.to_string()).into_response()
}
