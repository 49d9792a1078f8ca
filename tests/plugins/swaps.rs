//! Plugins that are swapped while requests run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::MissedTickBehavior;
use weir_tests::guests::guest;
use weir_tests::tools::is_full_lane;
use weir_tests::{Engine, Http, TestServer};

/// A generation is told by the number of the rule that decides.
const MARKS: u64 = 7;
/// A machine that is too slow for all swaps is asked for no more than it does in this time, but for some.
const LONGEST: Duration = Duration::from_secs(900);
const SWAPS_MIN: u64 = 20;
/// Where the machine is too slow for the rate, no more than these wait: a plugin with more in its queue refuses by right.
const WAITING_MAX: usize = 16;

/// Two authorizers in a folder that is read again when the test says so.
struct Swapped {
    server: TestServer,
    folder: PathBuf,
    _home: tempfile::TempDir,
}

impl Swapped {
    async fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("plugins");
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join(".token"), "not-so-secret").expect("writable");
        let path = folder.display().to_string();
        let settings = [
            ("WEIR__PLUGINS__FOLDER", path.as_str()),
            ("WEIR__PLUGINS__WATCH_MS", "0"),
            ("WEIR__PLUGINS__SMALL", "true"),
            ("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous"),
        ];
        let server = TestServer::start_with(Engine::Sqlite, &settings).await;
        server.create_namespace("ns").await;
        server.create_table("ns", "t").await;
        for name in ["one", "two"] {
            fs::copy(guest("guest"), folder.join(format!("{name}.wasm"))).expect("copied");
        }
        Self { server, folder, _home: home }
    }

    /// Brings in the next generation, which both plugins bear the mark of.
    async fn swap(&self, generation: u64) {
        let nothing = r#"{ effect = "deny", name = "no such name" }, "#.repeat((generation % MARKS) as usize);
        let token = self.folder.join(".token");
        let declared = format!(
            "egress = ['http://127.0.0.1:1']\nsecrets.api-token = 'file:{}'\nlimits = {{ deadline_ms = 10000 }}\n\
             settings.rules = [{nothing}{{ effect = \"allow\" }}]\nsettings.count = {generation}\n",
            token.display()
        );
        for name in ["one", "two"] {
            put(&self.folder.join(format!("{name}.toml")), &declared);
        }
        let reload = self.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
        assert_eq!((reload["generation"].as_u64(), &reload["refused"]), (Some(generation), &json!({})), "{reload:#}");
    }

    /// Resident bytes, open descriptors, threads of the server.
    fn used(&self) -> (u64, usize, usize) {
        let process = PathBuf::from(format!("/proc/{}", self.server.weir.id()));
        let statm = fs::read_to_string(process.join("statm")).expect("Linux");
        let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
        let count = |of: &str| fs::read_dir(process.join(of)).expect("Linux").count();
        (pages * 4_096, count("fd"), count("task"))
    }
}

/// Whole, by a rename.
fn put(path: &Path, text: &str) {
    let part = path.with_extension("part");
    fs::write(&part, text).expect("writable");
    fs::rename(&part, path).expect("renamed");
}

/// T47, P12: while generations change answers stay right, each decision is made by one generation, nothing piles up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t47_every_request_sees_one_generation_while_plugins_are_swapped() {
    let (swaps, per_second) = if is_full_lane() { (1_000, 500) } else { (30, 50) };
    let weir = Swapped::start().await;
    weir.swap(1).await;
    let over = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(weir.server.root.clone(), weir.server.prefix.clone(), over.clone(), per_second));
    let (mut before, begin) = (weir.used(), Instant::now());
    for generation in 2..=swaps {
        if generation > SWAPS_MIN && begin.elapsed() > LONGEST {
            println!("{generation} of {swaps} swaps were made in {} s", LONGEST.as_secs());
            break;
        }
        weir.swap(generation).await;
        if generation == swaps / 2 {
            before = weir.used();
        }
    }
    over.store(true, Ordering::Relaxed);
    let asked = load.await.expect("every answer was right");
    let after = weir.used();
    println!("{asked} requests over {swaps} swaps: bytes, descriptors, threads {before:?}, then {after:?}");
    assert!(asked > 10, "only {asked} requests");
    assert!(after.0 <= before.0 + (48 << 20), "memory grows: {before:?}, then {after:?}");
    assert!(after.1 <= before.1 + 40, "descriptors pile up: {before:?}, then {after:?}");
    // What each swap leaves would be more; connections of the store, helpers for files come as they are needed.
    assert!(after.2 <= before.2 + 24, "threads pile up: {before:?}, then {after:?}");
}

/// Asks at a steady rate until it is over; gives how often.
async fn load(root: Http, prefix: String, over: Arc<AtomicBool>, per_second: u32) -> usize {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut asked = tokio::task::JoinSet::new();
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        count += 1;
        let (root, prefix) = (root.clone(), prefix.clone());
        asked.spawn(async move {
            match count % 2 {
                0 => drop(root.get(&format!("/catalog/v1/{prefix}/namespaces/ns/tables/t")).send().await.expect(200)),
                _ => one_generation(&root, &prefix).await,
            }
        });
        while let Some(answered) = asked.try_join_next() {
            answered.expect("the answer was right");
        }
        while asked.len() >= WAITING_MAX {
            asked.join_next().await.expect("it is asked").expect("the answer was right");
        }
    }
    while let Some(answered) = asked.join_next().await {
        answered.expect("the answer was right");
    }
    count
}

/// Both authorizers decide by the rule that marks the generation.
async fn one_generation(root: &Http, prefix: &str) {
    let object = json!({"warehouse-id": prefix, "namespace": ["ns"], "table": "t"});
    let ask = json!({"action": "table:commit", "object": object});
    let told = root.post("/management/v1/permissions/explain", ask).send().await.expect(200).json();
    let generation = told["generation"].as_u64().expect("a generation");
    let rule = format!("rule-{}", generation % MARKS);
    let authorizers = told["authorizers"].as_array().expect("a list");
    let rules: Vec<_> = authorizers.iter().map(|one| one["rule"].as_str()).collect();
    assert_eq!(rules, [Some(rule.as_str()), Some(rule.as_str())], "{told:#}");
}
