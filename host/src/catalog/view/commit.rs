//! What a commit makes of a view.

use super::draft::Draft;
use super::metadata::ViewMetadata;
use super::requests::{ViewRequirement, ViewUpdate};
use crate::error::Error;

/// Whether there is anything to write.
#[derive(Debug)]
pub enum ViewOutcome {
    Unchanged,
    Changed(Box<ViewChange>),
}

/// A view after its commit.
#[derive(Debug)]
pub struct ViewChange {
    pub after: ViewMetadata,
    /// The actions of the updates, in their order.
    pub actions: Vec<&'static str>,
}

/// Checks all requirements, then applies the updates in their order. 409 when a requirement fails, 400 when an update
/// breaks a rule; nothing is half applied.
pub fn commit_view(
    base: &ViewMetadata,
    requirements: &[ViewRequirement],
    updates: &[ViewUpdate],
    now_ms: i64,
) -> Result<ViewOutcome, Error> {
    requirements.iter().try_for_each(|requirement| requirement.check(base))?;
    let mut draft = Draft::of(base, now_ms);
    for update in updates {
        update.apply(&mut draft)?;
    }
    if !draft.is_changed() {
        return Ok(ViewOutcome::Unchanged);
    }
    let actions = updates.iter().map(ViewUpdate::action).collect();
    Ok(ViewOutcome::Changed(Box::new(ViewChange { after: draft.finish()?, actions })))
}

impl ViewRequirement {
    fn check(&self, base: &ViewMetadata) -> Result<(), Error> {
        let Self::AssertViewUuid { uuid } = self;
        let found = base.uuid().to_string();
        if uuid.eq_ignore_ascii_case(&found) {
            return Ok(());
        }
        Err(Error::CommitFailed(format!(
            "Requirement failed: view UUID does not match: expected {found} != {uuid}; reload and retry"
        )))
    }
}

impl ViewUpdate {
    /// The keys of the properties that it sets or removes.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        let (set, removed) = match self {
            Self::SetProperties { updates } => (Some(updates.keys()), None),
            Self::RemoveProperties { removals } => (None, Some(removals)),
            _ => (None, None),
        };
        set.into_iter().flatten().chain(removed.into_iter().flatten()).map(String::as_str)
    }

    fn apply(&self, draft: &mut Draft) -> Result<(), Error> {
        match self {
            Self::AssignUuid { uuid } => draft.assign_uuid(uuid),
            Self::UpgradeFormatVersion { format_version } => draft.upgrade_format_version(*format_version),
            Self::AddSchema { schema } => draft.add_schema(schema).map(drop),
            Self::SetLocation { location } => draft.set_location(location),
            Self::SetProperties { updates } => {
                draft.set_properties(updates.iter());
                Ok(())
            }
            Self::RemoveProperties { removals } => {
                draft.remove_properties(removals);
                Ok(())
            }
            Self::AddViewVersion { view_version } => draft.add_version(view_version).map(drop),
            Self::SetCurrentViewVersion { view_version_id } => draft.set_current_version(*view_version_id),
        }
    }
}
