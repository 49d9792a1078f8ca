//! A catalog to talk to: an installation, one process over it, its default warehouse.

use crate::client::{Ask, Http};
use crate::engine::Engine;
use crate::process::{Installation, Weir};

/// One running catalog with the warehouse `default`; everything goes when it is dropped.
pub struct TestServer {
    pub weir: Weir,
    pub installation: Installation,
    /// The root of the server.
    pub root: Http,
    /// `/catalog/v1/{prefix}` of the warehouse `default`.
    pub catalog: Http,
    /// The id of the warehouse `default`.
    pub prefix: String,
}

impl TestServer {
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[]).await
    }

    /// `settings` are pairs such as `("WEIR__CATALOG__READ_ONLY", "true")`.
    pub async fn start_with(engine: Engine, settings: &[(&str, &str)]) -> Self {
        Self::over(Installation::create(engine, settings).await).await
    }

    pub async fn over(installation: Installation) -> Self {
        let weir = installation.start().await;
        let root = Http::new(&weir.url());
        let config = root.get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();
        let prefix = config["overrides"]["prefix"].as_str().or(config["defaults"]["prefix"].as_str());
        let prefix = prefix.expect("the configuration names a prefix").to_owned();
        let catalog = root.under(&format!("/catalog/v1/{prefix}"));
        Self { weir, installation, root, catalog, prefix }
    }

    /// A further process over the same database.
    pub async fn replica(&self) -> (Weir, Http) {
        let weir = self.installation.start().await;
        let catalog = Http::new(&weir.url()).under(&format!("/catalog/v1/{}", self.prefix));
        (weir, catalog)
    }

    /// Starts again over what is there; the address is another one.
    pub async fn restart(&mut self) {
        self.weir = self.installation.start().await;
        self.root = Http::new(&self.weir.url());
        self.catalog = self.root.under(&format!("/catalog/v1/{}", self.prefix));
    }

    pub fn get(&self, path: &str) -> Ask {
        self.catalog.get(path)
    }

    pub fn head(&self, path: &str) -> Ask {
        self.catalog.head(path)
    }

    pub fn delete(&self, path: &str) -> Ask {
        self.catalog.delete(path)
    }

    pub fn post(&self, path: &str, body: serde_json::Value) -> Ask {
        self.catalog.post(path, body)
    }

    /// A namespace of one part.
    pub async fn create_namespace(&self, name: &str) {
        self.post("/namespaces", serde_json::json!({ "namespace": [name] })).send().await.expect(200);
    }

    /// A table with the columns of [`bodies::schema`](crate::bodies::schema); the answer's body.
    pub async fn create_table(&self, namespace: &str, name: &str) -> serde_json::Value {
        let body = crate::bodies::create_table(name);
        self.post(&format!("/namespaces/{namespace}/tables"), body).send().await.expect(200).json()
    }
}
