//! Service accounts of a Kubernetes cluster, as a TokenReview of its API tells.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use weir_tests::oidc::SigningKey;
use weir_tests::{Answer, Engine, Http, on_both_engines};

use crate::governed::Governed;

on_both_engines!(
    s6_the_cluster_says_whose_token_it_is,
    s6_tokens_for_others_and_legacy_tokens_are_not_even_shown,
    s6_a_cluster_that_does_not_answer_lets_nobody_in
);

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// An API server that knows one answer.
struct Cluster {
    url: String,
    state: Arc<Shared>,
    folder: tempfile::TempDir,
}

struct Shared {
    answer: Mutex<Option<Value>>,
    asked: AtomicUsize,
}

impl Cluster {
    async fn start() -> Self {
        let known = json!({"authenticated": true, "audiences": ["weir"],
            "user": {"username": "system:serviceaccount:lake:etl", "groups": ["system:serviceaccounts:lake"]}});
        let state = Arc::new(Shared { answer: Mutex::new(Some(known)), asked: AtomicUsize::new(0) });
        let router = Router::new()
            .route("/apis/authentication.k8s.io/v1/tokenreviews", post(review))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("token"), "weir-s-own\n").expect("writable");
        Self { url, state, folder }
    }

    fn answers(&self, status: Option<Value>) {
        *self.state.answer.lock().expect("no panic before") = status;
    }

    fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    async fn trusted_by(&self, engine: Engine) -> Governed {
        let token_file = self.folder.path().join("token").display().to_string();
        let certificates = ca_file(&self.folder);
        let settings = [
            ("WEIR__AUTH__KUBERNETES__API", self.url.as_str()),
            ("WEIR__AUTH__KUBERNETES__AUDIENCE", "weir"),
            ("WEIR__AUTH__KUBERNETES__TOKEN_FILE", token_file.as_str()),
            ("WEIR__AUTH__KUBERNETES__CA_FILE", certificates.as_str()),
            ("WEIR__AUTHORIZATION__ADMINISTRATORS", "kubernetes~system:serviceaccount:lake:etl"),
        ];
        Governed::open_for(engine, &settings, Some(&token(json!({})))).await
    }
}

/// Some certificate, for the file has to hold one.
fn ca_file(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("ca.crt").display().to_string();
    let key = folder.path().join("ca.key").display().to_string();
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=cluster", "-keyout", &key, "-out", &path])
        .output()
        .expect("openssl is needed: apt-get install openssl");
    assert!(made.status.success(), "{made:?}");
    path
}

async fn review(State(state): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    state.asked.fetch_add(1, Ordering::SeqCst);
    assert_eq!(headers["authorization"], "Bearer weir-s-own");
    assert_eq!(body["spec"]["audiences"], json!(["weir"]));
    match state.answer.lock().expect("no panic before").clone() {
        Some(status) => (StatusCode::CREATED, Json(json!({ "status": status }))).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A token as the cluster makes them; the signature is for the cluster to know.
fn token(changes: Value) -> String {
    let exp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() + 600;
    let mut claims = json!({"iss": ISSUER, "aud": ["weir"], "exp": exp, "sub": "system:serviceaccount:lake:etl"});
    for (key, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(key)),
            value => claims[key] = value.clone(),
        }
    }
    let key = SigningKey::eddsa("cluster");
    key.sign(&key.header().to_string(), &claims.to_string())
}

async fn whoami(weir: &Governed, token: &str) -> Answer {
    Http::new(weir.root.base()).bearing(token).get("/management/v1/whoami").send().await
}

async fn s6_the_cluster_says_whose_token_it_is(engine: Engine) {
    let cluster = Cluster::start().await;
    let weir = cluster.trusted_by(engine).await;
    let token = token(json!({}));

    let told = whoami(&weir, &token).await.expect(200).json();
    let asked = cluster.asked();
    whoami(&weir, &token).await.expect(200);

    assert_eq!(told["id"], json!("kubernetes~system:serviceaccount:lake:etl"));
    assert_eq!(told["user-type"], json!("application"));
    assert_eq!(cluster.asked(), asked, "an answer counts for a while");

    for status in [
        json!({"authenticated": false}),
        json!({"authenticated": "true", "audiences": ["weir"], "user": {"username": "x"}}),
        json!({"authenticated": true, "audiences": ["other"], "user": {"username": "x"}}),
        json!({"authenticated": true, "user": {"username": "x"}}),
        json!({"authenticated": true, "audiences": ["weir"], "user": {}}),
    ] {
        cluster.answers(Some(status.clone()));
        weir.app.clock.shift_ms(61_000);
        let answer = whoami(&weir, &token).await;
        assert_eq!(answer.status, 401, "{status}: {}", answer.text());
    }
}

async fn s6_tokens_for_others_and_legacy_tokens_are_not_even_shown(engine: Engine) {
    let cluster = Cluster::start().await;
    let weir = cluster.trusted_by(engine).await;
    let asked = cluster.asked();

    for changes in [
        json!({"aud": ["https://kubernetes.default.svc"]}),
        json!({"aud": null}),
        json!({"exp": null, "aud": null, "iss": "kubernetes/serviceaccount"}),
        json!({"exp": null}),
        json!({"exp": 1}),
        json!({"iss": "https://other"}),
    ] {
        let answer = whoami(&weir, &token(changes.clone())).await;
        assert_eq!(answer.status, 401, "{changes}: {}", answer.text());
    }
    assert_eq!(cluster.asked(), asked);
}

async fn s6_a_cluster_that_does_not_answer_lets_nobody_in(engine: Engine) {
    let cluster = Cluster::start().await;
    let weir = cluster.trusted_by(engine).await;
    let token = token(json!({}));

    cluster.answers(None);
    let down = whoami(&weir, &token).await;
    cluster.answers(Some(json!("no object")));
    let nonsense = whoami(&weir, &token).await;

    down.expect_error(503, "ServiceUnavailableException");
    nonsense.expect_error(503, "ServiceUnavailableException");
}
