//! The image, really built by Docker, really run: whole in the full lane, else around the program of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{Engine, Http, Installation, free_port};

use crate::compose::top;

/// A container that ends with the test.
struct Container(&'static str);

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force", "--volumes", self.0]).output();
    }
}

fn docker(arguments: &[&str]) -> Command {
    let mut docker = Command::new("docker");
    docker.args(arguments).current_dir(top());
    docker
}

/// The program of this machine as the stage `build` would leave it: stripped, with the code of its plugins.
async fn program(folder: &Path) -> PathBuf {
    let installation = Installation::create(Engine::Sqlite, &[]).await;
    let mut bake = installation.command(0);
    let (stripped, baked) = (folder.join("stripped"), folder.join("weir"));
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&stripped).arg(bake.get_program());
    succeed(strip);
    bake.args(["plugin", "bake", "--program"]).arg(&stripped).arg("--output").arg(&baked);
    succeed(bake);
    baked
}

/// Builds `weir:test`.
async fn build() {
    let mut build = Command::new(top().join("tests/containers/build.sh"));
    let folder = tempfile::tempdir().expect("a folder");
    if !is_full_lane() {
        build.arg("--program").arg(program(folder.path()).await);
    }
    succeed(build);
}

/// Size and time to the first answer are printed; what must hold is asserted.
#[tokio::test]
async fn the_image_is_closed_by_default_confined_small_and_quick() {
    if !docker(&["version"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no Docker daemon answers here");
        return;
    }
    build().await;

    let refused = docker(&["run", "--rm", "weir:test"]).output().expect("docker runs");
    assert!(!refused.status.success(), "it started without authentication");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("auth.anonymous"), "{refused:?}");

    let port = free_port();
    let publish = format!("127.0.0.1:{port}:8181");
    let _container = Container("weir-test");
    let started = Instant::now();
    succeed(docker(&[
        "run",
        "--detach",
        "--name",
        "weir-test",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges:true",
        "--publish",
        &publish,
        "--env",
        "WEIR__AUTH__ANONYMOUS=anywhere",
        "--env",
        "WEIR__PLUGINS__LOAD__CONTRACTS__SOURCE=builtin:contract",
        "weir:test",
    ]));
    let created = started.elapsed();
    let http = Http::new(&format!("http://127.0.0.1:{port}"));
    while http.get("/health/ready").try_send().await.is_none_or(|answer| answer.status != 200) {
        assert!(started.elapsed() < Duration::from_secs(60), "{}", succeed(docker(&["logs", "weir-test"])));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("first answer {:?} after `docker run`, which itself took {created:?}", started.elapsed());
    succeed(docker(&["exec", "weir-test", "/usr/bin/weir", "healthcheck"]));
    until_healthy().await;
    let kept = docker(&["cp", "weir-test:/var/lib/weir/plugin-cache", "-"]).output().expect("docker runs");
    let compiled = String::from_utf8_lossy(&kept.stdout).contains(".cwasm");
    assert!(!compiled, "the first start compiled a plugin that the image carries");
    describes_itself();

    http.get("/catalog/v1/config?warehouse=default").send().await.expect(200);
    quickstart(port);
}

/// One user who is not root, labels, a bill of materials, a bounded size.
fn describes_itself() {
    let user = succeed(docker(&["inspect", "--format", "{{.Config.User}}", "weir:test"]));
    assert_eq!(user.trim(), "65532:65532");
    let labels = succeed(docker(&["inspect", "--format", "{{json .Config.Labels}}", "weir:test"]));
    for label in ["title", "version", "revision", "licenses", "source", "created"] {
        assert!(labels.contains(&format!("org.opencontainers.image.{label}")), "{labels}");
    }
    let bill = succeed(docker(&["cp", "weir-test:/usr/share/doc/weir/weir.cdx.json", "-"]));
    assert!(
        bill.contains("CycloneDX") && bill.contains("pkg:cargo/wasmtime@"),
        "the bill of materials is in the image"
    );
    let bytes: u64 =
        succeed(docker(&["inspect", "--format", "{{.Size}}", "weir:test"])).trim().parse().expect("a number");
    println!("the image has {:.1} MB", bytes as f64 / 1e6);
    // A program for tests is not optimised, so its size says nothing.
    assert!(!is_full_lane() || bytes < 100_000_000, "{bytes} bytes");
}

async fn until_healthy() {
    let deadline = Instant::now() + Duration::from_secs(60);
    while succeed(docker(&["inspect", "--format", "{{.State.Health.Status}}", "weir-test"])).trim() != "healthy" {
        assert!(Instant::now() < deadline, "its own health check does not agree");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The script of the quickstart beside the container, over the volume that both see.
fn quickstart(port: u16) {
    let Some(mut python) = python("venv") else { return };
    let format = r#"{{range .Mounts}}{{if eq .Destination "/var/lib/weir"}}{{.Source}}{{end}}{{end}}"#;
    let volume = succeed(docker(&["inspect", "--format", format, "weir-test"]));
    let here = Path::new("/var/lib/weir");
    // PyIceberg is not in the container, so the path that the catalog tells has to lead to the volume here, too.
    if here.exists() || std::os::unix::fs::symlink(volume.trim(), here).is_err() {
        eprintln!("skipped: the quickstart against the container needs /var/lib/weir to be free, and root");
        return;
    }
    python.arg("-B").arg(top().join("examples/quickstart/quickstart.py"));
    python.env("WEIR_URI", format!("http://127.0.0.1:{port}"));
    let output = python.output().expect("python runs");
    std::fs::remove_file(here).expect("the link goes");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
