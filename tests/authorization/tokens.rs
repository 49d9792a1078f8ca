//! Which tokens are believed: those of configured issuers, with keys that count now, meant for this catalog, in their time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use weir_tests::oidc::{Mood, Provider, SigningKey};
use weir_tests::{Answer, Engine, Http, bodies, on_both_engines};

use crate::governed::Governed;

on_both_engines!(
    naming_an_issuer_closes_the_door,
    a_good_token_is_believed_and_a_bad_one_is_told_nothing,
    s1_no_other_algorithm_and_no_key_of_the_token_s_own_is_believed,
    s2_times_audience_and_issuer_are_checked_to_the_letter,
    s3_the_same_subject_of_two_issuers_is_two_people,
    s3_a_key_id_is_only_a_name,
    s4_a_withdrawn_key_takes_its_tokens_with_it,
    s4_a_remembered_token_ends_in_time,
    s5_a_token_that_differs_in_one_letter_is_another_one,
    r28_an_issuer_that_misbehaves_lets_nobody_in_and_keeps_nobody_out_for_long,
    r28_an_issuer_that_is_down_at_the_first_start_keeps_its_own_people_out_alone,
    r28_unknown_keys_cost_the_issuer_one_look_an_interval,
    no_request_leaves_for_a_token_of_an_unknown_issuer,
    a_key_file_needs_no_issuer_that_answers
);

/// A catalog that trusts the provider under the name `one`; `one~admin` may do everything.
pub struct Trusting {
    pub weir: Governed,
    pub provider: Provider,
}

impl Trusting {
    pub async fn open(engine: Engine) -> Self {
        Self::open_with(engine, Provider::start().await, &[]).await
    }

    pub async fn open_with(engine: Engine, provider: Provider, more: &[(&str, &str)]) -> Self {
        let mut settings = provider.settings("one");
        settings.push(("WEIR__AUTHORIZATION__ADMINISTRATORS".into(), "one~admin".into()));
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let weir = Governed::open_for(engine, &settings, Some(&provider.token("admin"))).await;
        Self { weir, provider }
    }

    /// Clients of the whole server with another token, or without one.
    pub fn with(&self, token: &str) -> Http {
        Http::new(self.weir.root.base()).bearing(token)
    }

    pub fn without(&self) -> Http {
        Http::new(self.weir.root.base())
    }

    /// The answer to a question that everybody may ask of themselves.
    pub async fn whoami(&self, token: &str) -> Answer {
        self.with(token).get("/management/v1/whoami").send().await
    }
}

#[track_caller]
fn assert_refused(answer: Answer) {
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    let message = answer.expect_error(401, "NotAuthorizedException");
    for word in ["exp", "signature", "kid", "audience", "aud"] {
        assert!(!message.contains(word), "an attacker learns of `{word}`: {message}");
    }
}

async fn naming_an_issuer_closes_the_door(engine: Engine) {
    let trusting = Trusting::open(engine).await;

    let answer = trusting.without().get("/catalog/v1/config?warehouse=default").send().await;

    assert_refused(answer);
}

async fn a_good_token_is_believed_and_a_bad_one_is_told_nothing(engine: Engine) {
    let trusting = Trusting::open(engine).await;

    let told =
        trusting.whoami(&trusting.provider.token_with("alice", json!({"name": "Alice"}))).await.expect(200).json();

    assert_eq!((told["id"].as_str(), told["name"].as_str()), (Some("one~alice"), Some("Alice")));
    assert_eq!(told["is-instance-admin"], json!(false));
    for token in ["", "x", "a.b.c", "e30.e30.", "Bearer"] {
        assert_refused(
            trusting
                .without()
                .get("/management/v1/whoami")
                .header("authorization", &format!("Bearer {token}"))
                .send()
                .await,
        );
    }
    assert_refused(trusting.without().get("/management/v1/whoami").header("authorization", "Basic YTpi").send().await);
}

async fn s1_no_other_algorithm_and_no_key_of_the_token_s_own_is_believed(engine: Engine) {
    let provider = Provider::with_keys(vec![SigningKey::rs256("one"), SigningKey::es256("two")]).await;
    let only_rsa = [("WEIR__AUTH__ISSUERS__ONE__ALGORITHMS", "RS256")];
    let trusting = Trusting::open_with(engine, provider, &only_rsa).await;
    let provider = &trusting.provider;
    let claims = provider.claims("admin").to_string();
    let own = SigningKey::rs256("one");
    let (rsa, ec) = (provider.key(0), provider.key(1));
    trusting.whoami(&rsa.sign(&rsa.header().to_string(), &claims)).await.expect(200);
    let asked = provider.asked();

    let header = |changes: Value| {
        let mut header = rsa.header();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        header.to_string()
    };
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(&claims));
    let stray = format!("{}/my-own-keys", provider.url);
    let tokens = [
        ("none", unsigned),
        ("HS256", own.sign(&header(json!({"alg": "HS256"})), &claims)),
        ("an algorithm that is not pinned", ec.sign(&ec.header().to_string(), &claims)),
        ("PS256 of an RS256 key", rsa.sign(&header(json!({"alg": "PS256"})), &claims)),
        ("a foreign key of the same name", own.sign(&header(json!({})), &claims)),
        ("crit", rsa.sign(&header(json!({"crit": ["exp"]})), &claims)),
        ("zip", rsa.sign(&header(json!({"zip": "DEF"})), &claims)),
        ("jwk", own.sign(&header(json!({"jwk": own.jwk()})), &claims)),
        ("jku", own.sign(&header(json!({"jku": stray})), &claims)),
        ("x5u", own.sign(&header(json!({"x5u": stray})), &claims)),
        ("a logout token", rsa.sign(&header(json!({"typ": "logout+jwt"})), &claims)),
    ];
    for (what, token) in tokens {
        let answer = trusting.whoami(&token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    }
    assert_eq!(provider.asked(), asked, "nothing was fetched for any of them");
}

