//! A storage that does what its settings say, however bad.

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::host::http::{Auth, Request};
use weir_plugin::host::secrets::Secret;
use weir_plugin::host::{cache, http, log};
use weir_plugin::{
    AccessGrant, Call, Credential, Fault, Headers, Key, Plugin, Problem, Profile, SignRequest, Storage, Touched, Want,
};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreSettings {
    /// What it does; `honest` does as it should.
    pub behaviour: String,
    /// Where it asks for keys.
    pub sts: String,
    /// What it puts where it has no business.
    pub text: String,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { behaviour: "honest".to_string(), sts: "http://127.0.0.1:1/".to_string(), text: String::new() }
    }
}

/// One storage for all tests.
pub struct Store {
    settings: StoreSettings,
}

thread_local! {
    static STASH: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

impl Plugin for Store {
    type Settings = StoreSettings;
    const SUMMARY: &'static str = "A storage that does what its settings say, however bad";

    fn configure(settings: StoreSettings) -> Result<Self, Vec<Problem>> {
        Ok(Self { settings })
    }
}

impl Storage for Store {
    const KINDS: &'static [&'static str] = &["s3"];

    fn check_profile(&self, profile: &Profile) -> Vec<Problem> {
        if profile.settings_json.contains("wrong") {
            vec![weir_plugin::problem("/wrong", "is wrong")]
        } else {
            Vec::new()
        }
    }

    fn vend(&self, call: &Call, want: &Want, key: Option<Key<'_>>) -> Result<AccessGrant, Fault> {
        let key = secret(key)?;
        if self.settings.behaviour == "stored-key-alone" {
            let (config, credentials) = (Vec::new(), Vec::new());
            return Ok(AccessGrant { config, credentials, use_stored_key: true, remote_signing: false });
        }
        self.misuse(key)?;
        let config = self.keys(call, want, key)?;
        self.carry_off(&config)?;
        let mut grant = AccessGrant {
            config: Vec::new(),
            credentials: vec![Credential {
                prefix: want.location.clone(),
                config,
                expires_at_ms: Some(call.now_ms + u64::from(want.ttl_seconds_max) * 1_000),
            }],
            use_stored_key: false,
            remote_signing: true,
        };
        self.widen(&mut grant, call);
        Ok(grant)
    }

    fn sign(
        &self,
        _: &Call,
        _: &Want,
        (request, found): (&SignRequest, &Touched),
        key: Key<'_>,
    ) -> Result<Headers, Fault> {
        let (mut request, mut found) = (request.clone(), found.clone());
        match self.settings.behaviour.as_str() {
            "foreign-uri" => request.uri = self.settings.text.clone(),
            "other-method" => request.method = "DELETE".to_string(),
            "other-region" => request.region = "elsewhere".to_string(),
            "extra-header" => found.headers.push(("x-amz-acl".to_string(), "public-read".to_string())),
            "other-payload" => found.payload_sha256 = "0".repeat(64),
            "made-up" => return Ok(vec![("authorization".to_string(), self.settings.text.clone())]),
            "mac" => return mac(secret(Some(key))?).map(|_| Vec::new()),
            "send" => return self.send(secret(Some(key))?).map(|_| Vec::new()),
            _ => {}
        }
        let mut headers = key.sign_request(&request, &found)?;
        match self.settings.behaviour.as_str() {
            "smuggle" => headers.push(("x-amz-copy-source".to_string(), "/lake/t2/x".to_string())),
            "change" => headers[0].1.push('0'),
            "drop" => drop(headers.pop()),
            "duplicate" => headers.push(headers[0].clone()),
            _ => {}
        }
        Ok(headers)
    }
}

