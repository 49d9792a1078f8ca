//! The settings of the examples: understood by the program, serving, holding what their words promise.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::tools::{python, succeed};
use weir_tests::{Engine, Http, Installation, free_port, run_on};

use crate::clients::examples;

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The edge example from nothing: its own settings, its own script, then a better policy while it serves.
#[test]
fn the_box_on_the_edge_holds_its_policy_and_takes_a_new_one() {
    run_on(Engine::Sqlite, |engine| async move {
        let Some(mut python) = python("venv") else { return };
        let installation = Installation::create(engine, &[]).await;
        let settings = installation.home().join("weir.toml");
        let text = fs::read_to_string(examples().join("edge/weir.toml")).expect("readable");
        fs::write(&settings, &text).expect("writable");
        let port = free_port();
        let log = fs::File::create(installation.home().join("edge.log")).expect("writable");
        let mut weir = Command::new(installation.command(port).get_program());
        weir.current_dir(installation.home()).arg("--config").arg(&settings).arg("serve");
        // Only what two tests at once would fight for is another than in the example: ports, time on the processor.
        weir.env("WEIR__SERVER__LISTEN", format!("127.0.0.1:{port}")).env("WEIR__METRICS__LISTEN", "127.0.0.1:0");
        weir.env("WEIR__PLUGINS__LOAD__CEDAR__LIMITS__DEADLINE_MS", "20000");
        weir.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let _running = Running(weir.spawn().expect("it runs"));
        let http = Http::new(&format!("http://127.0.0.1:{port}"));
        until_ready(&http, &installation).await;

        python.arg("-B").arg(examples().join("edge/readings.py")).env("WEIR_URI", format!("http://127.0.0.1:{port}"));
        let said = succeed(python);
        assert!(said.contains("as it should be") && said.contains("table:drop on table raw.readings"), "{said}");

        // A policy that answers its own tests otherwise is refused, and the one before goes on.
        fs::write(&settings, text.replace("raw.*", "nothing.*")).expect("writable");
        let refused = reload(&http).await;
        assert_eq!(refused["refused"]["cedar"]["code"], "bad_configuration", "{refused:#}");
        fs::write(&settings, text.replace("what the sensors sent is kept", "kept, whatever comes")).expect("writable");
        let taken = reload(&http).await;
        assert_eq!((&taken["refused"], &taken["swapped"]), (&json!({}), &json!(true)), "{taken:#}");
    });
}

async fn reload(http: &Http) -> Value {
    http.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json()
}

async fn until_ready(http: &Http, installation: &Installation) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while http.get("/health/ready").try_send().await.is_none_or(|answer| answer.status != 200) {
        let log = || fs::read_to_string(installation.home().join("edge.log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "it does not serve:\n{}", log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The image's own settings refuse to be open by accident, and serve once somebody said so.
#[test]
fn the_settings_of_the_image_are_closed_until_told_otherwise() {
    run_on(Engine::Sqlite, |engine| async move {
        let installation = Installation::create(engine, &[]).await;
        let settings = examples().join("../.ci/image/weir.toml");
        let check = || {
            let mut check = Command::new(installation.command(0).get_program());
            check.arg("--config").arg(&settings).args(["config", "check"]);
            check
        };

        let refused = check().output().expect("it runs");
        assert_eq!(refused.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("auth.anonymous"), "{refused:?}");

        let mut told = check();
        told.env("WEIR__AUTH__ANONYMOUS", "anywhere");
        succeed(told);
    });
}
