//! The running catalog: every room, opened once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::api::authorize::Authorization;
use crate::api::documents::Documents;
use crate::api::people::People;
use crate::api::storage_access::Storages;
use crate::api::turns::Turns;
use crate::api::vending::Vending;
use crate::audit::Audit;
use crate::auth::Authentication;
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::catalog::location::Location;
use crate::catalog::page::PageKey;
use crate::config::{Config, PoolerMode};
use crate::events::Outlets;
use crate::files::{Files, FilesSettings, StorageProfile};
use crate::permit::Permit;
use crate::plugin::Plugins;
use crate::plugin::lifecycle::{Declared, Declarer, Lifecycle};
use crate::plugin::load::BUNDLED;
use crate::secrets::Secrets;
use crate::store::rows::{DeleteProfile, Project, Warehouse, WarehouseStatus};
use crate::store::{Store, StoreSettings, StoreUrl};

/// What handlers and tasks work with.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub files: Files,
    /// The storages of warehouses that are in use.
    pub storages: Storages,
    pub secrets: Secrets,
    /// Keys that were made lately, for clients or for the host itself.
    pub vending: Vending,
    pub authentication: Authentication,
    pub authorization: Authorization,
    /// What is remembered of callers.
    pub people: People,
    /// The plugins that decide now.
    pub plugins: Arc<Plugins>,
    /// How they get into place.
    pub lifecycle: Arc<Lifecycle>,
    /// Where events leave the house.
    pub outlets: Outlets,
    /// Where it is recorded who was allowed what.
    pub audit: Arc<Audit>,
    pub clock: Clock,
    pub documents: Documents,
    pub page_key: PageKey,
    pub turns: Turns,
    /// Cancelled as soon as somebody asked to stop: readiness drops, no background work begins any more.
    pub stopping: CancellationToken,
}

/// The time of day, which tests can shift.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX) + self.offset_ms.load(Ordering::Relaxed)
    }

    /// Moves this clock and all its clones.
    pub fn shift_ms(&self, by: i64) {
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
    }
}

impl App {
    /// Opens every room as the configuration says. The schema is brought up to date, and the first project and warehouse
    /// are made, where the configuration says so.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<Arc<Self>> {
        let declared = declared(&config);
        Self::open_declared(config, clock, Box::new(move || Ok(declared.clone()))).await
    }

    /// The same, but what plugins are declared is asked again with each reload of them.
    pub async fn open_declared(config: Config, clock: Clock, declare: Declarer) -> anyhow::Result<Arc<Self>> {
        let files = Files::open(&files_settings(&config))?;
        let store = Store::open(&store_settings(&config)?).await?;
        if config.store.migrate_at_start {
            store.migrate(clock.now_ms()).await?;
        } else {
            store.check_schema().await?;
        }
        let server = store.server().await?;
        let secrets = Secrets::open(&config.secrets, store.url().file())?;
        let authentication = Authentication::open(&config.auth)?;
        let plugins = Arc::new(Plugins::default());
        let lifecycle = Lifecycle::open(Arc::clone(&plugins), declare, BUNDLED, server.page_key).await?;
        let app = Arc::new(Self {
            authentication,
            authorization: Authorization::new(&config),
            people: People::default(),
            plugins,
            lifecycle,
            outlets: Outlets::open(&config.events)?,
            audit: Arc::new(Audit::open(&config.audit)?),
            documents: Documents::new(config.catalog.document_cache_bytes_max),
            page_key: PageKey::new(server.page_key),
            turns: Turns::new(),
            stopping: CancellationToken::new(),
            config,
            store,
            files,
            storages: Storages::default(),
            vending: Vending::default(),
            secrets,
            clock,
        });
        if app.config.bootstraps() {
            app.make_first_warehouse().await?;
        }
        Ok(app)
    }

    /// The project and warehouse that a newcomer is pointed at; only a catalog that has no project yet gets them.
    async fn make_first_warehouse(&self) -> anyhow::Result<()> {
        let project_id = ProjectId::unnamed();
        if self.store.project(&project_id).await?.is_some() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.config.bootstrap.warehouse_root)?;
        let folder = std::path::absolute(&self.config.bootstrap.warehouse_root)?.canonicalize()?;
        let root = Location::parse(&format!("file://{}", folder.display()))?;
        self.files.admit(&StorageProfile::Local { root: root.clone() }, None).await?;
        let now_ms = self.clock.now_ms();
        let project =
            Project { id: project_id.clone(), name: "default".into(), created_at_ms: now_ms, updated_at_ms: None };
        let warehouse = Warehouse {
            id: WarehouseId::new(),
            project_id,
            name: self.config.bootstrap.warehouse.clone(),
            status: WarehouseStatus::Active,
            storage_profile: json!({ "type": "local", "root": root.as_str() }).to_string(),
            root,
            delete_profile: DeleteProfile::Hard,
            protected: false,
            settings: "{}".into(),
            version: 1,
            created_at_ms: now_ms,
            updated_at_ms: None,
        };
        let mut writer = self.store.begin(&Permit::operator("bootstrap")).await?;
        // Another replica that starts at the same moment may have been first.
        if writer.insert_project(&project).await? && writer.insert_warehouse(&warehouse).await? {
            writer.commit().await?;
        }
        Ok(())
    }

    /// The separator of namespace parts that clients are told, URL-encoded; the unit separator is always understood.
    pub fn namespace_separator(&self) -> Option<&str> {
        self.config.catalog.namespace_separator.as_deref()
    }
}

/// The plugins that a configuration asks for.
pub fn declared(config: &Config) -> Declared {
    Declared { plugins: config.plugins.clone(), stand_in: config.stand_in() }
}

pub fn store_settings(config: &Config) -> anyhow::Result<StoreSettings> {
    let section = &config.store;
    let read_url = section.read_url.as_ref().map(|url| StoreUrl::parse(url.expose())).transpose()?;
    Ok(StoreSettings {
        read_url,
        connections_max: section.connections_max,
        acquire_timeout_ms: section.acquire_timeout_ms,
        statement_timeout_ms: section.statement_timeout_ms,
        group_commits_max: section.group_commits_max,
        pooler_mode: section.pooler_mode == PoolerMode::Transaction,
        ..StoreSettings::new(StoreUrl::parse(section.url.expose())?)
    })
}

fn files_settings(config: &Config) -> FilesSettings {
    FilesSettings { local_roots: config.storage.local_roots.clone(), s3: config.storage.s3.clone() }
}
