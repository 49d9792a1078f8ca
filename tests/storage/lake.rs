//! A catalog in the test's own process over a bucket of the test's own storage, served by a plugin that the test chooses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;
use weir::app::{App, Clock};
use weir::config::Config;
use weir::permit::Permit;
use weir::plugin::{
    Compiled, Generation, Guest, GuestSettings, Limits as GuestLimits, Member, Mode, Sandbox, SandboxSettings, Scope,
};
use weir::server::{Limits, Listener, serve};
use weir_tests::{Engine, Http, Installation, S3Server, bodies, guests};

pub const VENDED: (&str, &str) = ("X-Iceberg-Access-Delegation", "vended-credentials");
pub const SIGNING: (&str, &str) = ("X-Iceberg-Access-Delegation", "remote-signing");

/// One catalog with the warehouse `lake` at `s3://lake/wh`, in which there is the namespace `ns`.
pub struct Lake {
    pub app: Arc<App>,
    pub s3: S3Server,
    pub root: Http,
    /// `/catalog/v1/{id}` of the warehouse.
    pub catalog: Http,
    /// `/management/v1/warehouse/{id}`.
    pub warehouse: Http,
    pub id: String,
    _installation: Installation,
    stop: CancellationToken,
}

/// What the warehouse's storage offers.
#[derive(Clone, Copy)]
pub struct Offers {
    pub sts: bool,
    pub signing: bool,
}

pub const KEYS: Offers = Offers { sts: true, signing: true };
pub const SIGNATURES: Offers = Offers { sts: false, signing: true };
pub const NOTHING: Offers = Offers { sts: false, signing: false };

impl Lake {
    /// Served by the bundled plugin.
    pub async fn open(engine: Engine, offers: Offers) -> Self {
        let lake = Self::without_plugin(engine, offers).await;
        lake.serve(&[(guests::bundled("s3"), json!({}))]).await;
        lake
    }

    /// The same catalog as another process holds it that only reads; not for SQLite, whose file belongs to one.
    pub async fn in_maintenance(&self) -> (Arc<App>, Http) {
        let app = open(&self._installation, &self.s3, &[("WEIR__CATALOG__READ_ONLY", "true")]).await;
        app.plugins.swap(Generation {
            number: 1,
            members: members(&[(guests::bundled("s3"), json!({}))]).await,
            ..Generation::default()
        });
        let root = Http::new(&listen(&app, self.stop.clone()).await);
        let catalog = root.under(&format!("/catalog/v1/{}", self.id));
        (app, catalog)
    }

    pub async fn without_plugin(engine: Engine, offers: Offers) -> Self {
        let s3 = S3Server::start().await;
        let installation = Installation::create(engine, &[]).await;
        let app = open(&installation, &s3, &[]).await;
        let stop = CancellationToken::new();
        let root = Http::new(&listen(&app, stop.clone()).await);
        let mut profile = s3.profile("wh");
        profile["sts-enabled"] = json!(offers.sts);
        profile["remote-signing-enabled"] = json!(offers.signing);
        let body = json!({
            "warehouse-name": "lake", "storage-profile": profile, "storage-credential": S3Server::credential(),
        });
        let made = root.post("/management/v1/warehouse", body).send().await.expect(201).json();
        let id = made["warehouse-id"].as_str().expect("an id").to_owned();
        let catalog = root.under(&format!("/catalog/v1/{id}"));
        catalog.post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
        let warehouse = root.under(&format!("/management/v1/warehouse/{id}"));
        Self { app, s3, root, catalog, warehouse, id, _installation: installation, stop }
    }

    /// From now on these plugins are in place.
    pub async fn serve(&self, plugins: &[(PathBuf, Value)]) {
        let members = members(plugins).await;
        let number = self.app.plugins.current().number + 1;
        self.app.plugins.swap(Generation { number, members, ..Generation::default() });
    }

    pub async fn create_table(&self, name: &str) -> Value {
        self.catalog.post("/namespaces/ns/tables", bodies::create_table(name)).send().await.expect(200).json()
    }

