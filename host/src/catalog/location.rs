//! One canonical form of a location in storage, or a refusal.

mod authority;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::authority::{check_bucket, check_container};
use crate::error::Error;

/// Where a location lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    File,
    S3,
    /// Azure. No warehouse has it yet; storage plugins are given such places.
    Abfss,
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::S3 => "s3",
            Self::Abfss => "abfss",
        }
    }
}

/// A location in storage in its one canonical form, without a trailing slash: `file:///srv/lake/t1`, `s3://bucket/t1`.
///
/// INVARIANT: the string that was checked is the string that is stored, signed, returned. What could mean two places
/// to two clients (`..`, `%2e`, `//`, `?` …) is refused. Only spellings that mean one place to everybody are normalised:
/// the scheme's case, `s3a` and `s3n`, Hadoop's `file:/srv`, `file://localhost/srv`, slashes at the end. Names are bytes:
/// NFC and NFD, `A` and `a` are different places.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Location {
    canonical: String,
    scheme: Scheme,
    /// Where the path begins in `canonical`: behind `file://`, or behind the bucket.
    path_at: usize,
}

/// Characters that clients, file systems or policy languages read in more than one way.
const REFUSED: &[(char, &str)] = &[
    ('\\', "some clients read a backslash as a slash"),
    ('%', "clients disagree whether a percent sequence is decoded"),
    ('?', "it begins a query"),
    ('#', "it begins a fragment"),
    (';', "it begins parameters"),
    ('*', "it is a wildcard in access policies"),
    ('$', "it begins a variable in access policies"),
];

impl Location {
    pub const BYTES_MAX: usize = 2_048;
    /// What a file system takes as one name.
    const FILE_SEGMENT_BYTES_MAX: usize = 255;

    /// The canonical form of `text`, or 400 that says which part of it is not understood.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::canonical(text).map_err(|reason| {
            let shown: String = text.chars().take(200).collect();
            Error::BadRequest(format!(
                "{shown:?} is not a location: {reason}; expected e.g. `s3://bucket/path` or `file:///path`"
            ))
        })
    }

    fn canonical(text: &str) -> Result<Self, String> {
        if text.len() > Self::BYTES_MAX {
            return Err(format!("it has {} bytes, at most {} are allowed", text.len(), Self::BYTES_MAX));
        }
        check_characters(text)?;
        let (scheme, rest) = text.split_once(':').ok_or("it has no scheme")?;
        match scheme.to_ascii_lowercase().as_str() {
            "file" => Self::file(rest),
            "s3" | "s3a" | "s3n" => Self::object(Scheme::S3, rest, check_bucket),
            "abfss" => Self::object(Scheme::Abfss, rest, check_container),
            _ => Err("its scheme is none of `file`, `s3`, `abfss`".to_owned()),
        }
    }

    /// `rest` is what follows `file:`.
    fn file(rest: &str) -> Result<Self, String> {
        let path = match rest.strip_prefix("//") {
            Some(after) => after.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(after),
            None => rest,
        };
        let path = path
            .strip_prefix('/')
            .ok_or("a `file` location has an absolute path on this host, without a host name")?
            .trim_end_matches('/');
        if path.is_empty() {
            return Err("the root directory cannot be a location".to_owned());
        }
        check_segments(path)?;
        match path.split('/').find(|segment| segment.len() > Self::FILE_SEGMENT_BYTES_MAX) {
            Some(_) => Err(format!("a name in its path has more than {} bytes", Self::FILE_SEGMENT_BYTES_MAX)),
            None => Ok(Self { canonical: format!("file:///{path}"), scheme: Scheme::File, path_at: "file://".len() }),
        }
    }

    /// `rest` is what follows the colon of the scheme.
    fn object(scheme: Scheme, rest: &str, check: fn(&str) -> Result<(), String>) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").ok_or("`//` and a bucket follow the scheme")?.trim_end_matches('/');
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        check(bucket)?;
        if !key.is_empty() {
            check_segments(key)?;
        }
        let canonical = format!("{}://{rest}", scheme.as_str());
        Ok(Self { path_at: canonical.len() - rest.len() + bucket.len(), canonical, scheme })
    }

    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket, the container with its account; empty for local files.
    pub fn bucket(&self) -> &str {
        &self.canonical[self.scheme.as_str().len() + "://".len()..self.path_at]
    }

    /// `/srv/lake/t1`: the absolute path of a file, or the key with a leading slash; empty for a whole bucket.
    pub fn path(&self) -> &str {
        &self.canonical[self.path_at..]
    }

    /// The last part of the path; empty for a whole bucket.
    pub fn name(&self) -> &str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// With a slash at the end, for comparisons by prefix in a query or a policy.
    pub fn prefix(&self) -> String {
        format!("{}/", self.canonical)
    }

    /// Whether `other` is this place or lies inside it, on the borders of segments: `s3://b/t1` does not contain
    /// `s3://b/t10`.
    pub fn contains(&self, other: &Self) -> bool {
        match other.canonical.strip_prefix(&self.canonical) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// Whether one of the two contains the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether `uri`, as a client wrote it in metadata, names this place or one inside it.
    ///
    /// The text of metadata is never changed, so a URI may be an alias such as Hadoop's `file:/srv/lake`; it is the
    /// canonical form that is compared. What has no canonical form is nowhere.
    pub fn contains_uri(&self, uri: &str) -> bool {
        Self::parse(uri).is_ok_and(|location| self.contains(&location))
    }

    /// The place `relative` inside this one, e.g. `metadata/00000-….metadata.json`.
    pub fn join(&self, relative: &str) -> Result<Self, Error> {
        Self::parse(&format!("{}/{relative}", self.canonical))
    }

    /// The place around this one; `None` for a bucket or a directory right under the root.
    pub fn parent(&self) -> Option<Self> {
        let last_slash = self.path().rfind('/').filter(|at| self.scheme != Scheme::File || *at > 0)?;
        Some(Self { canonical: self.canonical[..self.path_at + last_slash].to_owned(), ..self.clone() })
    }

    /// Every place around this one, the nearest first; for queries about overlaps.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent)
    }
}

