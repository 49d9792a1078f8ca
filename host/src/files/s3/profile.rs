//! A bucket, or a part of one, as the management API says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::fields::Fields;
use super::super::profile::Problem;
use crate::catalog::location::Location;
use crate::reach::Origin;

/// Whose S3 it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum S3Flavor {
    /// Amazon's own.
    Aws,
    /// MinIO, Ceph, SeaweedFS, Garage, R2 …
    S3Compat,
}

/// An S3 storage; what is `None` was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct S3Profile {
    pub bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_prefix: Option<String>,
    pub region: String,
    /// An origin without a path; absent for Amazon's own endpoint of the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    pub flavor: S3Flavor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_style_access: Option<bool>,
    /// Whether clients get keys of their own for one table each.
    pub sts_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts_endpoint: Option<String>,
    /// The role that the host itself reaches the storage by, in sessions; absent where it does by its credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_role_arn: Option<String>,
    /// The role that clients' keys belong to, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts_role_arn: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sts_session_tags: BTreeMap<String, String>,
    pub sts_token_validity_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_kms_key_arn: Option<String>,
    /// Whether clients may have their requests signed.
    pub remote_signing_enabled: bool,
    /// Whether clients are told not to delete files.
    pub push_s3_delete_disabled: bool,
    #[serde(skip)]
    root: Location,
}

const VALIDITY_SECONDS: u32 = 3_600;
/// What AWS takes, which the others follow.
const VALIDITY_SECONDS_MIN: u64 = 900;
const VALIDITY_SECONDS_MAX: u64 = 43_200;
const TAGS_MAX: usize = 50;

impl S3Profile {
    pub(in crate::files) fn parse(mut fields: Fields<'_>) -> Result<Self, Vec<Problem>> {
        fields.get("type");
        let root = root(&mut fields);
        let endpoint = origin(&mut fields, "endpoint", "https://minio.example:9000");
        let flavor = flavor(&mut fields, endpoint.is_some());
        let region = region(&mut fields, endpoint.is_some());
        let path_style_access = fields.flag("path-style-access");
        let sts_enabled = fields.flag("sts-enabled").unwrap_or_default();
        let sts_endpoint = origin(&mut fields, "sts-endpoint", "https://sts.example:9000");
        let assume_role_arn = arn(&mut fields, "assume-role-arn", "arn:aws:iam::123456789012:role/catalog");
        let sts_role_arn = arn(&mut fields, "sts-role-arn", "arn:aws:iam::123456789012:role/lake");
        let sts_session_tags = session_tags(&mut fields);
        let sts_token_validity_seconds = validity_seconds(&mut fields);
        let aws_kms_key_arn = arn(&mut fields, "aws-kms-key-arn", "arn:aws:kms:eu-central-1:123456789012:key/1a2b");
        let remote_signing_enabled = fields.flag("remote-signing-enabled").unwrap_or(true);
        let push_s3_delete_disabled = fields.flag("push-s3-delete-disabled").unwrap_or(true);
        refuse_others(&mut fields);
        if sts_enabled && flavor == S3Flavor::Aws && sts_role_arn.is_none() && assume_role_arn.is_none() {
            fields
                .problem("sts-role-arn", "missing: with `sts-enabled` AWS needs the role that clients' keys belong to");
        }
        fields.finish("an s3 profile", || {
            let (root, key_prefix) = root?;
            Some(Self {
                bucket: root.bucket().to_owned(),
                key_prefix,
                region: region?,
                endpoint,
                flavor,
                path_style_access,
                sts_enabled,
                sts_endpoint,
                assume_role_arn,
                sts_role_arn,
                sts_session_tags,
                sts_token_validity_seconds,
                aws_kms_key_arn,
                remote_signing_enabled,
                push_s3_delete_disabled,
                root,
            })
        })
    }

    pub fn root(&self) -> &Location {
        &self.root
    }

    /// Whether the bucket stands in the path of a URL, not in its host: asked for, or the only way that works.
    pub fn is_path_style(&self) -> bool {
        // No certificate covers a bucket with dots as a host name.
        self.path_style_access.unwrap_or(self.flavor == S3Flavor::S3Compat) || self.bucket.contains('.')
    }

    /// The URL of the endpoint: the one that was set, or Amazon's own of the region.
    pub fn endpoint_url(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| format!("https://s3.{}.{}", self.region, self.dns_suffix()))
    }

    /// The URL that short-lived keys come from: the one that was set, else the endpoint, else Amazon's own of the region.
    pub fn sts_endpoint_url(&self) -> String {
        let set = self.sts_endpoint.clone().or_else(|| self.endpoint.clone());
        set.unwrap_or_else(|| format!("https://sts.{}.{}", self.region, self.dns_suffix()))
    }

    /// The role that clients' keys belong to: one of their own, else the host's.
    pub fn clients_role_arn(&self) -> Option<&str> {
        self.sts_role_arn.as_deref().or(self.assume_role_arn.as_deref())
    }

    fn dns_suffix(&self) -> &'static str {
        if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
    }
}

