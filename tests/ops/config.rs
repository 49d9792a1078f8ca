//! The configuration: all problems at once, overrides, secrets that stay secret.

use weir::config::{Anonymous, Config, File, PoolerMode, Problems, reference};

const CANARY: &str = "canary-5d1f";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::read(Some(&File::new("weir.toml", text)), variables)
}

fn paths(problems: &Problems) -> Vec<&str> {
    problems.0.iter().map(|problem| problem.path.as_str()).collect()
}

#[test]
fn nothing_at_all_is_a_good_configuration() {
    let config = Config::read(None, []).unwrap();

    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8181");
    assert!(config.store.is_embedded());
    assert!(config.bootstraps());
}

#[test]
fn every_problem_is_reported_at_once() {
    let text = "
        [server]
        listen = \"somewhere\"
        trusted_proxies = [\"10.0.0.0/8\", \"nonsense\"]
        body_bytes_max = 3
        [store]
        pooler_mode = \"none\"
        [traces]
        sample_ratio = 7
        [nonsense]
        a = 1";

    let problems = read(text, &[("WEIR__TASKS__WORKERS", "many"), ("WEIR__LOG__FILTER", "=,=")]).unwrap_err();

    let mut found = paths(&problems);
    found.sort_unstable();
    let expected = [
        "log.filter",
        "nonsense",
        "server.body_bytes_max",
        "server.listen",
        "server.trusted_proxies",
        "store.pooler_mode",
        "tasks.workers",
        "traces.sample_ratio",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_problem_tells_its_place_with_a_correct_example() {
    let problems = read("[store]\npooler_mode = \"none\"", &[]).unwrap_err();

    let problem = &problems.0[0];
    assert_eq!(problem.origin, "weir.toml");
    assert_eq!(problem.found, "`none`");
    assert_eq!(problem.expected, "one of `session`, `transaction`");
    assert_eq!(problem.example, "store.pooler_mode = \"session\"");
    assert!(read(&problem.example, &[]).is_ok());
}

#[test]
fn an_unknown_key_is_refused_wherever_it_stands() {
    let problems = read("[server.cors]\norigin = []", &[("WEIR__STORE__URI", "sqlite:x")]).unwrap_err();

    assert_eq!(paths(&problems), ["server.cors.origin", "store.uri"]);
    assert_eq!(problems.0[1].origin, "WEIR__STORE__URI");
}

#[test]
fn a_variable_overrides_the_file() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\n[store]\npooler_mode = \"session\"";
    let variables = [
        ("WEIR__SERVER__LISTEN", "127.0.0.1:9000"),
        ("WEIR__STORE__POOLER_MODE", "transaction"),
        ("WEIR__CATALOG__READ_ONLY", "true"),
        ("WEIR__CATALOG__PAGE_SIZE_MAX", "77"),
        ("WEIR__CATALOG__RESERVED_NAMESPACES", "one, two"),
        ("WEIR__SERVER__CORS__ORIGINS", "[\"https://a.example\"]"),
    ];

    let config = read(text, &variables).unwrap();

    assert_eq!(config.server.listen.port(), 9000);
    assert_eq!(config.store.pooler_mode, PoolerMode::Transaction);
    assert!(config.catalog.read_only);
    assert_eq!(config.catalog.page_size_max, 77);
    assert_eq!(config.catalog.reserved_namespaces, ["one", "two"]);
    assert_eq!(config.server.cors.origins, ["https://a.example"]);
}

#[test]
fn a_secret_is_read_from_a_file_without_its_line_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "postgres://weir:1234@db/weir\n").unwrap();

    let config = read("", &[("WEIR__STORE__URL_FILE", file.path().to_str().unwrap())]).unwrap();

    assert_eq!(config.store.url.expose(), "postgres://weir:1234@db/weir");
}

#[test]
fn a_secret_given_twice_or_in_a_missing_file_is_a_problem() {
    let twice = [("WEIR__TRACES__AUTHORIZATION", "a"), ("WEIR__TRACES__AUTHORIZATION_FILE", "/dev/null")];
    let missing = [("WEIR__STORE__URL_FILE", "/does/not/exist")];

    assert_eq!(paths(&read("", &twice).unwrap_err()), ["traces.authorization"]);
    assert_eq!(paths(&read("", &missing).unwrap_err()), ["store.url"]);
}

