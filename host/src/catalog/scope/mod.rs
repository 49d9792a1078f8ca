//! The session policy that bounds keys to one place in a bucket.
//!
//! A cloud's keys are opaque, so what they reach is proven where they are made: the host writes this text from the
//! canonical location, and lets no request for keys out of the house that carries another one.

#[cfg(test)]
mod evaluator;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::location::{Location, Scheme};

/// What a session policy may have at most: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
pub const POLICY_CHARACTERS_MAX: usize = 2_048;

/// What may be done with the files of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verbs {
    Read,
    ReadWrite,
}

impl Verbs {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadWrite => "read-write",
        }
    }
}

/// The part of Amazon's world that an ARN belongs to; other storages speak of `aws`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    Aws,
    China,
    UsGov,
}

impl Partition {
    pub fn of_region(region: &str) -> Self {
        if region.starts_with("cn-") {
            Self::China
        } else if region.starts_with("us-gov-") {
            Self::UsGov
        } else {
            Self::Aws
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::UsGov => "aws-us-gov",
        }
    }
}

/// Why keys cannot be bounded; then there are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbounded {
    #[error("its session policy would have {0} characters, at most {POLICY_CHARACTERS_MAX} are taken")]
    TooLong(usize),
    #[error("`{0}` is not a place in a bucket")]
    NoBucket(Location),
    #[error("`{0}` is not the ARN of one KMS key")]
    NoKey(String),
}

/// What keys are to reach.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub place: &'a Location,
    pub verbs: Verbs,
    pub partition: Partition,
    /// The key that the bucket's objects are encrypted with; a session policy has to name it as well.
    pub kms_key_arn: Option<&'a str>,
}

impl Scope<'_> {
    /// The policy in the shortest form that reaches exactly the place, or why there is none.
    pub fn session_policy(&self) -> Result<String, Unbounded> {
        if self.place.scheme() != Scheme::S3 {
            return Err(Unbounded::NoBucket(self.place.clone()));
        }
        if let Some(arn) = self.kms_key_arn.filter(|arn| !is_one_key(arn)) {
            return Err(Unbounded::NoKey(arn.to_owned()));
        }
        let prefix = self.place.path().trim_start_matches('/');
        let text = ascii(&policy(self, self.place.bucket(), prefix).to_string());
        match text.chars().count() {
            characters if characters > POLICY_CHARACTERS_MAX => Err(Unbounded::TooLong(characters)),
            _ => Ok(text),
        }
    }
}

/// Statements about objects below the prefix, about listing them, about the key that encrypts them.
fn policy(scope: &Scope<'_>, bucket: &str, prefix: &str) -> Value {
    let partition = scope.partition.as_str();
    let bucket = literal(bucket);
    // INVARIANT: the slash before the star keeps siblings out whose names merely begin alike.
    let below = if prefix.is_empty() { "*".to_owned() } else { format!("{}/*", literal(prefix)) };
    let actions: &[&str] = match scope.verbs {
        Verbs::Read => &["s3:GetObject"],
        Verbs::ReadWrite => &[
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ],
    };
    let mut list = json!({
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [format!("arn:{partition}:s3:::{bucket}")],
    });
    if !prefix.is_empty() {
        list["Condition"] = json!({ "StringLike": { "s3:prefix": [below] } });
    }
    let mut statements = vec![
        json!({
            "Effect": "Allow",
            "Action": actions,
            "Resource": [format!("arn:{partition}:s3:::{bucket}/{below}")],
        }),
        list,
    ];
    if let Some(key) = scope.kms_key_arn {
        let actions: &[&str] = match scope.verbs {
            Verbs::Read => &["kms:Decrypt"],
            Verbs::ReadWrite => &["kms:Decrypt", "kms:GenerateDataKey"],
        };
        statements.push(json!({ "Effect": "Allow", "Action": actions, "Resource": [key] }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A name in which wildcards and variables of the policy language mean themselves:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.
fn literal(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '*' => text.push_str("${*}"),
            '?' => text.push_str("${?}"),
            '$' => text.push_str("${$}"),
            other => text.push(other),
        }
    }
    text
}

/// STS takes characters up to U+00FF only; JSON has a spelling for all others.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if (' '..='~').contains(&character) {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// `arn:aws:kms:eu-central-1:123456789012:key/…`: no wildcard, no variable, no alias (which a policy cannot name).
fn is_one_key(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let plain = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match parts.as_slice() {
        ["arn", middle @ .., key] => {
            middle.len() == 4
                && middle.iter().all(plain)
                && middle[1] == "kms"
                && key.strip_prefix("key/").is_some_and(|id| plain(&id))
        }
        _ => false,
    }
}
