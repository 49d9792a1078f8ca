//! The write of a change that contracts judged by where it takes place: it takes place there, or not at all.

use crate::app::App;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::{NamespaceId, WarehouseId};
use crate::error::Error;
use crate::permit::Permit;
use crate::plugin::Coverage;
use crate::store::Writer;
use crate::store::rows::Tabular;

/// A namespace with the path by which contracts know what lies in it.
pub type Seen<'a> = (NamespaceId, &'a Namespace);

/// Where a table or a view lies.
pub fn place_of(row: &Tabular) -> Seen<'_> {
    (row.namespace_id, &row.namespace)
}

impl App {
    /// Begins the transaction of a judged change. 409 where one of its namespaces has moved since: other rules may hold at
    /// the new path. None of them moves until the transaction ends.
    pub async fn begin_in_place<'a>(
        &self,
        permit: &Permit,
        within: (WarehouseId, i64),
        places: impl IntoIterator<Item = Seen<'a>>,
    ) -> Result<Writer, Error> {
        let mut places: Vec<Seen<'_>> = places.into_iter().collect();
        places.sort_unstable_by_key(|(id, _)| *id);
        places.dedup_by_key(|(id, _)| *id);
        let panel = self.plugins.contracts();
        let is_judged = self.coverage(&panel, within).await? == Coverage::Enforced;
        let mut writer = self.store.begin(permit).await?;
        if !is_judged {
            return Ok(writer);
        }
        for (id, path) in places {
            if !writer.holds_place(id, path).await? {
                return Err(Error::Conflict(format!(
                    "namespace {path} has moved, or is gone, since data contracts judged the change; look again and retry"
                )));
            }
        }
        Ok(writer)
    }
}
