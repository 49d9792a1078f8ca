//! Where a warehouse keeps its files, as requests name it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::catalog::location::Location;
use crate::error::{Error, Result};
use crate::files::StorageProfile;

/// A directory of the machine, or of a volume that every replica mounts at the same path.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageProfile)]
pub struct LocalStorageProfile {
    /// The kind of storage; this build serves `local`.
    #[serde(rename = "type")]
    #[schema(example = "local")]
    pub kind: String,
    /// An absolute `file://` URI inside one of the roots that the operator allows.
    #[schema(example = "file:///srv/lake")]
    pub root: String,
}

/// The profile of a request; 400 tells every problem at once, and which kinds this build serves.
pub fn parse_profile(value: &Value) -> Result<StorageProfile> {
    StorageProfile::parse(value).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Error::BadRequest(texts.join("; "))
    })
}

/// The profile of a warehouse row.
pub fn stored_profile(text: &str) -> Result<StorageProfile> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// What a warehouse row keeps of a profile.
pub fn profile_text(profile: &StorageProfile) -> Result<String> {
    serde_json::to_string(profile).map_err(Error::internal)
}

/// 400 where a warehouse at this root could not work: outside of what the operator allows, or not writable.
pub async fn refuse_unusable_root(app: &App, root: &Location) -> Result<()> {
    app.files.admit_root(root).await?;
    app.files.probe(root).await?;
    Ok(())
}

/// 400 where a credential comes along with a profile that would not use it.
pub fn refuse_credential(credential: Option<&Value>) -> Result<()> {
    match credential {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(Error::bad_request("a local storage has no credential: leave `storage-credential` out")),
    }
}
