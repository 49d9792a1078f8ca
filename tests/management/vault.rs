//! Keys of storages in a store of secrets that speaks Vault's KV version 2.

use std::time::Duration;

use serde_json::json;
use weir_tests::tools::succeed;
use weir_tests::{Engine, Installation, S3Server, TestServer, VaultServer, bodies, on_both_engines};

use crate::lake::{Lake, SECRETS_KEY, body, house};

on_both_engines!(
    a_credential_lies_in_vault_under_its_warehouse,
    each_way_to_log_in_is_taken,
    a_token_is_renewed_while_it_lives_replaced_when_it_does_not,
    a_denying_vault_is_not_logged_in_to_with_each_request,
    a_sealed_or_denying_vault_is_told_as_such_and_comes_back,
    a_wrong_login_keeps_no_credential,
    an_idle_login_is_kept_alive,
    what_the_ledger_had_moves_to_the_store_of_secrets,
);

async fn lake(engine: Engine, vault: &VaultServer, settings: &[(&str, &str)]) -> Lake {
    let url = vault.url();
    let mut all = vec![("WEIR__SECRETS__VAULT__URL", url.as_str())];
    all.extend(settings);
    Lake::open_with(engine, &all).await
}

const TOKEN: &[(&str, &str)] = &[("WEIR__SECRETS__VAULT__TOKEN", VaultServer::ROOT_TOKEN)];
const USERPASS: &[(&str, &str)] = &[
    ("WEIR__SECRETS__VAULT__LOGIN", "userpass"),
    ("WEIR__SECRETS__VAULT__USERNAME", "weir"),
    ("WEIR__SECRETS__VAULT__PASSWORD", VaultServer::PASSWORD),
];
const APPROLE: &[(&str, &str)] = &[
    ("WEIR__SECRETS__VAULT__LOGIN", "approle"),
    ("WEIR__SECRETS__VAULT__ROLE_ID", "weir"),
    ("WEIR__SECRETS__VAULT__SECRET_ID", VaultServer::SECRET_ID),
    ("WEIR__SECRETS__VAULT__NAMESPACE", "teams/lake"),
];

/// Nothing of it is in the ledger; a new credential is a new version, and all versions go with the warehouse.
async fn a_credential_lies_in_vault_under_its_warehouse(engine: Engine) {
    let vault = VaultServer::start().await;
    let lake = lake(engine, &vault, TOKEN).await;
    let path = format!("weir/{}", lake.id);
    assert_eq!(vault.secrets().get(&path), Some(&1));
    let row = lake.house.app.store.secret(lake.id.parse().expect("an id")).await.expect("it is read");
    let row = row.expect("a row");
    assert_eq!(row.keeper, "vault");
    assert!(!String::from_utf8_lossy(&row.sealed).contains(S3Server::SECRET_ACCESS_KEY));

    let credential = json!({"new-storage-credential": S3Server::credential()});
    lake.warehouse.post("/storage-credential", credential).send().await.expect(200);
    lake.create_table("t").await;
    assert_eq!(vault.secrets().get(&path), Some(&2));

    lake.catalog.delete("/namespaces/ns/tables/t?purgeRequested=true").send().await.expect(204);
    lake.house.work().await;
    lake.catalog.delete("/namespaces/ns").send().await.expect(204);
    lake.warehouse.delete("").send().await.expect(204);
    assert_eq!(vault.secrets().get(&path), None);
}

async fn each_way_to_log_in_is_taken(engine: Engine) {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("token");
    std::fs::write(&file, format!("{}\n", VaultServer::JWT)).expect("it is written");
    let file = file.display().to_string();
    let kubernetes = [
        ("WEIR__SECRETS__VAULT__LOGIN", "kubernetes"),
        ("WEIR__SECRETS__VAULT__ROLE", "weir"),
        ("WEIR__SECRETS__VAULT__SERVICE_ACCOUNT_FILE", file.as_str()),
    ];
    for (method, settings) in [("userpass", USERPASS), ("approle", APPROLE), ("kubernetes", &kubernetes)] {
        let vault = VaultServer::start().await;
        let lake = lake(engine, &vault, settings).await;
        lake.create_table("t").await;
        assert_eq!(vault.logins(), [method]);
        assert_eq!(vault.namespaces().contains("teams/lake"), method == "approle");
    }
}

async fn a_token_is_renewed_while_it_lives_replaced_when_it_does_not(engine: Engine) {
    let vault = VaultServer::start().await;
    let lake = lake(engine, &vault, APPROLE).await;
    let set = || {
        let credential = json!({"new-storage-credential": S3Server::credential()});
        lake.warehouse.post("/storage-credential", credential).send()
    };

    lake.house.pass_seconds(3_000);
    set().await.expect(200);
    assert_eq!((vault.logins().len(), vault.renewals()), (1, 1));

    lake.house.pass_seconds(4_000);
    set().await.expect(200);
    assert_eq!((vault.logins().len(), vault.renewals()), (2, 1));

    lake.house.pass_seconds(60);
    vault.revoke_tokens();
    set().await.expect(200);
    assert_eq!((vault.logins().len(), vault.renewals()), (3, 1));
}

