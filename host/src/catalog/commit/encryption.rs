//! Updates of encryption keys.

use std::sync::Arc;

use super::draft::Draft;
use crate::catalog::json::Text;
use crate::catalog::metadata::{Entry, KeyHeader};
use crate::error::Error;

impl Draft<'_> {
    pub fn add_encryption_key(&mut self, header: &KeyHeader, text: &Text) -> Result<(), Error> {
        let version = self.state.format_version;
        if version < 3 {
            return Err(Error::BadRequest(format!(
                "Cannot add encryption key {} to a v{version} table: encryption keys are not supported until v3",
                header.key_id
            )));
        }
        if self.state.encryption_keys.iter().any(|entry| entry.header.key_id == header.key_id) {
            return Ok(());
        }
        Arc::make_mut(&mut self.state.encryption_keys).push(Entry { header: header.clone(), text: text.clone() });
        self.changed = true;
        Ok(())
    }

    pub fn remove_encryption_key(&mut self, key_id: &str) -> Result<(), Error> {
        if self.state.encryption_keys.iter().any(|entry| entry.header.key_id == key_id) {
            Arc::make_mut(&mut self.state.encryption_keys).retain(|entry| entry.header.key_id != key_id);
            self.changed = true;
        }
        Ok(())
    }
}
