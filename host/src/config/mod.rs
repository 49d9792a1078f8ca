//! What the operator may say: one file a section, every problem reported at once.
//!
//! The doc comment on a field is its reference: `weir config reference` and `weir config schema` are made from it.

mod audit;
mod auth;
mod authorization;
mod bootstrap;
mod catalog;
mod cidr;
mod engine;
mod environment;
mod events;
mod file;
mod issuer;
mod kubernetes;
mod local_issuer;
mod log;
mod metrics;
mod nats;
mod plugin_entry;
mod plugins;
mod problem;
mod read;
mod reference;
mod schema;
mod secret;
mod secrets;
mod server;
mod storage;
mod store;
mod tasks;
mod traces;
mod vault;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use audit::{Audit, AuditedDecisions};
pub use auth::{Anonymous, Auth};
pub use authorization::{Authorization, Verdict};
pub use bootstrap::Bootstrap;
pub use catalog::Catalog;
pub use cidr::Cidr;
pub use engine::Engine;
pub use events::{Events, Webhook};
pub use file::File;
pub use issuer::{Issuer, SigningAlgorithm, is_address};
pub use kubernetes::Kubernetes;
pub use local_issuer::{LocalClient, LocalIssuer};
pub use log::{Log, LogFormat};
pub use metrics::Metrics;
pub use nats::Nats;
pub use plugins::{PluginEntry, PluginLimits, PluginMode, Plugins, is_name};
pub use problem::{Problem, Problems};
pub use reference::reference;
pub use schema::schema;
pub use secret::{Secret, SecretUrl};
pub use secrets::Secrets;
pub use server::{Cors, Server, Tls};
pub use storage::{S3, Storage};
pub use store::{PoolerMode, Store};
pub use tasks::Tasks;
pub use traces::Traces;
pub use vault::{Vault, VaultLogin};

/// The whole configuration of one Weir process.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where and how HTTP is served.
    pub server: Server,
    /// Prometheus metrics on a port of their own.
    pub metrics: Metrics,
    /// The database that holds the catalog.
    pub store: Store,
    /// Who is calling.
    pub auth: Auth,
    /// What callers may do.
    pub authorization: Authorization,
    /// The guests: sandboxed WebAssembly components that decide.
    pub plugins: Plugins,
    /// Rules of the catalog itself.
    pub catalog: Catalog,
    /// Where tables may lie.
    pub storage: Storage,
    /// How the keys of storages are kept.
    pub secrets: Secrets,
    /// What the first start creates.
    pub bootstrap: Bootstrap,
    /// Background work: expiry, purge.
    pub tasks: Tasks,
    /// Who is told what happened.
    pub events: Events,
    /// Who was allowed or denied what.
    pub audit: Audit,
    /// What is logged.
    pub log: Log,
    /// Traces over OTLP.
    pub traces: Traces,
}

impl Config {
    /// The configuration of this process: defaults, then the file, then `WEIR__SECTION__KEY` variables.
    ///
    /// Without a path, `./weir.toml` is read where it exists.
    pub fn load(path: Option<&Path>) -> Result<Self, Problems> {
        let file = match path {
            Some(path) => Some(File::open(path)?),
            None => File::open_if_there(Path::new("weir.toml"))?,
        };
        Self::read(file.as_ref(), std::env::vars_os().filter_map(environment::variable))
    }

    /// The same from what is given, for tests and tools.
    pub fn read(file: Option<&File>, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problems> {
        read::read(file, variables.into_iter().collect())
    }

    /// What no single field can see: rules of a section, and rules between sections.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.server.problems();
        problems.extend(self.auth.problems(&self.server));
        problems.extend(self.authorization.problems());
        problems.extend(self.store.problems());
        problems.extend(self.plugins.problems());
        problems.extend(self.catalog.problems());
        problems.extend(self.storage.problems());
        problems.extend(self.secrets.problems());
        problems.extend(self.bootstrap.problems());
        problems.extend(self.events.problems());
        problems.extend(self.audit.problems());
        problems.extend(self.log.problems());
        problems.extend(self.traces.problems());
        problems
    }

    /// Whether the first start creates a project and a warehouse.
    pub fn bootstraps(&self) -> bool {
        self.bootstrap.enabled.unwrap_or_else(|| self.store.is_embedded())
    }

    /// The address that clients are told, without a trailing slash.
    pub fn public_url(&self) -> String {
        match &self.server.base_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{}://{}", if self.server.tls.is_some() { "https" } else { "http" }, self.server.listen),
        }
    }
}
