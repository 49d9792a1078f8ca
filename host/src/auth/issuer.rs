//! One issuer: what a token of it must look like before anybody is believed to be somebody.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::caller::Identity;
use super::claims::{self, NAME_BYTES_MAX};
use super::fetch::Fetcher;
use super::key_cache::{KeyCache, Source};
use super::keys::{Fingerprint, KeySet};
use super::refusal::Refusal;
use crate::config::{self, SigningAlgorithm};

/// Everything that is checked of a token, by one section of the configuration.
pub(super) struct Issuer {
    /// The name in the configuration, which begins the ids of its people.
    pub name: String,
    pub issuer: String,
    audience: Vec<String>,
    algorithms: Vec<Algorithm>,
    leeway_ms: i64,
    lifetime_ms_max: i64,
    subject_claims: Vec<String>,
    roles_claims: Vec<String>,
    /// Engines with their clients.
    engines: BTreeMap<String, Vec<String>>,
    keys: Keys,
}

enum Keys {
    Fetched(Arc<KeyCache>),
    /// The catalog's own.
    Fixed(Arc<KeySet>),
}

/// A token that proved somebody.
pub(super) struct Proof {
    pub identity: Identity,
    /// The key that signed it: with the key the proof goes.
    pub key: Fingerprint,
    /// The end of the token with the leeway of clocks.
    pub until_ms: i64,
}

impl Issuer {
    pub fn open(name: &str, section: &config::Issuer) -> anyhow::Result<Self> {
        let source = match (&section.keys_file, &section.jwks_uri) {
            (Some(path), _) => Source::File(path.clone()),
            (None, Some(address)) => Source::Address(address.clone()),
            (None, None) => Source::Discovery(section.issuer.clone()),
        };
        let fetcher = Fetcher::open(section.ca_file.as_deref())?;
        let keys = KeyCache::new(source, fetcher, section.keys_ttl_s, section.keys_interval_s);
        Ok(Self {
            name: name.to_owned(),
            issuer: section.issuer.clone(),
            audience: section.audience.clone(),
            algorithms: section.algorithms.iter().map(|algorithm| pinned(*algorithm)).collect(),
            leeway_ms: i64::from(section.leeway_s) * 1_000,
            lifetime_ms_max: i64::from(section.lifetime_s_max) * 1_000,
            subject_claims: section.subject_claims.clone(),
            roles_claims: section.roles_claims.clone(),
            engines: section.engines.clone(),
            keys: Keys::Fetched(Arc::new(keys)),
        })
    }

    /// The catalog itself, as an issuer of one key.
    pub fn own(issuer: &str, lifetime_s_max: u32, keys: KeySet) -> Self {
        Self {
            name: "local".to_owned(),
            issuer: issuer.to_owned(),
            audience: vec![issuer.to_owned()],
            algorithms: vec![Algorithm::EdDSA],
            leeway_ms: 5_000,
            lifetime_ms_max: i64::from(lifetime_s_max) * 1_000,
            subject_claims: vec!["sub".to_owned()],
            roles_claims: vec!["roles".to_owned()],
            engines: BTreeMap::new(),
            keys: Keys::Fixed(Arc::new(keys)),
        }
    }

    /// Whether a key that signed a token still counts; from memory alone.
    pub fn holds(&self, key: &Fingerprint, now_ms: i64) -> bool {
        match &self.keys {
            Keys::Fetched(cache) => cache.holds(key, now_ms),
            Keys::Fixed(keys) => keys.holds(key),
        }
    }

    /// Whom a token of this issuer proves. `unverified` are its claims as they stand there; they count only once the
    /// signature does.
    pub async fn verify(&self, token: &str, unverified: Map<String, Value>, now_ms: i64) -> Result<Proof, Refusal> {
        let header = decode_header(token).map_err(|error| Refusal::denied(format!("its header: {error}")))?;
        self.check_header(&header)?;
        // Before any key is looked for: a token that could not pass costs the issuer nothing.
        let until_ms = self.check_times(&unverified, now_ms).map_err(Refusal::Denied)?;
        let key = self.check_signature(token, &header, now_ms).await?;
        let identity = self.identity(unverified, until_ms).map_err(Refusal::Denied)?;
        Ok(Proof { identity, key, until_ms })
    }

