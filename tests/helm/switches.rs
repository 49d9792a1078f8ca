//! Every switch of the chart reaches the object that it is about.

use serde_json::{Value, json};

use crate::render::{all_values, containers, objects, of_kind, pods, server, the, values};

fn labels(object: &Value) -> &Value {
    let template = &object["spec"]["template"]["metadata"]["labels"];
    if template.is_null() { &object["metadata"]["labels"] } else { template }
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().expect("a selector of labels");
    !wanted.is_empty() && wanted.iter().all(|(name, value)| labels[name] == *value)
}

fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The ports of the pods that a selector finds, by name.
fn ports_behind<'a>(objects: &'a [Value], selector: &Value) -> Vec<&'a str> {
    let found = pods(objects).into_iter().filter(|(object, _)| selects(selector, labels(object)));
    let containers = found.flat_map(|(_, pod)| containers(pod));
    containers.flat_map(|container| list(container, "ports")).filter_map(|port| port["name"].as_str()).collect()
}

#[test]
fn every_selector_finds_the_pods_that_it_is_for_and_no_others() {
    for file in all_values() {
        let Some(objects) = objects(&file) else { return };
        let place = file.display();
        for service in of_kind(&objects, "Service") {
            let behind = ports_behind(&objects, &service["spec"]["selector"]);
            for port in list(&service["spec"], "ports") {
                let wanted = port["targetPort"].as_str().expect("a name");
                let count = behind.iter().filter(|name| **name == wanted).count();
                assert_eq!(count, 1, "{place}: {} leads to {behind:?}", service["metadata"]["name"]);
            }
        }
        let of_pods = |kind: &str, path: &str| {
            for object in of_kind(&objects, kind) {
                let behind = ports_behind(&objects, object["spec"].pointer(path).expect("a selector"));
                assert!(behind.contains(&"http"), "{place}: {kind} {} is for {behind:?}", object["metadata"]["name"]);
            }
        };
        of_pods("PodDisruptionBudget", "/selector/matchLabels");
        of_pods("NetworkPolicy", "/podSelector/matchLabels");
        for monitor in of_kind(&objects, "ServiceMonitor") {
            let services = of_kind(&objects, "Service");
            let wanted = &monitor["spec"]["selector"]["matchLabels"];
            let found: Vec<_> = services.iter().filter(|found| selects(wanted, labels(found))).collect();
            assert_eq!(found.len(), 1, "{place}: {found:?}");
            assert_eq!(found[0]["spec"]["ports"][0]["name"], monitor["spec"]["endpoints"][0]["port"]);
        }
    }
}

#[test]
fn scaling_owns_the_number_of_pods() {
    let Some(everything) = objects(&values("everything.yaml")) else { return };
    let deployment = the(&everything, "Deployment");
    assert!(deployment["spec"]["replicas"].is_null(), "an upgrade would undo what scaling did");
    let scaler = &the(&everything, "HorizontalPodAutoscaler")["spec"];
    assert_eq!(scaler["scaleTargetRef"]["name"], deployment["metadata"]["name"]);
    let metrics: Vec<_> = list(scaler, "metrics").iter().map(|metric| &metric["type"]).collect();
    assert_eq!(metrics, ["Resource", "Pods"]);
    assert_eq!(scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"], 600);
}

#[test]
fn pods_are_spread_over_nodes_and_zones_unless_told_otherwise() {
    let Some(usual) = objects(&values("postgres.yaml")) else { return };
    let spread = list(server(&usual), "topologySpreadConstraints");
    let over: Vec<_> = spread.iter().map(|one| &one["topologyKey"]).collect();
    assert_eq!(over, ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]);
    for one in spread {
        assert_eq!(one["whenUnsatisfiable"], "ScheduleAnyway", "a cluster of one node takes it, too");
        assert!(selects(&one["labelSelector"]["matchLabels"], labels(the(&usual, "Deployment"))), "{one}");
    }
    let Some(everything) = objects(&values("everything.yaml")) else { return };
    assert_eq!(list(server(&everything), "topologySpreadConstraints").len(), 1);
}

