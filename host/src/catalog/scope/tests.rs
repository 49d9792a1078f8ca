//! Policies before the judge: what the table's own keys reach, what its neighbours' do not.

use proptest::prelude::*;

use super::evaluator::{Request, allows};
use super::*;

const READS: [&str; 1] = ["s3:GetObject"];
const WRITES: [&str; 4] = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
/// What nobody needs to read or write a table.
const NEVER: [&str; 12] = [
    "s3:PutObjectAcl",
    "s3:GetObjectAcl",
    "s3:PutObjectTagging",
    "s3:GetObjectVersion",
    "s3:DeleteObjectVersion",
    "s3:PutBucketPolicy",
    "s3:DeleteBucket",
    "s3:ListBucketVersions",
    "s3:ListAllMyBuckets",
    "s3:RestoreObject",
    "s3:BypassGovernanceRetention",
    "sts:AssumeRole",
];

fn scope(place: &Location, verbs: Verbs) -> Scope<'_> {
    Scope { place, verbs, partition: Partition::Aws, kms_key_arn: None }
}

fn place(text: &str) -> Location {
    Location::parse(text).unwrap()
}

fn policy_of(text: &str, verbs: Verbs) -> String {
    scope(&place(text), verbs).session_policy().unwrap()
}

fn on_object(policy: &str, action: &str, bucket: &str, key: &str) -> bool {
    allows(policy, &Request { action, resource: &format!("arn:aws:s3:::{bucket}/{key}"), prefix: None })
}

fn lists(policy: &str, bucket: &str, prefix: Option<&str>) -> bool {
    allows(policy, &Request { action: "s3:ListBucket", resource: &format!("arn:aws:s3:::{bucket}"), prefix })
}

#[test]
fn s14_a_reader_gets_no_verb_that_writes() {
    let policy = policy_of("s3://lake/t1", Verbs::Read);
    assert!(READS.iter().all(|action| on_object(&policy, action, "lake", "t1/data/x.parquet")));
    assert!(WRITES.iter().all(|action| !on_object(&policy, action, "lake", "t1/data/x.parquet")));
}

#[test]
fn s9_neighbours_stay_out_of_reach() {
    let policy = policy_of("s3://lake/t1", Verbs::ReadWrite);
    for key in ["t1/metadata/v1.json", "t1/"] {
        assert!(READS.iter().chain(&WRITES).all(|action| on_object(&policy, action, "lake", key)), "{key}");
        assert!(NEVER.iter().all(|action| !on_object(&policy, action, "lake", key)), "{key}");
    }
    for key in ["t1", "t10/x", "t1-/x", "T1/x", "x/t1/x", "", "t2/x"] {
        assert!(READS.iter().chain(&WRITES).all(|action| !on_object(&policy, action, "lake", key)), "{key}");
    }
    assert!(!on_object(&policy, "s3:GetObject", "lake2", "t1/x"));
    for (prefix, expected) in
        [("t1/", true), ("t1/data/", true), ("t1", false), ("t10/", false), ("", false), ("t", false), ("/t1/", false)]
    {
        assert_eq!(lists(&policy, "lake", Some(prefix)), expected, "{prefix}");
    }
    assert!(!lists(&policy, "lake", None), "a listing without a prefix is one of the whole bucket");
    assert!(!lists(&policy, "lake2", Some("t1/")));
}

#[test]
fn arns_belong_to_the_partition_of_the_region() {
    for (region, start) in [
        ("eu-central-1", "arn:aws:s3:::"),
        ("cn-north-1", "arn:aws-cn:s3:::"),
        ("us-gov-west-1", "arn:aws-us-gov:s3:::"),
    ] {
        let partition = Partition::of_region(region);
        let place = place("s3://lake/t1");
        let policy = Scope { partition, ..scope(&place, Verbs::Read) }.session_policy().unwrap();
        assert!(policy.contains(&format!("\"{start}lake/t1/*\"")), "{policy}");
    }
}

