//! Tokens for the catalog that the generator starts: it trusts a key by a file, without an issuer that answers.

use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};
use weir_tests::oidc::SigningKey;

const ISSUER: &str = "https://bench.invalid";
const LIFETIME_S: u64 = 3_600;

/// Signs tokens of as many people as are asked for.
#[derive(Clone)]
pub struct Tokens {
    key: Rc<SigningKey>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Makes a key, writes its public half into the folder.
    pub fn create(folder: &Path) -> Result<Self> {
        let key = SigningKey::es256("bench");
        std::fs::write(folder.join("keys.json"), json!({ "keys": [key.jwk()] }).to_string())?;
        Ok(Self { key: Rc::new(key) })
    }

    /// The settings by which a catalog in that folder trusts the key, and goes on to let in whoever has no token.
    pub fn settings() -> [(&'static str, &'static str); 5] {
        [
            ("WEIR__AUTH__ANONYMOUS", "loopback"),
            ("WEIR__AUTH__ISSUERS__BENCH__ISSUER", ISSUER),
            ("WEIR__AUTH__ISSUERS__BENCH__AUDIENCE", "weir"),
            ("WEIR__AUTH__ISSUERS__BENCH__KEYS_FILE", "keys.json"),
            ("WEIR__AUTH__ISSUERS__BENCH__ROLES_CLAIMS", "groups"),
        ]
    }

    /// The `Authorization` line of one of a few users, in a token that differs from all others.
    pub fn header(&self, number: usize) -> Result<String> {
        self.signed(json!({ "sub": format!("user-{}", number % 10), "jti": number.to_string() }))
    }

    /// The same of one of many people, who belongs to a team.
    pub fn header_of_member(&self, person: usize, team: usize) -> Result<String> {
        self.signed(json!({ "sub": format!("person-{person}"), "groups": [format!("team-{team}")] }))
    }

    fn signed(&self, mut claims: Value) -> Result<String> {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        claims["iss"] = json!(ISSUER);
        claims["aud"] = json!("weir");
        claims["iat"] = json!(now_s);
        claims["exp"] = json!(now_s + LIFETIME_S);
        let token = self.key.sign(&self.key.header().to_string(), &claims.to_string());
        Ok(format!("Authorization: Bearer {token}\r\n"))
    }
}
