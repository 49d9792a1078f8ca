//! Updates of partition specs.

use std::collections::HashSet;
use std::sync::Arc;

use super::draft::Draft;
use crate::catalog::json::Text;
use crate::catalog::metadata::Entry;
use crate::catalog::partition::{FIRST_FIELD_ID, PartitionSpec, UnboundSpec};
use crate::catalog::requests::NewSpec;
use crate::error::Error;

impl Draft<'_> {
    pub fn add_spec(&mut self, new: &NewSpec) -> Result<(), Error> {
        let mut spec = self.numbered(&new.spec)?;
        let same = self.state.specs.iter().find(|entry| spec.compatible_with(&entry.header));
        if let Some(same) = same {
            self.last_added_spec = Some(same.header.spec_id);
            return Ok(());
        }
        let schema = self.schema_to_bind()?;
        let index = schema.index()?;
        spec.check_compatibility(&index)?;
        if self.state.format_version == 1 && !spec.has_sequential_ids() {
            return Err(Error::BadRequest(format!("Spec does not use sequential IDs that are required in v1: {spec}")));
        }
        spec.check_names(&index)?;
        spec.spec_id = self.next_spec_id(new.spec.spec_id)?;
        self.last_added_spec = Some(spec.spec_id);
        self.state.last_partition_id = self.state.last_partition_id.max(spec.last_field_id());
        let text = text(new, &spec)?;
        Arc::make_mut(&mut self.state.specs).push(Entry { header: spec, text });
        self.changed = true;
        Ok(())
    }

    pub fn set_default_spec(&mut self, spec_id: i32) -> Result<(), Error> {
        let spec_id = match (spec_id, self.last_added_spec) {
            (-1, Some(last)) => last,
            (-1, None) => return Err(Error::bad_request("Cannot set last added spec: no spec has been added")),
            (id, _) => id,
        };
        if self.state.default_spec_id == spec_id {
            return Ok(());
        }
        if self.state.spec(spec_id).is_none() {
            return Err(Error::BadRequest(format!("Cannot set default partition spec to unknown spec: {spec_id}")));
        }
        self.state.default_spec_id = spec_id;
        self.changed = true;
        Ok(())
    }

    pub fn remove_specs(&mut self, spec_ids: &[i32]) -> Result<(), Error> {
        let ids: HashSet<i32> = spec_ids.iter().copied().collect();
        if ids.contains(&self.state.default_spec_id) {
            return Err(Error::bad_request("Cannot remove the default partition spec"));
        }
        if self.state.specs.iter().any(|entry| ids.contains(&entry.header.spec_id)) {
            Arc::make_mut(&mut self.state.specs).retain(|entry| !ids.contains(&entry.header.spec_id));
            self.changed = true;
        }
        Ok(())
    }

    /// Fields without ids get new ones: in v1 they follow from the order, later they are never used twice in a table.
    fn numbered(&self, spec: &UnboundSpec) -> Result<PartitionSpec, Error> {
        let first = if self.state.format_version == 1 {
            FIRST_FIELD_ID
        } else {
            let last =
                spec.fields.iter().filter_map(|field| field.field_id).chain([self.state.last_partition_id]).max();
            last.unwrap_or(FIRST_FIELD_ID - 1).saturating_add(1).max(FIRST_FIELD_ID)
        };
        let mut spec = spec.clone();
        if self.state.format_version > 1 {
            // The same transform of the same column keeps its id over all specs of a table.
            let known = || self.state.specs.iter().flat_map(|entry| &entry.header.fields);
            for field in spec.fields.iter_mut().filter(|field| field.field_id.is_none()) {
                let same = known().find(|one| one.source_id == field.source_id && one.transform == field.transform);
                field.field_id = same.map(|one| one.field_id);
            }
        }
        spec.numbered(0, first)
    }

    /// One more than the highest; what a new table's client sent is honoured.
    fn next_spec_id(&self, sent: Option<i32>) -> Result<i32, Error> {
        if let (None, Some(sent)) = (self.base, sent.filter(|id| *id >= 0))
            && self.state.spec(sent).is_none()
        {
            return Ok(sent);
        }
        let highest = self.state.specs.iter().map(|entry| entry.header.spec_id).max().unwrap_or(-1);
        highest.checked_add(1).ok_or_else(|| Error::bad_request("Cannot add partition spec: spec ids are used up"))
    }
}

/// The spec as it was sent where that says all that is stored.
fn text(new: &NewSpec, spec: &PartitionSpec) -> Result<Text, Error> {
    if new.spec.fields.iter().any(|field| field.field_id.is_none()) {
        return Text::of(spec);
    }
    if new.spec.spec_id == Some(spec.spec_id) {
        return Ok(new.text.clone());
    }
    new.text.with_member("spec-id", &Text::of(&spec.spec_id)?)
}
