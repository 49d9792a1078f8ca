//! The one request that leaves the house when keys are made: an AssumeRole under the scope that the host wrote.

use std::collections::BTreeMap;

use url::form_urlencoded;

/// Where keys of a scope come from.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// `https://sts.eu-central-1.amazonaws.com`; the server's own list has it.
    pub origin: String,
    /// The operator's list names it, so it may lie in a private network.
    pub allow_private: bool,
    pub region: String,
    pub role_arn: Option<String>,
    pub external_id: Option<String>,
    /// The session policy, to the letter.
    pub policy: String,
    pub seconds_max: u32,
}

/// What else may stand beside the policy; `PolicyArns` and whatever comes later may not.
const PARAMETERS: [&str; 7] =
    ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy"];
const BODY_BYTES_MAX: usize = 64 << 10;

/// A request as a guest wants to send it.
pub(in crate::plugin) struct Outgoing<'a> {
    pub(in crate::plugin) method: &'a str,
    pub(in crate::plugin) url: &'a url::Url,
    pub(in crate::plugin) headers: &'a [(String, Vec<u8>)],
    pub(in crate::plugin) body: &'a [u8],
    /// Region and service, where the host is to sign it.
    pub(in crate::plugin) signed_for: Option<(&'a str, &'a str)>,
}

impl Exchange {
    /// INVARIANT: what passes asks for keys of exactly this scope, for no longer than allowed, of the one role.
    pub(in crate::plugin) fn admit(&self, request: &Outgoing<'_>) -> Result<(), String> {
        if request.method != "POST" || request.url.path() != "/" || request.url.query().is_some() {
            return Err("keys are asked for by POST, without path or query".to_owned());
        }
        for (name, value) in request.headers {
            match name.to_ascii_lowercase().as_str() {
                "accept" => {}
                "content-type" if value.starts_with(b"application/x-www-form-urlencoded") => {}
                other => return Err(format!("a request for keys carries no header `{other}`")),
            }
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Err("the request for keys is too long".to_owned());
        }
        let parameters = parameters(request.body)?;
        self.check(&parameters)?;
        match (request.signed_for, parameters.get("Action").map(String::as_str)) {
            (Some((region, "sts")), Some("AssumeRole")) if region == self.region => Ok(()),
            (None, Some("AssumeRoleWithWebIdentity")) => Ok(()),
            _ => Err("only AssumeRole is signed, for the service `sts` in the storage's region".to_owned()),
        }
    }

    fn check(&self, parameters: &BTreeMap<String, String>) -> Result<(), String> {
        let told = |name: &str| parameters.get(name).map(String::as_str);
        if told("Policy") != Some(self.policy.as_str()) {
            return Err("the request for keys carries another session policy than the host wrote, or none".to_owned());
        }
        if told("RoleArn") != self.role_arn.as_deref() && !(self.role_arn.is_none() && told("RoleArn").is_none()) {
            return Err("the request for keys names another role than the profile".to_owned());
        }
        if told("ExternalId").is_some() && told("ExternalId") != self.external_id.as_deref() {
            return Err("the request for keys carries another external id than the credential".to_owned());
        }
        let seconds = told("DurationSeconds").and_then(|seconds| seconds.parse::<u32>().ok());
        if seconds.is_none_or(|seconds| seconds > self.seconds_max) {
            return Err(format!("keys live for at most {} seconds, which the request has to say", self.seconds_max));
        }
        let web_identity = told("Action") == Some("AssumeRoleWithWebIdentity");
        let unknown = parameters.keys().find(|name| {
            let known = PARAMETERS.contains(&name.as_str()) || name.starts_with("Tags.member.");
            !(known || (web_identity && *name == "WebIdentityToken"))
        });
        unknown.map_or(Ok(()), |name| Err(format!("a request for keys has no parameter `{name}`")))
    }
}

fn parameters(body: &[u8]) -> Result<BTreeMap<String, String>, String> {
    if std::str::from_utf8(body).is_err() {
        return Err("the request for keys is not UTF-8".to_owned());
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        // A server that takes the first and one that takes the last would see two requests.
        if parameters.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(format!("the parameter `{name}` comes twice"));
        }
    }
    Ok(parameters)
}
