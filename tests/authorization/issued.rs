//! Tokens that the catalog issues itself: by the command line, by the endpoint that the Iceberg specification deprecates.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use weir_tests::tools::succeed;
use weir_tests::{Engine, Http, Installation, bodies, on_both_engines};

use crate::governed::Governed;

on_both_engines!(
    a_token_of_the_command_line_is_believed_and_its_key_is_its_owner_s_alone,
    the_token_endpoint_is_off_unless_it_is_asked_for,
    client_credentials_give_a_token_and_nothing_else_does
);

async fn a_token_of_the_command_line_is_believed_and_its_key_is_its_owner_s_alone(engine: Engine) {
    let installation = Installation::create(
        engine,
        &[("WEIR__AUTH__LOCAL__KEY_FILE", "token-key.pem"), ("WEIR__AUTH__ANONYMOUS", "never")],
    )
    .await;
    let mut command = installation.command(0);
    command.args(["token", "--subject", "alice", "--role", "analyst", "--lifetime-s", "120"]);
    let token = succeed(command).trim().to_owned();
    let key = installation.home().join("token-key.pem");
    assert_eq!(std::fs::metadata(&key).expect("the key is made").permissions().mode() & 0o777, 0o600);
    let weir = installation.start().await;

    let told = Http::new(&weir.url()).bearing(&token).get("/management/v1/whoami").send().await.expect(200).json();
    let refused = Http::new(&weir.url()).bearing(&format!("{token}x")).get("/management/v1/whoami").send().await;

    assert_eq!(told["id"], json!("local~alice"));
    refused.expect_error(401, "NotAuthorizedException");
    let log = weir.log();
    assert!(!log.contains(&token), "the token is in the log");
}

async fn the_token_endpoint_is_off_unless_it_is_asked_for(engine: Engine) {
    let weir = Governed::open(engine).await;

    let answer = ask(&weir.root, "grant_type=client_credentials&client_id=etl&client_secret=correct").await;

    assert_eq!(answer.0, 406);
}

async fn client_credentials_give_a_token_and_nothing_else_does(engine: Engine) {
    let folder = tempfile::tempdir().expect("a folder");
    let key_file = folder.path().join("key.pem").display().to_string();
    let digest = weir::auth::secret_digest("correct");
    let settings = [
        ("WEIR__AUTH__ANONYMOUS", "anywhere"),
        ("WEIR__AUTH__LOCAL__KEY_FILE", key_file.as_str()),
        ("WEIR__AUTH__LOCAL__TOKEN_ENDPOINT", "true"),
        ("WEIR__AUTH__LOCAL__CLIENTS__ETL__SECRET_SHA256", digest.as_str()),
    ];
    let weir = Governed::open_with(engine, &settings).await;
    weir.create_namespace("ns").await;

    let (status, told) =
        ask(&weir.root, "grant_type=client_credentials&client_id=etl&client_secret=correct&scope=catalog").await;
    assert_eq!((status, told["token_type"].as_str()), (200, Some("bearer")));
    let token = told["access_token"].as_str().expect("a token");
    let client = weir.root.bearing(token);
    let known = client.get("/management/v1/whoami").send().await.expect(200).json();
    assert_eq!((known["id"].as_str(), known["user-type"].as_str()), (Some("local~etl"), Some("application")));
    let path = format!("/catalog/v1/{}/namespaces/ns/tables", weir.prefix);
    client.post(&path, bodies::create_table("t")).send().await.expect(200);

    for (form, status, error) in [
        ("grant_type=client_credentials&client_id=etl&client_secret=wrong", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=nobody&client_secret=correct", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=etl", 401, "invalid_client"),
        ("grant_type=password&client_id=etl&client_secret=correct", 400, "unsupported_grant_type"),
        ("client_id=etl&client_secret=correct", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=etl&client_id=x&client_secret=correct", 400, "invalid_request"),
    ] {
        let (found, told) = ask(&weir.root, form).await;
        assert_eq!((found, told["error"].as_str()), (status, Some(error)), "{form}");
        assert!(told.get("access_token").is_none());
    }
}

async fn ask(root: &Http, form: &str) -> (u16, Value) {
    let ask = root.post("/catalog/v1/oauth/tokens", json!(null)).bytes(form.as_bytes());
    let answer = ask.send().await;
    let told = serde_json::from_slice(&answer.bytes).unwrap_or_default();
    (answer.status, told)
}
