//! What of a listing a caller may see, asked before pages are cut.

use super::decide;
use super::facts::parents;
use super::object::Object;
use super::places::Place;
use super::question::Question;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::{Action, Kind};
use crate::error::Error;
use crate::plugin::Parent;
use crate::plugin::chain::{Holder, Items, Listed, Listing, Outcome};
use crate::store::rows::{NamespaceRow, TabularEntry, TabularKind, Warehouse};

/// The sight of one listing's rows, for one caller by one generation of authorizers.
pub struct Sight {
    by: By,
}

enum By {
    /// The host's own rule: one word for all.
    Host(bool),
    Chain(Box<Listing<Holder>>),
}

impl App {
    /// Begins a listing of the tables or views directly in a namespace.
    pub async fn sight_of_tabulars(
        &self,
        caller: &Caller,
        row: &NamespaceRow,
        kind: TabularKind,
    ) -> Result<Sight, Error> {
        let kind = match kind {
            TabularKind::Table => Kind::Table,
            TabularKind::View => Kind::View,
        };
        if let Some(sight) = self.ruled_sight(caller, kind) {
            return Ok(sight);
        }
        let place = self.place_of(row).await?;
        Ok(self.planned(caller, kind, &place, parents(&row.lineage, &row.path)).await)
    }

    /// Begins a listing of the namespaces directly below one, or at the top of a warehouse.
    pub async fn sight_of_namespaces(
        &self,
        caller: &Caller,
        warehouse: &Warehouse,
        above: Option<&NamespaceRow>,
    ) -> Result<Sight, Error> {
        if let Some(sight) = self.ruled_sight(caller, Kind::Namespace) {
            return Ok(sight);
        }
        let place = self.authorization.places.of_row(&self.store, warehouse).await?;
        let path = above.map(|row| parents(&row.lineage, &row.path)).unwrap_or_default();
        Ok(self.planned(caller, Kind::Namespace, &place, path).await)
    }

    fn ruled_sight(&self, caller: &Caller, kind: Kind) -> Option<Sight> {
        let ruled = self.authorization.ruled(caller.principal_id(), kind, self.plugins.authorizers().decides())?;
        Some(Sight { by: By::Host(ruled.allowed) })
    }

    async fn planned(&self, caller: &Caller, kind: Kind, place: &Place, namespace: Vec<Parent>) -> Sight {
        let of = Listed {
            action: Action::sight(kind).as_str().to_owned(),
            kind: kind.as_str().to_owned(),
            project: place.project.clone(),
            warehouse: Some(place.warehouse.clone()),
            namespace,
        };
        let listing = Listing::plan(self.plugins.authorizers(), self.call(caller), of).await;
        Sight { by: By::Chain(Box::new(listing)) }
    }
}

impl Sight {
    /// Whether nothing can be seen, so that no row needs to be read.
    pub fn is_nothing(&self) -> bool {
        match &self.by {
            By::Host(allowed) => !allowed,
            By::Chain(listing) => listing.is_nothing(),
        }
    }

    /// Whether the caller may see each of the tables or views, in order.
    pub async fn of_entries(&self, entries: &[TabularEntry]) -> Result<Vec<bool>, Error> {
        match &self.by {
            By::Host(allowed) => Ok(vec![*allowed; entries.len()]),
            By::Chain(listing) => {
                let ids = entries.iter().map(|entry| entry.id.to_string()).collect();
                let names = entries.iter().map(|entry| entry.name.clone()).collect();
                seen(listing, &Items::Columns { ids, names }).await
            }
        }
    }

    /// Whether the caller may see each of the namespaces, in order.
    pub async fn of_namespaces(&self, app: &App, rows: &[NamespaceRow]) -> Result<Vec<bool>, Error> {
        match &self.by {
            By::Host(allowed) => Ok(vec![*allowed; rows.len()]),
            By::Chain(listing) => {
                let mut checks = Vec::with_capacity(rows.len());
                for row in rows {
                    let question = Question::new(Action::NamespaceDescribe, Object::Namespace(row));
                    checks.push(app.check(&question).await?);
                }
                seen(listing, &Items::Checks(&checks)).await
            }
        }
    }
}

async fn seen(listing: &Listing<Holder>, items: &Items<'_>) -> Result<Vec<bool>, Error> {
    listing.sees(items).await.map_err(|decision| {
        tracing::warn!(
            target: "weir::decision",
            verdict = decision.outcome.as_str(),
            plugin.name = decision.plugin.as_deref(),
            plugin.digest = decision.digest.as_deref(),
            plugin.generation = decision.generation,
            duration_ms = decision.duration.as_secs_f64() * 1_000.0,
            "a listing could not be decided"
        );
        match &decision.outcome {
            Outcome::Unable(silence) => decide::unable(silence),
            Outcome::Deny | Outcome::Allow => Error::unavailable("the listing could not be decided; retry"),
        }
    })
}
