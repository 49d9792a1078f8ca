//! Contracts: which changes of a table are permitted.

use crate::bindings::reviewing::weir::plugin::change as host;
use crate::testing::{Change, Document};
use crate::{Call, Column, Fault, Object, Plugin, PropertyChange, Retype, Severity, Violation};

/// Reviews changes before they are made.
pub trait Contract: Plugin {
    /// Everything that the change violates, none when it is fine. A blocking violation stops the change (400) and is shown
    /// together with all others; an error stops it too (503). `target` is where a rename goes.
    fn review(
        &self,
        call: &Call,
        subject: &Object,
        target: Option<&Object>,
        proposal: &Proposal,
    ) -> Result<Vec<Violation>, Fault>;
}

/// Judges the changes of a transaction together; single changes are [`Contract::review`]'s.
pub trait TransactionContract: Contract {
    /// Everything that the changes violate as a whole; a violation of one of them alone is to be found here, too.
    fn review_transaction(&self, call: &Call, changes: &[(&Object, Proposal)]) -> Result<Vec<Violation>, Fault>;
}

/// The change that somebody asks for. The host computes each part when it is asked for: ask for what you need.
#[derive(Debug, Clone, Copy)]
pub enum Proposal<'a> {
    Host(&'a host::Proposal),
    Test(&'a Change),
}

/// One state of a table or view.
#[derive(Debug)]
pub enum Metadata<'a> {
    Host(host::Metadata),
    Test(&'a Document),
}

impl<'a> From<&'a host::Proposal> for Proposal<'a> {
    fn from(proposal: &'a host::Proposal) -> Self {
        Self::Host(proposal)
    }
}

/// Asks the host, or in tests the change made by hand.
macro_rules! ask {
    ($self:ident . $part:ident) => {
        match $self {
            Self::Host(host) => host.$part(),
            Self::Test(test) => test.$part.clone(),
        }
    };
}

impl<'a> Proposal<'a> {
    /// `create`, `commit`, `rename`, `drop` …: a list that grows, so treat unknown ones with care.
    pub fn operation(&self) -> String {
        ask!(self.operation)
    }

    /// The state before, none when the object is created.
    pub fn before(&self) -> Option<Metadata<'a>> {
        match self {
            Self::Host(host) => host.before().map(Metadata::Host),
            Self::Test(test) => test.before.as_ref().map(Metadata::Test),
        }
    }

    /// The state after, none when the object is dropped.
    pub fn after(&self) -> Option<Metadata<'a>> {
        match self {
            Self::Host(host) => host.after().map(Metadata::Host),
            Self::Test(test) => test.after.as_ref().map(Metadata::Test),
        }
    }

    /// The update actions of the request (`add-schema`, `set-properties` …), in order.
    pub fn updates(&self) -> Vec<String> {
        ask!(self.updates)
    }

    /// Branches and tags that move.
    pub fn refs(&self) -> Vec<String> {
        ask!(self.refs)
    }

    pub fn added(&self) -> Vec<Column> {
        ask!(self.added)
    }

    pub fn dropped(&self) -> Vec<Column> {
        ask!(self.dropped)
    }

    /// Columns of one id whose path changed: before, after.
    pub fn renamed(&self) -> Vec<(Column, Column)> {
        ask!(self.renamed)
    }

    pub fn retyped(&self) -> Vec<Retype> {
        ask!(self.retyped)
    }

    /// Columns that were required, now optional.
    pub fn relaxed(&self) -> Vec<Column> {
        ask!(self.relaxed)
    }

    /// Columns that were optional, now required.
    pub fn tightened(&self) -> Vec<Column> {
        ask!(self.tightened)
    }

    pub fn properties(&self) -> Vec<PropertyChange> {
        ask!(self.properties)
    }

    /// A value of the new snapshot's summary, such as `added-records`.
    pub fn snapshot_summary(&self, key: &str) -> Option<String> {
        match self {
            Self::Host(host) => host.snapshot_summary(key),
            Self::Test(test) => test.snapshot_summary.get(key).cloned(),
        }
    }
}

impl Metadata<'_> {
    pub fn uuid(&self) -> String {
        ask!(self.uuid)
    }

    pub fn location(&self) -> String {
        ask!(self.location)
    }

    pub fn format_version(&self) -> u32 {
        ask!(self.format_version)
    }

    /// The columns of the current schema, nested ones with their whole path.
    pub fn columns(&self) -> Vec<Column> {
        ask!(self.columns)
    }

    pub fn property(&self, key: &str) -> Option<String> {
        match self {
            Self::Host(host) => host.property(key),
            Self::Test(test) => test.properties.get(key).cloned(),
        }
    }
}

impl Violation {
    /// Stops the change.
    pub fn block(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { rule: rule.into(), message: message.into(), severity: Severity::Block, path: None }
    }

    /// Is told, stops nothing.
    pub fn warn(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warn, ..Self::block(rule, message) }
    }

    /// Names the column or property that it is about.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}
