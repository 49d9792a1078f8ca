//! A catalog inside the test's own process, governed by guests that the test chooses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;
use weir::api::documents::Cached;
use weir::app::{App, Clock};
use weir::catalog::ident::{Namespace, TableIdent};
use weir::catalog::ids::WarehouseId;
use weir::config::Config;
use weir::plugin::{
    Compiled, Generation, Guest, GuestSettings, Limits as GuestLimits, Member, Mode, Sandbox, SandboxSettings, Scope,
};
use weir::server::{Limits, Listener, serve};

use crate::{Engine, Http, Installation, bodies, guests};

/// One running catalog with the warehouse `default`, which no plugin governs yet.
pub struct Governed {
    pub app: Arc<App>,
    pub root: Http,
    /// `/catalog/v1/{prefix}`.
    pub catalog: Http,
    /// `/management/v1`.
    pub management: Http,
    pub prefix: String,
    pub installation: Installation,
    sandbox: Arc<Sandbox>,
    stop: CancellationToken,
}

/// The bundled plugins among the guests.
const BUNDLED: &[&str] = &["cedar", "contract"];

/// One plugin of a generation.
pub struct Plugin {
    /// A guest of `tests/guests`, or `cedar`, `contract`, which Weir ships.
    pub guest: &'static str,
    pub settings: Value,
    /// The claims of callers that it is granted.
    pub claims: Vec<String>,
    pub mode: Mode,
    pub scope: Scope,
}

impl Plugin {
    pub fn guest(settings: Value) -> Self {
        Self { guest: "guest", settings, claims: Vec::new(), mode: Mode::Enforce, scope: Scope::default() }
    }

    /// The bundled plugin `cedar` with these policies.
    pub fn cedar(policies: &str) -> Self {
        Self { guest: "cedar", ..Self::guest(json!({ "policies": policies, "otherwise": "deny" })) }
    }

    /// A contract that does as it is told; it misbehaves where it reviews.
    pub fn reviewer(mut settings: Value) -> Self {
        settings["at"] = json!("review");
        Self { guest: "reviewer", ..Self::guest(settings) }
    }

    /// The contract that Weir ships.
    pub fn contract(settings: Value) -> Self {
        Self { guest: "contract", ..Self::guest(settings) }
    }

    pub fn planner(settings: Value) -> Self {
        Self { guest: "planner", ..Self::guest(settings) }
    }
}

impl Governed {
    pub async fn open(engine: Engine) -> Self {
        Self::open_with(engine, &[]).await
    }

    /// `settings` are pairs such as `("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous")`.
    pub async fn open_with(engine: Engine, settings: &[(&str, &str)]) -> Self {
        Self::open_for(engine, settings, None).await
    }

    /// With a token in each request, for a catalog that lets nobody in without.
    pub async fn open_for(engine: Engine, settings: &[(&str, &str)], token: Option<&str>) -> Self {
        let installation = Installation::create(engine, &[]).await;
        let app = open(&installation, settings).await;
        let stop = CancellationToken::new();
        let root = Http::new(&listen(&app, stop.clone()).await);
        let root = token.map_or(root.clone(), |token| root.bearing(token));
        let config = root.get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();
        let prefix = config["overrides"]["prefix"].as_str().expect("a prefix").to_owned();
        let settings = SandboxSettings { small: true, ..SandboxSettings::default() };
        let sandbox = SANDBOX.get_or_init(async || Sandbox::open(settings).expect("a sandbox")).await.clone();
        Self {
            catalog: root.under(&format!("/catalog/v1/{prefix}")),
            management: root.under("/management/v1"),
            root,
            app,
            prefix,
            installation,
            sandbox,
            stop,
        }
    }

