//! Warehouses that are reached by what the machine is known by: its environment, here.

use serde_json::{Value, json};
use weir_tests::{Answer, Engine, Http, Installation, S3Server, TestServer, bodies, guests, on_both_engines};

use crate::lake::{SIGNING, VENDED};

on_both_engines!(
    clients_of_a_machine_s_identity_get_keys_and_signatures,
    the_catalog_assumes_its_role_by_the_machine_s_identity,
    without_the_operator_s_leave_the_machine_s_identity_makes_no_keys,
);

const ID: &str = "ASIAWEIRTESTMACHINE1";
const SECRET: &str = "canary+of/the=machine";
const TOKEN: &str = "canary-token-of-the-machine";
const TABLE: &str = "/namespaces/ns/tables/t";

/// A process that has the machine's key in its environment.
struct Machine {
    s3: S3Server,
    server: TestServer,
    catalog: Http,
}

async fn machine(engine: Engine, more: &[(&str, Value)]) -> Machine {
    let s3 = S3Server::start().await;
    s3.add_machine(ID, SECRET, TOKEN);
    s3.remove_key(S3Server::ACCESS_KEY_ID);
    let (url, compiled) = (s3.url(), guests::compiled());
    let settings = [
        ("AWS_ACCESS_KEY_ID", ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("WEIR__STORAGE__S3__SYSTEM_IDENTITY", "true"),
        ("WEIR__STORAGE__S3__ENDPOINTS", url.as_str()),
        ("WEIR__SECRETS__KEY", "a key that only tests have, of more than 32 characters"),
        ("WEIR__PLUGINS__CACHE_FOLDER", compiled.as_str()),
    ];
    let server = TestServer::over(Installation::create(engine, &settings).await).await;
    let made = server.root.post("/management/v1/warehouse", warehouse(&s3, more)).send().await.expect(201).json();
    let catalog = server.root.under(&format!("/catalog/v1/{}", made["warehouse-id"].as_str().expect("an id")));
    catalog.post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
    catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(200);
    Machine { s3, server, catalog }
}

fn warehouse(s3: &S3Server, more: &[(&str, Value)]) -> Value {
    let mut profile = s3.profile("wh");
    profile["sts-enabled"] = json!(true);
    for (name, value) in more {
        profile[*name] = value.clone();
    }
    json!({
        "warehouse-name": "lake", "storage-profile": profile,
        "storage-credential": {"type": "s3", "credential-type": "aws-system-identity"},
    })
}

impl Machine {
    async fn load(&self, (header, value): (&str, &str)) -> Answer {
        self.catalog.get(TABLE).header(header, value).send().await
    }

    async fn sign(&self, uri: &str) -> Answer {
        let body = json!({"method": "PUT", "region": S3Server::REGION, "uri": uri, "headers": {}});
        self.catalog.post(&format!("{TABLE}/sign"), body).send().await
    }

    fn uri_inside(&self, loaded: &Value) -> String {
        let location = loaded["metadata"]["location"].as_str().expect("a location");
        format!("{}/{}/data/x", self.s3.url(), location.trim_start_matches("s3://"))
    }
}

async fn clients_of_a_machine_s_identity_get_keys_and_signatures(engine: Engine) {
    let machine = machine(engine, &[]).await;

    let vended = machine.load(VENDED).await.expect(200);
    let signing = machine.load(SIGNING).await.expect(200).json();
    let uri = machine.uri_inside(&signing);
    let signed = machine.sign(&uri).await.expect(200);

    let session = machine.s3.assumed().pop().expect("a session");
    assert!(session.policy.is_some());
    assert_eq!(
        vended.json()["storage-credentials"][0]["config"]["s3.access-key-id"],
        session.access_key_id.as_str(),
        "{}",
        vended.text()
    );
    let headers = signed.json()["headers"].clone();
    let mut request = reqwest::Client::new().put(&uri);
    for (name, values) in headers.as_object().expect("headers") {
        request = request.header(name, values[0].as_str().expect("a value"));
    }
    assert_eq!(request.body("rows").send().await.expect("an answer").status().as_u16(), 200, "{headers}");
    for text in [vended.text(), signed.text(), machine.server.weir.log()] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(!vended.text().contains(TOKEN) && !machine.server.weir.log().contains(TOKEN));
}

async fn the_catalog_assumes_its_role_by_the_machine_s_identity(engine: Engine) {
    let role = "arn:aws:iam::123456789012:role/catalog";
    let machine = machine(engine, &[("assume-role-arn", json!(role))]).await;

    let session = machine.s3.assumed().pop().expect("a session");

    assert_eq!(session.role_arn, role);
    let last = machine.s3.recorded().pop().expect("a request");
    assert_eq!((last.method.as_str(), last.access_key_id), ("PUT", session.access_key_id));
}

async fn without_the_operator_s_leave_the_machine_s_identity_makes_no_keys(engine: Engine) {
    let mut machine = machine(engine, &[]).await;
    let inside = machine.uri_inside(&machine.load(("x-none", "")).await.expect(200).json());
    let before = machine.s3.recorded().len();
    let prefix = machine.catalog.base().trim_start_matches(&machine.server.weir.url()).to_owned();

    machine.server.weir.kill();
    machine.server.installation.set("WEIR__STORAGE__S3__SYSTEM_IDENTITY", "false");
    machine.server.restart().await;
    machine.catalog = machine.server.root.under(&prefix);

    let mut refusals = Vec::new();
    for asked in [("x-none", ""), VENDED, SIGNING] {
        refusals.push(machine.load(asked).await);
    }
    refusals.push(machine.sign(&inside).await);
    for refused in refusals {
        let message = refused.expect_error(400, "BadRequestException");
        assert!(message.contains("system_identity"), "{message}");
    }
    let mut another = warehouse(&machine.s3, &[("key-prefix", json!("other"))]);
    another["warehouse-name"] = json!("other");
    let refused = machine.server.root.post("/management/v1/warehouse", another).send().await;
    assert!(refused.expect_error(400, "BadRequestException").contains("system_identity"));
    assert_eq!(machine.s3.recorded().len(), before, "the storage is not asked");
}
