//! The services of compose as processes of this machine, with the settings that compose gives them, up to the quickstart.
//!
//! Postgres, OpenFGA and NATS are the real ones. MinIO and Keycloak come from no package registry: this process stands in for them,
//! with a storage that enforces session policies and a provider of tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use futures_util::StreamExt;
use weir_tests::oidc::Provider;
use weir_tests::tools::{installed, python, succeed};
use weir_tests::{Engine, Http, Installation, S3Server, free_port, run_on};

use crate::compose::top;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn quickstart(file: &str) -> PathBuf {
    top().join("examples/quickstart").join(file)
}

/// The folder that compose mounts secrets from, made by the script that its users run.
fn secrets(installation: &Installation) -> PathBuf {
    let folder = installation.home().join("secrets");
    fs::create_dir(&folder).expect("a new folder");
    // What is there stays: the stand-ins know these.
    for (name, value) in [
        ("setup-secret", "secret"),
        ("quickstart-secret", "secret"),
        ("s3-password", S3Server::SECRET_ACCESS_KEY),
        ("store-url", installation.database_url()),
    ] {
        fs::write(folder.join(name), value).expect("writable");
    }
    let mut make = Command::new(quickstart("secrets.sh"));
    make.env("WEIR_SECRETS", &folder);
    succeed(make);
    folder
}

