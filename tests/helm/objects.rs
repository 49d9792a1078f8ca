//! The objects: valid, hardened, probed, with a configuration that the program itself understands.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::tools::succeed;
use weir_tests::{Engine, Installation, run_on};

use crate::render::{all_values, containers, helm, objects, of_kind, pods, server, the, values, weir_toml};

#[test]
fn helm_finds_nothing_to_say_about_the_chart() {
    for values in all_values() {
        let Some(mut lint) = helm(&["lint", "--strict", "helm/weir", "--kube-version", "1.35.0", "--values"]) else {
            return;
        };
        lint.arg(values);
        succeed(lint);
    }
}

#[test]
fn every_object_of_every_values_file_is_one_that_kubernetes_takes() {
    for values in all_values() {
        let Some(objects) = objects(&values) else { return };
        let mut names: Vec<_> = objects.iter().map(|object| (&object["kind"], &object["metadata"]["name"])).collect();
        let count = names.len();
        names.sort_by_key(|name| format!("{name:?}"));
        names.dedup();
        assert_eq!(names.len(), count, "{}: two objects have one name", values.display());
        assert!(count >= 5, "{}: {count} objects", values.display());
    }
}

/// The rendered file goes through the real `weir config check`, with the variables that the container gets.
#[test]
fn the_program_understands_every_configuration_that_the_chart_makes() {
    run_on(Engine::Sqlite, |engine| async move {
        let installation = Installation::create(engine, &[]).await;
        for values in all_values() {
            let Some(objects) = objects(&values) else { return };
            let file = installation.home().join("rendered.toml");
            let toml = weir_toml(&objects).replace("/etc/weir/tls", &tls(installation.home()));
            std::fs::write(&file, toml).expect("writable");
            let mut check = Command::new(installation.command(0).get_program());
            check.arg("--config").arg(&file).args(["config", "check"]);
            let server = server(&objects);
            let container = server["containers"].as_array().into_iter().flatten().find(|found| found["name"] == "weir");
            for variable in container.expect("there is one")["env"].as_array().into_iter().flatten() {
                let name = variable["name"].as_str().expect("a name");
                if name.ends_with("_FILE") {
                    let secret = installation.home().join(name);
                    std::fs::write(&secret, "postgres://weir:a-secret-of-nobody@db/weir").expect("writable");
                    check.env(name, secret);
                }
            }
            println!("{}: {}", values.display(), succeed(check).trim());
        }
    });
}

/// A folder with what a Secret of the type `kubernetes.io/tls` holds; `config check` only looks whether it is there.
fn tls(home: &Path) -> String {
    let folder = home.join("tls");
    std::fs::create_dir_all(&folder).expect("writable");
    for name in ["tls.crt", "tls.key"] {
        std::fs::write(folder.join(name), "").expect("writable");
    }
    folder.display().to_string()
}

