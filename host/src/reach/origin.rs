//! Scheme, host, port of a URL, read so that two readers cannot understand it differently.

use std::fmt;

use url::{Host, Url};

/// Scheme, host, port: what has to be equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.https { "https" } else { "http" }, self.host, self.port)
    }
}

impl Origin {
    /// The origin of a URL that is nothing but an origin, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match strict(text) {
            Ok(url) if url.path() == "/" && url.query().is_none() => Ok(Self::of(&url)),
            Ok(_) => Err(format!("`{text}` has a path; an origin is like `https://host:8443`")),
            Err(why) => Err(format!("`{text}` {why}; an origin is like `https://host:8443`")),
        }
    }

    /// The host is in lower case, numbers are addresses: the parser of the standard sees to it.
    pub fn of(url: &Url) -> Self {
        Self {
            https: url.scheme() == "https",
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
        }
    }
}

/// Parses a URL, refusing everything that two readers could understand differently.
pub fn strict(text: &str) -> Result<Url, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s18_an_origin_is_an_origin_alone() {
        for text in ["https://a.test", "https://a.test:443/", "HTTPS://a.test".to_lowercase().as_str()] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), "https://a.test:443", "{text}");
        }
        for text in ["https://a.test/path", "https://a.test?x", "ftp://a.test", "https://*.test", "a.test", "file:///x"]
        {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
