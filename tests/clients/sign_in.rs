//! PyIceberg with client credentials: tokens of the catalog's own, tokens of a provider.

use weir_tests::oidc::{Provider, SigningKey};
use weir_tests::tools::{python, succeed};
use weir_tests::{Engine, Installation, on_both_engines};

on_both_engines!(pyiceberg_signs_in_at_the_catalog_s_own_token_endpoint, pyiceberg_signs_in_at_a_provider);

async fn pyiceberg_signs_in_at_the_catalog_s_own_token_endpoint(engine: Engine) {
    let digest = weir::auth::secret_digest("correct-horse");
    let settings = [
        ("WEIR__AUTH__LOCAL__KEY_FILE", "token-key.pem"),
        ("WEIR__AUTH__LOCAL__TOKEN_ENDPOINT", "true"),
        ("WEIR__AUTH__LOCAL__CLIENTS__ETL__SECRET_SHA256", digest.as_str()),
        ("WEIR__AUTHORIZATION__ADMINISTRATORS", "local~etl"),
    ];
    let installation = Installation::create(engine, &settings).await;
    let weir = installation.start().await;

    tell(&weir.url(), &format!("{}/catalog/v1/oauth/tokens", weir.url()), "etl:correct-horse").await;

    let log = weir.log();
    assert!(!log.contains("correct-horse") && !log.contains("eyJ"), "a secret or a token is in the log");
}

async fn pyiceberg_signs_in_at_a_provider(engine: Engine) {
    let provider = Provider::with_keys(vec![SigningKey::rs256("rsa")]).await;
    let mut settings = provider.settings("oidc");
    settings.push(("WEIR__AUTHORIZATION__ADMINISTRATORS".into(), "oidc~etl".into()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let installation = Installation::create(engine, &settings).await;
    let weir = installation.start().await;

    tell(&weir.url(), &format!("{}/token", provider.url), "etl:secret").await;
}

async fn tell(uri: &str, token_uri: &str, credential: &str) {
    let Some(mut python) = python("venv") else { return };
    python
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "test_tokens.py"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
        .env("WEIR_URI", uri)
        .env("WEIR_TOKEN_URI", token_uri)
        .env("WEIR_CREDENTIAL", credential);
    // The provider answers on this very runtime while Python runs.
    let said = tokio::task::spawn_blocking(move || succeed(python)).await.expect("pytest ends");
    println!("{}", said.lines().last().unwrap_or_default());
}
