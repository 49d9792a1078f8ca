//! Plugins that come into place while a catalog serves: by files that are dropped in, by reloads.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::guests::guest;
use weir_tests::{Engine, Http, TestServer};

/// How long a watched change may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A catalog that watches a folder of plugins; anonymous callers administer it.
pub struct Watched {
    pub server: TestServer,
    pub folder: PathBuf,
    _home: tempfile::TempDir,
}

impl Watched {
    pub async fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("plugins");
        fs::create_dir(&folder).expect("a folder");
        let path = folder.display().to_string();
        let settings = [
            ("WEIR__PLUGINS__FOLDER", path.as_str()),
            ("WEIR__PLUGINS__WATCH_MS", "100"),
            ("WEIR__PLUGINS__SMALL", "true"),
            ("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous"),
        ];
        let server = TestServer::start_with(Engine::Sqlite, &settings).await;
        Self { server, folder, _home: home }
    }

    /// Puts a file in place as operators should: whole, by a rename.
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let part = self.folder.join(format!(".{name}.part"));
        fs::write(&part, bytes).expect("writable");
        fs::rename(&part, self.folder.join(name)).expect("renamed");
    }

    /// The guest asks for a secret, for an origin, so each declaration grants them.
    fn declare(&self, lines: &str) {
        self.put(".token", "not-so-secret");
        let secret = self.folder.join(".token");
        // The machine of the tests is busy: by the usual 100 ms it would now and then miss an answer.
        let patient = "limits = { deadline_ms = 20000, load_deadline_ms = 60000 }";
        let limits = if lines.contains("limits") { "" } else { patient };
        self.put("policy.toml", format!("{}\n{limits}\n{lines}", grants(&secret)));
    }

    fn put_rules(&self, settings: &Value) {
        let settings: toml::Value = serde_json::from_value(settings.clone()).expect("TOML has it, too");
        self.declare(&format!("settings = {settings}"));
    }

    async fn plugins(&self) -> Value {
        self.server.root.get("/management/v1/plugins").send().await.expect(200).json()
    }

    /// The only plugin, once it is as the test waits for.
    pub async fn until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let plugins = self.plugins().await;
            if is_so(&plugins["plugins"][0]) {
                return plugins;
            }
            assert!(Instant::now() < deadline, "it did not come so far: {plugins:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Why the only plugin decides as it does.
    async fn reason(&self) -> String {
        let warehouse = json!({"warehouse-id": self.server.prefix});
        let asked = json!({"principal": {"id": "a"}, "action": "warehouse:create-namespace", "object": warehouse});
        let explained = self.server.root.post("/management/v1/permissions/explain", asked).send().await.expect(200);
        explained.json()["authorizers"][0]["reason"].as_str().unwrap_or_default().to_owned()
    }

    pub async fn create_namespace(&self, name: &str) -> u16 {
        self.server.post("/namespaces", json!({ "namespace": [name] })).send().await.status
    }
}

/// What the guest cannot do without, as lines of its declaration.
pub fn grants(secret: &Path) -> String {
    format!("egress = ['http://127.0.0.1:1']\nsecrets.api-token = 'file:{}'", secret.display())
}

pub fn denies(name: &str) -> Value {
    json!({ "rules": [{ "effect": "deny", "action": name }] })
}

/// T48, T49, I10: a file that is dropped in decides; a broken one changes nothing; the next good one decides.
#[tokio::test]
async fn t48_a_dropped_in_plugin_decides_and_the_last_good_one_stays() {
    let weir = Watched::start().await;
    assert_eq!(weir.create_namespace("before").await, 200);

    weir.put_rules(&denies("warehouse:create-namespace"));
    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));
    let first = weir.until(|plugin| plugin["state"] == "active").await;
    assert_eq!(weir.create_namespace("denied").await, 403);

    weir.put("policy.wasm", fs::read(guest("core-module")).expect("built"));
    let refused = weir.until(|plugin| plugin["state"] == "refused").await;
    assert_eq!(refused["plugins"][0]["last-failure"]["code"], "not_a_plugin");
    assert_eq!(refused["plugins"][0]["in-place"]["sha256"], first["plugins"][0]["in-place"]["sha256"]);
    assert_eq!(refused["generation"], first["generation"]);
    assert_eq!(weir.create_namespace("denied").await, 403);

    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));
    weir.put_rules(&json!({ "answer": "allow" }));
    let second = weir.until(|plugin| plugin["state"] == "active" && plugin["last-failure"].is_null()).await;
    let second = match second["generation"] == first["generation"] {
        true => {
            weir.until(|plugin| plugin["in-place"]["since-ms"] != first["plugins"][0]["in-place"]["since-ms"]).await
        }
        false => second,
    };
    assert!(second["generation"].as_u64() > first["generation"].as_u64());
    assert_eq!(weir.create_namespace("allowed").await, 200);
}

