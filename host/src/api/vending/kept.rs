//! Keys of storages in the form that the host's signer reads.

use serde_json::json;

use crate::error::Error;
use crate::files::{AccessKey, Sensitive, SessionKey};
use crate::plugin::Secret;
use crate::plugin::storage::Keys;

/// A handle of a warehouse's own key, which is never revealed.
pub fn handle_of_access_key(key: &AccessKey) -> Secret {
    handle(&key.access_key_id, &key.secret_access_key, None)
}

/// A handle of a key that ends, its token with it.
pub fn handle_of_session(key: &SessionKey) -> Secret {
    handle(&key.access_key_id, &key.secret_access_key, key.session_token.as_ref())
}

fn handle(id: &str, secret: &Sensitive, token: Option<&Sensitive>) -> Secret {
    let token = token.map(Sensitive::expose);
    let text = json!({ "AccessKeyId": id, "SecretAccessKey": secret.expose(), "SessionToken": token });
    Secret::new(text.to_string().as_bytes(), false)
}

/// Keys that a plugin gave, for the host's own use of them.
pub fn session_of(keys: &Keys) -> Result<SessionKey, Error> {
    let of = |name: &str| {
        let missing = || Error::bad_request(format!("the storage plugin gave keys without `{name}`"));
        keys.config.get(name).cloned().ok_or_else(missing)
    };
    Ok(SessionKey {
        access_key_id: of("s3.access-key-id")?,
        secret_access_key: Sensitive::new(of("s3.secret-access-key")?),
        session_token: Some(Sensitive::new(of("s3.session-token")?)),
        ends_at_ms: i64::try_from(keys.expires_at_ms).ok(),
    })
}
