//! Digests of components.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The sha256 of a component's inflated bytes; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Exactly 64 lower-case digits; prefixes, upper case and `sha256:` are refused, so that a pin is never half a pin.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(digest))
    }

    /// The first twelve digits, for logs.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T30: a pin is exact, or it is no pin.
    #[test]
    fn only_a_whole_lower_case_digest_is_one() {
        let digest = Digest::of(b"weir");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        for text in [
            digest.to_string().to_uppercase(),
            digest.short(),
            format!("sha256:{digest}"),
            format!("{digest} "),
            format!("{}g", &digest.to_string()[..63]),
            "é".repeat(32),
        ] {
            assert_eq!(Digest::parse(&text), None, "{text}");
        }
    }
}
