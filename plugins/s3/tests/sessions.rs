//! What is asked of STS, what is made of its answers.

use weir_plugin::testing::{call, configure, object};
use weir_plugin::{Access, Audience, Fault, Key, Profile, SignRequest, Storage, Touched, Want};
use weir_plugin_s3::{S3, S3Profile, Session, epoch_ms, form, keys};

const ANSWER: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>\
<SecretAccessKey>secret/key+1</SecretAccessKey><SessionToken>token==</SessionToken><Expiration>2026-01-31T12:00:00Z</Expiration>\
</Credentials></AssumeRoleResult></AssumeRoleResponse>";

fn want(profile: &str) -> Want {
    Want {
        profile: Profile { kind: "s3".into(), settings_json: profile.into(), location: "s3://lake".into() },
        table: object("table", "sales.orders"),
        location: "s3://lake/t1".into(),
        access: Access::ReadWrite,
        audience: Audience::Client,
        ttl_seconds_max: 3_600,
        scope_document: Some("{\"a policy\":1}".into()),
    }
}

fn s3() -> S3 {
    configure(&serde_json::json!({})).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn form_of(profile: &str, caller: &str) -> Result<Vec<(String, String)>, Fault> {
    let (want, call) = (want(profile), call(caller, &[]));
    let profile = S3Profile::parse(profile).unwrap_or_else(|problems| panic!("{problems:?}"));
    let policy = want.scope_document.as_deref().unwrap_or_default();
    form(&Session { profile: &profile, call: &call, want: &want, policy, prefix: "weir" })
}

fn told<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_session_is_asked_for_under_the_host_s_policy_in_the_caller_s_name() {
    let profile = r#"{"region":"eu","sts-enabled":true,"sts-role-arn":"arn:aws:iam::1:role/r","external-id":"x",
                      "sts-session-tags":{"team":"sales","who":"{caller}"},"sts-token-validity-seconds":1800}"#;
    let form = form_of(profile, "oidc~al ice/é@example.com").unwrap();
    for (name, value) in [
        ("Action", "AssumeRole"),
        ("Policy", "{\"a policy\":1}"),
        ("RoleArn", "arn:aws:iam::1:role/r"),
        ("ExternalId", "x"),
        ("DurationSeconds", "1800"),
        ("RoleSessionName", "weir-al-ice--@example.com"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.2.Value", "oidc/al ice/=C3=A9@example.com"),
    ] {
        assert_eq!(told(&form, name), Some(value), "{name}");
    }
    let long = form_of(profile, &"a".repeat(200)).unwrap();
    assert_eq!(told(&long, "RoleSessionName").unwrap().len(), 64);
}

/// STS refuses a tag with any other character, and with it the session.
#[test]
fn a_caller_in_a_tag_is_spelled_as_sts_takes_it_and_as_nobody_else() {
    let profile = r#"{"region":"eu","sts-session-tags":{"who":"by {caller}"}}"#;
    for (caller, tag) in [
        ("anonymous", "by anonymous"),
        ("oidc~alice", "by oidc/alice"),
        ("oidc~auth0|alice", "by oidc/auth0=7Calice"),
        ("oidc~auth0/alice", "by oidc/auth0/alice"),
        ("oidc~auth0~alice", "by oidc/auth0=7Ealice"),
        ("oidc~auth0=7Calice", "by oidc/auth0=3D7Calice"),
    ] {
        let form = form_of(profile, caller).unwrap();
        assert_eq!(told(&form, "Tags.member.1.Value"), Some(tag), "{caller}");
    }
}

#[test]
fn the_catalog_s_own_session_is_one_of_the_role_that_it_assumes() {
    let json = r#"{"region":"eu","assume-role-arn":"arn:aws:iam::1:role/host","sts-role-arn":"arn:aws:iam::1:role/r"}"#;
    let profile = S3Profile::parse(json).unwrap_or_else(|problems| panic!("{problems:?}"));
    let form_for = |audience| {
        let (want, call) = (Want { audience, ..want(json) }, call("catalog", &[]));
        form(&Session { profile: &profile, call: &call, want: &want, policy: "{}", prefix: "weir" }).unwrap()
    };
    let own = form_for(Audience::Host);
    assert_eq!(told(&own, "RoleArn"), Some("arn:aws:iam::1:role/host"));
    assert_eq!(told(&own, "RoleSessionName"), Some("weir@catalog"));
    let client = form_for(Audience::Client);
    assert_eq!(told(&client, "RoleArn"), Some("arn:aws:iam::1:role/r"));
    assert_eq!(told(&client, "RoleSessionName"), Some("weir-catalog"));
    assert!(profile.makes_keys(Audience::Host) && !profile.makes_keys(Audience::Client));
}

#[test]
fn keys_live_no_longer_than_the_host_allows() {
    let form = form_of(r#"{"region":"eu","sts-token-validity-seconds":40000}"#, "a").unwrap();
    assert_eq!(told(&form, "DurationSeconds"), Some("3600"));
    let profile = S3Profile::parse(r#"{"region":"eu"}"#).unwrap();
    assert_eq!(profile.seconds(600), None, "STS makes no keys for ten minutes");
}

#[test]
fn the_answer_s_keys_are_for_the_table() {
    let credential = keys(200, ANSWER, "s3://lake/t1").unwrap();
    assert_eq!(credential.prefix, "s3://lake/t1");
    assert_eq!(credential.expires_at_ms, Some(1_769_860_800_000));
    assert_eq!(credential.config[1], ("s3.secret-access-key".to_string(), "secret/key+1".to_string()));
}

#[test]
fn answers_without_keys_are_faults_that_say_why() {
    let refused = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
    let too_large = refused.replace("AccessDenied", "PackedPolicyTooLarge");
    for (status, body, code, may_retry) in [
        (403, refused, "sts_refuses", false),
        (400, too_large.as_str(), "policy_too_large", false),
        (503, "", "sts_unavailable", true),
        (200, "<html>", "sts_answer", false),
        (200, &ANSWER.replace("12:00:00Z", "noon"), "sts_answer", false),
    ] {
        match keys(status, body, "s3://lake/t1").unwrap_err() {
            Fault::Unavailable(detail) => assert_eq!((detail.code.as_str(), true), (code, may_retry)),
            Fault::Internal(detail) | Fault::InvalidInput(detail) => {
                assert_eq!((detail.code.as_str(), false), (code, may_retry));
            }
        }
    }
}

#[test]
fn times_are_read_in_utc() {
    assert_eq!(epoch_ms("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(epoch_ms("2024-02-29T23:59:59.5Z"), Some(1_709_251_199_500));
    for wrong in
        ["", "2026-01-31", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z", "2026-01-31T12:00:00+01:00", "+1-1-1T1:1:1Z"]
    {
        assert_eq!(epoch_ms(wrong), None, "{wrong}");
    }
}

#[test]
fn without_sts_requests_are_signed_and_without_both_there_is_nothing() {
    let grant = |profile: &str, audience| {
        let want = Want { audience, ..want(profile) };
        s3().vend(&call("alice", &[]), &want, Some(Key::Test)).unwrap()
    };
    let signing = grant(r#"{"region":"eu","remote-signing-enabled":true}"#, Audience::Client);
    assert!(signing.credentials.is_empty() && signing.remote_signing && !signing.use_stored_key);
    let nothing = grant(r#"{"region":"eu"}"#, Audience::Client);
    assert!(nothing.credentials.is_empty() && !nothing.remote_signing && !nothing.use_stored_key);
    let host = grant(r#"{"region":"eu","remote-signing-enabled":true}"#, Audience::Host);
    assert!(host.use_stored_key && !host.remote_signing);
}

#[test]
fn what_may_not_be_signed_is_refused() {
    let found = |write| Touched {
        operation: "PutObject".into(),
        keys: vec!["t1/x".into()],
        write,
        headers: vec![],
        payload_sha256: "UNSIGNED-PAYLOAD".into(),
    };
    let request = SignRequest { method: "PUT".into(), uri: "https://s3.test/lake/t1/x".into(), region: "eu".into() };
    let sign = |profile: &str, access, write| {
        let want = Want { access, ..want(profile) };
        match s3().sign(&call("alice", &[]), &want, (&request, &found(write)), Key::Test).unwrap_err() {
            Fault::InvalidInput(detail) | Fault::Internal(detail) | Fault::Unavailable(detail) => detail.code,
        }
    };
    assert_eq!(sign(r#"{"region":"eu"}"#, Access::ReadWrite, false), "signing_off");
    let on = r#"{"region":"eu","remote-signing-enabled":true}"#;
    assert_eq!(sign(on, Access::Read, true), "read_only");
    assert_eq!(sign(on, Access::ReadWrite, true), "no_host", "it asks the host, which is not there in this test");
}

#[test]
fn problems_point_to_the_wrong_field() {
    let pointers = |json: &str| {
        let profile = Profile { kind: "s3".into(), settings_json: json.into(), location: "s3://lake".into() };
        s3().check_profile(&profile).into_iter().map(|problem| problem.pointer).collect::<Vec<_>>()
    };
    assert_eq!(pointers(r#"{"region":"eu","sts-enabled":true}"#), ["/sts-role-arn"]);
    assert_eq!(
        pointers(r#"{"sts-token-validity-seconds":5,"endpoint":"http://m"}"#),
        ["/region", "/sts-token-validity-seconds"]
    );
    assert_eq!(pointers(r#"{"region":"eu","sts-session-tags":{"aws:x":"y"}}"#), ["/sts-session-tags/aws:x"]);
    assert_eq!(pointers(r#"{"region":7}"#), ["/region"]);
    assert_eq!(pointers(r#"{"region":"eu","assume-role-arn":"role"}"#), ["/assume-role-arn"]);
    assert!(pointers(r#"{"region":"eu","sts-enabled":true,"assume-role-arn":"arn:aws:iam::1:role/r"}"#).is_empty());
    assert!(pointers(r#"{"region":"eu","remote-signing-enabled":true}"#).is_empty());
    assert!(configure::<S3>(&serde_json::json!({"session-prefix": "a b"})).is_err());
}