impl Store {
    /// What the key is not for.
    fn misuse(&self, key: &Secret) -> Result<(), Fault> {
        match self.settings.behaviour.as_str() {
            "reveal" => told(key.reveal().map(|_| ())),
            "sign-in-vend" => {
                let hash = "UNSIGNED-PAYLOAD";
                told(key.sign_aws_v4("GET", &self.settings.text, "eu", "s3", &[], hash).map(|_| ()))
            }
            "mac-in-vend" => mac(key),
            "rs256-in-vend" => told(key.sign_rs256(b"message").map(|_| ())),
            "bearer" => self.ask(Auth::Bearer(key), &self.settings.sts, "Action=AssumeRole", &[]).map(|_| ()),
            "basic" => {
                self.ask(Auth::Basic(("a".to_string(), key)), &self.settings.sts, "Action=AssumeRole", &[]).map(|_| ())
            }
            "unsigned-elsewhere" => self.ask(Auth::None, &self.settings.text, "a=b", &[]).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Asks for keys, or has them from somewhere else.
    fn keys(&self, call: &Call, want: &Want, key: &Secret) -> Result<Vec<(String, String)>, Fault> {
        let behaviour = self.settings.behaviour.as_str();
        if behaviour == "made-up-keys" {
            return Ok(keys("ASIAMADEUP", "made-up-secret-key", "made-up-session-token"));
        }
        let stashed = STASH.with(|stash| stash.borrow().clone());
        if behaviour == "stashed-keys" && !stashed.is_empty() {
            return Ok(stashed);
        }
        if let ("cached-keys", Some(cached)) = (behaviour, cache::get("keys")) {
            let cached = String::from_utf8_lossy(&cached).into_owned();
            return Ok(keys("ASIACACHED", &cached, &cached));
        }
        let policy = want.scope_document.clone().unwrap_or_default();
        let seconds = want.ttl_seconds_max.to_string();
        let mut form: Vec<(&str, String)> = vec![
            ("Action", "AssumeRole".to_string()),
            ("Version", "2011-06-15".to_string()),
            ("RoleArn", "arn:aws:iam::1:role/r".to_string()),
            ("RoleSessionName", call.principal.id.replace('/', "-")),
            ("DurationSeconds", seconds),
        ];
        let (mut policies, mut url, mut headers) = (vec![policy.clone()], self.settings.sts.clone(), Vec::new());
        let (mut region, mut service) = ("eu", "sts");
        match behaviour {
            "no-policy" => policies.clear(),
            "other-policy" => policies = vec![policy.replace("t1/", "")],
            "policy-with-space" => policies = vec![format!("{policy} ")],
            "two-policies" => policies.push("{}".to_string()),
            "lower-case-policy" => form.push(("policy", "{}".to_string())),
            "policy-arns" => form.push(("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/A".to_string())),
            "longer-life" => form[4].1 = "43200".to_string(),
            "no-life" => drop(form.remove(4)),
            "other-role" => form[2].1 = "arn:aws:iam::1:role/admin".to_string(),
            "other-action" => form[0].1 = "GetSessionToken".to_string(),
            "federation" => form[0].1 = "GetFederationToken".to_string(),
            "web-identity-no-policy" => {
                form[0].1 = "AssumeRoleWithWebIdentity".to_string();
                policies.clear();
            }
            "other-external-id" => form.push(("ExternalId", "other".to_string())),
            "other-service" => service = "iam",
            "other-region" => region = "us",
            "elsewhere" => url = self.settings.text.clone(),
            "query" => url = format!("{url}?Action=AssumeRole&Version=2011-06-15"),
            "path" => url = format!("{url}other"),
            "header" => headers.push(("x-key".to_string(), b"canary".to_vec())),
            "target" => {
                headers.push(("x-amz-target".to_string(), b"AWSSecurityTokenServiceV20110615.GetSessionToken".to_vec()))
            }
            _ => {}
        }
        form.extend(policies.into_iter().map(|policy| ("Policy", policy)));
        let body =
            weir_plugin::form_text(&form.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>());
        let auth = if behaviour == "web-identity-no-policy" {
            Auth::None
        } else {
            Auth::AwsV4((key, region.to_string(), service.to_string()))
        };
        let answer = self.ask(auth, &url, &body, &headers)?;
        let part = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>"))?;
            rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_string())
        };
        let missing = || Fault::internal("no_keys", answer.clone());
        Ok(keys(
            &part("AccessKeyId").ok_or_else(missing)?,
            &part("SecretAccessKey").ok_or_else(missing)?,
            &part("SessionToken").ok_or_else(missing)?,
        ))
    }