#[test]
fn an_encrypted_bucket_s_key_is_named_and_nothing_else_will_do() {
    let arn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let place = place("s3://lake/t1");
    let with = |kms_key_arn, verbs| Scope { kms_key_arn: Some(kms_key_arn), ..scope(&place, verbs) }.session_policy();
    let policy = with(arn, Verbs::Read).unwrap();
    let uses = |action| allows(&policy, &Request { action, resource: arn, prefix: None });
    assert!(uses("kms:Decrypt") && !uses("kms:GenerateDataKey") && !uses("kms:ScheduleKeyDeletion"));
    assert!(with(arn, Verbs::ReadWrite).unwrap().contains("kms:GenerateDataKey"));
    for wrong in
        ["*", "arn:aws:kms:*:1:key/a", "arn:aws:kms:eu:1:key/*", "arn:aws:kms:eu:1:alias/a", "arn:aws:s3:eu:1:key/a"]
    {
        assert_eq!(with(wrong, Verbs::Read), Err(Unbounded::NoKey(wrong.to_owned())), "{wrong}");
    }
}

#[test]
fn s12_a_policy_over_the_limit_is_refused_not_shortened() {
    let long = place(&format!("s3://lake/{}", "a".repeat(1_500)));
    assert!(matches!(scope(&long, Verbs::Read).session_policy(), Err(Unbounded::TooLong(3_000..))));
    let letters = place(&format!("s3://lake/{}", "語".repeat(200)));
    assert!(matches!(scope(&letters, Verbs::Read).session_policy(), Err(Unbounded::TooLong(_))));
    let local = place("file:///srv/lake");
    assert_eq!(scope(&local, Verbs::Read).session_policy(), Err(Unbounded::NoBucket(local.clone())));
}

#[test]
fn sts_takes_only_latin_characters() {
    let policy = policy_of("s3://lake/кафе-é-\u{1f30a}", Verbs::ReadWrite);
    assert!(policy.is_ascii(), "{policy}");
    assert!(on_object(&policy, "s3:GetObject", "lake", "кафе-é-\u{1f30a}/x"));
}

/// Names that no location may have, to see that the writer does not rely on it.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ab*?$'\"{}\\\\ ,:/]{1,3}",
        Just("${aws:username}".to_owned()),
        Just("${*}".to_owned()),
        Just("\"]},{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}".to_owned()),
        Just("é語\u{1f30a}".to_owned()),
        Just("\n\u{0}".to_owned()),
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn s12_hostile_names_mean_themselves(name in hostile(), other in hostile(), key in "[a-z/]{0,6}") {
        let place = place("s3://lake/t1");
        for verbs in [Verbs::Read, Verbs::ReadWrite] {
            let policy = ascii(&policy(&scope(&place, verbs), "lake", &name).to_string());
            let inside = format!("{name}/{key}");
            prop_assert!(on_object(&policy, "s3:GetObject", "lake", &inside));
            prop_assert_eq!(on_object(&policy, "s3:PutObject", "lake", &inside), verbs == Verbs::ReadWrite);
            prop_assert!(lists(&policy, "lake", Some(&inside)));
            for beside in [format!("{other}/{key}"), format!("{name}{other}/{key}"), name.clone(), other.clone()] {
                let is_inside = beside.starts_with(&format!("{name}/"));
                for action in READS.iter().chain(&WRITES).chain(&NEVER) {
                    prop_assert!(is_inside || !on_object(&policy, action, "lake", &beside), "{} of {}", action, beside);
                }
                prop_assert_eq!(lists(&policy, "lake", Some(&beside)), is_inside);
            }
            prop_assert!(NEVER.iter().all(|action| !on_object(&policy, action, "lake", &inside)));
        }
    }

    #[test]
    fn s9_only_what_lies_inside_is_reached(parts in proptest::collection::vec("[ab1.é'\" -]{1,3}", 1..3),
                                           key in "[ab1/.é' -]{0,12}") {
        let Ok(place) = Location::parse(&format!("s3://lake/{}", parts.join("/"))) else { return Ok(()) };
        let policy = scope(&place, Verbs::ReadWrite).session_policy().unwrap();
        let is_inside = format!("/{key}").starts_with(&format!("{}/", place.path()));
        prop_assert_eq!(on_object(&policy, "s3:GetObject", "lake", &key), is_inside);
        prop_assert_eq!(lists(&policy, "lake", Some(&key)), is_inside);
    }
}
