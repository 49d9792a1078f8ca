//! A session of a role: the request for it, the keys in its answer.

use weir_plugin::{Audience, Call, Credential, Fault, Key, Want};

use crate::profile::S3Profile;
use crate::time::epoch_ms;

const NAME_MAX: usize = 64;

/// All that an AssumeRole is made from.
#[derive(Debug)]
pub struct Session<'a> {
    pub profile: &'a S3Profile,
    pub call: &'a Call,
    pub want: &'a Want,
    /// Written by the host, passed on to the letter.
    pub policy: &'a str,
    pub prefix: &'a str,
}

impl Session<'_> {
    pub fn assume(&self, key: Key<'_>) -> Result<Credential, Fault> {
        let form = form(self)?;
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = key.exchange(&self.profile.sts_url(), &self.profile.region, &form)?;
        keys(answer.status, &String::from_utf8_lossy(&answer.body), &self.want.location)
    }

    /// The caller stands in the cloud's log: `weir-alice@example.com`; the catalog itself as `weir@catalog`, which no
    /// caller's name leads to.
    fn name(&self) -> String {
        if self.want.audience == Audience::Host {
            return format!("{}@catalog", self.prefix);
        }
        let caller = self.call.principal.id.rsplit('~').next().unwrap_or_default();
        let legal = |c: char| if c.is_ascii_alphanumeric() || "+=,.@-_".contains(c) { c } else { '-' };
        let mut name = format!("{}-{}", self.prefix, caller.chars().map(legal).collect::<String>());
        name.truncate(NAME_MAX);
        name
    }
}

/// The parameters of AssumeRole: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
pub fn form(session: &Session<'_>) -> Result<Vec<(String, String)>, Fault> {
    let Session { profile, call, want, policy, .. } = session;
    let seconds = profile.seconds(want.ttl_seconds_max).ok_or_else(|| {
        let why = format!("keys may live for {} seconds here, STS makes none for less than 900", want.ttl_seconds_max);
        Fault::invalid("ttl_too_short", why)
    })?;
    let mut form = vec![
        ("Action".to_string(), "AssumeRole".to_string()),
        ("Version".to_string(), "2011-06-15".to_string()),
        ("RoleSessionName".to_string(), session.name()),
        ("DurationSeconds".to_string(), seconds.to_string()),
        ("Policy".to_string(), (*policy).to_string()),
    ];
    form.extend(profile.role(want.audience).map(|arn| ("RoleArn".to_string(), arn.to_string())));
    form.extend(profile.external_id.iter().map(|id| ("ExternalId".to_string(), id.clone())));
    let caller = taggable(&call.principal.id);
    for (at, (key, value)) in profile.sts_session_tags.iter().enumerate() {
        let value = value.replace("{caller}", &caller).replace("{table}", &want.table.id);
        form.push((format!("Tags.member.{}.Key", at + 1), key.clone()));
        form.push((format!("Tags.member.{}.Value", at + 1), value));
    }
    Ok(form)
}

/// A caller's id in the characters that STS takes in a tag:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html>.
///
/// `oidc~alice` is `oidc/alice`, since no issuer's name has a slash; what else is not taken is spelled as `=7C`. No two
/// ids have one spelling, because policies of the cloud may compare them.
fn taggable(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.replacen('~', "/", 1).bytes() {
        if byte.is_ascii_alphanumeric() || b" _.:/+-@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("={byte:02X}"));
        }
    }
    text
}

/// The keys in an answer, or what STS says instead of them.
pub fn keys(status: u16, answer: &str, location: &str) -> Result<Credential, Fault> {
    if status != 200 {
        return Err(refusal(status, answer));
    }
    let part = |name| {
        element(answer, name)
            .map(str::to_string)
            .ok_or_else(|| Fault::internal("sts_answer", format!("the answer of the token service has no {name}")))
    };
    let ends = part("Expiration")?;
    let expires_at_ms = epoch_ms(&ends)
        .ok_or_else(|| Fault::internal("sts_answer", "the token service's `Expiration` is no time in UTC"))?;
    Ok(Credential {
        prefix: location.to_string(),
        config: vec![
            ("s3.access-key-id".to_string(), part("AccessKeyId")?),
            ("s3.secret-access-key".to_string(), part("SecretAccessKey")?),
            ("s3.session-token".to_string(), part("SessionToken")?),
        ],
        expires_at_ms: Some(expires_at_ms),
    })
}

fn refusal(status: u16, answer: &str) -> Fault {
    let code = element(answer, "Code").unwrap_or("unknown");
    let message = element(answer, "Message").unwrap_or("no message");
    let told = format!("the token service answered {status} {code}: {message}");
    match code {
        // Refused, not shortened: keys without the whole policy would reach too far.
        "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => Fault::internal("policy_too_large", told),
        "Throttling" | "ThrottlingException" | "RequestThrottled" | "SlowDown" => {
            Fault::unavailable("sts_throttles", told, 1_000)
        }
        _ if status >= 500 => Fault::unavailable("sts_unavailable", told, 1_000),
        _ => Fault::internal("sts_refuses", told),
    }
}

/// The text of the first element of a name; keys and times have no characters that XML would spell otherwise.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.is_empty())
}
