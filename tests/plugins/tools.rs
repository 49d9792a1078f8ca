//! `weir plugin` from the outside, as its authors call it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use weir_tests::guests::{bundled, guest};
use weir_tests::{Engine, TestServer, binary, run_on};

/// `weir plugin …` in a folder of its own, apart from any configuration.
fn plugin(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.current_dir(folder).env_remove("WEIR_CONFIG").env("WEIR__PLUGINS__SMALL", "true").arg("plugin");
    command.args(arguments).output().expect("weir runs")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn path(name: &str) -> String {
    guest(name).display().to_string()
}

#[track_caller]
fn ended(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    (out, err)
}

#[track_caller]
fn json(output: &Output, code: i32) -> Value {
    let (out, err) = ended(output, code);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}"))
}

/// T13: what is no plugin is refused in these very words, with this very exit code.
#[test]
fn t13_check_says_what_is_wrong_in_exact_words() {
    let home = folder();
    let text = home.path().join("text.wasm");
    std::fs::write(&text, "hello").expect("writable");
    std::fs::write(home.path().join("nothing.wasm"), "").expect("writable");
    for (file, message) in [
        (
            path("core-module"),
            "the file is a core WebAssembly module; a plugin is a WebAssembly component (`weir plugin new` makes one)",
        ),
        (
            "nothing.wasm".to_owned(),
            "the file is empty; a plugin is a WebAssembly component (`weir plugin new` makes one)",
        ),
        (
            "text.wasm".to_owned(),
            "the file is no WebAssembly at all; a plugin is a WebAssembly component (`weir plugin new` makes one)",
        ),
        (
            path("wrong-world"),
            "the component exports `run`; a plugin exports `weir:plugin/lifecycle@0.1.0`, and \
             `weir:plugin/authorizer@0.1.0` or `weir:plugin/contract@0.1.0` or `weir:plugin/storage@0.1.0`",
        ),
        (
            path("future-track"),
            "the component exports `weir:plugin/lifecycle@0.9.0`; a plugin exports `weir:plugin/lifecycle@0.1.0`, and \
             `weir:plugin/authorizer@0.1.0` or `weir:plugin/contract@0.1.0` or `weir:plugin/storage@0.1.0`",
        ),
    ] {
        let output = plugin(home.path(), &["check", &file, "--json"]);
        let refused = json(&output, 5);
        assert_eq!((&refused["ok"], &refused["code"]), (&Value::Bool(false), &Value::from("not_a_plugin")), "{file}");
        assert_eq!(refused["message"], message, "{file}");
        assert!(refused["remedy"].as_str().is_some_and(|remedy| remedy.contains("weir plugin")), "{refused}");
        let (_, said) = ended(&plugin(home.path(), &["check", &file]), 5);
        assert!(said.starts_with(&format!("weir: refused (not_a_plugin): {message}\n")), "{said}");
    }
}

#[test]
fn inspect_shows_what_a_plugin_is_and_asks_for() {
    let home = folder();
    let shown = json(&plugin(home.path(), &["inspect", &path("planner"), "--json"]), 0);
    assert_eq!((shown["world"].as_str(), shown["track"].as_str()), (Some("authorizer-plugin"), Some("0.1")));
    assert_eq!(shown["abilities"], serde_json::json!(["authorizer", "authorizer-plan"]));
    assert_eq!(shown["secrets-asked"], serde_json::json!(["api-token"]));
    assert_eq!(shown["settings-schema"]["type"], "object");
    assert!(shown["imports"].as_array().is_some_and(|names| names.contains(&"weir:plugin/http@0.1.0".into())));
    let (told, _) = ended(&plugin(home.path(), &["inspect", &bundled("contract").display().to_string()]), 0);
    assert!(told.contains("weir:plugin/contract-plugin@0.1.0") && told.contains("\"rules\""), "{told}");
}