    /// Keys that a header carries or points to (`jwk`, `jku`, `x5u`, `x5c`) are not even looked at.
    fn check_header(&self, header: &Header) -> Result<(), Refusal> {
        if !self.algorithms.contains(&header.alg) {
            return Err(Refusal::denied(format!("`{:?}` is not among the `algorithms` of its issuer", header.alg)));
        }
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(Refusal::denied("its header asks for what is not understood here (`crit`, `enc`, `zip`)"));
        }
        let is_access_token = header.typ.as_deref().is_none_or(|kind| {
            let kind = kind.to_ascii_lowercase();
            matches!(kind.trim_start_matches("application/"), "jwt" | "at+jwt")
        });
        if !is_access_token {
            return Err(Refusal::denied(format!("its `typ` is {:?}, not that of an access token", header.typ)));
        }
        if header.kid.as_ref().is_some_and(|kid| kid.len() > NAME_BYTES_MAX) {
            return Err(Refusal::denied("its `kid` is too long"));
        }
        Ok(())
    }

    /// The end of the token, leeway included.
    fn check_times(&self, claims: &Map<String, Value>, now_ms: i64) -> Result<i64, String> {
        let time = |key| claims::time_ms(claims, key);
        let ends_ms = time("exp")?.ok_or("it never ends: `exp` is missing")?;
        if now_ms >= ends_ms + self.leeway_ms {
            return Err("it is over (`exp`)".to_owned());
        }
        if ends_ms - now_ms > self.lifetime_ms_max + self.leeway_ms {
            return Err("it lives longer than `lifetime_s_max` allows".to_owned());
        }
        for key in ["nbf", "iat"] {
            if time(key)?.is_some_and(|from_ms| from_ms > now_ms + self.leeway_ms) {
                return Err(format!("it is not valid yet (`{key}`)"));
            }
        }
        Ok(ends_ms + self.leeway_ms)
    }

    /// The key that signed the token; a key that is not known is looked for once an interval.
    async fn check_signature(&self, token: &str, header: &Header, now_ms: i64) -> Result<Fingerprint, Refusal> {
        let kid = header.kid.as_deref();
        let mut keys = match &self.keys {
            Keys::Fetched(cache) => cache.current(now_ms).await?,
            Keys::Fixed(keys) => Arc::clone(keys),
        };
        if let Keys::Fetched(cache) = &self.keys
            && keys.fitting(kid, header.alg).is_empty()
        {
            keys = cache.current_with_more(now_ms).await?;
        }
        let fitting = keys.fitting(kid, header.alg);
        if fitting.is_empty() {
            return Err(Refusal::denied(format!("its issuer has no key `{}` for it", kid.unwrap_or("without a name"))));
        }
        let validation = self.validation(header.alg);
        let mut why = String::new();
        for key in fitting {
            match decode::<Value>(token, &key.decoding, &validation) {
                Ok(_) => return Ok(key.fingerprint),
                Err(error) => why = error.to_string(),
            }
        }
        Err(Refusal::Denied(why))
    }

    /// Signature, issuer and audience; times are checked by the catalog's own clock.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&self.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation
    }

    fn identity(&self, claims: Map<String, Value>, until_ms: i64) -> Result<Identity, String> {
        let subject = claims::subject(&claims, &self.subject_claims)?;
        let roles = claims::roles(&claims, &self.roles_claims)?;
        let text = |key: &str| claims::text(&claims, key);
        let client = text("azp").or_else(|| text("client_id"));
        let name = text("name").or_else(|| text("preferred_username"));
        // RFC 9068: the subject of a client that asks for itself is the client.
        let is_application = text("idtyp").is_some_and(|kind| kind == "app")
            || client.as_ref().is_some_and(|client| *client == subject)
            || text("gty").is_some_and(|grant| grant == "client-credentials")
            || name.as_deref().is_some_and(|name| name.starts_with("service-account-"));
        Ok(Identity {
            id: self.id(&subject),
            issuer: Some(self.name.clone()),
            engine: client.as_ref().and_then(|client| self.engine(client)),
            client,
            name,
            email: text("email"),
            is_application,
            roles: roles.iter().map(|role| self.id(role)).collect(),
            claims,
            expires_at_ms: Some(until_ms),
        })
    }

    fn engine(&self, client: &str) -> Option<String> {
        let named = self.engines.iter().find(|(_, clients)| clients.iter().any(|one| one == client));
        named.map(|(name, _)| name.clone())
    }

    fn id(&self, name: &str) -> String {
        format!("{}~{name}", self.name)
    }
}

fn pinned(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::RS256 => Algorithm::RS256,
        SigningAlgorithm::RS384 => Algorithm::RS384,
        SigningAlgorithm::RS512 => Algorithm::RS512,
        SigningAlgorithm::PS256 => Algorithm::PS256,
        SigningAlgorithm::PS384 => Algorithm::PS384,
        SigningAlgorithm::PS512 => Algorithm::PS512,
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::ES384 => Algorithm::ES384,
        SigningAlgorithm::EdDSA => Algorithm::EdDSA,
    }
}