#[test]
fn what_is_added_by_values_reaches_the_pod() {
    let Some(everything) = objects(&values("everything.yaml")) else { return };
    let pod = server(&everything);
    let weir = &pod["containers"][0];
    let has = |items: &[Value], wanted: Value| assert!(items.contains(&wanted), "{wanted} is not in {items:?}");
    has(list(weir, "env"), json!({ "name": "RUST_BACKTRACE", "value": "1" }));
    has(list(weir, "envFrom"), json!({ "configMapRef": { "name": "more" } }));
    has(list(weir, "volumeMounts"), json!({ "name": "extra", "mountPath": "/extra" }));
    has(list(pod, "volumes"), json!({ "name": "extra", "emptyDir": {} }));
    has(list(pod, "tolerations"), json!({ "key": "dedicated", "operator": "Exists" }));
    assert_eq!(pod["initContainers"][0]["name"], "first");
    assert_eq!(pod["containers"][1]["name"], "beside");
    let words = ["priorityClassName", "runtimeClassName", "serviceAccountName"].map(|name| &pod[name]);
    assert_eq!(words, ["high", "gvisor", "catalog"]);
    assert_eq!(pod["nodeSelector"]["kubernetes.io/arch"], "amd64");
    assert!(pod["affinity"]["podAntiAffinity"].is_object());
    assert_eq!(pod["imagePullSecrets"], json!([{ "name": "registry" }]));
    assert!(weir["image"].as_str().is_some_and(|image| image.contains("@sha256:")), "{}", weir["image"]);
    let template = &the(&everything, "Deployment")["spec"]["template"]["metadata"];
    assert_eq!((&template["labels"]["pod"], &template["annotations"]["pod"]), (&json!("yes"), &json!("yes")));
    let extra = of_kind(&everything, "ConfigMap").into_iter().find(|found| found["data"]["a"] == "b");
    assert_eq!(extra.expect("it is there")["metadata"]["name"], "catalog-extra", "templates in it are evaluated");
    let group = &the(&everything, "PrometheusRule")["spec"]["groups"][0];
    let alerts: Vec<_> = list(group, "rules").iter().filter_map(|rule| rule["alert"].as_str()).collect();
    assert!(alerts.contains(&"WeirChangesLost") && alerts.last() == Some(&"Mine"), "{alerts:?}");
}

#[test]
fn both_ways_from_outside_and_the_test_lead_to_the_service() {
    let Some(everything) = objects(&values("everything.yaml")) else { return };
    let services = of_kind(&everything, "Service");
    let service = services.iter().find(|found| found["spec"]["ports"][0]["name"] == "http").expect("a service");
    let (name, port) = (&service["metadata"]["name"], &service["spec"]["ports"][0]["port"]);
    let ingress = &the(&everything, "Ingress")["spec"];
    let backend = &ingress["rules"][0]["http"]["paths"][0]["backend"]["service"];
    assert_eq!((&backend["name"], &backend["port"]["name"]), (name, &json!("http")));
    assert_eq!(
        (&ingress["rules"][0]["host"], &ingress["ingressClassName"]),
        (&json!("catalog.example.com"), &json!("nginx"))
    );
    let route = &the(&everything, "HTTPRoute")["spec"];
    assert_eq!(route["rules"][0]["backendRefs"], json!([{ "name": name, "port": port }]));
    assert_eq!(route["parentRefs"], json!([{ "name": "public", "namespace": "gateways" }]));

    let test = the(&everything, "Pod");
    assert_eq!(test["metadata"]["annotations"]["helm.sh/hook"], "test");
    let asked = format!("https://{}:{port}/health/ready", name.as_str().expect("a name"));
    assert!(
        test["spec"]["containers"][0]["command"][2].as_str().is_some_and(|script| script.contains(&asked)),
        "{test}"
    );
}

/// The checksum of the configuration is part of the pods, so that another one replaces them; a plugin's bytes are not.
#[test]
fn another_setting_replaces_the_pods_another_plugin_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let checksum = |name: &str, more: Value| {
        let mut all = json!({ "auth": { "anonymous": "anywhere" } });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let file = folder.path().join(name);
        std::fs::write(&file, all.to_string()).expect("writable");
        let objects = objects(&file)?;
        Some(the(&objects, "StatefulSet")["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone())
    };
    let plugin = |data: &str| json!({ "plugins": [{ "name": "policy", "source": { "inline": { "file": "policy.wasm", "data": data } } }] });
    let Some(one) = checksum("one.yaml", plugin("AAAA")) else { return };
    assert!(one.as_str().is_some_and(|sum| sum.len() == 64), "{one}");
    assert_eq!(checksum("two.yaml", plugin("BBBB")), Some(one.clone()), "it is swapped while the pod lives");
    let mut other = plugin("AAAA");
    other["config"] = json!({ "catalog": { "page_size_max": 500 } });
    assert_ne!(checksum("three.yaml", other), Some(one));
}

/// What a Secret holds stands in no other object, from where it would reach logs, `kubectl describe`, backups.
#[test]
fn what_is_secret_stands_in_secrets_alone() {
    let Some(trial) = objects(&values("trial.yaml")) else { return };
    let secrets = of_kind(&trial, "Secret");
    assert_eq!(secrets.len(), 2, "of what is bundled: {secrets:?}");
    let others: Vec<_> = trial.iter().filter(|object| object["kind"] != "Secret").map(Value::to_string).collect();
    for secret in secrets {
        for (key, value) in secret["stringData"].as_object().expect("values") {
            let value = value.as_str().expect("text");
            assert!(value.len() >= 32 && others.iter().all(|other| !other.contains(value)), "{key}");
        }
    }
}
