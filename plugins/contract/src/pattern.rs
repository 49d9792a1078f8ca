//! Patterns of names.

use regex_lite::Regex;
use weir_plugin::{Problem, problem};

/// A pattern that the whole text has to fit.
pub fn whole(pointer: &str, pattern: &str) -> Result<Regex, Problem> {
    Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|error| problem(pointer, format!("`{pattern}` is not a pattern: {error}")))
}

/// Whether a text fits a pattern in which `*` stands for anything.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in
            [("*", ""), ("sales.*", "sales.orders"), ("*.raw", "a.b.raw"), ("a*c*e", "abcde"), ("x", "x")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("sales.*", "sale"), ("a*a", "a"), ("x", "xy"), ("*.raw", "raw"), ("a*c*e", "abde")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
