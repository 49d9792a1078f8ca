//! The contracts of one generation: a change is put before all that govern it, whatever the others say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::chain::{Decider, Holder, Seat, Silence};
use super::findings::{Finding, Findings, Room};
use super::{Call, Object, Proposal};

/// Everybody who judges changes, in order.
#[derive(Default)]
pub struct Panel {
    pub generation: u64,
    seats: Vec<Seat<Holder>>,
}

/// Who judges what happens in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    Nobody,
    /// Contracts beside the others, which stop nothing.
    Watched,
    /// At least one contract whose word counts.
    Enforced,
}

/// One change as contracts see it.
#[derive(Clone, Debug)]
pub struct Submission {
    pub subject: Object,
    /// Where a rename goes.
    pub target: Option<Object>,
    pub proposal: Arc<Proposal>,
}

/// What one contract says to all changes of a request.
#[derive(Clone, Debug)]
pub struct Report {
    pub plugin: String,
    pub digest: String,
    /// Every violation, or why the contract could not judge, which is never a pass (I1).
    pub said: Result<Findings, Silence>,
    pub duration: Duration,
}

/// How the changes of a request belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Togetherness {
    /// Each is judged by itself.
    Each,
    /// They are one transaction, which contracts that are able to judge as a whole.
    Transaction,
}

impl Panel {
    pub fn new(generation: u64, seats: Vec<Seat<Holder>>) -> Self {
        Self { generation, seats }
    }

    /// Whether nobody wants to see any change.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Who judges what happens in a warehouse.
    pub fn coverage(&self, project_id: &str, warehouse_id: &str) -> Coverage {
        let covering = self.seats.iter().filter(|seat| seat.scope.covers(project_id, Some(warehouse_id)));
        let mut covering = covering.peekable();
        if covering.peek().is_none() {
            return Coverage::Nobody;
        }
        if covering.any(|seat| !seat.shadow) { Coverage::Enforced } else { Coverage::Watched }
    }

    pub fn has_shadows(&self) -> bool {
        self.seats.iter().any(|seat| seat.shadow)
    }

    /// One report for each contract that governs any of the changes, all asked at once.
    pub async fn review(&self, call: &Call, changes: &[Submission], together: Togetherness) -> Vec<Report> {
        self.asked(false, call, changes, together).await
    }

    /// The same from those that are only watched.
    pub async fn review_beside(&self, call: &Call, changes: &[Submission], together: Togetherness) -> Vec<Report> {
        self.asked(true, call, changes, together).await
    }

    async fn asked(&self, shadow: bool, call: &Call, changes: &[Submission], together: Togetherness) -> Vec<Report> {
        let seats = self.seats.iter().filter(|seat| seat.shadow == shadow);
        let reports = join_all(seats.map(|seat| seat.report(call, changes, together))).await;
        reports.into_iter().flatten().collect()
    }
}

impl Seat<Holder> {
    /// `None` where none of the changes is this contract's.
    async fn report(&self, call: &Call, changes: &[Submission], together: Togetherness) -> Option<Report> {
        let governed: Vec<usize> = (0..changes.len()).filter(|at| self.governs(&changes[*at].subject)).collect();
        if governed.is_empty() {
            return None;
        }
        let started = Instant::now();
        let said = match together {
            Togetherness::Each => self.each(call, changes, &governed).await,
            Togetherness::Transaction => self.transaction(call, changes, &governed).await,
        };
        let (plugin, digest) = (self.decider.name().to_owned(), self.decider.digest().to_owned());
        Some(Report { plugin, digest, said, duration: started.elapsed() })
    }

    async fn each(&self, call: &Call, changes: &[Submission], places: &[usize]) -> Result<Findings, Silence> {
        let guest = self.decider.guest()?;
        let (mut findings, mut room) = (Findings::default(), Room::default());
        for at in places.iter().copied() {
            let Submission { subject, target, proposal } = &changes[at];
            let violations = guest.review(call, subject, target.as_ref(), Arc::clone(proposal)).await?;
            for violation in violations {
                findings.push(&mut room, Finding::of(Some(at), &violation));
            }
        }
        Ok(findings)
    }

    async fn transaction(&self, call: &Call, changes: &[Submission], places: &[usize]) -> Result<Findings, Silence> {
        let guest = self.decider.guest()?;
        if !guest.abilities().contract_transaction {
            return self.each(call, changes, places).await;
        }
        let governed: Vec<&Submission> = places.iter().map(|at| &changes[*at]).collect();
        let violations = guest.review_transaction(call, &governed).await?;
        let (mut findings, mut room) = (Findings::default(), Room::default());
        for violation in &violations {
            findings.push(&mut room, Finding::of(None, violation));
        }
        Ok(findings)
    }
}
