//! Every route times every kind of principal: what each is answered, by policies as by grants.
//!
//! The answers lie beside this file, in `matrix.md` for the ownership example of the plugin `cedar`, in `matrix_openfga.md`
//! for the plugin `openfga`. A route without a row fails; `WEIR_WRITE=1` writes the pages anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use weir::plugin::{Grant, Object, Parent};
use weir_tests::oidc::Provider;
use weir_tests::routes::{body, filled, is_open, routes};
use weir_tests::{Engine, Http, OpenFga, bodies, on_both_engines};

use crate::governed::{Governed, Plugin};
use crate::openfga;

on_both_engines!(
    s21_every_route_answers_every_kind_of_principal_as_the_matrix_says,
    s21_every_route_answers_every_kind_of_principal_as_the_matrix_of_grants_says,
    s20_what_a_stranger_is_answered_names_nothing_that_is_hidden
);

/// From the weakest to the strongest, each with the roles that its token names.
const PRINCIPALS: [(&str, &[&str]); 5] = [
    ("stranger", &[]),
    ("reader", &["lake-select"]),
    ("writer", &["lake-modify", "lake-create"]),
    ("owner", &["lake-own"]),
    ("admin", &["lake-admins"]),
];

/// What each holds where grants decide, on what.
const GRANTS: [(&str, &str, &str); 5] = [
    ("reader", "select", "warehouse"),
    ("writer", "modify", "warehouse"),
    ("writer", "create", "warehouse"),
    ("owner", "ownership", "warehouse"),
    ("admin", "operator", "server"),
];

const WRITTEN: &str = "401 not known, 403 seen but not allowed, 404 hidden (or not there); anything else passed
authorization, e.g. 400 for a body that names what is not there. Written by
`WEIR_WRITE=1 tests/with-postgres.sh cargo test -p weir-tests --test authorization -- matrix`.

| route | nobody | stranger | reader | writer | owner | admin |
|---|---|---|---|---|---|---|
";

/// One catalog with one of each, and clients for all kinds of principals.
struct Stage {
    weir: Governed,
    admin: Http,
    nobody: Http,
    others: Vec<Http>,
    ids: BTreeMap<&'static str, String>,
    openfga: Option<OpenFga>,
    _provider: Provider,
}

impl Stage {
    /// Decided by the ownership example of `cedar`.
    async fn by_policies(engine: Engine) -> Self {
        let stage = Self::set(engine).await;
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/cedar/examples/ownership.toml");
        let policies = std::fs::read_to_string(example).expect("the example is there");
        let policies: Value = toml::from_str(&policies).expect("it is TOML");
        stage.weir.govern(vec![Plugin { settings: policies, ..Plugin::cedar("") }]).await;
        stage
    }

    /// Decided by grants in a real OpenFGA server.
    async fn by_grants(engine: Engine) -> Option<Self> {
        let server = OpenFga::start().await?;
        let mut stage = Self::set(engine).await;
        let guest = openfga::load(&stage.weir, &server).await;
        let warehouse = openfga::warehouse(&stage.weir).await;
        for (name, privilege, kind) in GRANTS {
            let nowhere = Parent { id: String::new(), name: String::new() };
            let root = Object {
                kind: "server".into(),
                id: String::new(),
                project: nowhere,
                name: String::new(),
                ..warehouse.clone()
            };
            let object = if kind == "server" { root } else { warehouse.clone() };
            let principal = format!("user:oidc~{name}");
            let grant = Grant { principal, privilege: privilege.into(), object };
            guest.write_grants(&openfga::call(), &[grant], &[]).await.expect("a grant is written");
        }
        openfga::govern(&stage.weir, guest);
        stage.openfga = Some(server);
        Some(stage)
    }

