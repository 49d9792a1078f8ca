//! AssumeRole: short-lived keys under a session policy.

use axum::response::Response;
use percent_encoding::percent_decode_str;
use rand::RngExt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Shelf;
use super::keys::{Caller, Session, now_ms};
use super::policy::Policy;
use super::request::Asked;
use super::xml::{Refusal, document};

/// What was asked of STS.
#[derive(Clone, Debug)]
pub struct AssumedRole {
    pub role_arn: String,
    pub session_name: String,
    pub external_id: Option<String>,
    pub policy: Option<String>,
    pub duration_seconds: i64,
    /// `Tags.member.N.Key` with its value.
    pub tags: Vec<(String, String)>,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
}

pub(super) fn answer(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    if !shelf.quirks.has_sts {
        return Err(Refusal::new(501, "NotImplemented", "there is no STS here"));
    }
    if !caller.may_assume() {
        return Err(Refusal::denied("a session does not assume roles"));
    }
    let form = form(&asked.text());
    let of = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if of("Action").as_deref() != Some("AssumeRole") || of("Version").as_deref() != Some("2011-06-15") {
        return Err(invalid("only AssumeRole of 2011-06-15 is served"));
    }
    let session_name = of("RoleSessionName").unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(legal) {
        return Err(invalid("RoleSessionName"));
    }
    let duration_seconds = of("DurationSeconds").map_or(Ok(3_600), |text| text.parse::<i64>());
    let duration_seconds = duration_seconds.ok().filter(|seconds| (900..=43_200).contains(seconds));
    let duration_seconds = duration_seconds.ok_or_else(|| invalid("DurationSeconds"))?;
    let policy = of("Policy");
    if policy.as_ref().is_some_and(|text| text.len() > 2_048) {
        return Err(Refusal::new(400, "PackedPolicyTooLarge", "the policy has more than 2,048 characters"));
    }
    let parsed = policy.as_deref().map(Policy::parse).transpose();
    let parsed = parsed.map_err(|why| Refusal::new(400, "MalformedPolicyDocument", why))?;
    let parsed = parsed.filter(|_| shelf.quirks.enforces_policies);
    let role_arn = of("RoleArn").unwrap_or_default();
    if shelf.refused_roles.contains(&role_arn) {
        return Err(Refusal::denied(format!("{} may not assume it", asked.access_key_id().unwrap_or_default())));
    }
    let (id, secret, token) = (format!("ASIA{}", random(16).to_uppercase()), random(40), random(120));
    let expires_at_ms = now_ms() + duration_seconds * 1_000;
    shelf.keys.add_session(
        &id,
        &secret,
        Session { token: token.clone(), policy: parsed, expires_at_ms, is_machine: false },
    );
    shelf.assumed.push(AssumedRole {
        role_arn: role_arn.clone(),
        session_name: session_name.clone(),
        external_id: of("ExternalId"),
        policy,
        duration_seconds,
        tags: tags(&form),
        access_key_id: id.clone(),
        secret_access_key: secret.clone(),
        session_token: token.clone(),
    });
    let expiration = OffsetDateTime::from_unix_timestamp(expires_at_ms / 1_000).expect("a time");
    let expiration = expiration.format(&Rfc3339).expect("a time");
    Ok(document(
        200,
        &format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><Arn>{role_arn}/{session_name}</Arn><AssumedRoleId>AROA:{session_name}</AssumedRoleId>\
             </AssumedRoleUser><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
             <PackedPolicySize>6</PackedPolicySize></AssumeRoleResult>\
             <ResponseMetadata><RequestId>test</RequestId></ResponseMetadata></AssumeRoleResponse>"
        ),
    ))
}

fn form(body: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pair = |part: &str| part.split_once('=').map(|(key, value)| (decoded(key), decoded(value)));
    body.split('&').filter_map(pair).collect()
}

fn tags(form: &[(String, String)]) -> Vec<(String, String)> {
    let of = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let tag =
        |number: usize| Some((of(&format!("Tags.member.{number}.Key"))?, of(&format!("Tags.member.{number}.Value"))?));
    (1..).map_while(tag).collect()
}

fn random(length: usize) -> String {
    let mut random = rand::rng();
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..length).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

fn invalid(what: &str) -> Refusal {
    Refusal::new(400, "ValidationError", format!("{what} is not as expected"))
}