    /// With a namespace `ns` in which a table `t` and a view `v` lie.
    pub async fn with_one_of_each(engine: Engine) -> Self {
        let governed = Self::open(engine).await;
        governed.create_namespace("ns").await;
        governed.create_table("ns", "t").await;
        governed.catalog.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);
        governed
    }

    /// Where guests are compiled, once for all tests.
    pub fn sandbox(&self) -> Arc<Sandbox> {
        Arc::clone(&self.sandbox)
    }

    /// From now on these decide; without any the host's own rule does again.
    pub async fn govern(&self, plugins: Vec<Plugin>) {
        let mut members = Vec::new();
        for (number, plugin) in plugins.into_iter().enumerate() {
            let compiled = compiled(&self.sandbox, plugin.guest).await;
            let settings = GuestSettings {
                name: format!("plugin-{number}"),
                settings_json: plugin.settings.to_string(),
                limits: GuestLimits { deadline_ms: deadline_ms(&plugin.settings), ..GuestLimits::default() },
                claims: plugin.claims,
                ..GuestSettings::default()
            };
            let guest = Guest::load(&self.sandbox, &compiled, settings).await.expect("the guest takes its settings");
            members.push(Member { guest, mode: plugin.mode, scope: plugin.scope });
        }
        let number = self.app.plugins.current().number + 1;
        self.app.plugins.swap(Generation { number, members, ..Generation::default() });
    }

    pub async fn create_namespace(&self, name: &str) {
        self.catalog.post("/namespaces", json!({"namespace": [name]})).send().await.expect(200);
    }

    /// The id by which the management API knows a namespace at the top.
    pub async fn namespace_id(&self, name: &str) -> String {
        let listed = self.catalog.get("/namespaces?returnUuids=true").send().await.expect(200).json();
        let at = listed["namespaces"].as_array().expect("a list").iter().position(|path| *path == json!([name]));
        listed["namespace-uuids"][at.expect("it is listed")].as_str().expect("an id").to_owned()
    }

    pub async fn create_table(&self, namespace: &str, name: &str) -> Value {
        let path = format!("/namespaces/{namespace}/tables");
        self.catalog.post(&path, bodies::create_table(name)).send().await.expect(200).json()
    }

    /// From now on whoever looks into a table's document finds it damaged.
    pub async fn damage(&self, namespace: &str, name: &str) {
        let warehouse = WarehouseId(self.prefix.parse().expect("an id"));
        let path = Namespace::parse(vec![namespace.to_owned()]).expect("a path");
        let ident = TableIdent::parse(path, name.to_owned()).expect("a name");
        let row = self.app.store.tabular(warehouse, &ident).await.expect("readable").expect("it is there");
        let document = self.app.store.document(row.id, row.version, &row.metadata_location).await;
        let mut document = document.expect("readable").expect("it has a document");
        document.all.crc32 ^= 1;
        self.app.documents.put(&row, Cached::new(document)).await;
    }

    /// The catalog as anybody could see it: what loads answer, every file of the lake, every event.
    pub async fn state(&self) -> (Vec<Value>, Vec<(PathBuf, u64)>, usize) {
        let current = self.app.plugins.swap(Generation::default());
        let mut loads = vec![self.catalog.get("/namespaces").send().await.expect(200).json()];
        let deleted = format!("/warehouse/{}/deleted-tabulars", self.prefix);
        loads.push(self.management.get(&deleted).send().await.expect(200).json());
        for path in loads[0]["namespaces"].as_array().expect("a list").clone() {
            let namespace = format!("/namespaces/{}", path[0].as_str().expect("a name"));
            loads.push(self.catalog.get(&namespace).send().await.expect(200).json());
            for kind in ["tables", "views"] {
                let listed = self.catalog.get(&format!("{namespace}/{kind}")).send().await.expect(200).json();
                for one in listed["identifiers"].as_array().expect("a list") {
                    let path = format!("{namespace}/{kind}/{}", one["name"].as_str().expect("a name"));
                    loads.push(self.catalog.get(&path).send().await.expect(200).json());
                }
            }
        }
        let events = self.app.store.events_page(None, 10_000).await.expect("the events can be read").len();
        self.app.plugins.swap(Arc::try_unwrap(current).unwrap_or_else(|shared| Generation {
            number: shared.number,
            members: shared.members.clone(),
            vacancies: shared.vacancies.clone(),
        }));
        (loads, files(&self.installation.lake()), events)
    }

    /// The names of a listing, page by page.
    pub async fn names(&self, path: &str, page_size: u32) -> Vec<String> {
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.catalog.get(&format!("{path}?pageSize={page_size}&pageToken={token}")).send().await;
            let page = page.expect(200).json();
            let listed = page["identifiers"].as_array().expect("a list").iter();
            let listed: Vec<String> = listed.map(|one| one["name"].as_str().expect("a name").to_owned()).collect();
            let Some(next) = page["next-page-token"].as_str() else {
                names.extend(listed);
                return names;
            };
            assert_eq!(listed.len(), page_size as usize, "a page that is not the last one is full");
            names.extend(listed);
            token = next.to_owned();
        }
    }
}

/// What loops is waited for in vain, so not for long; the machine of the tests is busy, so all else has time.
fn deadline_ms(settings: &Value) -> u32 {
    if settings["behaviour"] == "loop" { 2_000 } else { 20_000 }
}

impl Drop for Governed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Every file below a folder with its size.
pub fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let metadata = entry.metadata().expect("a file");
            if metadata.is_dir() { open.push(entry.path()) } else { files.push((entry.path(), metadata.len())) }
        }
    }
    files.sort();
    files
}

/// One for all tests of this process: a guest compiles slowly without optimization, so it does once.
static SANDBOX: OnceCell<Arc<Sandbox>> = OnceCell::const_new();
static COMPILED: Mutex<BTreeMap<&str, Arc<Compiled>>> = Mutex::const_new(BTreeMap::new());

async fn compiled(sandbox: &Arc<Sandbox>, guest: &'static str) -> Arc<Compiled> {
    let mut known = COMPILED.lock().await;
    if let Some(compiled) = known.get(guest) {
        return Arc::clone(compiled);
    }
    let path = if BUNDLED.contains(&guest) { guests::bundled(guest) } else { guests::guest(guest) };
    let bytes = std::fs::read(path).expect("the guest can be read");
    let compiled = Arc::new(sandbox.compile(bytes.into()).await.expect("the guest compiles"));
    known.insert(guest, Arc::clone(&compiled));
    compiled
}

async fn open(installation: &Installation, settings: &[(&str, &str)]) -> Arc<App> {
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
    // Where callers say who they are, a program with plugins inside compiles `cedar` first; nobody here needs to wait.
    let names = |variable: &str| settings.iter().any(|(name, _)| *name == variable);
    let stand_in = names("WEIR__AUTHORIZATION__ADMINISTRATORS") && !names("WEIR__AUTHORIZATION__DEFAULT");
    let stand_in = stand_in.then_some(("WEIR__AUTHORIZATION__DEFAULT", "administrators"));
    let variables = variables
        .iter()
        .chain(stand_in.iter())
        .chain(settings)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::read(None, variables.collect::<Vec<_>>()).unwrap_or_else(|problems| panic!("{problems}"));
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
        connections_max: 1_000,
        shutdown_grace: Duration::from_secs(1),
    };
    let router = weir::api::edge::layers(weir::api::router(Arc::clone(app)), &app.config);
    tokio::spawn(serve(listener, limits, router, stop));
    format!("http://{address}")
}
