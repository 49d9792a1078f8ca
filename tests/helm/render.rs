//! Rendering the chart with the real Helm.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use weir_tests::tools::{installed, python, succeed};

/// The versions of Kubernetes whose schemas every object must fit: the oldest that takes all of them, one between, the newest.
pub const KUBERNETES: [&str; 3] = ["1.31", "1.34", "1.37"];

pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of values that must work: those of the tests, those of the example.
pub fn all_values() -> Vec<PathBuf> {
    let folders = [top().join("tests/helm/values"), top().join("examples/kubernetes")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("the folder is there"));
    let files = files.map(|item| item.expect("readable").path());
    let mut values: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    values.sort();
    assert!(values.len() > 8, "too few values: {values:?}");
    values
}

pub fn values(name: &str) -> PathBuf {
    top().join("tests/helm/values").join(name)
}

/// `helm` with a verb; `None` (said aloud) where it is not installed.
pub fn helm(arguments: &[&str]) -> Option<Command> {
    let mut helm = installed("helm")?;
    helm.args(arguments).current_dir(top());
    // Neither a cluster nor settings of whoever runs the tests.
    helm.env_remove("KUBECONFIG").env("HELM_NAMESPACE", "lake");
    Some(helm)
}

/// What `helm template` does with arguments such as `--set a=b`.
pub fn template(arguments: &[&str]) -> Option<Output> {
    let mut helm = helm(&["template", "catalog", "helm/weir", "--kube-version", "1.35.0"])?;
    Some(helm.args(arguments).output().expect("helm runs"))
}

/// The rendered objects, each of which fits the schemas of [`KUBERNETES`]; one file of values is rendered once.
pub fn objects(values: &Path) -> Option<Vec<Value>> {
    static KNOWN: Mutex<BTreeMap<PathBuf, Vec<Value>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(objects) = known.get(values) {
        return Some(objects.clone());
    }
    let objects = render(values)?;
    known.insert(values.to_owned(), objects.clone());
    Some(objects)
}

fn render(values: &Path) -> Option<Vec<Value>> {
    let rendered = template(&["--values", &values.display().to_string()])?;
    let told = String::from_utf8_lossy(&rendered.stderr);
    assert!(rendered.status.success(), "{}: {told}", values.display());
    valid(&rendered.stdout)
}

/// YAML as JSON, after its objects were compared with the schemas of [`KUBERNETES`].
pub fn valid(yaml: &[u8]) -> Option<Vec<Value>> {
    let mut python = python("helm")?;
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), yaml).expect("writable");
    let stdin = Stdio::from(file.reopen().expect("it is there"));
    python.arg("-B").arg(top().join("tests/helm/objects.py")).args(KUBERNETES).stdin(stdin);
    Some(serde_json::from_str(&succeed(python)).expect("JSON"))
}

/// The objects of one kind.
pub fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// The only object of one kind.
pub fn the<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    match of_kind(objects, kind).as_slice() {
        [only] => only,
        found => panic!("{} objects are a {kind}", found.len()),
    }
}

/// The pods that objects make, as `(object, spec)`.
pub fn pods(objects: &[Value]) -> Vec<(&Value, &Value)> {
    objects.iter().filter_map(|object| Some((object, pod_of(object)?))).collect()
}

fn pod_of(object: &Value) -> Option<&Value> {
    match object["kind"].as_str()? {
        "Pod" => Some(&object["spec"]),
        "Deployment" | "StatefulSet" | "Job" => Some(&object["spec"]["template"]["spec"]),
        _ => None,
    }
}

/// All containers of a pod, first those that run before the others.
pub fn containers(pod: &Value) -> Vec<&Value> {
    ["initContainers", "containers"].iter().flat_map(|list| pod[list].as_array().into_iter().flatten()).collect()
}

/// The pod that serves.
pub fn server(objects: &[Value]) -> &Value {
    let pods = pods(objects);
    let serves =
        |pod: &Value| containers(pod).iter().any(|container| container["args"] == serde_json::json!(["serve"]));
    pods.iter().find(|(_, pod)| serves(pod)).expect("one pod serves").1
}

/// The file `weir.toml` that the pod gets.
pub fn weir_toml(objects: &[Value]) -> &str {
    let found = objects.iter().find_map(|object| object["data"]["weir.toml"].as_str());
    found.expect("a ConfigMap holds weir.toml")
}