#[test]
fn every_container_is_hardened() {
    for values in all_values() {
        let Some(objects) = objects(&values) else { return };
        for (object, pod) in pods(&objects) {
            let name = format!("{}: {} {}", values.display(), object["kind"], object["metadata"]["name"]);
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
            let is_trusted = values.ends_with("everything.yaml") && object["kind"] == "Deployment";
            assert_eq!(pod["automountServiceAccountToken"], is_trusted, "{name}");
            for container in
                containers(pod).into_iter().filter(|found| !["first", "beside"].contains(&text(found, "name")))
            {
                let context = &container["securityContext"];
                assert_eq!(context["readOnlyRootFilesystem"], true, "{name}: {container}");
                assert_eq!(context["allowPrivilegeEscalation"], false, "{name}: {container}");
                assert_eq!(context["capabilities"]["drop"], json!(["ALL"]), "{name}: {container}");
                assert!(container["resources"]["requests"].is_object(), "{name}: {container}");
                // A file behind a `subPath` would never follow its ConfigMap or Secret.
                let mounts = container["volumeMounts"].as_array().into_iter().flatten();
                assert!(mounts.into_iter().all(|mount| mount["subPath"].is_null()), "{name}: {container}");
            }
        }
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

#[test]
fn only_readiness_depends_on_the_database() {
    for file in ["embedded.yaml", "postgres.yaml"] {
        let Some(objects) = objects(&values(file)) else { return };
        let weir = &server(&objects)["containers"][0];
        let path = |probe: &str| weir[probe]["httpGet"]["path"].clone();
        assert_eq!(
            ["startupProbe", "livenessProbe", "readinessProbe"].map(path),
            ["/health/live", "/health/live", "/health/ready"]
        );
    }
}

#[test]
fn the_embedded_store_is_one_pod_whose_volume_outlives_it() {
    let Some(objects) = objects(&values("embedded.yaml")) else { return };
    let set = the(&objects, "StatefulSet");
    assert_eq!(set["spec"]["replicas"], 1);
    assert_eq!(
        set["spec"]["persistentVolumeClaimRetentionPolicy"],
        json!({ "whenDeleted": "Retain", "whenScaled": "Retain" })
    );
    assert_eq!(set["spec"]["volumeClaimTemplates"][0]["metadata"]["name"], "data");
    assert!(of_kind(&objects, "Deployment").is_empty());
    assert!(of_kind(&objects, "Job").is_empty(), "there is nothing to migrate before the pod has the volume");
}

#[test]
fn postgres_is_a_deployment_whose_schema_comes_first() {
    let Some(objects) = objects(&values("postgres.yaml")) else { return };
    assert!(of_kind(&objects, "StatefulSet").is_empty());
    let pod = server(&objects);
    let words = |container: &Value| container["args"][0].as_str().map(str::to_owned);
    let before: Vec<_> = pod["initContainers"].as_array().into_iter().flatten().filter_map(words).collect();
    assert_eq!(before, ["wait", "migrate"]);
    assert!(weir_toml(&objects).contains("migrate_at_start = false"));
    assert_eq!(the(&objects, "PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
}

/// A hook runs before the objects of its release are there, so it may use none of them.
#[test]
fn the_migration_before_an_upgrade_needs_nothing_of_the_new_release() {
    let Some(objects) = objects(&values("postgres.yaml")) else { return };
    let job = the(&objects, "Job");
    assert_eq!(job["metadata"]["annotations"]["helm.sh/hook"], "pre-upgrade");
    let pod = &job["spec"]["template"]["spec"];
    assert!(pod["serviceAccountName"].is_null());
    let volumes = pod["volumes"].as_array().expect("volumes");
    assert!(volumes.iter().all(|volume| volume["secret"]["secretName"] == "weir-db"), "{volumes:?}");
    assert_eq!(pod["containers"][0]["args"], json!(["migrate"]));
}

#[test]
fn a_pod_may_take_as_long_to_stop_as_the_program_may_need() {
    for (file, drain_s, grace_s) in [("postgres.yaml", 5, 30), ("everything.yaml", 10, 60)] {
        let Some(objects) = objects(&values(file)) else { return };
        let allowed_s = server(&objects)["terminationGracePeriodSeconds"].as_i64().expect("a number");
        assert!(allowed_s > drain_s + 2 * grace_s, "{file}: {allowed_s} s");
        let toml = weir_toml(&objects);
        assert!(toml.contains(&format!("shutdown_drain_s = {drain_s}\n")), "{toml}");
        assert!(toml.contains(&format!("shutdown_grace_s = {grace_s}\n")), "{toml}");
    }
}

#[test]
fn secrets_reach_the_program_as_files_of_secrets_that_exist() {
    let Some(objects) = objects(&values("everything.yaml")) else { return };
    assert!(of_kind(&objects, "Secret").is_empty());
    let weir = &server(&objects)["containers"][0];
    let variables = weir["env"].to_string();
    for name in ["WEIR__STORE__URL_FILE", "WEIR__TRACES__AUTHORIZATION_FILE"] {
        assert!(variables.contains(name), "{variables}");
    }
    assert!(!variables.contains("secretKeyRef"), "{variables}");
    let volumes = server(&objects)["volumes"].to_string();
    assert!(volumes.contains(r#""secretName":"otel""#) && volumes.contains(r#""secretName":"weir-db""#), "{volumes}");
}

#[test]
fn the_network_policy_lets_out_only_what_is_listed() {
    let Some(everything) = objects(&values("everything.yaml")) else { return };
    let egress = the(&everything, "NetworkPolicy")["spec"]["egress"].clone();
    assert_eq!(egress.as_array().map(Vec::len), Some(2), "names, the database: {egress}");
    assert_eq!(egress[1]["to"][0]["ipBlock"]["cidr"], "10.0.0.0/8");
    let Some(trial) = objects(&values("trial.yaml")) else { return };
    let egress = the(&trial, "NetworkPolicy")["spec"]["egress"].to_string();
    assert!(egress.contains("5432") && egress.contains("8080"), "what is bundled is reached: {egress}");
}
