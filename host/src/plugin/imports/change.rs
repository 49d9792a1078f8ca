//! The views of a proposed change, lent while a contract reviews it.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::super::bindings::reviewing::weir::plugin::change::{
    Column, Host, HostMetadata, HostProposal, PropertyChange, Retype,
};
use super::super::instance::State;
use super::super::proposal::{Proposal, columns, json_below};
use crate::catalog::difference::Side;

/// A state of the object, as a guest holds it.
pub struct MetadataView(pub(in crate::plugin) Arc<Side>);
/// A change, as a guest holds it.
pub struct ProposalView(pub(in crate::plugin) Arc<Proposal>);

impl Host for State {}

impl State {
    fn proposal(&mut self, view: &Resource<ProposalView>) -> Result<&Proposal> {
        self.count_host_call()?;
        Ok(&self.table.get(view)?.0)
    }

    fn side(&mut self, view: &Resource<MetadataView>) -> Result<&Side> {
        self.count_host_call()?;
        Ok(&self.table.get(view)?.0)
    }

    fn lend(&mut self, side: Option<Arc<Side>>) -> Result<Option<Resource<MetadataView>>> {
        Ok(side.map(|side| self.table.push(MetadataView(side))).transpose()?)
    }
}

impl HostProposal for State {
    fn operation(&mut self, view: Resource<ProposalView>) -> Result<String> {
        Ok(self.proposal(&view)?.operation.as_str().to_owned())
    }

    fn before(&mut self, view: Resource<ProposalView>) -> Result<Option<Resource<MetadataView>>> {
        let before = self.proposal(&view)?.difference.before.clone();
        self.lend(before)
    }

    fn after(&mut self, view: Resource<ProposalView>) -> Result<Option<Resource<MetadataView>>> {
        let after = self.proposal(&view)?.difference.after.clone();
        self.lend(after)
    }

    fn updates(&mut self, view: Resource<ProposalView>) -> Result<Vec<String>> {
        Ok(self.proposal(&view)?.updates.iter().map(|action| action.clone().into_owned()).collect())
    }

    fn refs(&mut self, view: Resource<ProposalView>) -> Result<Vec<String>> {
        Ok(self.proposal(&view)?.difference.refs().into_iter().map(str::to_owned).collect())
    }

    fn added(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.added())
    }

    fn dropped(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.dropped())
    }

    fn renamed(&mut self, view: Resource<ProposalView>) -> Result<Vec<(Column, Column)>> {
        Ok(self.proposal(&view)?.renamed())
    }

    fn retyped(&mut self, view: Resource<ProposalView>) -> Result<Vec<Retype>> {
        Ok(self.proposal(&view)?.retyped())
    }

    fn relaxed(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.relaxed())
    }

    fn tightened(&mut self, view: Resource<ProposalView>) -> Result<Vec<Column>> {
        Ok(self.proposal(&view)?.tightened())
    }

    fn properties(&mut self, view: Resource<ProposalView>) -> Result<Vec<PropertyChange>> {
        Ok(self.proposal(&view)?.properties())
    }

    fn snapshot_summary(&mut self, view: Resource<ProposalView>, key: String) -> Result<Option<String>> {
        Ok(self.proposal(&view)?.difference.snapshot_summary(&key))
    }

    fn drop(&mut self, view: Resource<ProposalView>) -> Result<()> {
        self.table.delete(view)?;
        Ok(())
    }
}

impl HostMetadata for State {
    fn uuid(&mut self, view: Resource<MetadataView>) -> Result<String> {
        Ok(self.side(&view)?.uuid().to_string())
    }

    fn location(&mut self, view: Resource<MetadataView>) -> Result<String> {
        Ok(self.side(&view)?.location().to_owned())
    }

    fn format_version(&mut self, view: Resource<MetadataView>) -> Result<u32> {
        Ok(self.side(&view)?.format_version().unsigned_abs())
    }

    fn columns(&mut self, view: Resource<MetadataView>) -> Result<Vec<Column>> {
        Ok(columns(self.side(&view)?.columns()))
    }

    fn property(&mut self, view: Resource<MetadataView>, key: String) -> Result<Option<String>> {
        Ok(self.side(&view)?.property(&key).map(str::to_owned))
    }

    fn json_pointer(
        &mut self,
        view: Resource<MetadataView>,
        pointer: String,
        bytes_max: u32,
    ) -> Result<Result<String, String>> {
        Ok(json_below(self.side(&view)?, &pointer, bytes_max))
    }

    fn drop(&mut self, view: Resource<MetadataView>) -> Result<()> {
        self.table.delete(view)?;
        Ok(())
    }
}
