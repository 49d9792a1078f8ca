//! Storages that try everything: no key leaves its place (P8, T39, I9).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use weir::plugin::storage::{
    Access, Audience, Bounds, Exchange, Grant, KeyUse, Lent, Profile, SignRequest, Touched, Want,
};
use weir::plugin::{Guest, GuestSettings, PluginFault, Secret};

use crate::ask::{call, limits, settings, table, try_load};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Resource":["arn:aws:s3:::lake/t1/*"]}]}"#;
const KEY: &str = r#"{"AccessKeyId":"AKIACANARY","SecretAccessKey":"canary-of-the-storage"}"#;

/// Gives out new keys with each answer, remembers what it was asked.
struct Sts {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Sts {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone()));
            }
        });
        Self { address, asked }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn asked(&self) -> Vec<String> {
        self.asked.lock().await.clone()
    }
}

async fn serve(stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut line) = (String::new(), String::new());
        while stream.read_line(&mut line).await.is_ok_and(|bytes| bytes > 2) {
            head.push_str(&std::mem::take(&mut line));
        }
        let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let Some(length) = length else { return };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a body");
        let number = {
            let mut asked = asked.lock().await;
            asked.push(format!("{head}\n{}", String::from_utf8_lossy(&body)));
            asked.len()
        };
        let keys = format!(
            "<Credentials><AccessKeyId>ASIATEST{number}</AccessKeyId><SecretAccessKey>session-secret-{number}</SecretAccessKey>\
             <SessionToken>session-token-{number}</SessionToken></Credentials>"
        );
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len());
        stream.get_mut().write_all(answer.as_bytes()).await.expect("an answer");
    }
}

fn want() -> Want {
    Want {
        profile: Profile { kind: "s3".into(), settings_json: "{}".into(), location: "s3://lake".into() },
        table: table("orders"),
        location: "s3://lake/t1".into(),
        access: Access::ReadWrite,
        audience: Audience::Client,
        ttl_seconds_max: 3_600,
        scope_document: Some(POLICY.into()),
    }
}

fn bounds() -> Bounds {
    Bounds {
        location: weir::catalog::location::Location::parse("s3://lake/t1").expect("a location"),
        now_ms: call().now_ms,
        fixed: BTreeMap::from([("s3.endpoint".to_owned(), "https://s3.test".to_owned())]),
    }
}

fn lent(sts: &Sts) -> Lent {
    Lent { secret: Secret::new(KEY.as_bytes(), true), for_use: KeyUse::Exchange(exchange(sts)) }
}

fn exchange(sts: &Sts) -> Exchange {
    Exchange {
        origin: sts.origin(),
        allow_private: true,
        region: "eu".into(),
        role_arn: Some("arn:aws:iam::1:role/r".into()),
        external_id: None,
        policy: POLICY.into(),
        seconds_max: 3_600,
    }
}

async fn store(sts: &Sts, behaviour: &str, text: &str) -> Arc<Guest> {
    let told = json!({ "behaviour": behaviour, "sts": format!("{}/", sts.origin()), "text": text });
    // Granted in vain: in a storage's call the grants of the configuration do not count.
    let egress = weir::plugin::Egress { origins: vec![sts.origin(), "http://127.0.0.1:9".into()], allow_private: true };
    try_load("store", GuestSettings { egress, ..settings(told, limits()) }).await.expect("the guest loads")
}

async fn vend(sts: &Sts, behaviour: &str, text: &str) -> Result<Grant, PluginFault> {
    store(sts, behaviour, text).await.vend(&call(), &want(), Some(lent(sts)), &bounds()).await
}

fn secret_of(grant: &Grant) -> &str {
    &grant.keys[0].config["s3.secret-access-key"]
}

#[tokio::test]
async fn an_honest_storage_gets_keys_under_the_scope() {
    let sts = Sts::start().await;

    let grant = vend(&sts, "honest", "").await.expect("keys");

    assert_eq!(grant.keys[0].prefix.as_str(), "s3://lake/t1");
    assert_eq!(secret_of(&grant), "session-secret-1");
    let end = call().now_ms + 3_600_000;
    assert_eq!(grant.keys[0].expires_at_ms, end);
    assert_eq!(grant.keys[0].config["s3.session-token-expires-at-ms"], end.to_string());
    assert!(grant.remote_signing && !grant.use_stored_key);
    assert!(!format!("{grant:?}").contains("session-secret"), "Debug shows no key");
    let asked = sts.asked().await;
    assert!(asked[0].contains("Credential=AKIACANARY/20231114/eu/sts/aws4_request"), "{}", asked[0]);
    assert!(!asked[0].contains("canary-of-the-storage"), "{}", asked[0]);
}

/// P8: a request for keys under another scope, or with the key anywhere else, never leaves the house.
#[tokio::test]
async fn p8_t39_no_other_request_than_the_one_for_the_scope_leaves() {
    let sts = Sts::start().await;
    let elsewhere = Sts::start().await;
    for behaviour in [
        "no-policy",
        "other-policy",
        "policy-with-space",
        "two-policies",
        "lower-case-policy",
        "policy-arns",
        "longer-life",
        "no-life",
        "other-role",
        "other-action",
        "federation",
        "web-identity-no-policy",
        "other-external-id",
        "other-service",
        "other-region",
        "query",
        "path",
        "header",
        "target",
        "bearer",
        "basic",
        "elsewhere",
        "unsigned-elsewhere",
    ] {
        let fault = vend(&sts, behaviour, &format!("{}/", elsewhere.origin())).await.expect_err(behaviour);
        let told = fault.to_string();
        assert!(
            fault.code() == "guest_internal" && told.contains("refused") && told.contains("Denied"),
            "{behaviour}: {told}"
        );
    }
    assert!(sts.asked().await.is_empty() && elsewhere.asked().await.is_empty());
}

/// T25, T39: the key does what it is lent for, nothing else.
#[tokio::test]
async fn t39_a_key_that_is_lent_for_an_exchange_signs_and_shows_nothing() {
    let sts = Sts::start().await;
    for behaviour in ["reveal", "sign-in-vend", "mac-in-vend", "rs256-in-vend"] {
        let fault = vend(&sts, behaviour, "https://s3.test/lake/t2/x").await.expect_err(behaviour);
        let told = fault.to_string();
        assert!(told.contains("`refused`") && !told.contains("canary"), "{behaviour}: {told}");
    }
}

/// T39, I9: an answer that goes further than it was asked is thrown away whole.
#[tokio::test]
async fn t39_a_wider_answer_is_a_scope_violation() {
    let sts = Sts::start().await;
    for (behaviour, text) in [
        ("prefix", "s3://lake"),
        ("prefix", "s3://lake/"),
        ("prefix", "s3://lake/t10"),
        ("prefix", "s3://lake/t"),
        ("prefix", "s3://lake/t2"),
        ("prefix", "s3://other/t1"),
        ("prefix", "s3://lake/t1/../t2"),
        ("prefix", "s3://lake/t1/%2e%2e"),
        ("prefix", "s3://lake/*"),
        ("prefix", "file:///lake/t1"),
        ("prefix", "s3"),
        ("prefix", ""),
        ("longer-claim", ""),
        ("no-end", ""),
        ("past-end", ""),
        ("unknown-key", "https://evil"),
        ("other-endpoint", "https://evil"),
        ("grant-endpoint", "https://evil"),
        ("signer", "https://evil"),
        ("key-in-config", ""),
        ("key-twice", ""),
        ("stored-key", ""),
        ("many", ""),
        ("made-up-keys", ""),
    ] {
        let guest = store(&sts, behaviour, text).await;
        let fault = guest.vend(&call(), &want(), Some(lent(&sts)), &bounds()).await.expect_err(behaviour);
        assert_eq!(fault.code(), "credential_scope_violation", "{behaviour} {text}: {fault}");
        assert_eq!(guest.stats().faults["credential_scope_violation"], 1, "it is counted");
        assert!(!fault.to_string().contains("session-secret"), "{fault}");
    }
    for (behaviour, text) in
        [("prefix", "s3a://lake/t1/"), ("prefix", "s3://lake/t1/data"), ("other-endpoint", "https://s3.test")]
    {
        vend(&sts, behaviour, text).await.expect("narrower, or what the profile says");
    }
}

/// Keys of one call are not there in the next one, for another table, whatever the guest keeps.
#[tokio::test]
async fn t39_keys_of_an_earlier_call_are_forgotten() {
    let sts = Sts::start().await;
    for behaviour in ["stashed-keys", "cached-keys"] {
        let guest = store(&sts, behaviour, "").await;
        let first = guest.vend(&call(), &want(), Some(lent(&sts)), &bounds()).await.expect("keys");
        let second = guest.vend(&call(), &want(), Some(lent(&sts)), &bounds()).await.expect("keys");
        assert_ne!(secret_of(&first), secret_of(&second), "{behaviour}");
    }
}

/// S8, T25: neither the log nor a fault carries keys.
#[tokio::test]
async fn t25_keys_leave_by_the_answer_alone() {
    let sts = Sts::start().await;
    let guest = store(&sts, "log-keys", "").await;
    guest.vend(&call(), &want(), Some(lent(&sts)), &bounds()).await.expect("keys");
    assert_eq!(guest.stats().log_lines_dropped, 1);

    let fault = vend(&sts, "fault-keys", "").await.expect_err("it gives up");
    assert!(!fault.to_string().contains("session-"), "{fault}");
}

fn request() -> (SignRequest, Touched) {
    let uri = "https://s3.test/lake/t1/data/x";
    let request = SignRequest { method: "GET".into(), uri: uri.into(), region: "eu".into() };
    let touched = Touched {
        operation: "GetObject".into(),
        keys: vec!["t1/data/x".into()],
        write: false,
        headers: vec![],
        payload_sha256: "UNSIGNED-PAYLOAD".into(),
    };
    (request, touched)
}

async fn sign(sts: &Sts, behaviour: &str, text: &str) -> Result<Vec<(String, String)>, PluginFault> {
    let (request, touched) = request();
    let key = Secret::new(KEY.as_bytes(), true);
    store(sts, behaviour, text).await.sign(&call(), &want(), (&request, &touched), key).await
}

#[tokio::test]
async fn one_request_is_signed() {
    let sts = Sts::start().await;
    let headers = sign(&sts, "honest", "").await.expect("a signature");
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-amz-content-sha256", "x-amz-date", "authorization"]);
    assert!(headers[2].1.starts_with("AWS4-HMAC-SHA256 Credential=AKIACANARY/20231114/eu/s3/aws4_request"));
}

/// P8, S16: no other request is signed, no other header told than those of the signature.
#[tokio::test]
async fn p8_no_other_request_is_signed_and_the_signature_is_not_changed() {
    let sts = Sts::start().await;
    for behaviour in ["foreign-uri", "other-method", "other-region", "extra-header", "other-payload", "mac", "send"] {
        let fault = sign(&sts, behaviour, "https://s3.test/lake/t2/x").await.expect_err(behaviour);
        assert_eq!(fault.code(), "guest_internal", "{behaviour}: {fault}");
    }
    for behaviour in ["made-up", "smuggle", "change", "drop", "duplicate"] {
        let fault = sign(&sts, behaviour, "AWS4-HMAC-SHA256 Credential=a").await.expect_err(behaviour);
        assert_eq!(fault.code(), "credential_scope_violation", "{behaviour}: {fault}");
    }
    assert!(sts.asked().await.is_empty());
}

#[tokio::test]
async fn a_profile_s_problems_have_pointers() {
    let sts = Sts::start().await;
    let guest = store(&sts, "honest", "").await;
    assert_eq!(guest.storage_kinds(&call()).await.expect("kinds"), ["s3"]);
    let profile = |settings: &str| Profile { settings_json: settings.into(), ..want().profile };
    assert!(guest.check_profile(&call(), &profile("{}")).await.expect("checked").is_empty());
    let problems = guest.check_profile(&call(), &profile("wrong")).await.expect("checked");
    assert_eq!(problems[0].pointer, "/wrong");
}

/// S18: link-local addresses and metadata services are never reached, whatever a profile's list says.
#[tokio::test]
async fn s18_a_token_service_at_a_metadata_address_is_not_reached() {
    let sts = Sts::start().await;
    let told = json!({ "behaviour": "honest", "sts": "http://169.254.169.254/" });
    let guest = try_load("store", settings(told, limits())).await.expect("the guest loads");
    let at = Exchange { origin: "http://169.254.169.254".into(), ..exchange(&sts) };
    let lent = Lent { secret: Secret::new(KEY.as_bytes(), false), for_use: KeyUse::Exchange(at) };
    let fault = guest.vend(&call(), &want(), Some(lent), &bounds()).await.expect_err("no grant covers it");
    assert!(fault.to_string().contains("no grant covers"), "{fault}");
}