    async fn set(engine: Engine) -> Self {
        let provider = Provider::start().await;
        let mut settings = provider.settings("oidc");
        settings.retain(|(name, _)| !name.ends_with("ROLES_CLAIMS"));
        settings.push(("WEIR__AUTH__ISSUERS__OIDC__ROLES_CLAIMS".into(), "groups".into()));
        settings.push(("WEIR__AUTHORIZATION__DEFAULT".into(), "allow".into()));
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let token = |name: &str, roles: &[&str]| provider.token_with(name, json!({ "groups": roles }));
        let weir = Governed::open_for(engine, &settings, Some(&token("admin", &["lake-admins"]))).await;
        let nobody = Http::new(weir.root.base());
        let others: Vec<Http> = PRINCIPALS.iter().map(|(name, roles)| nobody.bearing(&token(name, roles))).collect();
        for client in &others {
            client.get("/management/v1/whoami").send().await.expect(200);
        }
        let admin = others[4].clone();
        let ids = BTreeMap::new();
        let mut stage = Self { weir, admin, nobody, others, ids, openfga: None, _provider: provider };
        stage.restore().await;
        stage
    }

    /// Puts back whatever the request before may have taken away.
    async fn restore(&mut self) {
        let catalog = self.admin.under(&format!("/catalog/v1/{}", self.weir.prefix));
        let management = self.admin.under("/management/v1");
        let warehouse = format!("/warehouse/{}", self.weir.prefix);
        for path in [format!("{warehouse}/activate"), format!("{warehouse}/rename")] {
            let _ = management.post(&path, json!({"new-name": "default"})).send().await;
        }
        let _ =
            management.post("/project/rename", json!({"project-name": "default", "new-name": "default"})).send().await;
        let _ = management.post(&format!("{warehouse}/protection"), json!({"protected": false})).send().await;
        let _ = catalog.post("/namespaces", json!({"namespace": ["ns"]})).send().await;
        let _ = catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send().await;
        let _ = catalog.post("/namespaces/ns/views", bodies::create_view("v")).send().await;
        for path in ["/namespaces/new", "/namespaces/ns/tables/new", "/namespaces/ns/views/new"] {
            let _ = catalog.delete(path).send().await;
        }
        self.unprotect(&catalog, &management, &warehouse).await;
        let _ = management.post("/role", json!({"name": "role"})).send().await;
        let roles = management.get("/role?pageSize=100").send().await.expect(200).json();
        for role in roles["roles"].as_array().expect("a list") {
            let id = role["id"].as_str().expect("an id").to_owned();
            if role["name"] == json!("role") {
                self.ids.insert("role_id", id);
            } else {
                let _ = management.delete(&format!("/role/{id}")).send().await;
            }
        }
        let _ = management.post("/user", json!({"id": "oidc~somebody", "name": "Somebody"})).send().await;
    }

    async fn unprotect(&mut self, catalog: &Http, management: &Http, warehouse: &str) {
        let listed = |kind: &str| catalog.get(&format!("/namespaces/ns/{kind}?returnUuids=true")).send();
        let namespaces = catalog.get("/namespaces?returnUuids=true").send().await.expect(200).json();
        let position =
            namespaces["namespaces"].as_array().expect("a list").iter().position(|one| *one == json!(["ns"]));
        let id = |list: &Value, at: usize| list[at].as_str().expect("an id").to_owned();
        self.ids.insert("namespace_id", id(&namespaces["namespace-uuids"], position.expect("the namespace is there")));
        let (tables, views) = (listed("tables").await.expect(200).json(), listed("views").await.expect(200).json());
        self.ids.insert("table_id", id(&tables["table-uuids"], 0));
        self.ids.insert("view_id", id(&views["table-uuids"], 0));
        for (kind, key) in [("namespace", "namespace_id"), ("table", "table_id"), ("view", "view_id")] {
            let path = format!("{warehouse}/{kind}/{}/protection", self.ids[key]);
            let _ = management.post(&path, json!({"protected": false})).send().await;
        }
    }

