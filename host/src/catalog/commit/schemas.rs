//! Updates of schemas.

use std::collections::HashSet;
use std::sync::Arc;

use super::draft::Draft;
use crate::catalog::json::Text;
use crate::catalog::metadata::SchemaEntry;
use crate::catalog::requests::NewSchema;
use crate::catalog::schema::Schema;
use crate::error::Error;

impl Draft<'_> {
    pub fn add_schema(&mut self, new: &NewSchema) -> Result<(), Error> {
        new.schema.check_assigned_ids()?;
        new.schema.check_format_version(self.state.format_version)?;
        let last_column_id = self.state.last_column_id.max(new.schema.highest_field_id()?);
        if let Some(same) = self.same_schema(new)? {
            self.last_added_schema = Some(same);
            return Ok(());
        }
        let id = self.next_schema_id(new.schema.schema_id)?;
        let text = match new.schema.schema_id {
            Some(sent) if sent == id => new.text.clone(),
            _ => new.text.with_member("schema-id", &Text::of(&id)?)?,
        };
        Arc::make_mut(&mut self.state.schemas).push(SchemaEntry::read(id, text, new.schema.clone()));
        self.state.last_column_id = last_column_id;
        self.last_added_schema = Some(id);
        self.changed = true;
        Ok(())
    }

    /// The schema that a new spec or order speaks of: the current one, in a create the one that was added but not set yet.
    ///
    /// DuckDB sets the current schema of a new table after the spec that is bound to it.
    pub fn schema_to_bind(&self) -> Result<Arc<Schema>, Error> {
        let is_unset = self.state.schema_entry(self.state.current_schema_id).is_none();
        match self.last_added_schema.and_then(|id| self.state.schema_entry(id)) {
            Some(added) if is_unset => added.schema(),
            _ => self.state.current_schema(),
        }
    }

    pub fn set_current_schema(&mut self, schema_id: i32) -> Result<(), Error> {
        let schema_id = match (schema_id, self.last_added_schema) {
            (-1, Some(last)) => last,
            (-1, None) => return Err(Error::bad_request("Cannot set last added schema: no schema has been added")),
            (id, _) => id,
        };
        if self.state.current_schema_id == schema_id {
            return Ok(());
        }
        let Some(entry) = self.state.schema_entry(schema_id) else {
            return Err(Error::BadRequest(format!("Cannot set current schema to unknown schema: {schema_id}")));
        };
        let schema = entry.schema()?;
        let index = schema.index()?;
        self.state.specs.iter().try_for_each(|spec| spec.header.check_conflicts(&index))?;
        self.state.current_schema_id = schema_id;
        self.changed = true;
        Ok(())
    }

    pub fn remove_schemas(&mut self, schema_ids: &[i32]) -> Result<(), Error> {
        let ids: HashSet<i32> = schema_ids.iter().copied().collect();
        if ids.contains(&self.state.current_schema_id) {
            return Err(Error::bad_request("Cannot remove the current schema"));
        }
        if self.state.schemas.iter().any(|entry| ids.contains(&entry.id)) {
            Arc::make_mut(&mut self.state.schemas).retain(|entry| !ids.contains(&entry.id));
            self.changed = true;
        }
        Ok(())
    }

    fn same_schema(&self, new: &NewSchema) -> Result<Option<i32>, Error> {
        for entry in self.state.schemas.iter() {
            if entry.schema()?.same_as(&new.schema) {
                return Ok(Some(entry.id));
            }
        }
        Ok(None)
    }

    /// One more than the highest; what a new table's client sent is honoured.
    fn next_schema_id(&self, sent: Option<i32>) -> Result<i32, Error> {
        if let (None, Some(sent)) = (self.base, sent.filter(|id| *id >= 0))
            && self.state.schema_entry(sent).is_none()
        {
            return Ok(sent);
        }
        let highest = self.state.schemas.iter().map(|entry| entry.id).max().unwrap_or(-1);
        highest.checked_add(1).ok_or_else(|| Error::bad_request("Cannot add schema: schema ids are used up"))
    }
}