/// Settings, secrets, origins are gates, too.
#[test]
fn check_tries_settings_and_grants() {
    let home = folder();
    let grants = ["--secret", "api-token=env:PATH", "--egress", "http://127.0.0.1:1"];
    let check = |settings: &str, grants: &[&str]| {
        std::fs::write(home.path().join("s.toml"), settings).expect("writable");
        let file = path("guest");
        plugin(home.path(), &[&["check", &file, "--json", "--settings", "s.toml"][..], grants].concat())
    };
    assert_eq!(json(&check("answer = 'deny'", &grants), 0)["configured"], true);
    let refused = json(&check("no-such-setting = 1", &grants), 5);
    assert_eq!(refused["code"], "bad_configuration");
    assert!(refused["message"].as_str().is_some_and(|why| why.contains("no-such-setting")), "{refused}");
    assert_eq!(json(&check("", &[]), 5)["code"], "not_granted");
    assert_eq!(json(&plugin(home.path(), &["check", &path("guest"), "--json"]), 0)["configured"], false);
    let pinned = plugin(home.path(), &["check", &path("guest"), "--json", "--sha256", &"0".repeat(64)]);
    assert_eq!(json(&pinned, 5)["code"], "wrong_digest");
}

#[test]
fn run_asks_one_question_and_tells_a_fault_by_its_exit_code() {
    let home = folder();
    let ask_within = |deadline_ms: &str, settings: &str| {
        std::fs::write(home.path().join("s.json"), settings).expect("writable");
        let file = path("guest");
        let grants = ["--secret", "api-token=env:PATH", "--egress", "http://127.0.0.1:1", "--object", "sales.secret"];
        let run = ["run", &file, "--json", "--settings", "s.json", "--deadline-ms", deadline_ms];
        plugin(home.path(), &[&run[..], &grants].concat())
    };
    let ask = |settings: &str| ask_within("20000", settings);
    let denied = json(&ask(r#"{"rules": [{"effect": "deny", "name": "secret*"}]}"#), 0);
    assert_eq!((denied["verdict"].as_str(), denied["rule"].as_str()), (Some("deny"), Some("rule-0")));
    assert_eq!(json(&ask("{}"), 0)["verdict"], "allow");
    let (_, said) = ended(&ask_within("1000", r#"{"behaviour": "loop"}"#), 7);
    assert!(said.starts_with("weir: no answer (plugin_timeout)"), "{said}");
}

#[test]
fn test_compares_the_answers_of_a_contract_with_its_cases() {
    let home = folder();
    let cases = |expect: &str| {
        format!(
            "settings = {{ rules = [{{ name = 'sales', objects = 'sales.*', compatibility = 'full' }}] }}\n\
             [[case]]\noperation = 'commit'\nobject = 'sales.orders'\n\
             before.columns = [{{ id = 1, name = 'price', type = 'double' }}]\nafter.columns = []\n\
             expect = '{expect}'\nrules = ['sales/compatibility']\n"
        )
    };
    let test = |text: String| {
        std::fs::write(home.path().join("cases.toml"), text).expect("writable");
        plugin(home.path(), &["test", &bundled("contract").display().to_string(), "cases.toml", "--json"])
    };
    assert_eq!(json(&test(cases("block")), 0)["cases"][0]["answer"], "block");
    let differs = json(&test(cases("pass")), 6);
    assert!(differs["cases"][0]["difference"].as_str().is_some_and(|why| why.starts_with("expected `pass`")));
    let (_, said) = ended(&test("case = []".into()), 1);
    assert!(said.contains("holds no case"), "{said}");
    let (_, said) = ended(&test("[[case]]\nexpct = 'pass'".into()), 1);
    assert!(said.contains("expct"), "{said}");
}

#[test]
fn bench_measures_warm_fresh_and_batch() {
    let home = folder();
    let grants = ["--secret", "api-token=env:PATH", "--egress", "http://127.0.0.1:1", "--deadline-ms", "20000"];
    let file = path("guest");
    let measured =
        json(&plugin(home.path(), &[&["bench", &file, "--json", "--seconds", "1"][..], &grants].concat()), 0);
    let rows = measured["measured"].as_array().expect("a list");
    let named: Vec<_> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(named, ["warm", "fresh", "batch"]);
    assert!(rows.iter().all(|row| row["calls"].as_u64() > Some(0) && row["p50-us"].as_f64() > Some(0.0)), "{measured}");
}

/// P11: native code runs only where somebody vouches for these very bytes.
#[test]
fn p11_ahead_of_time_code_is_taken_pinned_or_signed_only() {
    let home = folder();
    let run = |arguments: &[&str]| plugin(home.path(), arguments);
    let compiled = json(&run(&["compile", &path("guest"), "-o", "guest.cwasm", "--json"]), 0);
    let sha256 = compiled["sha256"].as_str().expect("a digest");

    assert_eq!(json(&run(&["check", "guest.cwasm", "--json"]), 5)["code"], "untrusted");
    assert_eq!(json(&run(&["check", "guest.cwasm", "--json", "--sha256", sha256]), 0)["sha256"], sha256);

    let mut bent = std::fs::read(home.path().join("guest.cwasm")).expect("it is there");
    let middle = bent.len() / 2;
    bent[middle] ^= 1;
    std::fs::write(home.path().join("bent.cwasm"), &bent).expect("writable");
    assert_eq!(json(&run(&["check", "bent.cwasm", "--json", "--sha256", sha256]), 5)["code"], "wrong_digest");
    assert_eq!(json(&run(&["check", "bent.cwasm", "--json"]), 5)["code"], "untrusted");
    std::fs::write(home.path().join("elf.cwasm"), b"\x7fELF\x02\x01\x01\0 and then nothing of ours").expect("writable");
    assert_eq!(json(&run(&["check", "elf.cwasm", "--json"]), 5)["code"], "not_a_plugin");

    // Another kind of engine: the same bytes, vouched for, but of no use.
    let mut elsewhere = Command::new(binary());
    elsewhere.current_dir(home.path()).args(["plugin", "check", "guest.cwasm", "--json", "--sha256", sha256]);
    let misfit = json(&elsewhere.output().expect("weir runs"), 5);
    assert!(misfit["remedy"].as_str().is_some_and(|what| what.contains("weir plugin compile")), "{misfit}");
}

#[test]
fn list_and_reload_speak_to_the_running_server() {
    run_on(Engine::Sqlite, |engine| async move {
        let plugins = folder();
        let place = plugins.path().display().to_string();
        let settings = [
            ("WEIR__PLUGINS__FOLDER", place.as_str()),
            ("WEIR__PLUGINS__WATCH_MS", "0"),
            ("WEIR__PLUGINS__SMALL", "true"),
            ("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous"),
        ];
        let server = TestServer::start_with(engine, &settings).await;
        let port = server.weir.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let ask = |arguments: &[&str]| {
            let mut command = server.installation.command(port);
            command.arg("plugin").args(arguments).output().expect("weir runs")
        };

        std::fs::copy(bundled("contract"), plugins.path().join("rules.wasm")).expect("copied");
        assert_eq!(json(&ask(&["reload", "--json"]), 0)["swapped"], true);
        let (told, _) = ended(&ask(&["list"]), 0);
        assert!(told.contains("generation 1, 1 plugins") && told.contains("rules"), "{told}");
        assert_eq!(json(&ask(&["list", "--json"]), 0)["plugins"][0]["state"], "active");

        std::fs::write(plugins.path().join("rules.wasm"), "broken").expect("writable");
        let (_, said) = ended(&ask(&["reload"]), 5);
        assert!(said.contains("`rules`: the file is no WebAssembly at all") && said.contains("it stays"), "{said}");
    });
    let home = folder();
    let nobody = Command::new(binary())
        .current_dir(home.path())
        .env("WEIR__SERVER__LISTEN", format!("127.0.0.1:{}", weir_tests::free_port()))
        .args(["plugin", "list"])
        .output();
    ended(&nobody.expect("weir runs"), 4);
}

#[test]
fn wit_prints_the_interface_and_the_actions() {
    let home = folder();
    let (interface, _) = ended(&plugin(home.path(), &["wit"]), 0);
    assert!(interface.contains("package weir:plugin@0.1.0;"), "{interface}");
    let (actions, _) = ended(&plugin(home.path(), &["wit", "--actions"]), 0);
    assert!(actions.contains("`table:commit`"), "{actions}");
}
