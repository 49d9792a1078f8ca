//! The host of a request: the table's bucket at the profile's endpoint, in one of the two styles.

use super::uri::Uri;
use super::{Place, shown};

/// A host that serves buckets, as a URI has to name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    https: bool,
    /// With the port where it is not the usual one.
    authority: String,
}

impl Endpoint {
    /// Of a URL without path such as `https://s3.eu-central-1.amazonaws.com` or `http://minio:9000`.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.trim_end_matches('/').to_ascii_lowercase();
        let (https, usual) = match scheme {
            "https" => (true, ":443"),
            "http" => (false, ":80"),
            _ => return None,
        };
        let authority = authority.strip_suffix(usual).unwrap_or(&authority).to_owned();
        let is_host = !authority.is_empty() && !authority.contains(['/', '?', '#', '@', '%']);
        is_host.then_some(Self { https, authority })
    }

    /// Every name that Amazon's own storage has in a region.
    pub fn of_amazon(region: &str, dns_suffix: &str) -> Vec<Self> {
        let mut names = vec![format!("s3.{region}.{dns_suffix}"), format!("s3.dualstack.{region}.{dns_suffix}")];
        if region == "us-east-1" {
            names.push(format!("s3.{dns_suffix}"));
        }
        names.into_iter().map(|authority| Self { https: true, authority }).collect()
    }
}

/// The key in the table's bucket, empty for the bucket itself; refused where it is another host or bucket.
pub(super) fn key(uri: &Uri<'_>, place: &Place<'_>) -> Result<String, String> {
    let bucket = place.location.bucket();
    for endpoint in place.endpoints.iter().filter(|endpoint| endpoint.https == uri.https) {
        if uri.authority == endpoint.authority {
            let (found, key) = uri.path.split_once('/').unwrap_or((&uri.path, ""));
            if found == bucket {
                return Ok(key.to_owned());
            }
            return Err(format!("it is about the bucket `{}`, the table lies in `{bucket}`", shown(found)));
        }
        let virtual_host = uri.authority.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('.'));
        if virtual_host == Some(endpoint.authority.as_str()) {
            return Ok(uri.path.clone());
        }
    }
    Err(format!("`{}` is not where the table's bucket is served", shown(uri.authority)))
}
