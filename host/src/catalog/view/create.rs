//! The first metadata of a view.

use indexmap::IndexMap;
use uuid::Uuid;

use super::draft::Draft;
use super::metadata::{FORMAT_VERSION_MAX, ViewMetadata};
use super::requests::CreateView;
use crate::catalog::json::Text;
use crate::catalog::location::Location;
use crate::error::Error;

/// The metadata of a new view at `location`: its version gets the id 1, its schema keeps the id that was sent.
pub fn create_view(request: &CreateView, location: &Location, uuid: Uuid, now_ms: i64) -> Result<ViewMetadata, Error> {
    let mut draft = Draft::of(&empty(location, uuid)?, now_ms);
    draft.set_properties(request.properties.iter().flatten());
    let schema_id = draft.add_schema(&request.schema)?;
    let version = request
        .view_version
        .with_member("version-id", &Text::of(&1)?)?
        .with_member("schema-id", &Text::of(&schema_id)?)?;
    let version_id = draft.add_version(&version)?;
    draft.set_current_version(version_id)?;
    draft.finish()
}

/// The members in the order in which Java writes them, before anything is in them.
fn empty(location: &Location, uuid: Uuid) -> Result<ViewMetadata, Error> {
    let members = [
        ("view-uuid", Text::of(&uuid)?),
        ("format-version", Text::of(&FORMAT_VERSION_MAX)?),
        ("location", Text::of(location)?),
        ("properties", Text::new("{}")),
        ("schemas", Text::new("[]")),
        ("current-version-id", Text::of(&0)?),
        ("versions", Text::new("[]")),
        ("version-log", Text::new("[]")),
    ];
    Ok(ViewMetadata {
        members: members.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        uuid,
        format_version: FORMAT_VERSION_MAX,
        location: location.to_string(),
        current_version_id: 0,
        versions: Vec::new(),
        log: Vec::new(),
        schemas: Vec::new(),
        properties: IndexMap::new(),
    })
}