    fn fill(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (name, id) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        let fixed = [("{user_id}", "oidc~somebody"), ("{member_type}", "user"), ("{member_id}", "oidc~somebody")];
        for (name, value) in fixed {
            path = path.replace(name, value);
        }
        filled(&path, &self.weir.prefix)
    }
}

async fn s21_every_route_answers_every_kind_of_principal_as_the_matrix_says(engine: Engine) {
    let stage = Stage::by_policies(engine).await;
    let head = format!(
        "# Who is answered what by policies\n\nEvery route times every kind of principal, under \
         `plugins/cedar/examples/ownership.toml`: {WRITTEN}"
    );
    compare(&page(stage, head).await, "matrix.md");
}

async fn s21_every_route_answers_every_kind_of_principal_as_the_matrix_of_grants_says(engine: Engine) {
    let Some(stage) = Stage::by_grants(engine).await else { return };
    let head = format!(
        "# Who is answered what by grants\n\nEvery route times every kind of principal, as the plugin `openfga` decides. A \
         reader holds `select` on\nthe warehouse, a writer `modify` with `create`, an owner `ownership`; the admin is the \
         server's `operator`.\n{WRITTEN}"
    );
    compare(&page(stage, head).await, "matrix_openfga.md");
}

/// Whatever passes: lists that are empty, objects that everybody may know of.
async fn s20_what_a_stranger_is_answered_names_nothing_that_is_hidden(engine: Engine) {
    let mut stages = vec![Stage::by_policies(engine).await];
    stages.extend(Stage::by_grants(engine).await);
    for stage in stages {
        for api in ["catalog", "management"] {
            for (method, path) in routes(&stage.weir.installation, api) {
                if is_open(&path) || method != Method::GET {
                    continue;
                }
                let filled = stage.fill(&path);
                let answer = stage.others[0].get(&filled).send().await;
                if answer.status != 200 {
                    continue;
                }
                let told = answer.text();
                // The warehouse `default` of the cedar example is no secret, what lies in it is.
                for secret in
                    ["\"ns\"", "\"role\"", "somebody", "file://", &stage.ids["table_id"], &stage.ids["namespace_id"]]
                {
                    assert!(!told.contains(secret), "{method} {filled} tells a stranger of {secret}: {told}");
                }
            }
        }
    }
}

/// What each principal is answered by each route.
async fn page(mut stage: Stage, head: String) -> String {
    let mut page = head;
    let clients: Vec<Http> = std::iter::once(stage.nobody.clone()).chain(stage.others.clone()).collect();
    for api in ["catalog", "management"] {
        for (method, path) in routes(&stage.weir.installation, api) {
            if is_open(&path) {
                continue;
            }
            let mut row = format!("| {method} {path} |");
            for client in &clients {
                let filled = stage.fill(&path);
                let ask = client.ask(method.clone(), &filled);
                let ask = if method == Method::POST || method == Method::PUT { ask.json(&body(&filled)) } else { ask };
                let answer = ask.send().await;
                assert_ne!(answer.status, 500, "{method} {filled}: {}", answer.text());
                let _ = write!(row, " {} |", answer.status);
                // What one did, the next must not find.
                if answer.status < 400 && method != Method::GET && method != Method::HEAD {
                    stage.restore().await;
                }
            }
            let _ = writeln!(page, "{row}");
        }
    }
    page
}

fn compare(page: &str, name: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("authorization").join(name);
    if std::env::var_os("WEIR_WRITE").is_some() {
        std::fs::write(&file, page).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs: Vec<&str> = page.lines().filter(|line| !kept.lines().any(|known| known == *line)).collect();
    let gone: Vec<&str> = kept.lines().filter(|line| !page.lines().any(|known| known == *line)).collect();
    assert!(
        differs.is_empty() && gone.is_empty(),
        "not in {name}:\n{}\nonly there:\n{}",
        differs.join("\n"),
        gone.join("\n")
    );
}
