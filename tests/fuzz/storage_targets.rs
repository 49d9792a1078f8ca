//! What must hold for any place in a bucket, for any request about it (S12, S16).

use weir::catalog::location::Location;
use weir::catalog::scope::{POLICY_CHARACTERS_MAX, Partition, Scope, Verbs};
use weir::catalog::signing::{Endpoint, Place, Request, examine};

/// The first line as a location: its policy is plain JSON of bounded length that names the place, or there is none.
pub fn session_policy(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(place) = Location::parse(text) else { return false };
    let scope = Scope { place: &place, verbs: Verbs::ReadWrite, partition: Partition::Aws, kms_key_arn: None };
    let Ok(policy) = scope.session_policy() else { return false };
    assert!(policy.is_ascii() && policy.len() <= POLICY_CHARACTERS_MAX, "{policy}");
    let policy: serde_json::Value = serde_json::from_str(&policy).expect("a policy is JSON");
    let statements = policy["Statement"].as_array().expect("statements");
    assert_eq!(statements.len(), 2, "a name has made a statement of its own");
    let below = format!("arn:aws:s3:::{}{}/*", place.bucket(), place.path());
    assert_eq!(statements[0]["Resource"], serde_json::json!([below]));
    true
}

/// `METHOD uri`, headers, an empty line, a body. What is signed lies inside the table, also for a reader that resolves.
pub fn signing(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, uri) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or(("GET", ""));
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(pair).collect();
    let location = Location::parse("s3://lake/sales/t1").expect("a location");
    let endpoints = [Endpoint::parse("https://s3.test").expect("an endpoint")];
    let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
    let request = Request { method, uri, region: "eu", headers: &headers, body };
    let place = Place { location: &location, endpoints: &endpoints, region: "eu" };
    let Ok(examined) = examine(&request, &place) else { return false };
    assert!(!examined.keys.is_empty());
    for key in &examined.keys {
        let inside = key.strip_prefix("sales/t1/").unwrap_or_else(|| panic!("{key:?} lies outside"));
        assert!(!inside.split('/').any(|part| matches!(part, "." | "..")), "{key:?} leads up");
        assert!(!key.contains(['\0', '\n', '\r', '\\']));
    }
    assert!(uri.starts_with("https://s3.test/lake") || uri.starts_with("https://lake.s3.test/"));
    let names: Vec<&String> = examined.headers.iter().map(|(name, _)| name).collect();
    assert!(names.iter().all(|name| **name == name.to_lowercase() && *name != "host"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("x-amz-acl") || name.starts_with("x-amz-grant")));
    true
}
