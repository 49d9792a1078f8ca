//! The ways in which a secret may show itself in a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The secret, of more than 40 bytes, as it is, in a URL, in base64 with whatever stands before it.
pub fn spellings(secret: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    // What stands before it shifts base64 by one or two bytes; the middle of each is compared.
    let shifted = (0..3).map(|shift| STANDARD.encode(format!("{}{secret}", " ".repeat(shift)))[8..40].to_owned());
    [secret.to_owned(), encoded].into_iter().chain(shifted).collect()
}
