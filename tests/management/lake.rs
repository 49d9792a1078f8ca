//! A warehouse in a bucket of the test's own storage.

use serde_json::{Value, json};
use weir_tests::{Answer, Ask, Engine, Http, S3Server, bodies};

use crate::house::House;

/// What the secrets of the tests are encrypted with on Postgres; an embedded catalog makes a key file.
pub const SECRETS_KEY: &str = "a key that only tests have, of more than 32 characters";

/// One catalog with the warehouse `lake` at `s3://lake/wh`.
pub struct Lake {
    pub house: House,
    pub s3: S3Server,
    pub id: String,
    /// `/management/v1/warehouse/{id}` of it.
    pub warehouse: Http,
    /// `/catalog/v1/{id}` of it.
    pub catalog: Http,
}

impl Lake {
    pub async fn open(engine: Engine) -> Self {
        Self::open_with(engine, &[]).await
    }

    pub async fn open_with(engine: Engine, settings: &[(&str, &str)]) -> Self {
        let s3 = S3Server::start().await;
        let house = house(engine, &s3, settings).await;
        let answer = house.management.post("/warehouse", body(&s3, "lake", "wh")).send().await.expect(201).json();
        let id = answer["warehouse-id"].as_str().expect("an id").to_owned();
        let base = house.management.base().trim_end_matches("/management/v1").to_owned();
        let root = Http::new(&base);
        let warehouse = root.under(&format!("/management/v1/warehouse/{id}"));
        let catalog = root.under(&format!("/catalog/v1/{id}"));
        catalog.post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
        Self { house, s3, id, warehouse, catalog }
    }

    pub async fn create_table(&self, name: &str) -> Value {
        self.try_create(name).await.expect(200).json()
    }

    pub async fn try_create(&self, name: &str) -> Answer {
        self.catalog.post("/namespaces/ns/tables", bodies::create_table(name)).send().await
    }

    pub async fn create_table_at(&self, name: &str, location: &str) -> Value {
        let mut body = bodies::create_table(name);
        body["location"] = json!(location);
        self.catalog.post("/namespaces/ns/tables", body).send().await.expect(200).json()
    }

    pub fn commit(&self, name: &str, value: &str) -> Ask {
        let body = bodies::commit(json!([]), bodies::set_property("a", value));
        self.catalog.post(&format!("/namespaces/ns/tables/{name}"), body)
    }

    pub async fn load(&self, name: &str) -> Answer {
        self.catalog.get(&format!("/namespaces/ns/tables/{name}")).send().await
    }

    /// The keys below a location.
    pub fn keys_under(&self, location: &str) -> Vec<String> {
        let prefix = format!("{}/", key(location));
        let keys = self.s3.keys(S3Server::BUCKET);
        keys.into_iter().filter(|key| key.starts_with(&prefix)).collect()
    }

    pub fn object(&self, location: &Value) -> Option<Value> {
        let bytes = self.s3.object(S3Server::BUCKET, key(location.as_str().expect("a location")))?;
        Some(serde_json::from_slice(&bytes).expect("JSON"))
    }
}

/// A catalog that may reach the storage.
pub async fn house(engine: Engine, s3: &S3Server, settings: &[(&str, &str)]) -> House {
    let url = s3.url();
    let mut all = vec![("WEIR__STORAGE__S3__ENDPOINTS", url.as_str())];
    if engine == Engine::Postgres {
        all.push(("WEIR__SECRETS__KEY", SECRETS_KEY));
    }
    all.retain(|(name, _)| settings.iter().all(|(other, _)| other != name));
    all.extend(settings);
    House::open_with(engine, &all).await
}

/// A request for a warehouse in the test's own storage.
pub fn body(s3: &S3Server, name: &str, key_prefix: &str) -> Value {
    json!({
        "warehouse-name": name, "storage-profile": s3.profile(key_prefix), "storage-credential": S3Server::credential(),
    })
}

/// The key of a location in the test's bucket.
pub fn key(location: &str) -> &str {
    location.strip_prefix("s3://lake/").expect("a place in the bucket")
}
