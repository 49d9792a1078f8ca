//! `weir plugin bake`: a program that carries the code of its plugins starts without compiling.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::tools::succeed;
use weir_tests::{Engine, Http, Installation, free_port, run_on};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Another program over an installation.
fn serve(program: &Path, installation: &Installation, port: u16, small: bool) -> Running {
    let usual = installation.command(port);
    let mut command = Command::new(program);
    command.current_dir(installation.home()).envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("WEIR__PLUGINS__LOAD__CEDAR__SOURCE", "builtin:cedar").env("WEIR__PLUGINS__SMALL", small.to_string());
    command.env("WEIR__PLUGINS__CACHE_FOLDER", installation.home().join("compiled"));
    command.env("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous");
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect("it runs"))
}

/// How many components were compiled: what is, is kept here.
fn kept(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "cwasm")).count()
}

#[test]
fn a_baked_program_serves_its_plugins_without_compiling_them() {
    run_on(Engine::Sqlite, |engine| async move {
        let installation = Installation::create(engine, &[]).await;
        let baked = installation.home().join("weir-baked");
        let mut bake = installation.command(0);
        bake.args(["plugin", "bake", "--output"]).arg(&baked);
        let said = succeed(bake);
        assert!(said.contains("4 plugins for "), "{said}");

        for small in [false, true] {
            let port = free_port();
            let _running = serve(&baked, &installation, port, small);
            let http = Http::new(&format!("http://127.0.0.1:{port}"));
            let deadline = Instant::now() + Duration::from_secs(120);
            while http.get("/health/ready").try_send().await.is_none_or(|answer| answer.status != 200) {
                assert!(Instant::now() < deadline, "it does not serve");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }

            let told = http.get("/management/v1/plugins").send().await.expect(200).json();

            let plugins = told["plugins"].as_array().expect("a list");
            let cedar = plugins.iter().find(|plugin| plugin["name"] == "cedar").expect("it is declared");
            assert_eq!(cedar["state"], json!("active"), "{told:#}");
            assert_eq!(kept(&installation.home().join("compiled")), 0, "something was compiled, small = {small}");
        }
    });
}
