//! Clients of other makers with client credentials: tokens of the catalog's own, tokens of a provider.

use weir_tests::oidc::{Provider, SigningKey};
use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{Engine, Http, Installation, Keycloak, Weir, on_both_engines, run_on};

on_both_engines!(clients_sign_in_at_the_catalog_s_own_token_endpoint, clients_sign_in_at_a_provider);

/// What each client does with its token; Spark takes minutes, so it waits for the full lane.
const STORIES: [(&str, &str, &str); 3] = [
    ("venv", "test_tokens.py", ""),
    ("venv", "test_duckdb.py", "test_rows_are_inserted_and_read_back"),
    ("spark", "test_spark.py", "test_rows_are_appended_and_read_back"),
];

async fn clients_sign_in_at_the_catalog_s_own_token_endpoint(engine: Engine) {
    let digest = weir::auth::secret_digest("correct-horse");
    let settings = [
        ("WEIR__AUTH__LOCAL__KEY_FILE", "token-key.pem"),
        ("WEIR__AUTH__LOCAL__TOKEN_ENDPOINT", "true"),
        ("WEIR__AUTH__LOCAL__CLIENTS__ETL__SECRET_SHA256", digest.as_str()),
        ("WEIR__AUTHORIZATION__ADMINISTRATORS", "local~etl"),
    ];
    let installation = Installation::create(engine, &settings).await;
    let weir = installation.start().await;

    tell(&weir, &format!("{}/catalog/v1/oauth/tokens", weir.url()), "etl:correct-horse", None).await;

    let log = weir.log();
    assert!(!log.contains("correct-horse") && !log.contains("eyJ"), "a secret or a token is in the log");
}

async fn clients_sign_in_at_a_provider(engine: Engine) {
    let provider = Provider::with_keys(vec![SigningKey::rs256("rsa")]).await;
    let mut settings = provider.settings("oidc");
    settings.push(("WEIR__AUTHORIZATION__ADMINISTRATORS".into(), "oidc~etl".into()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let installation = Installation::create(engine, &settings).await;
    let weir = installation.start().await;

    tell(&weir, &format!("{}/token", provider.url), "etl:secret", None).await;
}

/// A provider that nobody of us wrote: its discovery, its keys, its claims, its roles.
#[test]
fn clients_sign_in_at_keycloak() {
    if is_full_lane() {
        run_on(Engine::Sqlite, sign_in_at_keycloak);
    } else {
        eprintln!("skipped: Keycloak takes minutes, `make test-full` runs it");
    }
}

async fn sign_in_at_keycloak(engine: Engine) {
    let Some(keycloak) = Keycloak::start().await else { return };
    let settings = [
        ("WEIR__AUTH__ISSUERS__KC__ISSUER", keycloak.issuer()),
        ("WEIR__AUTH__ISSUERS__KC__AUDIENCE", "weir".to_owned()),
        ("WEIR__AUTH__ISSUERS__KC__ROLES_CLAIMS", "realm_access.roles".to_owned()),
        ("WEIR__AUTH__ISSUERS__KC__SUBJECT_CLAIMS", "azp".to_owned()),
        ("WEIR__AUTHORIZATION__ADMINISTRATORS", "kc~etl".to_owned()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let installation = Installation::create(engine, &settings).await;
    let weir = installation.start().await;

    // Keycloak refuses the scopes that clients ask for unless they are told another one.
    tell(&weir, &keycloak.token_uri(), Keycloak::CREDENTIAL, Some("openid")).await;

    let client = Http::new(&weir.url()).bearing(&keycloak.token().await);
    let told = client.get("/management/v1/whoami").send().await.expect(200).json();
    assert_eq!(told["id"], "kc~etl");
    let log = weir.log();
    assert!(!log.contains("eyJ"), "a token is in the log");
}

async fn tell(weir: &Weir, token_uri: &str, credential: &str, scope: Option<&str>) {
    for (environment, story, fact) in STORIES {
        if environment == "spark" && !is_full_lane() {
            continue;
        }
        let Some(mut python) = python(environment) else { continue };
        python
            .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", story, "-k", fact])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
            .env("WEIR_URI", weir.url())
            .env("WEIR_TOKEN_URI", token_uri)
            .env("WEIR_CREDENTIAL", credential)
            .envs(scope.map(|scope| ("WEIR_SCOPE", scope)));
        // The provider answers on this very runtime while Python runs.
        let said = tokio::task::spawn_blocking(move || succeed(python)).await.expect("pytest ends");
        println!("{story}: {}", said.lines().last().unwrap_or_default());
    }
}
