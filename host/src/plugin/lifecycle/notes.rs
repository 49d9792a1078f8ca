//! What a reload writes down of each plugin on its way.

use super::declared::Declarations;
use super::seat::{self, Seat};
use super::stand_in::STAND_IN;
use super::status::{Failure, InPlace, State, Status};
use super::{Book, Entry, Lifecycle, PAUSE_MS, PAUSE_MS_MAX, Reload, now_ms};
use crate::config::PluginEntry;
use crate::plugin::Mode;
use crate::plugin::load::Refusal;

impl Lifecycle {
    /// Drops what is declared no longer, notes what is declared newly. Whether the stand-in stays is seen later.
    pub(super) fn forget_all_but(&self, declared: &Declarations) {
        let stays = |name: &str| declared.contains_key(name) || name == STAND_IN;
        let mut book = self.book();
        book.failure = None;
        for name in book.seats.keys().filter(|name| !stays(name)) {
            tracing::info!(plugin = name, "retired: it is declared no longer");
        }
        book.entries.retain(|name, _| stays(name));
        for (name, entry) in declared {
            book.declare(name, entry.as_ref().ok());
        }
    }

    pub(super) fn stage(&self, name: &str, state: State) {
        if let Some(entry) = self.book().entries.get_mut(name) {
            entry.state = state;
        }
    }

    pub(super) fn note_in_place(&self, name: &str, seat: &Seat) {
        let state = match seat::mode(&seat.entry) {
            Mode::Enforce => State::Active,
            Mode::Shadow => State::Shadow,
        };
        tracing::info!(
            plugin = name,
            digest = seat.guest.sha256(),
            version = seat.guest.description().version,
            mode = ?seat::mode(&seat.entry),
            "in place"
        );
        if let Some(entry) = self.book().entries.get_mut(name) {
            entry.state = state;
            entry.failure = None;
            entry.attempts = 0;
            entry.retry_at_ms = None;
        }
    }

    pub(super) fn note_refusal(&self, name: &str, refusal: &Refusal, has_last_good: bool) {
        let failure = Failure::new(refusal, now_ms());
        tracing::error!(
            plugin = name,
            code = failure.code,
            reason = failure.message,
            last_good_stays = has_last_good,
            "refused"
        );
        if let Some(entry) = self.book().entries.get_mut(name) {
            entry.attempts = entry.attempts.saturating_add(1);
            let pause_ms = PAUSE_MS.saturating_mul(1 << entry.attempts.min(20)).min(PAUSE_MS_MAX);
            let is_transient = refusal.is_transient();
            entry.state = if is_transient { State::BackingOff } else { State::Refused };
            entry.retry_at_ms = is_transient.then(|| failure.at_ms.saturating_add(pause_ms));
            entry.failure = Some(failure);
        }
    }

    pub(super) fn report(&self, swapped: bool) -> Reload {
        let book = self.book();
        let refused = book.entries.iter().filter_map(|(name, entry)| Some((name.clone(), entry.failure.clone()?)));
        Reload { generation: self.plugins.current().number, swapped, refused: refused.collect() }
    }
}

impl Book {
    pub(super) fn declare(&mut self, name: &str, entry: Option<&PluginEntry>) {
        let noted = self.entries.entry(name.to_owned()).or_insert_with(|| Entry {
            declared: None,
            state: State::Declared,
            failure: None,
            attempts: 0,
            retry_at_ms: None,
        });
        noted.declared = entry.cloned();
    }
}

/// What is told of one plugin.
pub(super) fn status_of(name: &str, entry: &Entry, seat: Option<&Seat>) -> Status {
    let default = PluginEntry::default();
    // What is in place is governed by the declaration that it was loaded with.
    let declared = seat.map(|seat| &seat.entry).or(entry.declared.as_ref()).unwrap_or(&default);
    Status {
        name: name.to_owned(),
        state: if seat.is_some_and(|seat| seat.guest.is_broken()) { State::Broken } else { entry.state },
        mode: seat::mode(declared),
        required: declared.required,
        source: declared.source.clone(),
        projects: declared.projects.clone(),
        warehouses: declared.warehouses.clone(),
        egress: declared.egress.clone(),
        secrets: declared.secrets.keys().cloned().collect(),
        in_place: seat.map(|seat| InPlace {
            sha256: seat.guest.sha256().to_owned(),
            signed_by: seat.signed_by.clone(),
            description: seat.guest.description().clone(),
            abilities: seat.guest.abilities().clone(),
            limits: seat.guest.limits().clone(),
            stats: seat.guest.stats(),
            breaker: seat.guest.breaker(),
            since_ms: seat.since_ms,
        }),
        last_failure: entry.failure.clone(),
    }
}