/// The bucket with the prefix inside it, both in canonical form.
fn root(fields: &mut Fields<'_>) -> Option<(Location, Option<String>)> {
    let bucket = fields.required_text("bucket", "lake")?;
    let prefix = fields.text("key-prefix", "warehouses/sales").map(|prefix| prefix.trim_matches('/'));
    let prefix = prefix.filter(|prefix| !prefix.is_empty());
    let place = match Location::parse(&format!("s3://{bucket}")) {
        Ok(place) if place.path().is_empty() => place,
        Ok(_) => {
            fields.problem("bucket", "expected the bucket alone; what lies inside is a `key-prefix`");
            return None;
        }
        Err(error) => {
            fields.problem("bucket", error.to_string());
            return None;
        }
    };
    let Some(prefix) = prefix else { return Some((place, None)) };
    match place.join(prefix) {
        Ok(root) => Some((root, Some(prefix.to_owned()))),
        Err(error) => {
            fields.problem("key-prefix", error.to_string());
            None
        }
    }
}

/// Which kind it is where nobody says so: Amazon's own, unless there is an endpoint of somebody else.
fn flavor(fields: &mut Fields<'_>, has_endpoint: bool) -> S3Flavor {
    let usual = S3Flavor::Aws;
    match fields.text("flavor", "s3-compat") {
        None => usual,
        Some("aws") => S3Flavor::Aws,
        Some("s3-compat") if has_endpoint => S3Flavor::S3Compat,
        Some("s3-compat") => {
            fields.problem("endpoint", "missing: a storage of the flavor `s3-compat` has no other endpoint");
            usual
        }
        Some(_) => {
            fields.problem("flavor", "expected `aws` or `s3-compat`");
            usual
        }
    }
}

/// It becomes a part of host names where there is no endpoint, so nothing else may stand in it.
fn region(fields: &mut Fields<'_>, has_endpoint: bool) -> Option<String> {
    let region = fields.required_text("region", "eu-central-1")?;
    let legal = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || byte == b'-'
            || (has_endpoint && (byte.is_ascii_uppercase() || byte == b'_'))
    };
    if region.len() > 64 || !region.bytes().all(legal) {
        fields.problem("region", "expected letters, digits, hyphens such as `eu-central-1`");
        return None;
    }
    Some(region.to_owned())
}

/// A URL without path: a path would have to be taken apart in each request that is signed.
fn origin(fields: &mut Fields<'_>, name: &'static str, example: &str) -> Option<String> {
    let text = fields.text(name, example)?;
    match Origin::parse(text) {
        Ok(_) => Some(text.trim_end_matches('/').to_owned()),
        Err(problem) => {
            fields.problem(name, problem);
            None
        }
    }
}

fn arn(fields: &mut Fields<'_>, name: &'static str, example: &str) -> Option<String> {
    let text = fields.text(name, example)?;
    let parts = text.split(':').count();
    let legal = text.starts_with("arn:") && parts >= 6 && text.len() <= 2_048;
    if !legal || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        fields.problem(name, format!("expected an ARN such as `{example}`"));
        return None;
    }
    Some(text.to_owned())
}

fn session_tags(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let Some(found) = fields.get("sts-session-tags") else { return BTreeMap::new() };
    let tags = found.as_object().and_then(|tags| {
        let tag = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        tags.iter().map(tag).collect::<Option<BTreeMap<_, _>>>()
    });
    let Some(tags) = tags else {
        fields.problem("sts-session-tags", "expected an object of texts such as {\"team\": \"sales\"}");
        return BTreeMap::new();
    };
    let long = |(key, value): (&String, &String)| key.is_empty() || key.len() > 128 || value.len() > 256;
    if tags.len() > TAGS_MAX || tags.iter().any(long) {
        fields.problem("sts-session-tags", "at most 50 tags, keys of 1 to 128 bytes, values of at most 256");
    }
    tags
}

fn validity_seconds(fields: &mut Fields<'_>) -> u32 {
    let Some(found) = fields.get("sts-token-validity-seconds") else { return VALIDITY_SECONDS };
    let seconds = found.as_u64().filter(|seconds| (VALIDITY_SECONDS_MIN..=VALIDITY_SECONDS_MAX).contains(seconds));
    match seconds.and_then(|seconds| u32::try_from(seconds).ok()) {
        Some(seconds) => seconds,
        None => {
            let expected = format!("expected seconds from {VALIDITY_SECONDS_MIN} to {VALIDITY_SECONDS_MAX}");
            fields.problem("sts-token-validity-seconds", expected);
            VALIDITY_SECONDS
        }
    }
}

