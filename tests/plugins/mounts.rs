//! Plugins in a volume of ConfigMaps: files that are links through `..data`, large components in parts.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::guests::guest;

use crate::lifecycle::{Watched, denies, grants};

/// What the kubelet writes into the folder of a catalog's plugins.
struct Mount {
    folder: PathBuf,
    writes: AtomicU32,
}

impl Mount {
    /// Writes all files as the kubelet does: into a new hidden folder, to which `..data` then leads by a rename.
    fn write(&self, files: &[(String, Vec<u8>)]) {
        let version = format!("..2026_{}", self.writes.fetch_add(1, Ordering::Relaxed));
        fs::create_dir(self.folder.join(&version)).expect("writable");
        for (name, bytes) in files {
            fs::write(self.folder.join(&version).join(name), bytes).expect("writable");
        }
        let data = self.folder.join("..data");
        let before = fs::read_link(&data).ok();
        symlink(&version, self.folder.join("..data_tmp")).expect("writable");
        fs::rename(self.folder.join("..data_tmp"), &data).expect("renamed");
        for (name, _) in files {
            let link = self.folder.join(name);
            if link.symlink_metadata().is_err() {
                symlink(PathBuf::from("..data").join(name), link).expect("writable");
            }
        }
        if let Some(before) = before {
            fs::remove_dir_all(self.folder.join(before)).expect("it is there");
        }
    }
}

/// A component that does the same as the guest, but has other bytes: a custom section more.
fn version(number: u8) -> Vec<u8> {
    let mut component = fs::read(guest("guest")).expect("built");
    component.extend([0, 3, 1, b'v', number]);
    component
}

/// The component packed, cut into three, with the manifest: what `helm/plugin-configmaps.sh` writes.
fn bundle(component: &[u8], settings: &str) -> Vec<(String, Vec<u8>)> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(component).expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    let parts: Vec<(String, Vec<u8>)> = packed
        .chunks(packed.len().div_ceil(3))
        .enumerate()
        .map(|(at, part)| (format!("policy.wasm.gz.part{at}"), part.to_vec()))
        .collect();
    let listed: Vec<Value> = parts.iter().map(|(name, part)| json!({ "file": name, "sha256": sha256(part) })).collect();
    let manifest = json!({ "sha256": sha256(component), "parts": listed });
    let mut files = vec![
        ("policy.bundle.json".to_owned(), manifest.to_string().into_bytes()),
        ("policy.toml".to_owned(), settings.as_bytes().to_vec()),
    ];
    files.extend(parts);
    files
}

fn sha256(bytes: &[u8]) -> String {
    weir::plugin::load::Digest::of(bytes).to_string()
}

/// Asks again and again whether a namespace may be made; everything but yes or no is counted.
async fn load(weir: Arc<Watched>, stop: Arc<AtomicBool>, strange: Arc<AtomicU32>, name: String) -> u32 {
    let mut asked = 0;
    while !stop.load(Ordering::Relaxed) {
        let status = weir.create_namespace(&format!("{name}{asked}")).await;
        if status != 200 && status != 403 {
            strange.fetch_add(1, Ordering::Relaxed);
        }
        asked += 1;
        // The machine also has to compile the next version.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    asked
}

/// T49, T48: ConfigMaps change one after the other. The old version decides until all parts of the new one are there;
/// then the new one does, without a restart, and no caller notices.
#[tokio::test]
async fn t49_a_plugin_in_parts_is_swapped_under_load() {
    let weir = Arc::new(Watched::start().await);
    let secret = weir.folder.parent().expect("it lies in a folder").join("token");
    fs::write(&secret, "not-so-secret").expect("writable");
    let declared = |settings: Value| {
        let settings: toml::Value = serde_json::from_value(settings).expect("TOML has it, too");
        format!("{}\nsettings = {settings}\nlimits.deadline_ms = 20000", grants(&secret))
    };
    let mount = Mount { folder: weir.folder.clone(), writes: AtomicU32::new(0) };
    let (one, two) = (version(1), version(2));
    let old = bundle(&one, &declared(denies("warehouse:create-namespace")));
    let new = bundle(&two, &declared(json!({ "answer": "allow" })));

    mount.write(&old);
    let first = weir.until(|plugin| plugin["state"] == "active").await;
    assert_eq!(first["plugins"][0]["in-place"]["sha256"], sha256(&one));
    assert_eq!(weir.create_namespace("denied").await, 403);
    let (stop, strange) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = ["a", "b", "c"]
        .map(|name| tokio::spawn(load(weir.clone(), stop.clone(), strange.clone(), name.to_owned())))
        .into();

    // The ConfigMap of the last part has changed, those of the manifest and of the other parts not yet.
    let mut half = old.clone();
    *half.last_mut().expect("there are parts") = new.last().expect("there are parts").clone();
    assert_ne!(half, old);
    mount.write(&half);
    let between = weir.until(|plugin| plugin["last-failure"]["code"] == "bad_bundle").await;
    assert_eq!(between["plugins"][0]["in-place"]["sha256"], sha256(&one));
    assert_eq!(between["generation"], first["generation"]);
    assert_eq!(weir.create_namespace("denied").await, 403);

    mount.write(&new);
    let second = weir.until(|plugin| plugin["in-place"]["sha256"] == sha256(&two)).await;
    assert!(second["generation"].as_u64() > first["generation"].as_u64());
    assert_eq!(weir.create_namespace("allowed").await, 200);
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.expect("it does not panic") > 0);
    }
    assert_eq!(strange.load(Ordering::Relaxed), 0, "answers that were neither yes nor no");
}

/// T30: a manifest that promises another component than its parts make is refused.
#[tokio::test]
async fn t30_a_bundle_that_becomes_another_component_is_refused() {
    let weir = Watched::start().await;
    let mount = Mount { folder: weir.folder.clone(), writes: AtomicU32::new(0) };
    let mut files = bundle(&version(1), "");
    let manifest: Value = serde_json::from_slice(&files[0].1).expect("JSON");
    let forged = json!({ "sha256": sha256(&version(2)), "parts": manifest["parts"] });
    files[0].1 = forged.to_string().into_bytes();

    mount.write(&files);

    let refused = weir.until(|plugin| plugin["state"] == "refused").await;
    assert_eq!(refused["plugins"][0]["last-failure"]["code"], "wrong_digest");
    assert!(refused["plugins"][0]["in-place"].is_null());
}