fn check_characters(text: &str) -> Result<(), String> {
    for found in text.chars() {
        if found.is_control() {
            return Err(format!("it contains the control character {found:?}"));
        }
        if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == found) {
            return Err(format!("it contains `{found}`, and {reason}"));
        }
    }
    Ok(())
}

/// `path` begins and ends without a slash.
fn check_segments(path: &str) -> Result<(), String> {
    for segment in path.split('/') {
        if segment.is_empty() {
            return Err("its path has an empty part (`//`)".to_owned());
        }
        if segment.bytes().all(|byte| byte == b'.') {
            return Err(format!("its path has a part `{segment}` of dots only"));
        }
    }
    Ok(())
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

impl TryFrom<String> for Location {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.canonical
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn location(text: &str) -> Location {
        Location::parse(text).unwrap()
    }

    #[test]
    fn s10_aliases_of_one_place_have_one_form() {
        for (alias, canonical) in [
            ("s3://bucket/t1", "s3://bucket/t1"),
            ("s3a://bucket/t1", "s3://bucket/t1"),
            ("S3N://bucket/t1/", "s3://bucket/t1"),
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket//", "s3://bucket"),
            ("s3://my.bucket-1/a b/ü", "s3://my.bucket-1/a b/ü"),
            ("s3://bucket/a+b", "s3://bucket/a+b"),
            ("s3://bucket/.hidden/t1.", "s3://bucket/.hidden/t1."),
            ("ABFSS://lake@acc.dfs.core.windows.net/t1/", "abfss://lake@acc.dfs.core.windows.net/t1"),
            ("file:///srv/lake/", "file:///srv/lake"),
            ("file:/srv/lake", "file:///srv/lake"),
            ("FILE://localhost/srv/lake", "file:///srv/lake"),
            ("file:///localhost", "file:///localhost"),
        ] {
            assert_eq!(location(alias).as_str(), canonical);
        }
    }

    /// One a line would fill the page.
    #[rustfmt::skip]
    const TWO_PLACES: &[&str] = &[
        "", "/srv/lake", "srv/lake", "bucket/t1", "https://bucket/t1", "hdfs://n/t1", "abfss://c@a/t1", "gs://b/t1",
        "file:", "file:/", "file:///", "file://", "file:////", "file:srv", "file:../srv", "file://host/srv",
        "file://localhostile/srv", "file:////srv", "file:///srv//t1", "file:///srv/../etc", "file:///srv/./t1",
        "file:///..", "file:///srv/...", "file:///srv\\t1", "file:///srv/t1\0", "file:///srv/\u{7f}",
        "file:///srv/\u{85}", "file:///srv/%2e%2e/x", "file:///srv/%252e", "file:///srv/%c0%ae", "file:///a%20b",
        "file:///srv?x", "file:///srv#x", "file:///srv;x", "file:///srv\n", "file:///srv/*", "s3://bucket/${aws:x}",
        "s3:bucket/t1", "s3:/bucket/t1", "s3://", "s3:///t1", "s3://b/t1", "s3://Bucket/t1", "s3://bucket./t1",
        "s3://bucket:9000/t1", "s3://user@bucket/t1", "s3://user:key@bucket/t1", "s3://bu..cket/t1",
        "s3://bücket/t1", "s3://bucket/t1//x", "s3://bucket//t1", "s3://bucket/../other",
        "s3://bucket/t1/%2E%2E/t2", "s3://bucket/t1/..", "s3://-bucket/t1", "s3://../t1",
        "s3://bucket/t1?versionId=1", " s3://bucket/t1", "s3 ://bucket/t1", "s3://bucket /t1",
        "abfss://lake@acc.dfs.core.windows.net:443/t1", "abfss://acc.dfs.core.windows.net/t1", "abfss://l@acc.evil.example/t1",
        "abfss://lake@x@acc.dfs.core.windows.net/t1", "abfss://lake@acc.dfs.core.windows.net/t1//x", "abfss:lake@acc/t1",
    ];

    #[test]
    fn s10_what_can_mean_two_places_is_refused() {
        for text in TWO_PLACES {
            let refused = Location::parse(text);
            assert!(matches!(refused, Err(Error::BadRequest(_))), "{text:?} gave {refused:?}");
        }
        assert!(Location::parse(&format!("file:///{}", "a".repeat(256))).is_err());
        assert!(Location::parse(&format!("s3://bucket/{}", "a".repeat(2_048))).is_err());
    }

    #[test]
    fn s9_a_sibling_that_shares_the_text_is_not_inside() {
        let table = location("s3://bucket/t1");
        for (other, inside) in [
            ("s3://bucket/t1", true),
            ("s3a://bucket/t1/", true),
            ("s3://bucket/t1/data/x", true),
            ("s3://bucket/t10", false),
            ("s3://bucket/t1-", false),
            ("s3://bucket/T1/x", false),
            ("s3://bucket", false),
            ("s3://bucket2/t1", false),
            ("file:///bucket/t1", false),
            ("s3://bucket/t1/../t2", false),
            ("not a location", false),
        ] {
            assert_eq!(table.contains_uri(other), inside, "{other}");
        }
        assert!(location("file:///srv/lake/t1").contains_uri("file:/srv/lake/t1/metadata/snap-1.avro"));
    }

    #[test]
    fn s10_composed_and_decomposed_names_are_two_places() {
        let (composed, decomposed) = (location("file:///srv/caf\u{e9}"), location("file:///srv/cafe\u{301}"));
        assert_ne!(composed, decomposed);
        assert!(!composed.overlaps(&decomposed));
    }

    #[test]
    fn a_location_tells_its_parts() {
        let object = location("s3://bucket/a/b");
        assert_eq!((object.scheme(), object.bucket(), object.path()), (Scheme::S3, "bucket", "/a/b"));
        assert_eq!((object.name(), object.prefix().as_str()), ("b", "s3://bucket/a/b/"));
        let around: Vec<String> = object.ancestors().map(String::from).collect();
        assert_eq!(around, ["s3://bucket/a", "s3://bucket"]);
        let around: Vec<String> = location("file:///a/b/c").ancestors().map(String::from).collect();
        assert_eq!(around, ["file:///a/b", "file:///a"]);
        assert_eq!(location("file:///a/b").path(), "/a/b");
        assert_eq!(location("s3://bucket").name(), "");
    }

    #[test]
    fn a_join_never_leaves_its_place() {
        let table = location("file:///srv/lake/t1");
        assert_eq!(table.join("metadata/v1.json").unwrap().as_str(), "file:///srv/lake/t1/metadata/v1.json");
        for relative in ["..", "../t2", "/etc/passwd", "a//b", "a/../../x", "./a"] {
            assert!(table.join(relative).is_err(), "{relative}");
        }
    }

    #[test]
    fn a_location_in_json_is_checked() {
        let read: Location = serde_json::from_str(r#""s3a://bucket/t1/""#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#""s3://bucket/t1""#);
        assert!(serde_json::from_str::<Location>(r#""s3://bucket/..""#).is_err());
    }

    fn any_location() -> impl Strategy<Value = Location> {
        let places = prop_oneof![Just("s3://bucket"), Just("s3a://other"), Just("file:///a"), Just("file:/a")];
        (places, proptest::collection::vec("[ab1.é-]{1,3}", 0..4)).prop_filter_map("refused", |(place, parts)| {
            Location::parse(&[&[place.to_owned()], &parts[..]].concat().join("/")).ok()
        })
    }

    proptest! {
        #[test]
        fn s10_parsing_any_text_never_panics_and_is_idempotent(text in "(s3|s3a|file)?:?/{0,3}[a-c.%/\\\\é?]{0,20}") {
            if let Ok(parsed) = Location::parse(&text) {
                prop_assert_eq!(&Location::parse(parsed.as_str()).unwrap(), &parsed);
                prop_assert!(!parsed.path().split('/').skip(1).any(|part| part.is_empty() || part == ".."));
            }
        }

        #[test]
        fn s9_containment_is_a_partial_order(a in any_location(), b in any_location(), c in any_location()) {
            prop_assert!(a.contains(&a));
            prop_assert!(!(a.contains(&b) && b.contains(&a)) || a == b);
            prop_assert!(!(a.contains(&b) && b.contains(&c)) || a.contains(&c));
            prop_assert_eq!(a.contains(&b), a == b || b.ancestors().any(|above| above == a));
        }

        #[test]
        fn a_joined_child_is_inside_with_its_parent_around(place in any_location(), child in "[a-z]{1,8}") {
            let joined = place.join(&child).unwrap();
            prop_assert!(place.contains(&joined) && !joined.contains(&place));
            prop_assert_eq!(joined.name(), child.as_str());
            prop_assert_eq!(joined.parent(), Some(place));
        }
    }
}
