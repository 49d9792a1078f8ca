//! The README's own lines, run as a newcomer would run them.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use weir_tests::tools::{python, succeed};
use weir_tests::{Engine, Http, Installation, TestServer, run_on};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_lines_of_python_in_the_readme_work() {
    run_on(Engine::Sqlite, |engine| async move {
        let Some(mut python) = python("venv") else { return };
        let server = TestServer::start(engine).await;
        let readme = std::fs::read_to_string(top().join("README.md")).expect("there is a README");
        let (_, block) = readme.split_once("```python\n").expect("the README shows Python");
        let (lines, _) = block.split_once("```").expect("the block ends");

        python.args(["-c", &lines.replace("http://127.0.0.1:8181", &server.weir.url())]);
        succeed(python);

        server.head("/namespaces/sales").send().await.expect(204);
    });
}

#[test]
fn every_verb_in_the_readme_explains_itself() {
    run_on(Engine::Sqlite, |engine| async move {
        let installation = Installation::create(engine, &[]).await;
        let readme = std::fs::read_to_string(top().join("README.md")).expect("there is a README");
        let verbs: Vec<&str> = readme.split('`').filter_map(|code| code.strip_prefix("weir ")).collect();
        assert!(verbs.len() > 5, "the README names the program's verbs");

        for verb in verbs {
            let words = verb.split(' ').filter(|word| !word.starts_with('-') && !word.ends_with(".toml"));
            let mut command = installation.command(0);
            command.args(words).arg("--help");
            succeed(command);
        }
    });
}

#[test]
fn the_configuration_in_the_readme_is_valid() {
    run_on(Engine::Sqlite, |engine| async move {
        let installation = Installation::create(engine, &[]).await;
        let readme = std::fs::read_to_string(top().join("README.md")).expect("there is a README");
        let (_, block) = readme.split_once("```toml\n").expect("the README shows a configuration");
        let (text, _) = block.split_once("```").expect("the block ends");
        std::fs::write(installation.home().join("weir.toml"), text).expect("the file is written");

        let mut check = installation.command(0);
        check.args(["config", "check"]).env_remove("WEIR__SERVER__LISTEN").env_remove("WEIR__STORE__URL");

        succeed(check);
    });
}

/// A command with everything that it starts, all of which ends with this.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-s", "KILL", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn make_run_serves_a_warehouse_from_nothing() {
    run_on(Engine::Sqlite, |engine| async move {
        let installation = Installation::create(engine, &[]).await;
        let port = weir_tests::free_port();
        let log = std::fs::File::create(installation.home().join("make.log")).expect("a log");
        let test = std::env::current_exe().expect("a test knows its own file");
        let target = test.ancestors().nth(3).expect("tests lie in <target>/<profile>/deps");
        let like_weir = installation.command(port);
        let mut make = Command::new("make");
        // The test's own profile is compiled already; what is under test is the command.
        make.args(["run", "PROFILE=dev"])
            .current_dir(top())
            .envs(like_weir.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env_remove("WEIR__BOOTSTRAP__ENABLED")
            .env("CARGO_TARGET_DIR", target)
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("the log is shared"))
            .stdout(log)
            .process_group(0);
        let _running = Group(make.spawn().expect("make is installed"));

        let http = Http::new(&format!("http://127.0.0.1:{port}"));
        let deadline = Instant::now() + Duration::from_secs(900);
        while http.get("/health/ready").try_send().await.is_none_or(|answer| answer.status != 200) {
            assert!(Instant::now() < deadline, "`make run` does not serve");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }

        http.get("/catalog/v1/config?warehouse=default").send().await.expect(200);
        let said = std::fs::read_to_string(installation.home().join("make.log")).expect("the log is there");
        for told in
            [format!("http://127.0.0.1:{port}"), "SQLite".to_owned(), "default".to_owned(), "pyiceberg".to_owned()]
        {
            assert!(said.to_lowercase().contains(&told.to_lowercase()), "the banner does not say {told}:\n{said}");
        }
    });
}