async fn s2_times_audience_and_issuer_are_checked_to_the_letter(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let provider = &trusting.provider;
    let now_s = provider.now_s();
    for (claims, status) in [
        (json!({"exp": now_s - 20}), 200),
        (json!({"exp": now_s - 40}), 401),
        (json!({"exp": null}), 401),
        (json!({"exp": "tomorrow"}), 401),
        (json!({"exp": now_s + 10 * 365 * 86_400}), 401),
        (json!({"nbf": now_s + 20}), 200),
        (json!({"nbf": now_s + 60}), 401),
        (json!({"iat": now_s + 60}), 401),
        (json!({"aud": ["other", "weir"]}), 200),
        (json!({"aud": "other"}), 401),
        (json!({"aud": []}), 401),
        (json!({"aud": null}), 401),
        (json!({"iss": format!("{}/", provider.url)}), 401),
        (json!({"iss": [provider.url]}), 401),
        (json!({"iss": provider.url.replace("127.0.0.1", "idp@127.0.0.1")}), 401),
        (json!({"sub": null}), 401),
        (json!({"sub": ""}), 401),
        (json!({"sub": 7}), 401),
    ] {
        let answer = trusting.whoami(&provider.token_with("alice", claims.clone())).await;
        assert_eq!(answer.status, status, "{claims}: {}", answer.text());
    }
    let key = provider.key(0);
    let twice = provider.claims("alice").to_string().replacen('{', r#"{"sub":"admin","#, 1);
    assert_refused(trusting.whoami(&key.sign(&key.header().to_string(), &twice)).await);
}

async fn s3_the_same_subject_of_two_issuers_is_two_people(engine: Engine) {
    let other = Provider::start().await;
    let more = other.settings("two");
    let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let trusting = Trusting::open_with(engine, Provider::start().await, &more).await;

    let one = trusting.whoami(&trusting.provider.token("admin")).await.expect(200).json();
    let two = trusting.whoami(&other.token("admin")).await.expect(200).json();
    let ours = trusting.with(&trusting.provider.token("admin")).get("/management/v1/info").send().await;
    let theirs = trusting.with(&other.token("admin")).get("/management/v1/info").send().await;

    assert_eq!((one["id"].as_str(), two["id"].as_str()), (Some("one~admin"), Some("two~admin")));
    assert_eq!((one["is-instance-admin"].as_bool(), two["is-instance-admin"].as_bool()), (Some(true), Some(false)));
    ours.expect(200);
    theirs.expect(403);
    // Both have a key `one`; each verifies the tokens of its own issuer alone.
    let key = other.key(0);
    assert_refused(
        trusting.whoami(&key.sign(&key.header().to_string(), &trusting.provider.claims("admin").to_string())).await,
    );
}

async fn s3_a_key_id_is_only_a_name(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let key = trusting.provider.key(0);
    let claims = trusting.provider.claims("alice").to_string();
    for kid in ["../../etc/passwd", "'; DROP TABLE users; --", "http://127.0.0.1:1/", &"k".repeat(10_000)] {
        let token = key.sign(&json!({"alg": key.algorithm(), "kid": kid}).to_string(), &claims);
        assert_refused(trusting.whoami(&token).await);
    }
}

/// The lifetime of keys in the default configuration, and what lies well behind it.
const KEYS_TTL_MS: i64 = 300_000;

async fn s4_a_withdrawn_key_takes_its_tokens_with_it(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let token = trusting.provider.token_with("alice", json!({"exp": trusting.provider.now_s() + 3_600}));
    trusting.whoami(&token).await.expect(200);
    trusting.whoami(&token).await.expect(200);

    trusting.provider.rotate(vec![SigningKey::es256("three")]);
    let new = trusting.provider.token_with("alice", json!({"exp": trusting.provider.now_s() + 3_600}));
    trusting.weir.app.clock.shift_ms(11_000);
    trusting.whoami(&new).await.expect(200);
    assert_refused(trusting.whoami(&token).await);

    trusting.provider.rotate(vec![SigningKey::es256("four")]);
    trusting.weir.app.clock.shift_ms(KEYS_TTL_MS + 1_000);
    assert_refused(trusting.whoami(&new).await);
}

async fn s4_a_remembered_token_ends_in_time(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let token = trusting.provider.token_with("alice", json!({"exp": trusting.provider.now_s() + 60}));
    trusting.whoami(&token).await.expect(200);

    trusting.weir.app.clock.shift_ms(100_000);

    assert_refused(trusting.whoami(&token).await);
}

async fn s5_a_token_that_differs_in_one_letter_is_another_one(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let token = trusting.provider.token("alice");
    trusting.whoami(&token).await.expect(200);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let other = trusting.provider.token("bob");
    let (foreign, _) = other.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };

    assert_refused(trusting.whoami(&format!("{message}.{first}{}", &signature[1..])).await);
    assert_refused(trusting.whoami(&format!("{foreign}.{signature}")).await);
    assert_refused(trusting.whoami(message).await);
}