/// No login gives what a policy does not, and each leaves a token behind.
async fn a_denying_vault_is_not_logged_in_to_with_each_request(engine: Engine) {
    let vault = VaultServer::start().await;
    let lake = lake(engine, &vault, APPROLE).await;
    let set = || {
        let credential = json!({"new-storage-credential": S3Server::credential()});
        lake.warehouse.post("/storage-credential", credential).send()
    };
    lake.house.pass_seconds(60);
    vault.deny(true);

    for _ in 0..4 {
        set().await.expect(503);
    }

    assert_eq!(vault.logins().len(), 2, "one to begin with, one to find out that the token is not to blame");
    vault.deny(false);
    set().await.expect(200);
}

async fn a_sealed_or_denying_vault_is_told_as_such_and_comes_back(engine: Engine) {
    let vault = VaultServer::start().await;
    let lake = lake(engine, &vault, TOKEN).await;
    let set = || {
        let credential = json!({"new-storage-credential": S3Server::credential()});
        lake.warehouse.post("/storage-credential", credential).send()
    };

    vault.seal(true);
    let sealed = set().await.expect(503);
    assert!(sealed.text().contains("sealed"), "{}", sealed.text());
    vault.seal(false);
    vault.deny(true);
    let denied = set().await.expect(503);
    assert!(denied.text().contains("403"), "{}", denied.text());
    vault.deny(false);

    for answer in [sealed, denied] {
        assert!(!answer.text().contains("canary"), "{}", answer.text());
    }
    set().await.expect(200);
    lake.create_table("t").await;
}

async fn a_wrong_login_keeps_no_credential(engine: Engine) {
    let (vault, s3) = (VaultServer::start().await, S3Server::start().await);
    let url = vault.url();
    let settings = [("WEIR__SECRETS__VAULT__URL", url.as_str()), ("WEIR__SECRETS__VAULT__TOKEN", "hvs.canary-wrong")];
    let house = house(engine, &s3, &settings).await;

    let refused = house.management.post("/warehouse", body(&s3, "lake", "wh")).send().await.expect(503);

    assert!(refused.text().contains("secrets.vault") && !refused.text().contains("canary"), "{}", refused.text());
    let listed = house.management.get("/warehouse").send().await.expect(200).json();
    assert_eq!(listed["warehouses"].as_array().expect("a list").len(), 1);
}

/// Nobody asks for a secret for longer than a token lives.
async fn an_idle_login_is_kept_alive(engine: Engine) {
    let vault = VaultServer::start().await;
    let lake = lake(engine, &vault, USERPASS).await;
    for _ in 0..5 {
        lake.house.pass_seconds(2_500);
        lake.house.app.secrets.tend(lake.house.app.clock.now_ms()).await.expect("the login is good");
    }
    assert_eq!((vault.logins().len(), vault.renewals()), (1, 5));
}

/// S8: the catalog begins without a store of secrets, goes on with one, and tells everything but secrets meanwhile.
async fn what_the_ledger_had_moves_to_the_store_of_secrets(engine: Engine) {
    let (vault, s3) = (VaultServer::start().await, S3Server::start().await);
    let url = s3.url();
    let settings = [
        ("WEIR__STORAGE__S3__ENDPOINTS", url.as_str()),
        ("WEIR__SECRETS__KEY", SECRETS_KEY),
        ("WEIR__LOG__FILTER", "trace,cranelift_codegen=info,wasmtime=info"),
    ];
    let mut server = TestServer::over(Installation::create(engine, &settings).await).await;
    let made = server.root.post("/management/v1/warehouse", body(&s3, "lake", "wh")).send().await.expect(201).json();
    let id = made["warehouse-id"].as_str().expect("an id").to_owned();
    assert_eq!(server.weir.terminate(Duration::from_secs(20)), Some(0));
    server.installation.set("WEIR__SECRETS__VAULT__URL", &vault.url());
    for (name, value) in USERPASS {
        server.installation.set(name, value);
    }

    let mut rotate = server.installation.command(0);
    rotate.args(["secrets", "rotate"]);
    let said = tokio::task::spawn_blocking(move || succeed(rotate)).await.expect("it ends");

    assert!(said.contains("1 secrets were moved to the secret store"), "{said}");
    assert_eq!(vault.secrets().get(&format!("weir/{id}")), Some(&1));
    server.installation.unset("WEIR__SECRETS__KEY");
    server.restart().await;
    let catalog = server.root.under(&format!("/catalog/v1/{id}"));
    catalog.post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
    catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(200);
    let log = server.weir.log();
    assert!(log.contains("logged in at the secret store"), "{log}");
    for secret in [S3Server::SECRET_ACCESS_KEY, VaultServer::PASSWORD, "hvs.canary"] {
        assert!(!log.contains(secret) && !said.contains(secret), "the log shows {secret}");
    }
}