/// I1, P14, T46: a plugin that never came into place is no allow; its state names the cause, readiness waits for it.
#[tokio::test]
async fn i1_a_plugin_that_is_not_in_place_is_no_allow() {
    let weir = Watched::start().await;
    weir.put("policy.wasm", b"this is no WebAssembly");
    let refused = weir.until(|plugin| plugin["state"] == "refused").await;
    assert!(refused["plugins"][0]["in-place"].is_null());
    assert_eq!(weir.server.root.get("/health/ready").send().await.status, 503);
    let answer = weir.server.post("/namespaces", json!({ "namespace": ["n"] })).send().await;
    assert!(answer.header("retry-after").is_some());
    answer.expect_error(503, "ServiceUnavailableException");

    fs::remove_file(weir.folder.join("policy.wasm")).expect("it is there");
    weir.until(Value::is_null).await;
    assert_eq!(weir.server.root.get("/health/ready").send().await.status, 200);
    assert_eq!(weir.create_namespace("n").await, 200);
}

/// T2: a start that took too long may have met a busy machine, so it is tried again without anybody's doing.
#[tokio::test]
async fn t2_a_start_that_was_cut_off_is_tried_again() {
    let weir = Watched::start().await;
    weir.declare("limits = { load_deadline_ms = 300 }\nsettings = { behaviour = 'loop', at = 'configure' }");
    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));

    let first = weir.until(|plugin| plugin["state"] == "backing-off").await;

    let first = first["plugins"][0]["last-failure"].clone();
    assert_eq!(first["code"], "trial_failed", "{first:#}");
    weir.until(|plugin| plugin["state"] == "backing-off" && plugin["last-failure"]["at-ms"] != first["at-ms"]).await;
    assert_eq!(weir.create_namespace("n").await, 503, "until then nobody knows");
}

/// T30, T31, T37, T29: what the operator demands of a plugin is met, or the plugin is refused by name of the demand.
#[tokio::test]
async fn t30_a_plugin_that_does_not_meet_the_demands_is_refused() {
    let weir = Watched::start().await;
    let component = fs::read(guest("guest")).expect("built");
    weir.declare("");
    weir.put("policy.wasm", &component);
    for (demand, code) in [
        (format!("sha256 = '{}'", "0".repeat(64)), "wrong_digest"),
        ("sha256 = 'ABC'".to_owned(), "bad_configuration"),
        ("min_version = '99.0.0'".to_owned(), "downgrade"),
        ("secrets.other = 'file:/no/such/file'".to_owned(), "bad_configuration"),
        ("limits = { memory_bytes_max = 1 }".to_owned(), "bad_configuration"),
        ("settings = { no-such-setting = 1 }".to_owned(), "bad_configuration"),
        ("unknown-key = 1".to_owned(), "bad_configuration"),
    ] {
        weir.declare(&demand);
        let answer = weir.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
        assert_eq!(answer["refused"]["policy"]["code"], code, "{demand}: {answer:#}");
    }
    weir.put("policy.toml", "");
    let answer = weir.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
    assert_eq!(answer["refused"]["policy"]["code"], "not_granted", "{answer:#}");
    weir.put("policy.wasm.sig", "AAAA");
    weir.declare("");
    let answer = weir.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
    assert_eq!(answer["refused"]["policy"]["code"], "untrusted", "{answer:#}");

    fs::remove_file(weir.folder.join("policy.wasm.sig")).expect("it is there");
    let answer = weir.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
    assert_eq!(answer["refused"], json!({}));
}