#[test]
fn only_secrets_come_from_files() {
    let problems = read("", &[("WEIR__SERVER__LISTEN_FILE", "/dev/null")]).unwrap_err();

    assert_eq!(paths(&problems), ["server.listen_file"]);
}

#[test]
fn a_password_of_digits_stays_text() {
    let config = read("", &[("WEIR__TRACES__AUTHORIZATION", "123456")]).unwrap();

    assert_eq!(config.traces.authorization.unwrap().expose(), "123456");
}

/// S8: no way of showing a configuration, or what is wrong with it, gives a secret away.
#[test]
fn secrets_are_never_shown() {
    let url = format!("postgres://weir:{CANARY}@db/weir?sslpassword={CANARY}");
    let text = format!("[store]\nurl = \"{url}\"\nread_url = \"{url}\"\n[traces]\nauthorization = \"{CANARY}\"");
    let config = read(&text, &[]).unwrap();

    let shown = format!("{config:?} {config:#?} {} {}", config.store.url, toml::to_string(&config).unwrap());

    assert!(!shown.contains(CANARY), "{shown}");
    assert_eq!(config.store.url.expose(), url);
}

/// S8: a token may be a part of a webhook's path, and each of several servers has a password.
#[test]
fn urls_are_shown_without_what_opens_them() {
    let text = format!(
        "[events.webhooks.hook]\nurl = \"https://hooks.example/services/{CANARY}\"\n[events.nats]\nurl = \
         \"nats://weir:{CANARY}@one,nats://weir:{CANARY}@two\""
    );
    let config = read(&text, &[]).unwrap();

    let shown = format!("{config:?} {}", toml::to_string(&config).unwrap());

    assert!(!shown.contains(CANARY), "{shown}");
    assert!(shown.contains("https://hooks.example/***"), "{shown}");
}

/// S8: not even a configuration that is refused.
#[test]
fn problems_never_show_secrets() {
    let texts = [
        format!("[store]\nurl = \"mysql://weir:{CANARY}@db/weir\""),
        format!("[store]\nurl = [\"{CANARY}\"]"),
        format!("[store]\nurl = \"{CANARY}"),
        format!("[traces]\nauthorization = {{ token = \"{CANARY}\" }}"),
    ];

    for text in texts {
        let problems = read(&text, &[]).unwrap_err();
        assert!(!format!("{problems} {problems:?}").contains(CANARY), "{problems}");
    }
}

/// `catalog` provides the roles that are made here: a token of that name would choose among them by their ids.
#[test]
fn an_issuer_has_no_name_that_the_catalog_gives() {
    for name in ["catalog", "local", "kubernetes"] {
        let text = format!("[auth.issuers.{name}]\nissuer = \"https://idp.example\"\naudience = [\"weir\"]");
        assert_eq!(paths(&read(&text, &[]).unwrap_err()), [format!("auth.issuers.{name}")]);
    }
}

#[test]
fn an_open_catalog_does_not_listen_beyond_loopback_by_accident() {
    let open = [("WEIR__SERVER__LISTEN", "0.0.0.0:8181")];
    let meant = [("WEIR__SERVER__LISTEN", "0.0.0.0:8181"), ("WEIR__AUTH__ANONYMOUS", "anywhere")];

    assert_eq!(paths(&read("", &open).unwrap_err()), ["server.listen"]);
    assert_eq!(read("", &meant).unwrap().auth.anonymous(), Anonymous::Anywhere);
}

#[test]
fn a_file_that_is_not_toml_names_its_line() {
    let problems = read("[server]\nlisten = ", &[]).unwrap_err();

    assert!(problems.0[0].found.starts_with("line 2"), "{problems}");
}

#[test]
fn the_reference_page_is_current() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../host/CONFIG.md")).unwrap();

    assert_eq!(page, reference(), "run `weir config reference > host/CONFIG.md`");
}

#[test]
fn every_field_is_documented() {
    fn undocumented(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        for (key, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            if field["description"].as_str().is_none_or(|text| text.len() < 10) {
                found.push(path.clone());
            }
            undocumented(field, &path, found);
        }
    }
    let mut found = Vec::new();

    undocumented(&weir::config::schema(), "", &mut found);

    assert!(found.is_empty(), "without a doc comment: {found:?}");
}
