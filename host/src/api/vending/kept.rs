//! The storage's key in the form that the host's signer reads.

use serde_json::json;

use crate::error::Error;
use crate::files::StorageCredential;
use crate::plugin::Secret;

/// A handle of the key, which is never revealed. 406 for an identity that only this machine has.
pub fn as_key(credential: &StorageCredential) -> Result<Secret, Error> {
    let key = credential.access_key().ok_or_else(|| {
        Error::Unsupported(format!(
            "a credential of the type `{}` is for the server itself: clients' keys need an access key",
            credential.kind()
        ))
    })?;
    let text = json!({ "AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key.expose() });
    Ok(Secret::new(text.to_string().as_bytes(), false))
}
