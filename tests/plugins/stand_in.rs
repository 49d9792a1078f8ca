//! The authorizer that decides where authentication is on, but none is declared.

use std::sync::{Arc, Mutex};

use serde_json::json;
use weir::app::declared;
use weir::config::{Anonymous, Config, PluginEntry, PluginMode};
use weir::plugin::chain::Outcome;
use weir::plugin::lifecycle::{Declared, Lifecycle};
use weir::plugin::load::Builtin;
use weir::plugin::{Plugins, Principal};
use weir_tests::guests;

use crate::ask::{call, check};

/// What the configuration says, changed by the test between reloads.
struct House {
    plugins: Arc<Plugins>,
    lifecycle: Arc<Lifecycle>,
    declared: Arc<Mutex<Declared>>,
    _cache: tempfile::TempDir,
}

impl House {
    /// Authentication is on, `alice` administers; the program carries these plugins.
    async fn open(builtins: &'static [Builtin]) -> Self {
        let cache = tempfile::tempdir().expect("a folder");
        let mut config = Config::default();
        config.auth.anonymous = Some(Anonymous::Never);
        config.authorization.administrators = vec!["oidc/alice".into()];
        config.plugins.cache_folder = cache.path().to_owned();
        config.plugins.small = true;
        let declared = Arc::new(Mutex::new(declared(&config)));
        let plugins = Arc::new(Plugins::default());
        let declare = Box::new({
            let declared = declared.clone();
            move || Ok(declared.lock().expect("no panic").clone())
        });
        let lifecycle = Lifecycle::open(plugins.clone(), declare, builtins, [7; 32]).await.expect("it opens");
        Self { plugins, lifecycle, declared, _cache: cache }
    }

    async fn declare(&self, mode: PluginMode) {
        let entry = PluginEntry {
            source: format!("file:{}", guests::guest("planner").display()),
            settings: json!({ "answer": "allow" }),
            mode,
            allow_downgrade: true,
            secrets: [("api-token".to_owned(), "env:PATH".to_owned())].into(),
            egress: vec!["http://127.0.0.1:1".into()],
            ..PluginEntry::default()
        };
        self.declared.lock().expect("no panic").plugins.load.insert("policy".into(), entry);
        let reload = self.lifecycle.reload().await.expect("it reloads");
        assert!(reload.refused.is_empty(), "{:?}", reload.refused);
    }

    fn deciding(&self) -> Vec<String> {
        self.plugins.current().authorizers().map(|member| member.guest.name().to_owned()).collect()
    }

    async fn outcome(&self, caller: &str) -> Outcome {
        let principal = Principal { id: caller.to_owned(), ..call().principal };
        let call = weir::plugin::Call { principal, ..call() };
        let mut decisions = self.plugins.authorizers().decide(&call, &[check("orders")]).await;
        decisions.remove(0).outcome
    }
}

fn with_cedar() -> &'static [Builtin] {
    let bytes = std::fs::read(guests::bundled("cedar")).expect("the plugin is readable");
    vec![("cedar", &*bytes.leak())].leak()
}

#[tokio::test]
async fn with_authentication_and_no_authorizer_cedar_lets_administrators_in_alone() {
    let house = House::open(with_cedar()).await;
    assert_eq!(house.deciding(), ["administrators-only"]);
    assert_eq!(house.outcome("oidc/alice").await, Outcome::Allow);
    assert_eq!(house.outcome("oidc/mallory").await, Outcome::Deny);
    assert_eq!(house.lifecycle.missing(), Vec::<String>::new());

    house.declare(PluginMode::Shadow).await;
    assert_eq!(house.deciding(), ["administrators-only"], "a shadow decides nothing");
    house.declare(PluginMode::Enforce).await;
    assert_eq!(house.deciding(), ["policy"]);
    assert_eq!(house.outcome("oidc/mallory").await, Outcome::Allow);
    let known: Vec<_> = house.lifecycle.statuses().into_iter().map(|status| status.name).collect();
    assert_eq!(known, ["policy"]);
}

/// I1: a plugin that should decide but is not in place is nobody's to stand in for.
#[tokio::test]
async fn i1_nobody_stands_in_for_a_plugin_that_is_missing() {
    let house = House::open(&[("cedar", b"not even looked at")]).await;
    let missing = PluginEntry { source: "file:/no/such/file.wasm".into(), ..PluginEntry::default() };
    house.declared.lock().expect("no panic").plugins.load.insert("policy".into(), missing);
    house.lifecycle.reload().await.expect("it reloads");
    assert!(house.deciding().is_empty());
    assert!(matches!(house.outcome("oidc/alice").await, Outcome::Unable(_)));
    assert_eq!(house.lifecycle.missing(), ["policy"]);
}

/// A program without bundled plugins leaves it to the host's own rule, which says the same.
#[tokio::test]
async fn without_the_plugin_inside_nobody_stands_in() {
    let house = House::open(&[]).await;
    assert!(!house.plugins.authorizers().decides());
    assert_eq!(house.lifecycle.missing(), Vec::<String>::new());
}
