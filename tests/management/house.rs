//! A catalog inside the test's own process: the test holds the clock, lets the background work run.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use weir::app::{App, Clock};
use weir::config::Config;
use weir::server::{Limits, Listener, serve};
use weir_tests::{Ask, Engine, Http, Installation, bodies, guests};

/// One running catalog with the warehouse `default`.
pub struct House {
    pub app: Arc<App>,
    /// `/management/v1`.
    pub management: Http,
    /// `/management/v1/warehouse/{id}` of the warehouse `default`.
    pub warehouse: Http,
    /// `/catalog/v1/{prefix}` of the same.
    pub catalog: Http,
    pub prefix: String,
    pub installation: Installation,
    stop: CancellationToken,
}

impl House {
    pub async fn open(engine: Engine) -> Self {
        Self::open_with(engine, &[]).await
    }

    /// `settings` are pairs such as `("WEIR__TASKS__ORPHAN_GRACE_S", "3600")`; replicas do without them.
    pub async fn open_with(engine: Engine, settings: &[(&str, &str)]) -> Self {
        let installation = Installation::create(engine, &[]).await;
        let (app, stop) = (open(&installation, Clock::default(), settings).await, CancellationToken::new());
        let http = Http::new(&listen(&app, stop.clone()).await);
        let config = http.get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();
        let prefix = config["overrides"]["prefix"].as_str().or(config["defaults"]["prefix"].as_str());
        let prefix = prefix.expect("the configuration names a prefix").to_owned();
        Self {
            management: http.under("/management/v1"),
            warehouse: http.under(&format!("/management/v1/warehouse/{prefix}")),
            catalog: http.under(&format!("/catalog/v1/{prefix}")),
            app,
            prefix,
            installation,
            stop,
        }
    }

    /// The catalog as another process over the same database holds it, with the same clock; not for SQLite, whose file
    /// belongs to one.
    pub async fn replica(&self) -> Arc<App> {
        open(&self.installation, self.app.clock.clone(), &[]).await
    }

    /// Does all background work that is due now; gives how many tasks that were.
    pub async fn work(&self) -> usize {
        weir::tasks::run_due_now(&self.app).await.expect("the background work can be claimed")
    }

    pub fn pass_seconds(&self, seconds: i64) {
        self.app.clock.shift_ms(seconds * 1_000);
    }

    /// What is dropped from now on can be brought back for a minute.
    pub async fn delete_softly(&self) {
        let body = json!({"delete-profile": {"type": "soft", "expiration-seconds": 60}});
        self.warehouse.post("/delete-profile", body).send().await.expect(200);
    }

    pub async fn create_namespace(&self, name: &str) {
        self.catalog.post("/namespaces", json!({"namespace": [name]})).send().await.expect(200);
    }

    pub async fn create_table(&self, namespace: &str, name: &str) -> Value {
        let path = format!("/namespaces/{namespace}/tables");
        self.catalog.post(&path, bodies::create_table(name)).send().await.expect(200).json()
    }

    pub fn drop_table(&self, namespace: &str, name: &str, query: &str) -> Ask {
        self.catalog.delete(&format!("/namespaces/{namespace}/tables/{name}{query}"))
    }

    /// The soft-deleted tables and views.
    pub async fn deleted(&self) -> Vec<Value> {
        let answer = self.warehouse.get("/deleted-tabulars").send().await.expect(200).json();
        answer["tabulars"].as_array().expect("a list").clone()
    }

    pub fn undrop(&self, id: &Value) -> Ask {
        self.warehouse.post("/deleted-tabulars/undrop", json!({"targets": [{"type": "table", "id": id}]}))
    }

    /// The id by which the management API knows a namespace.
    pub async fn namespace_id(&self, name: &str) -> String {
        let listed = self.catalog.get("/namespaces?returnUuids=true").send().await.expect(200).json();
        let at = listed["namespaces"].as_array().expect("a list").iter().position(|path| *path == json!([name]));
        listed["namespace-uuids"][at.expect("it is listed")].as_str().expect("an id").to_owned()
    }

    /// The id by which the management API knows a table.
    pub async fn table_id(&self, namespace: &str, name: &str) -> String {
        let path = format!("/namespaces/{namespace}/tables?returnUuids=true");
        let listed = self.catalog.get(&path).send().await.expect(200).json();
        let at = listed["identifiers"].as_array().expect("a list").iter().position(|ident| ident["name"] == name);
        listed["table-uuids"][at.expect("it is listed")].as_str().expect("an id").to_owned()
    }

    /// The tasks of a queue, the newest first.
    pub async fn tasks(&self, queue: &str) -> Vec<Value> {
        let answer = self.warehouse.post("/task/list", json!({"queue-name": [queue]})).send().await.expect(200).json();
        answer["tasks"].as_array().expect("a list").clone()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn open(installation: &Installation, clock: Clock, settings: &[(&str, &str)]) -> Arc<App> {
    let lake = installation.lake().display().to_string();
    let home = installation.home().display().to_string();
    let compiled = guests::compiled();
    let variables = [
        ("WEIR__PLUGINS__CACHE_FOLDER", compiled.as_str()),
        ("WEIR__STORE__URL", installation.database_url()),
        ("WEIR__STORE__CONNECTIONS_MAX", "8"),
        ("WEIR__STORAGE__LOCAL_ROOTS", home.as_str()),
        ("WEIR__BOOTSTRAP__ENABLED", "true"),
        ("WEIR__BOOTSTRAP__WAREHOUSE_ROOT", lake.as_str()),
    ];
    let variables = variables.iter().chain(settings).map(|(name, value)| (name.to_string(), value.to_string()));
    let config = Config::read(None, variables).unwrap_or_else(|problems| panic!("{problems}"));
    App::open(config, clock).await.expect("the catalog opens")
}

/// Serves on a port of its own; gives the URL.
async fn listen(app: &Arc<App>, stop: CancellationToken) -> String {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), None).await.expect("a port is free");
    let address = listener.address().expect("a bound address");
    let limits = Limits {
        header_bytes_max: 65_536,
        headers_max: 100,
        header_timeout: Duration::from_secs(10),
        connections_max: 100,
        shutdown_grace: Duration::from_secs(1),
    };
    tokio::spawn(serve(listener, limits, weir::api::router(Arc::clone(app)), stop));
    format!("http://{address}")
}

/// The local path of a `file://` location.
pub fn path_of(location: &Value) -> std::path::PathBuf {
    let location = location.as_str().expect("a location");
    location.strip_prefix("file://").expect("a local location").into()
}
