//! A URI taken apart without changing a byte of it.
//!
//! A parser that resolves dots or repairs characters would check another text than the one that is signed, so whatever
//! such a parser could change is refused.

use percent_encoding::percent_decode_str;

const BYTES_MAX: usize = 8_192;
const PARAMETERS_MAX: usize = 20;

pub(super) struct Uri<'a> {
    pub(super) https: bool,
    /// As it stands there: host, with the port where there is one.
    pub(super) authority: &'a str,
    /// Behind the first slash, decoded once.
    pub(super) path: String,
    /// In their order, decoded once; no name comes twice.
    pub(super) query: Vec<(String, String)>,
}

impl<'a> Uri<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("its URI has {} bytes, at most {BYTES_MAX} are taken", text.len()));
        }
        check_characters(text)?;
        let (https, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err("its URI does not begin with `https://` or `http://`".to_owned()),
        };
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = before_query.split_once('/').unwrap_or((before_query, ""));
        Ok(Self { https, authority, path: decode(path)?, query: parameters(query)? })
    }
}

fn check_characters(text: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'(),;=%[]*".contains(&byte);
    match text.chars().find(|character| !u8::try_from(*character).is_ok_and(legal)) {
        // A plus is a space to some, a plus to others.
        Some('+') => Err("its URI has a `+`, which is read in two ways; write `%2B`".to_owned()),
        Some(other) => Err(format!("its URI has the character {other:?}, which has to be percent-encoded")),
        None => Ok(()),
    }
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.contains('%') || value.contains('?') {
            return Err("a query parameter is spelled in an unusual way".to_owned());
        }
        if parameters.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(format!("the query parameter `{name}` comes twice"));
        }
        parameters.push((name.to_owned(), decode(value)?));
        if parameters.len() > PARAMETERS_MAX {
            return Err("it has too many query parameters".to_owned());
        }
    }
    Ok(parameters)
}

/// Decoded once; a broken sequence, which readers repair in different ways, is refused.
pub(super) fn decode(text: &str) -> Result<String, String> {
    let broken = text.match_indices('%').any(|(at, _)| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return Err("its URI has a broken percent sequence".to_owned());
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| "its URI is not UTF-8".to_owned())
}