/// What other catalogs know and this one does not; each is refused with what to do instead.
fn refuse_others(fields: &mut Fields<'_>) {
    let is_false = |value: &Value| value == false;
    let is_auto = |value: &Value| value == "auto";
    fields.refuse(
        "legacy-md5-behavior",
        is_false,
        "not offered: where a storage does not delete many objects at once, they are deleted one by one",
    );
    fields.refuse(
        "remote-signing-url-style",
        is_auto,
        "not offered: both styles are told apart by the endpoint; leave it out or say `auto`",
    );
    fields.refuse("storage-layout", |_| false, "not offered: tables lie in folders of their own, named by their uuid");
    // `s3a` and `s3n` are other spellings of one place here, whatever is said.
    fields.flag("allow-alternative-protocols");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::files::StorageProfile;

    use super::*;

    fn parse(profile: Value) -> Result<StorageProfile, Vec<String>> {
        StorageProfile::parse(&profile).map_err(|problems| problems.into_iter().map(|one| one.pointer).collect())
    }

    #[test]
    fn a_profile_of_the_contract_is_taken() {
        let profile = parse(json!({
            "type": "s3", "bucket": "lake", "key-prefix": "/sales/", "region": "local-01", "flavor": "s3-compat",
            "endpoint": "http://minio:9000/", "path-style-access": true, "sts-enabled": true,
            "sts-endpoint": null, "assume-role-arn": null, "allow-alternative-protocols": false,
            "legacy-md5-behavior": false, "remote-signing-url-style": "auto",
        }));

        let profile = profile.unwrap();
        assert_eq!(profile.root().as_str(), "s3://lake/sales");
        let StorageProfile::S3(s3) = &profile else { panic!("{profile:?}") };
        assert_eq!(s3.endpoint_url(), "http://minio:9000");
        assert_eq!(s3.sts_endpoint_url(), "http://minio:9000");
        assert!(s3.is_path_style() && s3.remote_signing_enabled);
        let stored = serde_json::to_value(&profile).unwrap();
        assert_eq!(StorageProfile::parse(&stored).unwrap(), profile);
    }

    #[test]
    fn an_aws_profile_needs_no_endpoint() {
        let profile = parse(json!({"type": "s3", "bucket": "lake", "region": "cn-north-1", "sts-enabled": false}));
        let Ok(StorageProfile::S3(s3)) = profile else { panic!("{profile:?}") };
        assert_eq!(s3.endpoint_url(), "https://s3.cn-north-1.amazonaws.com.cn");
        assert!(!s3.is_path_style());
        assert_eq!(s3.root().as_str(), "s3://lake");
    }

    #[test]
    fn clients_keys_belong_to_the_host_s_role_unless_they_have_one_of_their_own() {
        let mut profile = json!({"type": "s3", "bucket": "lake", "region": "eu", "sts-enabled": true,
                                 "assume-role-arn": "arn:aws:iam::1:role/host"});
        let role = |profile: &Value| match parse(profile.clone()) {
            Ok(StorageProfile::S3(s3)) => s3.clients_role_arn().map(str::to_owned),
            other => panic!("{other:?}"),
        };
        assert_eq!(role(&profile).as_deref(), Some("arn:aws:iam::1:role/host"));
        profile["sts-role-arn"] = json!("arn:aws:iam::1:role/clients");
        assert_eq!(role(&profile).as_deref(), Some("arn:aws:iam::1:role/clients"));
    }

    #[test]
    fn every_problem_is_told_with_a_pointer_to_it() {
        let base = || json!({"type": "s3", "bucket": "lake", "region": "eu"});
        for (name, value, pointer) in [
            ("bucket", json!("Lake"), "/bucket"),
            ("bucket", json!("lake/inside"), "/bucket"),
            ("key-prefix", json!("a/../b"), "/key-prefix"),
            ("key-prefix", json!("a*"), "/key-prefix"),
            ("region", json!("eu.evil.test"), "/region"),
            ("region", json!(7), "/region"),
            ("endpoint", json!("file:///etc/passwd"), "/endpoint"),
            ("endpoint", json!("https://user:canary@host"), "/endpoint"),
            ("endpoint", json!("https://host/path"), "/endpoint"),
            ("flavor", json!("azure"), "/flavor"),
            ("flavor", json!("s3-compat"), "/endpoint"),
            ("sts-enabled", json!(true), "/sts-role-arn"),
            ("sts-role-arn", json!("role"), "/sts-role-arn"),
            ("sts-session-tags", json!({"a": 1}), "/sts-session-tags"),
            ("sts-token-validity-seconds", json!(10), "/sts-token-validity-seconds"),
            ("assume-role-arn", json!("arn:aws:iam"), "/assume-role-arn"),
            ("legacy-md5-behavior", json!(true), "/legacy-md5-behavior"),
            ("remote-signing-url-style", json!("path"), "/remote-signing-url-style"),
            ("storage-layout", json!({"type": "default"}), "/storage-layout"),
            ("unheard-of", json!(1), "/unheard-of"),
        ] {
            let mut profile = base();
            profile[name] = value;
            assert_eq!(parse(profile).unwrap_err(), [pointer], "{name}");
        }
        assert_eq!(parse(json!({"type": "s3"})).unwrap_err(), ["/bucket", "/region"]);
    }
}
