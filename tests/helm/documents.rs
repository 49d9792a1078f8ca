//! What the chart tells: a true table of values, metrics that exist.

use std::collections::BTreeSet;
use std::process::Command;

use weir_tests::tools::succeed;

use crate::render::top;

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_table_in_the_readme_tells_the_values_as_they_are() {
    let mut python = Command::new("python3");
    python.arg("-B").arg(top().join("helm/readme.py")).arg("--check");
    succeed(python);
}

/// The words that look like metrics of ours.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let endings = ["_bucket", "_count", "_sum"];
    let plain = |word: &str| endings.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned();
    words.filter(|word| word.starts_with("weir_") || word.starts_with("process_")).map(plain).collect()
}

fn sources(folder: &std::path::Path, found: &mut String) {
    for item in std::fs::read_dir(folder).expect("readable") {
        let path = item.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push_str(&std::fs::read_to_string(path).unwrap_or_default());
        }
    }
}

#[test]
fn every_metric_of_the_dashboard_and_of_the_alerts_is_one_that_the_program_counts() {
    let mut program = String::new();
    sources(&top().join("host/src"), &mut program);
    let shown = read("helm/weir/dashboards/weir.json") + &read("helm/weir/templates/monitoring.yaml");
    let shown = metrics(&shown);
    assert!(shown.len() > 8, "{shown:?}");
    let unknown: Vec<_> = shown.iter().filter(|name| !program.contains(&format!("\"{name}\""))).collect();
    assert!(unknown.is_empty(), "nothing counts {unknown:?}");
}