    /// As if the operator had narrowed the warehouse down behind the catalog's back.
    pub async fn move_root(&self, key_prefix: &str) {
        let id = self.id.parse().expect("an id");
        let mut row = self.app.store.warehouse(id).await.expect("the store answers").expect("it is there");
        let mut profile: Value = serde_json::from_str(&row.storage_profile).expect("JSON");
        profile["key-prefix"] = json!(key_prefix);
        row.storage_profile = profile.to_string();
        let version = row.version;
        row.version += 1;
        let mut writer = self.app.store.begin(&Permit::operator("test")).await.expect("a transaction");
        assert!(writer.update_warehouse(&row, version).await.expect("it is written"));
        writer.commit().await.expect("it is committed");
    }

    pub async fn load(&self, name: &str, (header, value): (&str, &str)) -> Value {
        let path = format!("/namespaces/ns/tables/{name}");
        self.catalog.get(&path).header(header, value).send().await.expect(200).json()
    }
}

impl Drop for Lake {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The key of a table's location in the test's bucket.
pub fn key_of(table: &Value) -> String {
    let location = table["metadata"]["location"].as_str().expect("a location");
    location.strip_prefix("s3://lake/").expect("a place in the bucket").to_owned()
}

async fn members(plugins: &[(PathBuf, Value)]) -> Vec<Member> {
    let mut members = Vec::new();
    for (number, (path, settings)) in plugins.iter().enumerate() {
        let settings = GuestSettings {
            name: format!("plugin-{number}"),
            settings_json: settings.to_string(),
            limits: GuestLimits { deadline_ms: 20_000, failures_max: 10, ..GuestLimits::default() },
            ..GuestSettings::default()
        };
        let guest = Guest::load(sandbox().await, &*compiled(path).await, settings).await.expect("the guest loads");
        members.push(Member { guest, mode: Mode::Enforce, scope: Scope::default() });
    }
    members
}

async fn sandbox() -> &'static Arc<Sandbox> {
    static SANDBOX: OnceCell<Arc<Sandbox>> = OnceCell::const_new();
    let settings = SandboxSettings { small: true, ..SandboxSettings::default() };
    SANDBOX.get_or_init(async || Sandbox::open(settings).expect("a sandbox")).await
}

/// A guest compiles slowly without optimization, so it does once.
async fn compiled(path: &PathBuf) -> Arc<Compiled> {
    static COMPILED: Mutex<BTreeMap<PathBuf, Arc<Compiled>>> = Mutex::const_new(BTreeMap::new());
    let mut known = COMPILED.lock().await;
    if let Some(compiled) = known.get(path) {
        return Arc::clone(compiled);
    }
    let bytes = std::fs::read(path).expect("the guest can be read");
    let compiled = Arc::new(sandbox().await.compile(bytes.into()).await.expect("the guest compiles"));
    known.insert(path.clone(), Arc::clone(&compiled));
    compiled
}

async fn open(installation: &Installation, s3: &S3Server, settings: &[(&str, &str)]) -> Arc<App> {
    let lake = installation.lake().display().to_string();
    let home = installation.home().display().to_string();
    let endpoint = s3.url();
    let compiled = guests::compiled();
    let variables = [
        ("WEIR__PLUGINS__CACHE_FOLDER", compiled.as_str()),
        ("WEIR__STORE__URL", installation.database_url()),
        ("WEIR__STORE__CONNECTIONS_MAX", "8"),
        ("WEIR__STORAGE__LOCAL_ROOTS", home.as_str()),
        ("WEIR__STORAGE__S3__ENDPOINTS", endpoint.as_str()),
        ("WEIR__SECRETS__KEY", "a key that only tests have, of more than 32 characters"),
        ("WEIR__BOOTSTRAP__ENABLED", "true"),
        ("WEIR__BOOTSTRAP__WAREHOUSE_ROOT", lake.as_str()),
    ];
    let variables = variables.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::read(None, variables).unwrap_or_else(|problems| panic!("{problems}"));
    App::open(config, Clock::default()).await.expect("the catalog opens")
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
    let router = weir::api::edge::layers(weir::api::router(Arc::clone(app)), &app.config);
    tokio::spawn(serve(listener, limits, router, stop));
    format!("http://{address}")
}
