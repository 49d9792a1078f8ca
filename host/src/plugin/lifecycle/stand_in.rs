//! The authorizer that decides where authentication is on, but no authorizer is declared.

use std::collections::BTreeMap;

use super::Lifecycle;
use super::seat::{self, Seat};
use crate::config::PluginEntry;
use crate::plugin::Mode;
use crate::plugin::load::Source;

/// Its name in the status, in the decision log.
pub(super) const STAND_IN: &str = "administrators-only";

impl Lifecycle {
    /// Gives the stand-in its place where nobody else decides, takes it away where somebody does.
    ///
    /// A program without the plugin inside leaves it out: the host's own rule says the same then.
    pub(super) async fn seat_stand_in(
        &self,
        stand_in: Option<PluginEntry>,
        before: &BTreeMap<String, Seat>,
        next: &mut BTreeMap<String, Seat>,
    ) {
        let stand_in = stand_in.filter(|entry| self.is_bundled(entry) && !self.is_decided(next));
        let Some(entry) = stand_in else {
            if !next.contains_key(STAND_IN) {
                self.book().entries.remove(STAND_IN);
            }
            return;
        };
        self.book().declare(STAND_IN, Some(&entry));
        if let Some(seat) = self.brought_in(STAND_IN, Ok(entry), before.get(STAND_IN)).await {
            next.insert(STAND_IN.to_owned(), seat);
        }
    }

    pub(super) fn is_bundled(&self, entry: &PluginEntry) -> bool {
        let Ok(Source::Builtin(wanted)) = Source::parse(&entry.source) else { return false };
        self.fetcher.builtins.iter().any(|(name, _)| *name == wanted)
    }

    /// Whether a declared plugin decides, or should: one that is not in place blocks its scope, nobody stands in for it.
    fn is_decided(&self, next: &BTreeMap<String, Seat>) -> bool {
        let decides = |seat: &Seat| seat.guest.abilities().authorizer && seat::mode(&seat.entry) == Mode::Enforce;
        next.values().any(decides) || self.vacancies(next).iter().any(|vacancy| vacancy.name != STAND_IN)
    }
}
