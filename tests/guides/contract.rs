//! The example of a producer's pipeline that asks for the contracts' opinion.

use serde_json::json;
use weir_tests::tools::python;
use weir_tests::{Engine, Installation, TestServer, run_on};

use crate::clients::examples;

#[test]
fn a_producer_s_pipeline_learns_of_broken_promises_before_it_breaks_them() {
    run_on(Engine::Sqlite, |engine| async move {
        if python("venv").is_none() {
            return;
        }
        let folder = examples().join("contract");
        let settings = folder.join("weir.toml").display().to_string();
        let server = TestServer::over(Installation::create(engine, &[("WEIR_CONFIG", settings.as_str())]).await).await;
        let check = |schema: &str| {
            let mut python = python("venv")?;
            python.arg("-B").arg(folder.join("check.py")).arg("sales.orders").arg(folder.join(schema));
            let output = python.env("WEIR_URI", server.weir.url()).output().expect("python runs");
            Some((output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
        };

        let (code, said) = check("orders.json").expect("it was there");
        assert_eq!(code, Some(2), "there is no namespace to ask for: {said}");
        server.create_namespace("sales").await;
        let (code, said) = check("orders.json").expect("it was there");
        assert_eq!((code, said.as_str()), (Some(0), "sales.orders: passed\n"));
        let schema = std::fs::read_to_string(folder.join("orders.json")).expect("readable");
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        let create = json!({ "name": "orders", "schema": schema });
        let created = server.post("/namespaces/sales/tables", create).send().await.expect(200).json();
        let (code, said) = check("orders-with-country.json").expect("it was there");
        assert_eq!((code, said.as_str()), (Some(0), "sales.orders: passed\n"));

        let (code, said) = check("orders-broken.json").expect("it was there");

        assert_eq!(code, Some(1), "{said}");
        for rule in ["sales/protected-columns", "sales/compatibility", "sales/column-names", "sales/documented-columns"]
        {
            assert!(said.contains(rule), "{rule} is broken: {said}");
        }
        let loaded = server.get("/namespaces/sales/tables/orders").send().await.expect(200).json();
        assert_eq!(loaded["metadata-location"], created["metadata-location"], "nothing was changed");
    });
}
