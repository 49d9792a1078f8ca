//! Values that make no sense are refused in words, before anything reaches a cluster.

use crate::render::{template, values};

/// The values beside the base, then what the message must say.
const REFUSED: [(&str, &[&str], &str); 22] = [
    ("nobody could call it", &["auth.anonymous=never"], "nobody could call this catalog"),
    ("two replicas of one file", &["replicas=2"], "the embedded store belongs to one process"),
    ("no replica of a file", &["replicas=0"], "the embedded store belongs to one process"),
    ("scaling a file", &["autoscaling.enabled=true"], "the embedded store belongs to one process"),
    ("no database", &["store.kind=postgres"], "store.postgres.existingSecret"),
    (
        "two databases",
        &["store.kind=postgres", "store.postgres.existingSecret=a", "bundled.postgres.enabled=true"],
        "two databases",
    ),
    ("a database for nobody", &["bundled.postgres.enabled=true"], "nothing would use it"),
    ("an unknown engine", &["store.kind=mysql"], "/store/kind"),
    ("a typo", &["replicsa=2"], "replicsa"),
    ("a nested typo", &["store.postgres.existingSecert=a"], "existingSecert"),
    ("a number in words", &["replicas=two"], "replicas"),
    ("a field of the chart's", &["config.server.listen=0.0.0.0:1"], "config.server.listen: the chart sets this field"),
    ("a section that is none", &["config.server=1"], "config"),
    ("an Ingress without hosts", &["ingress.enabled=true"], "ingress.hosts"),
    ("a route without a Gateway", &["gateway.enabled=true"], "gateway.parentRefs"),
    ("a plugin without a source", &["plugins[0].name=p"], "source"),
    ("a plugin with an empty source", &["plugins[0].name=p", "plugins[0].source=null"], "source"),
    (
        "two sources",
        &["plugins[0].name=p", "plugins[0].source.builtin=cedar", "plugins[0].source.url=https://x/p.wasm"],
        "takes exactly one",
    ),
    ("a URL without a digest", &["plugins[0].name=p", "plugins[0].source.url=https://x/p.wasm"], "needs its `sha256`"),
    ("a digest that is none", &["plugins[0].name=p", "plugins[0].source.builtin=c", "plugins[0].sha256=abc"], "sha256"),
    (
        "one name twice",
        &["plugins[0].name=p", "plugins[0].source.builtin=c", "plugins[1].name=p", "plugins[1].source.builtin=c"],
        "is there twice",
    ),
    (
        "bytes that are no base64",
        &["plugins[0].name=p", "plugins[0].source.inline.file=p.wasm", "plugins[0].source.inline.data=%%"],
        "is not base64",
    ),
];

#[test]
fn values_that_make_no_sense_are_refused_in_words() {
    let base = values("embedded.yaml").display().to_string();
    for (why, set, told) in REFUSED {
        let mut arguments = vec!["--values", base.as_str()];
        set.iter().for_each(|value| arguments.extend(["--set", value]));
        let Some(output) = template(&arguments) else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{why}: it was rendered");
        assert!(said.contains(told), "{why}: the message does not say {told:?}:\n{said}");
    }
}

/// What Kubernetes would refuse only after half of a release is there: a Secret of Helm, a ConfigMap that is too large.
#[test]
fn plugins_that_no_release_can_carry_are_refused_with_the_way_out() {
    let base = values("embedded.yaml").display().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("large.yaml");
    let data = "AAAA".repeat(120_000);
    let large = format!("plugins:\n  - name: large\n    source:\n      inline: {{file: large.wasm, data: {data}}}\n");
    std::fs::write(&file, large).expect("writable");
    let file = file.display().to_string();
    let Some(refused) = template(&["--values", &base, "--values", &file]) else { return };
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(said.contains("360000 bytes") && said.contains("plugin-configmaps.sh"), "{said}");

    let set = ["--values", &base, "--values", &file, "--set", "pluginDefaults.inlineBytesMax=1000000"];
    let taken = template(&set).expect("helm is there");
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let split =
        template(&[&set[..], &["--set", "pluginDefaults.partBytesMax=200000"]].concat()).expect("helm is there");
    assert!(String::from_utf8_lossy(&split.stderr).contains("its manifest needs `sha256`"));
}