/// What a plugin does is in the metrics; its last fault, its breaker are in its state.
#[tokio::test]
async fn each_plugin_is_measured() {
    let weir = Watched::start().await;
    weir.put_rules(&json!({ "behaviour": "internal", "text": "down" }));
    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));
    weir.until(|plugin| plugin["state"] == "active").await;
    assert_eq!(weir.create_namespace("n").await, 503);

    let plugin = weir.plugins().await["plugins"][0].clone();
    let in_place = &plugin["in-place"];
    assert_eq!(in_place["last-fault"]["code"], "guest_internal", "{plugin:#}");
    assert_eq!((in_place["breaker"].as_str(), plugin["differences"].as_u64()), (Some("closed"), Some(0)));
    let log = weir.server.weir.log();
    let line = log.lines().find(|line| line.trim_start().starts_with("metrics ")).expect("the banner names it");
    let url = line.split_whitespace().nth(1).expect("a URL");
    let page = Http::new(url).get("").send().await.expect(200).text();
    for line in [
        "weir_plugin_calls_total{plugin=\"policy\"} ",
        "weir_plugin_call_seconds_bucket{plugin=\"policy\",le=\"0.000002\"}",
        "weir_plugin_faults_total{plugin=\"policy\",code=\"guest_internal\"} ",
        "weir_plugin_in_place{plugin=\"policy\"} 1",
        "weir_plugin_breaker_open{plugin=\"policy\"} 0",
        "weir_plugin_generation 1",
        "weir_plugin_reload_failed 0",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
}

/// T51: what decides becomes a mere shadow only where the declaration says that this is meant.
#[tokio::test]
async fn t51_a_reload_does_not_take_a_decider_out_of_force_by_accident() {
    let weir = Watched::start().await;
    let rules = "settings = { rules = [{ effect = 'deny', action = 'warehouse:create-namespace' }] }";
    weir.declare(rules);
    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));
    weir.until(|plugin| plugin["state"] == "active").await;

    weir.declare(&format!("{rules}\nmode = 'shadow'"));
    let answer = weir.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
    assert_eq!(answer["refused"]["policy"]["code"], "bad_configuration", "{answer:#}");
    assert_eq!(weir.create_namespace("denied").await, 403);

    weir.declare(&format!("{rules}\nmode = 'shadow'\nallow_downgrade = true"));
    let answer = weir.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
    assert_eq!(answer["refused"], json!({}));
    assert_eq!(weir.create_namespace("allowed").await, 200);
}

/// T25, T27: a secret is in no answer, in no line of the log, whatever goes well or wrong.
#[tokio::test]
async fn t25_a_secret_shows_nowhere() {
    let weir = Watched::start().await;
    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));
    let mut said = String::new();
    for lines in ["", "settings = { no-such-setting = 1 }", "reveal = ['api-token']", "min_version = '99.0.0'"] {
        weir.declare(lines);
        said += &weir.server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).text();
        said += &weir.plugins().await.to_string();
    }
    said += &weir.server.weir.log();
    assert!(said.contains("api-token"), "its name is told");
    for canary in ["not-so-secret", "bm90LXNvLXNlY3JldA", "6e6f742d736f2d736563726574"] {
        assert!(!said.contains(canary), "{canary} is in what the server said");
    }
}

/// T28: whoever rotates the file of a secret need not say so; the next question is computed with the new value.
#[tokio::test]
async fn t28_a_secret_that_is_rotated_in_its_file_is_what_the_plugin_sees_next() {
    let weir = Watched::start().await;
    weir.declare("reveal = ['api-token']\nsettings = { behaviour = 'reveal' }");
    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));
    weir.until(|plugin| plugin["state"] == "active").await;
    assert_eq!(weir.reason().await, "revealed not-so-secret");

    weir.put(".token", "the-next-one");

    let deadline = Instant::now() + PATIENCE;
    while weir.reason().await != "revealed the-next-one" {
        assert!(Instant::now() < deadline, "it still is: {}", weir.reason().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// T52: a question that is under way when the server is told to stop gets its answer.
#[tokio::test]
async fn t52_a_stop_waits_for_the_guest_that_computes() {
    let mut weir = Watched::start().await;
    weir.declare("settings = { behaviour = 'spin', count = 1_000_000_000 }\nlimits = { deadline_ms = 60000 }");
    weir.put("policy.wasm", fs::read(guest("guest")).expect("built"));
    weir.until(|plugin| plugin["state"] == "active").await;
    let asked = weir.server.post("/namespaces", json!({ "namespace": ["slow"] }));
    let asking = tokio::spawn(asked.send());
    weir.until(|plugin| plugin["in-place"]["busy"] == 1).await;

    weir.server.weir.signal("TERM");

    assert_eq!(asking.await.expect("no panic").status, 200);
    assert_eq!(weir.server.weir.ended(PATIENCE), Some(0));
}
