//! The body of DeleteObjects, in the one narrow form that clients write it.
//!
//! Not a reader of XML: what a client has no reason to send (a document type, CDATA, comments, processing instructions,
//! prefixes, attributes, versions) is where two readers could see two lists of keys, so it is refused.

const KEYS_MAX: usize = 1_000;
const NAMESPACE: &str = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

/// The keys that are to be deleted, decoded.
pub(super) fn keys(body: &[u8]) -> Result<Vec<String>, String> {
    if body.len() > super::BODY_BYTES_MAX {
        return Err(format!("the body has {} bytes, at most {} are taken", body.len(), super::BODY_BYTES_MAX));
    }
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let mut reader = Reader { rest: text };
    reader.declaration()?;
    reader.open_root()?;
    let mut keys = Vec::new();
    loop {
        reader.skip_space();
        if reader.take("<Object>") {
            keys.push(reader.object()?);
            if keys.len() > KEYS_MAX {
                return Err(format!("more than {KEYS_MAX} keys at once"));
            }
        } else if reader.take("<Quiet>") {
            reader.quiet()?;
        } else if reader.take("</Delete>") {
            break;
        } else {
            return Err(UNUSUAL.to_owned());
        }
    }
    reader.skip_space();
    match (reader.rest, keys.len()) {
        ("", 1..) => Ok(keys),
        ("", _) => Err("the body names no key".to_owned()),
        _ => Err("something follows the end of the body".to_owned()),
    }
}

const UNUSUAL: &str = "the body is not the plain `<Delete><Object><Key>…</Key></Object>…</Delete>` that is understood";

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) { Ok(()) } else { Err(UNUSUAL.to_owned()) }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// `<?xml version="1.0" encoding="UTF-8"?>`, with either kind of quotes, or none at all.
    fn declaration(&mut self) -> Result<(), String> {
        if let Some(after) = self.rest.strip_prefix("<?xml ") {
            let (inside, rest) = after.split_once("?>").ok_or(UNUSUAL)?;
            let words = inside.trim().replace('\'', "\"").to_ascii_lowercase();
            if words != "version=\"1.0\"" && words != "version=\"1.0\" encoding=\"utf-8\"" {
                return Err("the body is not XML 1.0 in UTF-8".to_owned());
            }
            self.rest = rest;
        }
        self.skip_space();
        Ok(())
    }

    fn open_root(&mut self) -> Result<(), String> {
        self.expect("<Delete")?;
        self.take(NAMESPACE);
        self.expect(">")
    }

    fn object(&mut self) -> Result<String, String> {
        self.skip_space();
        self.expect("<Key>")?;
        let (raw, rest) = self.rest.split_once('<').ok_or(UNUSUAL)?;
        self.rest = rest;
        self.expect("/Key>")?;
        self.skip_space();
        self.expect("</Object>")?;
        let key = decoded(raw)?;
        // Some readers trim.
        if key.trim() != key {
            return Err("a key begins or ends with white space".to_owned());
        }
        Ok(key)
    }

    fn quiet(&mut self) -> Result<(), String> {
        if !self.take("true") {
            self.expect("false")?;
        }
        self.expect("</Quiet>")
    }
}

/// The five entities that every XML has, and characters by number.
fn decoded(raw: &str) -> Result<String, String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let (name, after) = after.split_once(';').ok_or("a key has a broken entity")?;
        text.push(entity(name).ok_or("a key has an entity that is not one of XML's own")?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
            let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            char::from_u32(u32::from_str_radix(digits, radix).ok().filter(|_| plain)?)?
        }
    })
}
