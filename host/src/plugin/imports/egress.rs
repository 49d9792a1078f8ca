//! Where a plugin may send requests to.

use std::collections::BTreeSet;

use url::Url;

use crate::reach::{Origin, strict};

/// The grant of the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress {
    /// `https://host:port`, nothing else.
    pub origins: Vec<String>,
    /// Addresses of private networks, of this very machine, too.
    pub allow_private: bool,
}

impl Egress {
    /// The origins of the grant, or everything that is wrong with them.
    pub(super) fn parse(&self) -> Result<BTreeSet<Origin>, Vec<String>> {
        let mut origins = BTreeSet::new();
        let mut problems = Vec::new();
        for granted in &self.origins {
            match Origin::parse(granted) {
                Ok(origin) => drop(origins.insert(origin)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(origins) } else { Err(problems) }
    }
}

/// The URL of a request inside the grant, in its one canonical form.
pub(super) fn granted(url: &str, origins: &BTreeSet<Origin>) -> Result<Url, String> {
    let url = strict(url).map_err(|why| format!("the URL {why}"))?;
    let origin = Origin::of(&url);
    if !origins.contains(&origin) {
        return Err(format!("`{origin}` is not granted"));
    }
    Ok(url)
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