/// OpenFGA's database beside the catalog's, as the image of Postgres would make it; its own migration; then the server.
async fn openfga(installation: &Installation, secrets: &Path) -> Option<(Running, String)> {
    let (server, database) = installation.database_url().rsplit_once('/').expect("a URL ends in a database");
    let server = reqwest::Url::parse(server).expect("a URL");
    let host = (server.host_str().expect("a host"), server.port().unwrap_or(5432).to_string());
    let mut create = Command::new(quickstart("openfga-database.sh"));
    create.env("PGHOST", host.0).env("PGPORT", &host.1).env("POSTGRES_USER", server.username());
    create.env("POSTGRES_DB", database).env("OPENFGA_PASSWORD_FILE", secrets.join("openfga-password"));
    succeed(create);

    let home = installation.home().join("openfga");
    fs::create_dir(&home).expect("a new folder");
    let config = fs::read_to_string(secrets.join("openfga.yaml")).expect("made");
    let config = config.replace("@postgres:5432/", &format!("@{}:{}/", host.0, host.1));
    fs::write(home.join("config.yaml"), config).expect("writable");
    let mut migrate = installed("openfga")?;
    migrate.arg("migrate").current_dir(&home).env("HOME", &home);
    succeed(migrate);

    let url = format!("http://127.0.0.1:{}", free_port());
    let mut run = installed("openfga")?;
    run.arg("run").current_dir(&home).env("HOME", &home).env("OPENFGA_HTTP_ADDR", url.trim_start_matches("http://"));
    run.env("OPENFGA_GRPC_ADDR", format!("127.0.0.1:{}", free_port())).env("OPENFGA_METRICS_ENABLED", "false");
    run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(run.spawn().expect("OpenFGA starts"));
    let http = Http::new(&url);
    let deadline = Instant::now() + Duration::from_secs(60);
    while http.get("/healthz").try_send().await.is_none_or(|answer| answer.status != 200) {
        assert!(Instant::now() < deadline, "OpenFGA does not serve at {url}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some((running, url))
}

/// NATS with the configuration that compose mounts; gives its port.
async fn nats(installation: &Installation, secrets: &Path) -> Option<(Running, u16)> {
    let home = installation.home().join("nats");
    fs::create_dir(&home).expect("a new folder");
    let (port, health) = (free_port(), format!("127.0.0.1:{}", free_port()));
    let config = fs::read_to_string(quickstart("nats.conf")).expect("readable");
    let config = config
        .replace("0.0.0.0:4222", &format!("127.0.0.1:{port}"))
        .replace("127.0.0.1:8222", &health)
        .replace("\"/data\"", &format!("{:?}", home.join("data")));
    fs::write(home.join("nats.conf"), config).expect("writable");
    fs::copy(secrets.join("nats-users.conf"), home.join("users.conf")).expect("made");
    let mut run = installed("nats-server")?;
    run.arg("--config").arg(home.join("nats.conf"));
    run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(run.spawn().expect("NATS starts"));
    let http = Http::new(&format!("http://{health}"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while http.get("/healthz").try_send().await.is_none_or(|answer| answer.status != 200) {
        assert!(Instant::now() < deadline, "NATS does not serve at {health}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some((running, port))
}

/// Reads the stream as compose's `listener` until it hears of this, then tries to say something itself.
async fn hear(port: u16, secrets: &Path, subject: &str) {
    let password = fs::read_to_string(secrets.join("nats-listener-password")).expect("made");
    let login = async_nats::ConnectOptions::with_user_and_password("listener".to_owned(), password);
    let client = login.connect(format!("127.0.0.1:{port}")).await.expect("the server answers");
    let mut stream = jetstream::new(client.clone()).get_stream("weir").await.expect("the catalog made the stream");
    let consumer = stream.create_consumer(pull::Config::default()).await.expect("it may read");
    let mut messages = consumer.messages().await.expect("it may read");
    let heard = async {
        while let Some(message) = messages.next().await {
            if message.expect("a message").subject.as_str() == subject {
                return;
            }
        }
        panic!("the stream ended before {subject}");
    };
    tokio::time::timeout(Duration::from_secs(60), heard).await.unwrap_or_else(|_| panic!("nobody told of {subject}"));

    let before = stream.info().await.expect("it may look").state.messages;
    client.publish("weir.events.table.dropped", "{}".into()).await.expect("it is sent");
    client.flush().await.expect("it has arrived");
    assert_eq!(stream.info().await.expect("it may look").state.messages, before, "who listens tells nothing");
}

/// One of the scripts, with what compose tells it.
fn script(file: &str, weir: &str, provider: &Provider, secret: &Path) -> Option<Command> {
    let mut python = python("venv")?;
    python.arg("-B").arg(quickstart(file));
    python.env("WEIR_URI", weir).env("WEIR_WAREHOUSE", "lake").env("WEIR_TOKEN_URI", format!("{}/token", provider.url));
    python.env("WEIR_CLIENT_SECRET_FILE", secret);
    Some(python)
}

async fn told(command: Command) -> String {
    // The stand-ins answer on this very runtime while Python runs.
    tokio::task::spawn_blocking(move || succeed(command)).await.expect("it ends")
}

#[test]
fn the_services_of_compose_end_with_a_table_on_s3_by_vended_keys() {
    run_on(Engine::Postgres, |engine| async move {
        let mut installation = Installation::create(engine, &[]).await;
        let secrets = secrets(&installation);
        let Some((_openfga, openfga_url)) = openfga(&installation, &secrets).await else { return };
        let Some((_nats, nats_port)) = nats(&installation, &secrets).await else { return };
        let nats_url = fs::read_to_string(secrets.join("nats-url")).expect("made");
        let nats_url = nats_url.replace("@nats:4222", &format!("@127.0.0.1:{nats_port}"));
        fs::write(installation.home().join("nats-url"), nats_url).expect("writable");
        let s3 = S3Server::start().await;
        let provider = Provider::start().await;
        let settings = fs::read_to_string(quickstart("weir.toml")).expect("readable");
        let settings = settings
            .replace("https://keycloak:8443/realms/weir", &provider.url)
            .replace("http://s3:9000", &s3.url())
            .replace("http://openfga:8080", &openfga_url)
            .replace("/run/secrets", &secrets.display().to_string())
            .replace("/var/lib/weir", &installation.home().display().to_string());
        let config = installation.home().join("weir.toml");
        fs::write(&config, settings).expect("writable");
        for (name, value) in [
            ("WEIR_CONFIG", config.display().to_string()),
            ("WEIR__SECRETS__KEY_FILE", secrets.join("secrets-key").display().to_string()),
            ("WEIR__EVENTS__NATS__URL_FILE", installation.home().join("nats-url").display().to_string()),
            ("WEIR__STORE__MIGRATE_AT_START", "false".to_owned()),
            ("WEIR__BOOTSTRAP__ENABLED", "false".to_owned()),
        ] {
            installation.set(name, &value);
        }
        let mut migrate = installation.command(0);
        migrate.arg("migrate");
        succeed(migrate);
        let weir = installation.start().await;

        let setup = || {
            let mut setup = script("setup.py", &weir.url(), &provider, &secrets.join("setup-secret"))?;
            setup.env("S3_ENDPOINT", s3.url()).env("S3_REGION", S3Server::REGION);
            setup.env("S3_USER", S3Server::ACCESS_KEY_ID).env("S3_PASSWORD_FILE", secrets.join("s3-password"));
            Some(setup)
        };
        let Some(first) = setup() else { return };
        let said = told(first).await;
        assert_eq!(said.trim(), "warehouse lake is ready for keycloak~quickstart");
        assert_eq!(told(setup().expect("it was there")).await, said, "a second time changes nothing");

        let quickstart = script("quickstart.py", &weir.url(), &provider, &secrets.join("quickstart-secret"));
        let said = told(quickstart.expect("it was there")).await;

        assert!(said.contains(r#""DE""#) && said.contains("kept under s3://lake/lake/"), "{said}");
        assert!(!s3.assumed().is_empty(), "the client had keys of its own for the table");
        hear(nats_port, &secrets, "weir.events.table.committed").await;
        let log = weir.log();
        for secret in ["secrets-key", "s3-password", "openfga-token", "nats-password"] {
            let value = fs::read_to_string(secrets.join(secret)).expect("made");
            assert!(!log.contains(&value), "the value of {secret} is in the log");
        }
    });
}