async fn r28_an_issuer_that_misbehaves_lets_nobody_in_and_keeps_nobody_out_for_long(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let token = trusting.provider.token_with("alice", json!({"exp": trusting.provider.now_s() + 80_000}));
    trusting.whoami(&token).await.expect(200);
    for mood in [Mood::Html, Mood::Huge, Mood::Down, Mood::Elsewhere, Mood::Impostor] {
        trusting.provider.feel(mood);
        // The keys that are held still count.
        trusting.weir.app.clock.shift_ms(KEYS_TTL_MS / 2 - 10_000);
        trusting.whoami(&token).await.expect(200);
        // Not for ever, and then it is nobody's fault but the issuer's.
        trusting.weir.app.clock.shift_ms(KEYS_TTL_MS);
        let silent = trusting.whoami(&token).await;
        assert_eq!(silent.header("retry-after"), Some("5"), "{mood:?}");
        silent.expect_error(503, "ServiceUnavailableException");
        let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
        let path = format!("/catalog/v1/{}/namespaces/ns/tables/t", trusting.weir.prefix);
        trusting.with(&token).post(&path, commit).send().await.expect_error(429, "TooManyRequestsException");

        trusting.provider.feel(Mood::Well);
        trusting.weir.app.clock.shift_ms(11_000);
        trusting.whoami(&token).await.expect(200);
    }
}

async fn r28_an_issuer_that_is_down_at_the_first_start_keeps_its_own_people_out_alone(engine: Engine) {
    let down = Provider::start().await;
    down.feel(Mood::Down);
    let more = down.settings("two");
    let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let trusting = Trusting::open_with(engine, Provider::start().await, &more).await;

    trusting.whoami(&trusting.provider.token("alice")).await.expect(200);
    let answer = trusting.whoami(&down.token("bob")).await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    answer.expect_error(503, "ServiceUnavailableException");
    let asked = down.asked();
    trusting.whoami(&down.token("eve")).await.expect(503);
    assert_eq!(down.asked(), asked, "who is down is not asked again at once");

    down.feel(Mood::Well);
    trusting.weir.app.clock.shift_ms(11_000);
    trusting.whoami(&down.token("bob")).await.expect(200);
}

async fn r28_unknown_keys_cost_the_issuer_one_look_an_interval(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.whoami(&trusting.provider.token("alice")).await.expect(200);
    let before = trusting.provider.asked();
    let stray = SigningKey::es256("stray");
    let claims = trusting.provider.claims("alice").to_string();

    trusting.weir.app.clock.shift_ms(11_000);
    for number in 0..50 {
        let header = json!({"alg": "ES256", "kid": format!("unknown-{number}")}).to_string();
        assert_refused(trusting.whoami(&stray.sign(&header, &claims)).await);
    }

    // One look is two requests: where the keys are, then the keys.
    assert_eq!(trusting.provider.asked() - before, 2);
}

async fn no_request_leaves_for_a_token_of_an_unknown_issuer(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let stranger = Provider::start().await;
    let asked = trusting.provider.asked();

    assert_refused(trusting.whoami(&stranger.token("admin")).await);
    assert_refused(trusting.whoami(&stranger.token_with("admin", json!({"iss": null}))).await);

    assert_eq!((stranger.asked(), trusting.provider.asked()), (0, asked));
}

async fn a_key_file_needs_no_issuer_that_answers(engine: Engine) {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.json");
    std::fs::write(&file, json!({"keys": [provider.key(0).jwk()]}).to_string()).expect("writable");
    let file = file.display().to_string();
    let trusting =
        Trusting::open_with(engine, provider, &[("WEIR__AUTH__ISSUERS__ONE__KEYS_FILE", file.as_str())]).await;

    trusting.whoami(&trusting.provider.token("alice")).await.expect(200);
    let key = trusting.provider.key(1);
    let unknown = key.sign(&key.header().to_string(), &trusting.provider.claims("alice").to_string());
    assert_refused(trusting.whoami(&unknown).await);

    assert_eq!(trusting.provider.asked(), 0);
}
