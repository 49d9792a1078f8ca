//! The views of a proposed change, lent while a contract reviews it.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::super::bindings::reviewing::weir::plugin::change::{
    Column, Host, HostMetadata, HostProposal, PropertyChange, Retype,
};
use super::super::instance::State;
use super::super::proposal::{Described, Proposal};

/// A state of the object, as a guest holds it.
pub struct MetadataView(pub(in crate::plugin) Arc<Described>);
/// A change, as a guest holds it.
pub struct ProposalView(pub(in crate::plugin) Arc<Proposal>);

impl Host for State {}

impl State {
    fn proposal(&mut self, view: &Resource<ProposalView>) -> Result<&Proposal> {
        self.count_host_call()?;
        Ok(&self.table.get(view)?.0)
    }

    fn described(&mut self, view: &Resource<MetadataView>) -> Result<&Described> {
        self.count_host_call()?;
        Ok(&self.table.get(view)?.0)
    }

    fn lend(&mut self, described: Option<Arc<Described>>) -> Result<Option<Resource<MetadataView>>> {
        Ok(described.map(|described| self.table.push(MetadataView(described))).transpose()?)
    }
}

impl HostProposal for State {
    fn operation(&mut self, view: Resource<ProposalView>) -> Result<String> {
        Ok(self.proposal(&view)?.operation.clone())
    }

    fn before(&mut self, view: Resource<ProposalView>) -> Result<Option<Resource<MetadataView>>> {
        let before = self.proposal(&view)?.before.clone();
        self.lend(before)
    }

    fn after(&mut self, view: Resource<ProposalView>) -> Result<Option<Resource<MetadataView>>> {
        let after = self.proposal(&view)?.after.clone();
        self.lend(after)
    }

    fn updates(&mut self, view: Resource<ProposalView>) -> Result<Vec<String>> {
        Ok(self.proposal(&view)?.updates.clone())
    }

    fn refs(&mut self, view: Resource<ProposalView>) -> Result<Vec<String>> {
        Ok(self.proposal(&view)?.refs.clone())
    }

    fn added(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.added.clone())
    }

    fn dropped(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.dropped.clone())
    }

    fn renamed(&mut self, view: Resource<ProposalView>) -> Result<Vec<(Column, Column)>> {
        Ok(self.proposal(&view)?.renamed.clone())
    }

    fn retyped(&mut self, view: Resource<ProposalView>) -> Result<Vec<Retype>> {
        Ok(self.proposal(&view)?.retyped.clone())
    }

    fn relaxed(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.relaxed.clone())
    }

    fn tightened(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.tightened.clone())
    }

    fn properties(&mut self, view: Resource<ProposalView>) -> Result<Vec<PropertyChange>> {
        Ok(self.proposal(&view)?.properties.clone())
    }

    fn snapshot_summary(&mut self, view: Resource<ProposalView>, key: String) -> Result<Option<String>> {
        Ok(self.proposal(&view)?.snapshot_summary.get(&key).cloned())
    }

    fn drop(&mut self, view: Resource<ProposalView>) -> Result<()> {
        self.table.delete(view)?;
        Ok(())
    }
}

impl HostMetadata for State {
    fn uuid(&mut self, view: Resource<MetadataView>) -> Result<String> {
        Ok(self.described(&view)?.uuid.clone())
    }

    fn location(&mut self, view: Resource<MetadataView>) -> Result<String> {
        Ok(self.described(&view)?.location.clone())
    }

    fn format_version(&mut self, view: Resource<MetadataView>) -> Result<u32> {
        Ok(self.described(&view)?.format_version)
    }

    fn columns(&mut self, view: Resource<MetadataView>) -> Result<Vec<Column>> {
        Ok(self.described(&view)?.columns.clone())
    }

    fn property(&mut self, view: Resource<MetadataView>, key: String) -> Result<Option<String>> {
        Ok(self.described(&view)?.properties.get(&key).cloned())
    }

    fn json_pointer(
        &mut self,
        view: Resource<MetadataView>,
        pointer: String,
        bytes_max: u32,
    ) -> Result<Result<String, String>> {
        Ok(self.described(&view)?.json_below(&pointer, bytes_max))
    }

    fn drop(&mut self, view: Resource<MetadataView>) -> Result<()> {
        self.table.delete(view)?;
        Ok(())
    }
}
