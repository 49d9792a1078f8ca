//! The questions that the catalog asks a contract.

use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTableError};

use super::faults::PluginFault;
use super::guest::Guest;
use super::imports::ProposalView;
use super::instance::Instance;
use super::panel::Submission;
use super::proposal::Proposal;
use super::{Call, Object, Violation, output};

impl Guest {
    /// What is wrong with a change; nothing is wrong where the list is empty.
    pub async fn review(
        &self,
        call: &Call,
        subject: &Object,
        target: Option<&Object>,
        proposal: Arc<Proposal>,
    ) -> Result<Vec<Violation>, PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let reviewing = exports.reviewing.as_ref().ok_or(PluginFault::NotExported("contract"))?;
            let lent = store.data_mut().table.push(ProposalView(proposal)).map_err(full)?;
            let view = Resource::new_borrow(lent.rep());
            let answer = reviewing.weir_plugin_contract().call_review(&mut *store, call, subject, target, view).await;
            // The guest only borrowed it. Its views of the metadata are the guest's own to drop.
            store.data_mut().table.delete(lent).map_err(full)?;
            self.end(lease, answer, |violations| output::violations(violations))
        };
        self.answered(ends, asking).await
    }

    /// What is wrong with all changes of a transaction together.
    pub async fn review_transaction(
        &self,
        call: &Call,
        changes: &[&Submission],
    ) -> Result<Vec<Violation>, PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let asked = exports.transactions.as_ref().ok_or(PluginFault::NotExported("contract-transaction"))?;
            let mut views = Vec::with_capacity(changes.len());
            for change in changes {
                let view = store.data_mut().table.push(ProposalView(Arc::clone(&change.proposal))).map_err(full)?;
                views.push((change.subject.clone(), view));
            }
            let asked = asked.weir_plugin_contract_transaction();
            let answer = asked.call_review_transaction(&mut *store, call, &views).await;
            self.end(lease, answer, |violations| output::violations(violations))
        };
        self.answered(ends, asking).await
    }
}

fn full(error: ResourceTableError) -> PluginFault {
    PluginFault::Unavailable(format!("the proposal cannot be lent: {error}"))
}
