//! The client of one storage: whom it may reach, with which key, how long it tries.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, ProvideCredentials, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use url::Host;

use super::super::credential::{S3Credential, Sensitive, SessionKey, StorageCredential};
use super::super::profile::Problem;
use super::S3Profile;
use super::fault::address_words;
use crate::config::S3;
use crate::reach::{Origin, admissible, strict};

pub(super) const NO_SYSTEM_IDENTITY: &str = "warehouses may not use the identity of this machine: the operator has to set \
                                             `[storage.s3] system_identity = true`";

/// What the operator does not allow: an endpoint that is not listed, an address nobody may reach, the machine's identity.
pub(super) fn check(rules: &S3, profile: &S3Profile, credential: &StorageCredential) -> Result<(), Problem> {
    for (pointer, url) in [("/endpoint", &profile.endpoint), ("/sts-endpoint", &profile.sts_endpoint)] {
        if let Some(url) = url {
            check_endpoint(rules, url).map_err(|message| Problem::at(pointer, message))?;
        }
    }
    if matches!(credential, StorageCredential::S3(S3Credential::AwsSystemIdentity { .. })) && !rules.system_identity {
        return Err(Problem::at("/credential-type", NO_SYSTEM_IDENTITY));
    }
    Ok(())
}

fn check_endpoint(rules: &S3, url: &str) -> Result<(), String> {
    let origin = Origin::parse(url)?;
    if !is_listed(rules, &origin) {
        return Err(format!(
            "`{origin}` is not an endpoint that this server may reach: the operator has to add it to `[storage.s3] \
             endpoints`"
        ));
    }
    // A name is resolved, and looked at, for each connection.
    match strict(url).map_err(|why| format!("`{url}` {why}"))?.host() {
        Some(Host::Ipv4(address)) => admit(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => admit(IpAddr::V6(address)),
        _ => Ok(()),
    }
}

fn admit(address: IpAddr) -> Result<(), String> {
    admissible(address, true).map_err(|refused| address_words(&refused).to_owned())
}

fn is_listed(rules: &S3, origin: &Origin) -> bool {
    rules.endpoints.iter().any(|listed| Origin::parse(listed).as_ref() == Ok(origin))
}

pub(super) fn open(rules: &S3, profile: &S3Profile, key: SharedCredentialsProvider) -> Client {
    let endpoint = profile.endpoint_url();
    // The operator named it, so it may lie in a private network; Amazon's own does not, unless it is named as well.
    let allow_private = Origin::parse(&endpoint).is_ok_and(|origin| is_listed(rules, &origin));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(rules.connect_timeout_ms))
        .operation_attempt_timeout(Duration::from_millis(rules.attempt_timeout_ms))
        .operation_timeout(Duration::from_millis(rules.operation_timeout_ms));
    let retries = RetryConfig::standard().with_max_attempts(rules.attempts_max);
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(profile.region.clone()))
        .force_path_style(profile.is_path_style())
        .credentials_provider(key)
        .http_client(http(CheckedNames { allow_private }))
        .retry_config(retries)
        .timeout_config(timeouts.build());
    config.set_endpoint_url(profile.endpoint.clone());
    Client::from_conf(config.build())
}

/// What the host itself reaches the storage with. The client asks again before what it got expires.
pub(super) async fn stored_key(profile: &S3Profile, credential: &StorageCredential) -> SharedCredentialsProvider {
    match credential.access_key() {
        Some(key) => SharedCredentialsProvider::new(Credentials::new(
            key.access_key_id.clone(),
            key.secret_access_key.expose(),
            None,
            None,
            "weir",
        )),
        None => SharedCredentialsProvider::new(system_identity(profile).await),
    }
}

/// What somebody was given for a while.
pub(super) fn session_key(key: &SessionKey) -> SharedCredentialsProvider {
    let token = key.session_token.as_ref().map(|token| token.expose().to_owned());
    let secret = key.secret_access_key.expose();
    SharedCredentialsProvider::new(Credentials::new(key.access_key_id.clone(), secret, token, None, "weir"))
}

/// What this machine is known by, as a key that others sign with.
pub(super) async fn machine_key(profile: &S3Profile) -> io::Result<SessionKey> {
    let found = system_identity(profile).await.provide_credentials().await.map_err(|error| {
        // Only its kind is told: what a provider adds may be an answer of a metadata service.
        tracing::warn!(%error, "this machine has no key");
        io::Error::other(
            "this machine has no key: neither its environment, nor a web identity, nor its instance profile gives one",
        )
    })?;
    let ends = found.expiry().and_then(|end| end.duration_since(UNIX_EPOCH).ok());
    Ok(SessionKey {
        access_key_id: found.access_key_id().to_owned(),
        secret_access_key: Sensitive::new(found.secret_access_key()),
        session_token: found.session_token().map(Sensitive::new),
        ends_at_ms: ends.and_then(|end| i64::try_from(end.as_millis()).ok()),
    })
}

/// Environment, web identity, container, instance profile, in that order. Metadata services are what this one is for.
async fn system_identity(profile: &S3Profile) -> DefaultCredentialsChain {
    let region = Region::new(profile.region.clone());
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = ProviderConfig::without_region()
        .with_region(Some(region.clone()))
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_http_client(http);
    DefaultCredentialsChain::builder().configure(config).region(region).build().await
}

/// No proxies of the environment, no redirects; the resolver decides where connections go.
fn http(names: CheckedNames) -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_with_resolver(names)
}

/// Resolves for each new connection, which then goes to the very addresses that were checked.
#[derive(Clone, Debug)]
struct CheckedNames {
    allow_private: bool,
}

impl ResolveDns for CheckedNames {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let resolve = async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            // One bad address among good ones smells of rebinding: then none of them is used.
            for address in &found {
                admissible(*address, self.allow_private).map_err(ResolveDnsError::new)?;
            }
            Ok(found)
        };
        DnsFuture::new(resolve)
    }
}
