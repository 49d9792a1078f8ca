//! Plugins on their way through ConfigMaps: what is rendered or printed becomes what the host loads.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use weir::plugin::load::{Demand, Digest, Fetcher, Source, Trust, verified};
use weir_tests::guests::guest;
use weir_tests::tools::succeed;

use crate::render::{objects, of_kind, server, top, valid, values, weir_toml};

/// Writes what ConfigMaps hold into a folder, as the kubelet does for a projected volume of them.
async fn write(config_maps: &[&Value], folder: &Path) {
    for config_map in config_maps {
        for (name, text) in config_map["data"].as_object().into_iter().flatten() {
            std::fs::write(folder.join(name), text.as_str().expect("text")).expect("writable");
        }
        for (name, data) in config_map["binaryData"].as_object().into_iter().flatten() {
            let data = data.as_str().expect("base64");
            let decoded = Command::new("base64").arg("-d").arg(in_file(folder, data)).output().expect("base64 runs");
            assert!(decoded.status.success(), "{name} is no base64");
            assert!(decoded.stdout.len() < 1 << 20, "{name} does not fit into a ConfigMap");
            std::fs::write(folder.join(name), decoded.stdout).expect("writable");
        }
    }
}

fn in_file(folder: &Path, text: &str) -> std::path::PathBuf {
    let file = folder.join(".base64");
    std::fs::write(&file, text).expect("writable");
    file
}

/// The digest of what the host gets out of a file.
async fn loaded(file: &Path) -> Digest {
    let demand = Demand { source: Source::File(file.to_owned()), sha256: None, signature: None };
    let verified = verified(&demand, &Trust::default(), &Fetcher::new(&[], 64 << 20)).await;
    verified.expect("the host takes it").digest
}

#[tokio::test]
async fn the_script_prints_config_maps_that_the_host_puts_together_again() {
    let component = guest("guest");
    let mut script = Command::new(top().join("helm/plugin-configmaps.sh"));
    script.arg("site-policy").arg(&component).env("WEIR_PART_BYTES", "20000");
    let printed = succeed(script);
    let Some(config_maps) = valid(printed.as_bytes()) else { return };
    assert!(config_maps.len() > 3, "several parts and a manifest: {}", config_maps.len());

    let folder = tempfile::tempdir().expect("a folder");
    write(&config_maps.iter().collect::<Vec<_>>(), folder.path()).await;

    let bytes = std::fs::read(component).expect("built");
    assert_eq!(loaded(&folder.path().join("site-policy.bundle.json")).await, Digest::of(&bytes));
}

/// A pinned inline plugin is cut, described, rendered, mounted as one folder, and is the same component at the end.
#[tokio::test]
async fn a_pinned_inline_plugin_in_parts_is_the_same_component_at_the_end() {
    let bytes = std::fs::read(guest("guest")).expect("built");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&bytes).expect("memory takes it");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("packed");
    std::fs::write(&file, packed.finish().expect("memory takes it")).expect("writable");
    let mut base64 = Command::new("base64");
    base64.arg("-w0").arg(&file);
    let inline = json!({ "file": "site-policy.wasm.gz", "data": succeed(base64) });
    let all = json!({
        "auth": { "anonymous": "anywhere" },
        "pluginDefaults": { "partBytesMax": 30_000 },
        "plugins": [{ "name": "site-policy", "sha256": Digest::of(&bytes).to_string(), "source": { "inline": inline } }],
    });
    let values = folder.path().join("values.yaml");
    std::fs::write(&values, all.to_string()).expect("writable");
    let Some(objects) = objects(&values) else { return };

    let of_plugin = |object: &&&Value| object["metadata"]["labels"]["app.kubernetes.io/component"] == "plugin";
    let config_maps = of_kind(&objects, "ConfigMap");
    let config_maps: Vec<_> = config_maps.iter().filter(of_plugin).copied().collect();
    assert!(config_maps.len() > 1, "it is split");
    let mounted = server(&objects)["volumes"].as_array().into_iter().flatten();
    let mounted = mounted.into_iter().find(|volume| volume["name"] == "plugin-site-policy").expect("a volume");
    assert_eq!(mounted["projected"]["sources"].as_array().map(Vec::len), Some(config_maps.len()));
    let mount = tempfile::tempdir().expect("a folder");
    write(&config_maps, mount.path()).await;
    assert_eq!(loaded(&mount.path().join("site-policy.bundle.json")).await, Digest::of(&bytes));

    // The pin changes together with the bytes: were it in weir.toml, every change would replace the pods.
    let toml = weir_toml(&objects);
    assert!(toml.contains(r#"source = "file:/etc/weir/plugins/site-policy/site-policy.bundle.json""#), "{toml}");
    assert!(!toml.contains("sha256"), "{toml}");
}

#[test]
fn every_grant_of_a_plugin_reaches_the_program() {
    let Some(objects) = objects(&values("plugins.yaml")) else { return };
    let config: toml::Table = toml::from_str(weir_toml(&objects)).expect("TOML");
    let load = &config["plugins"]["load"];
    let mounted = &load["mounted"];
    assert_eq!(mounted["egress"].as_array().map(Vec::len), Some(1));
    assert_eq!(mounted["allow_private"].as_bool(), Some(true));
    assert_eq!(mounted["reveal"][0].as_str(), Some("client-key"));
    assert_eq!(mounted["min_version"].as_str(), Some("1.2.0"));
    assert_eq!(mounted["settings_file"].as_str(), Some("/etc/weir/plugins/mounted-settings/settings.json"));
    let cedar = &load["cedar"];
    assert_eq!(cedar["limits"]["memory_bytes_max"].as_integer(), Some(134_217_728));
    assert_eq!(cedar["settings"]["limits"]["share"].as_float(), Some(0.5));
    assert_eq!(cedar["settings"]["limits"]["big"].as_integer(), Some(3_000_000_000));
    let policies = cedar["settings"]["policies"].as_str().expect("text");
    assert!(policies.contains(r#"{ "quoted \\ \"text\" < > & é" == "x" }"#), "{policies}");
    assert_eq!(load["fetched"]["sha256"].as_str().map(str::len), Some(64));

    // Each secret is a file that is mounted where the program looks for it.
    let weir = &server(&objects)["containers"][0];
    for (_, from) in mounted["secrets"].as_table().expect("secrets") {
        let file = from.as_str().and_then(|from| from.strip_prefix("file:")).expect("a file");
        let folder = Path::new(file).parent().expect("a folder").display().to_string();
        let mounts = weir["volumeMounts"].as_array().into_iter().flatten();
        assert!(mounts.into_iter().any(|mount| mount["mountPath"] == folder.as_str()), "{folder} is not mounted");
    }
}
