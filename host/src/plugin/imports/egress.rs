//! Where a plugin may send requests to.

use std::collections::BTreeSet;
use std::fmt;

use url::{Host, Url};

/// The grant of the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress {
    /// `https://host:port`, nothing else.
    pub origins: Vec<String>,
    /// Addresses of private networks, of this very machine, too.
    pub allow_private: bool,
}

/// Scheme, host, port: what has to be equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.https { "https" } else { "http" }, self.host, self.port)
    }
}

impl Egress {
    /// The origins of the grant, or everything that is wrong with them.
    pub(super) fn parse(&self) -> Result<BTreeSet<Origin>, Vec<String>> {
        let mut origins = BTreeSet::new();
        let mut problems = Vec::new();
        for granted in &self.origins {
            match strict(granted) {
                Ok(url) if url.path() == "/" && url.query().is_none() => {
                    origins.insert(origin(&url));
                }
                Ok(_) => problems.push(format!("`{granted}` has a path; an origin is like `https://host:8443`")),
                Err(why) => problems.push(format!("`{granted}` {why}; an origin is like `https://host:8443`")),
            }
        }
        if problems.is_empty() { Ok(origins) } else { Err(problems) }
    }
}

/// The URL of a request inside the grant, in its one canonical form.
pub(super) fn granted(url: &str, origins: &BTreeSet<Origin>) -> Result<Url, String> {
    let url = strict(url).map_err(|why| format!("the URL {why}"))?;
    let origin = origin(&url);
    if !origins.contains(&origin) {
        return Err(format!("`{origin}` is not granted"));
    }
    Ok(url)
}

/// Parses a URL, refusing everything that two readers could understand differently.
fn strict(text: &str) -> Result<Url, String> {
    if text.bytes().any(|b| !(0x21..=0x7e).contains(&b) || b == b'\\') {
        return Err("has characters that belong in no URL; names beyond ASCII are written as punycode".to_owned());
    }
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or("does not begin with `https://` or `http://`")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains(['@', '%']) {
        return Err("names no plain host".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("does not parse: {error}"))?;
    if url.fragment().is_some() {
        return Err("has a fragment".to_owned());
    }
    match url.host() {
        Some(Host::Domain(name)) if name.ends_with('.') => Err("has a host that ends with a dot".to_owned()),
        Some(Host::Domain(name)) if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) => {
            Err("has a host that is no name".to_owned())
        }
        Some(_) => Ok(url),
        None => Err("names no host".to_owned()),
    }
}

/// The host is in lower case, numbers are addresses: the parser of the standard sees to it.
fn origin(url: &Url) -> Origin {
    Origin {
        https: url.scheme() == "https",
        host: url.host_str().unwrap_or_default().to_owned(),
        port: url.port_or_known_default().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(url: &str) -> bool {
        let egress = Egress { origins: vec!["https://a.test:443".into()], allow_private: false };
        granted(url, &egress.parse().unwrap()).is_ok()
    }

    #[test]
    fn t17_only_the_very_origin_is_granted() {
        for (url, expected) in [
            ("https://a.test", true),
            ("https://a.test/", true),
            ("https://a.test:443/v1/check?x=1", true),
            ("https://A.TEST/", true),
            ("http://a.test/", false),
            ("http://a.test:443/", false),
            ("https://a.test:8443/", false),
            ("https://b.a.test/", false),
            ("https://a.test.evil/", false),
            ("https://a.test@evil/", false),
            ("https://user:pass@a.test/", false),
            ("https://evil/@a.test", false),
            ("https://evil#a.test/", false),
            ("https://evil?a.test/", false),
            ("https://evil\\@a.test/", false),
            ("https://a.test./", false),
            ("https://а.test/", false),
            ("https://xn--80a.test/", false),
            ("https://a%2etest/", false),
            ("//a.test/", false),
            ("https:a.test/", false),
            ("https:///a.test/", false),
            ("HTTPS://a.test/", false),
            ("https://a.te\tst/", false),
            (" https://a.test/", false),
            ("https://[fe80::1%25eth0]/", false),
            ("https://a.test/#x", false),
            ("file:///etc/passwd", false),
            ("gopher://a.test/", false),
            ("", false),
        ] {
            assert_eq!(verdict(url), expected, "{url}");
        }
    }

    #[test]
    fn every_bad_grant_is_told() {
        let origins = ["https://a.test/path", "ftp://a.test", "https://a.test", "https://*.test", "a.test"];
        let egress = Egress { origins: origins.map(str::to_owned).to_vec(), allow_private: false };
        let problems = egress.parse().unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
    }
}
