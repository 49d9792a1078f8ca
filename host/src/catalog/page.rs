//! Where a page of a listing begins: tokens that only the caller they were made for can use, for the same listing.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::error::Error;

/// The secret that page tokens are made with; replicas of one catalog share it.
#[derive(Clone)]
pub struct PageKey([u8; 32]);

impl PageKey {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageKey(…)")
    }
}

/// Which listing a page belongs to, for whom.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// What is listed, e.g. `views`.
    pub what: &'a str,
    /// What it is listed of and how it is narrowed: ids, filters.
    pub of: &'a [&'a str],
    /// The caller's id.
    pub caller: &'a str,
}

/// Where a client wants to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// No `pageToken` in the query: the client does not page and wants everything in one answer.
    Everything,
    /// An empty `pageToken`: the first page.
    First,
    /// Behind this entry.
    After(String),
}

/// Bytes of the digest in a token; half of SHA-256 is far more than anybody can guess over the network.
const DIGEST_BYTES: usize = 16;

impl PageKey {
    /// The token for the page behind the entry `last`.
    ///
    /// INVARIANT: `last` was in the answer that carries the token. A token is signed, not sealed, so another entry would
    /// tell the caller the name of something that it may not see.
    pub fn token(&self, listing: &Listing, last: &str) -> String {
        let mut token = self.mac(listing, last).finalize().into_bytes()[..DIGEST_BYTES].to_vec();
        token.extend_from_slice(last.as_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads the `pageToken` of a query; 400 for garbage, for a token of another listing or caller.
    pub fn start(&self, listing: &Listing, page_token: Option<&str>) -> Result<Start, Error> {
        match page_token {
            None => Ok(Start::Everything),
            Some("") => Ok(Start::First),
            Some(token) => self.opened(listing, token).map(Start::After).ok_or_else(|| {
                Error::bad_request(
                    "`pageToken` is not one that this listing gave you: repeat the listing from its first page, with \
                     an empty `pageToken`",
                )
            }),
        }
    }

    fn opened(&self, listing: &Listing, token: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (digest, last) = bytes.split_at_checked(DIGEST_BYTES)?;
        let last = std::str::from_utf8(last).ok()?;
        self.mac(listing, last).verify_truncated_left(digest).ok()?;
        Some(last.to_owned())
    }

    /// Each part goes in behind its length, so that no two listings read the same.
    fn mac(&self, listing: &Listing, last: &str) -> Hmac<Sha256> {
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        let parts = [listing.what, listing.caller].into_iter().chain(listing.of.iter().copied()).chain([last]);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

/// Reads the `pageSize` of a query: at least 1, larger than `page_size_max` is clamped, absent is `None`.
pub fn page_size(text: Option<&str>, page_size_max: u32) -> Result<Option<u32>, Error> {
    let Some(text) = text else { return Ok(None) };
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.bytes().all(|byte| byte == b'0')
    {
        let shown: String = text.chars().take(40).collect();
        return Err(Error::BadRequest(format!("`pageSize` is a whole number of at least 1, found {shown:?}")));
    }
    // More digits than fit are more entries than any page has.
    Ok(Some(digits.parse().unwrap_or(u32::MAX).min(page_size_max)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> PageKey {
        PageKey::new([7; 32])
    }

    const VIEWS: Listing = Listing { what: "views", of: &["warehouse", "namespace"], caller: "anna" };

    #[test]
    fn row_45_an_absent_token_is_everything_while_an_empty_one_is_the_first_page() {
        assert_eq!(key().start(&VIEWS, None).unwrap(), Start::Everything);
        assert_eq!(key().start(&VIEWS, Some("")).unwrap(), Start::First);
    }

    #[test]
    fn s22_a_token_works_for_its_own_listing_and_caller_only() {
        let token = key().token(&VIEWS, "v7");
        assert_eq!(key().start(&VIEWS, Some(&token)).unwrap(), Start::After("v7".to_owned()));
        for other in [
            Listing { what: "tables", ..VIEWS },
            Listing { of: &["warehouse", "other"], ..VIEWS },
            Listing { of: &["warehousenamespace"], ..VIEWS },
            Listing { of: &["warehouse"], ..VIEWS },
            Listing { caller: "berta", ..VIEWS },
        ] {
            assert!(matches!(key().start(&other, Some(&token)), Err(Error::BadRequest(_))), "{other:?}");
        }
        assert!(PageKey::new([8; 32]).start(&VIEWS, Some(&token)).is_err());
    }

    #[test]
    fn row_46_a_page_size_is_refused_below_one_and_clamped_above() {
        assert_eq!(page_size(None, 100).unwrap(), None);
        for (text, size) in [("1", 1), ("100", 100), ("101", 100), ("+5", 5), ("007", 7), ("9223372036854775808", 100)]
        {
            assert_eq!(page_size(Some(text), 100).unwrap(), Some(size), "{text}");
        }
        for text in ["", "0", "000", "-1", "-9223372036854775808", "1.5", "1e3", "ten", "+", "٣", " 1"] {
            assert!(matches!(page_size(Some(text), 100), Err(Error::BadRequest(_))), "{text}");
        }
    }

    #[test]
    fn s8_the_key_is_not_shown() {
        assert_eq!(format!("{:?}", key()), "PageKey(…)");
    }

    proptest! {
        #[test]
        fn b7_any_text_as_a_token_is_refused_without_a_panic(token in "\\PC{1,80}") {
            prop_assert!(matches!(key().start(&VIEWS, Some(&token)), Err(Error::BadRequest(_))));
        }

        #[test]
        fn s22_a_changed_token_is_refused(last in "\\PC{0,20}", at in 0usize..60, bit in 0u8..8) {
            let token = key().token(&VIEWS, &last);
            prop_assert_eq!(key().start(&VIEWS, Some(&token)).unwrap(), Start::After(last));
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(key().start(&VIEWS, Some(&URL_SAFE_NO_PAD.encode(bytes))).is_err());
        }
    }
}