    fn ask(&self, auth: Auth<'_>, url: &str, body: &str, headers: &[(String, Vec<u8>)]) -> Result<String, Fault> {
        let mut all = vec![("content-type".to_string(), b"application/x-www-form-urlencoded".to_vec())];
        all.extend_from_slice(headers);
        let request = Request {
            method: "POST".to_string(),
            url: url.to_string(),
            headers: all,
            body: body.as_bytes().to_vec(),
            timeout_ms: 0,
        };
        let answer = http::send(&request, &auth).map_err(|fault| Fault::internal("refused", format!("{fault:?}")))?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    fn send(&self, key: &Secret) -> Result<(), Fault> {
        let auth = Auth::AwsV4((key, "eu".to_string(), "sts".to_string()));
        self.ask(auth, &self.settings.sts, "Action=AssumeRole", &[]).map(|_| ())
    }

    /// Keys that were given, on their way out.
    fn carry_off(&self, config: &[(String, String)]) -> Result<(), Fault> {
        let all = config.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
        match self.settings.behaviour.as_str() {
            "log-keys" => log::error(&all, &[("keys", &all)]),
            "fault-keys" => return Err(Fault::internal("keys", all)),
            "cached-keys" => cache::put("keys", config[1].1.as_bytes(), 60_000),
            "stashed-keys" => STASH.with(|stash| *stash.borrow_mut() = config.to_vec()),
            _ => {}
        }
        Ok(())
    }

    /// An answer that goes further than it was asked.
    fn widen(&self, grant: &mut AccessGrant, call: &Call) {
        let text = self.settings.text.clone();
        let credential = &mut grant.credentials[0];
        match self.settings.behaviour.as_str() {
            "prefix" => credential.prefix = text,
            "longer-claim" => credential.expires_at_ms = Some(call.now_ms + 10 * 365 * 86_400_000),
            "no-end" => credential.expires_at_ms = None,
            "past-end" => credential.expires_at_ms = Some(call.now_ms - 1),
            "unknown-key" => credential.config.push(("s3.proxy-uri".to_string(), text)),
            "other-endpoint" => credential.config.push(("s3.endpoint".to_string(), text)),
            "grant-endpoint" => grant.config.push(("s3.endpoint".to_string(), text)),
            "signer" => grant.config.push(("s3.signer.uri".to_string(), text)),
            "key-in-config" => grant.config = credential.config.clone(),
            "key-twice" => credential.config.push(credential.config[0].clone()),
            "stored-key" => grant.use_stored_key = true,
            "many" => grant.credentials = vec![grant.credentials[0].clone(); 1_000],
            _ => {}
        }
    }
}

fn keys(id: &str, secret: &str, token: &str) -> Vec<(String, String)> {
    [("s3.access-key-id", id), ("s3.secret-access-key", secret), ("s3.session-token", token)]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .to_vec()
}

fn secret<'a>(key: Option<Key<'a>>) -> Result<&'a Secret, Fault> {
    match key {
        Some(Key::Host(secret)) => Ok(secret),
        _ => Err(Fault::internal("no_key", "no key was lent")),
    }
}

fn mac(key: &Secret) -> Result<(), Fault> {
    told(key.hmac_sha256(b"AWS4", false).map(|_| ()))
}

/// What a refusal says, or that there was none.
fn told(refused: Result<(), String>) -> Result<(), Fault> {
    match refused {
        Err(refusal) => Err(Fault::internal("refused", refusal)),
        Ok(()) => Err(Fault::internal("not_refused", "the host let it happen")),
    }
}
