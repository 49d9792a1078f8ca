//! Tables and views as they come to be, then move from metadata to metadata.

use super::Writer;
use super::engine::{Effect, record, rows, run, run_guarded, run_told};
use super::rows::{Document, Event, Inserted, NewTabular, Swap, Swapped, TabularKind};
use super::tabulars::kind;
use crate::catalog::ids::{NamespaceId, TabularId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::{Error, Result};
use uuid::Uuid;

record! {
    struct KindRecord {
        kind: String,
    }
}

record! {
    struct LocationRecord {
        location: String,
    }
}

/// The stored form of a location: with one slash at its end, so that the order of text is the order of segments.
///
/// INVARIANT: no two locations of a warehouse overlap, so only the two neighbours of a new one in this order can.
fn location_key(location: &Location) -> String {
    format!("{}/", location.as_str())
}

impl Writer {
    /// Adds a table or view at version 1, tells of it.
    pub async fn insert_tabular(
        &mut self,
        new: &NewTabular<'_>,
        document: &Document,
        event: &Event,
    ) -> Result<Inserted> {
        if new.location_chosen {
            self.line_up(new.warehouse_id).await?;
        }
        let location = location_key(new.location);
        let (crc32, length) = (i64::from(document.all.crc32), stored_length(document.all.length)?);
        let refs = document.refs.as_ref();
        let inserted = run_told!(
            self,
            event,
            [18, 19, 20, 21, 22, 23],
            "INSERT INTO tabulars (id, warehouse_id, namespace_id, kind, name, uuid, location, metadata_location, version,
                                   format_version, protected, created_at_ms, document_crc32, document_length,
                                   refs_crc32, refs_length, document, refs_document)
             SELECT $1, $2, n.id, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13, $14, $15, $16, $17
             FROM namespaces AS n
             WHERE n.id = $3 AND n.warehouse_id = $2
               AND NOT EXISTS (SELECT 1
                               FROM (SELECT location
                                     FROM tabulars
                                     WHERE warehouse_id = $2 AND location <= $7
                                     ORDER BY location DESC
                                     LIMIT 1) AS neighbour
                               WHERE substr($7, 1, length(neighbour.location)) = neighbour.location)
               AND NOT EXISTS (SELECT 1
                               FROM (SELECT location
                                     FROM tabulars
                                     WHERE warehouse_id = $2 AND location > $7
                                     ORDER BY location
                                     LIMIT 1) AS neighbour
                               WHERE substr(neighbour.location, 1, length($7)) = $7)
             ON CONFLICT DO NOTHING",
            new.id.0,
            new.warehouse_id.0,
            new.namespace_id.0,
            new.kind.as_str(),
            new.name,
            new.uuid,
            location.as_str(),
            new.metadata_location,
            new.format_version,
            false,
            new.now_ms,
            crc32,
            length,
            refs.map(|refs| i64::from(refs.crc32)),
            refs.map(|refs| stored_length(refs.length)).transpose()?,
            document.all.deflated.as_ref(),
            refs.map(|refs| refs.deflated.as_ref())
        )?;
        if inserted == Effect::Rows(1) {
            self.promise(event);
        }
        match inserted {
            Effect::Rows(1) if new.location_chosen => {
                let purged = self.purge_overlapping(new.warehouse_id, new.location).await?;
                Ok(purged.map_or(Inserted::Done, Inserted::LocationTaken))
            }
            Effect::Rows(1) => Ok(Inserted::Done),
            Effect::BrokenReference => Ok(Inserted::NamespaceGone),
            Effect::Rows(_) | Effect::Duplicate => self.why_not_inserted(new).await,
        }
    }

    async fn why_not_inserted(&mut self, new: &NewTabular<'_>) -> Result<Inserted> {
        if let Some(kind) = self.kind_of_name(new.namespace_id, new.name).await? {
            return Ok(Inserted::NameTaken(kind));
        }
        match self.overlapping(new.warehouse_id, new.location, new.id).await? {
            Some(location) => Ok(Inserted::LocationTaken(location)),
            None => Ok(Inserted::NamespaceGone),
        }
    }

    /// Moves a live table or view to new metadata, one version on, tells of it.
    pub async fn swap_metadata(&mut self, swap: &Swap<'_>, document: &Document, event: &Event) -> Result<Swapped> {
        if let Some(location) = swap.moved_to {
            match self.move_location(swap, location).await? {
                Swapped::Done => {}
                lost => return Ok(lost),
            }
        }
        let refs = document.refs.as_ref();
        let swapped = run_told!(
            self,
            event,
            [14, 15, 16, 17, 18, 19],
            "UPDATE tabulars
             SET metadata_location = $4, version = version + 1, format_version = $5, uuid = $6, updated_at_ms = $7,
                 document_crc32 = $8, document_length = $9, refs_crc32 = $10, refs_length = $11,
                 document = $12, refs_document = $13
             WHERE id = $1 AND version = $2 AND metadata_location = $3 AND deleted_at_ms IS NULL",
            swap.id.0,
            swap.expected_version,
            swap.expected_metadata_location,
            swap.metadata_location,
            swap.format_version,
            swap.uuid,
            swap.now_ms,
            i64::from(document.all.crc32),
            stored_length(document.all.length)?,
            refs.map(|refs| i64::from(refs.crc32)),
            refs.map(|refs| stored_length(refs.length)).transpose()?,
            document.all.deflated.as_ref(),
            refs.map(|refs| refs.deflated.as_ref())
        )?;
        if swapped != Effect::Rows(1) {
            return Ok(Swapped::Lost);
        }
        self.promise(event);
        Ok(Swapped::Done)
    }

    async fn move_location(&mut self, swap: &Swap<'_>, location: &Location) -> Result<Swapped> {
        let Some(warehouse) = self.warehouse_of(swap.id).await? else { return Ok(Swapped::Lost) };
        self.line_up(warehouse).await?;
        if let Some(taken) = self.overlapping(warehouse, location, swap.id).await? {
            return Ok(Swapped::LocationTaken(taken));
        }
        let moved = run_guarded!(
            self,
            "UPDATE tabulars
             SET location = $4
             WHERE id = $1 AND version = $2 AND metadata_location = $3",
            swap.id.0,
            swap.expected_version,
            swap.expected_metadata_location,
            location_key(location)
        )?;
        Ok(match moved {
            Effect::Rows(1) => {
                let purged = self.purge_overlapping(warehouse, location).await?;
                purged.map_or(Swapped::Done, Swapped::LocationTaken)
            }
            Effect::Duplicate => Swapped::LocationTaken(location.to_string()),
            Effect::Rows(_) | Effect::BrokenReference => Swapped::Lost,
        })
    }

    /// Waits for other writers that add chosen locations to the warehouse, because each would miss the other's rows.
    async fn line_up(&mut self, warehouse: WarehouseId) -> Result<()> {
        if self.is_concurrent() {
            run!(self, "UPDATE warehouses SET version = version WHERE id = $1", warehouse.0)?;
        }
        Ok(())
    }

    async fn warehouse_of(&mut self, id: TabularId) -> Result<Option<WarehouseId>> {
        let found = rows!(self, fetch_optional, IdRecord, "SELECT warehouse_id FROM tabulars WHERE id = $1", id.0)?;
        Ok(found.map(|record| WarehouseId(record.id)))
    }

    /// The kind of the live table or view that has the name.
    pub(super) async fn kind_of_name(&mut self, namespace: NamespaceId, name: &str) -> Result<Option<TabularKind>> {
        let found = rows!(
            self,
            fetch_optional,
            KindRecord,
            "SELECT kind
             FROM tabulars
             WHERE namespace_id = $1 AND name = $2 AND deleted_at_ms IS NULL",
            namespace.0,
            name
        )?;
        Ok(found.map(|record| kind(&record.kind)))
    }

    /// A location of the warehouse that equals, contains or lies in the given one; soft-deleted owners count.
    async fn overlapping(
        &mut self,
        warehouse: WarehouseId,
        location: &Location,
        except: TabularId,
    ) -> Result<Option<String>> {
        let key = location_key(location);
        let neighbours = rows!(
            self,
            fetch_all,
            LocationRecord,
            "SELECT location
             FROM (SELECT location
                   FROM tabulars
                   WHERE warehouse_id = $1 AND location <= $2 AND id <> $3
                   ORDER BY location DESC
                   LIMIT 1) AS left_neighbour
             UNION ALL
             SELECT location
             FROM (SELECT location
                   FROM tabulars
                   WHERE warehouse_id = $1 AND location > $2 AND id <> $3
                   ORDER BY location
                   LIMIT 1) AS right_neighbour",
            warehouse.0,
            key.as_str(),
            except.0
        )?;
        let overlaps = |other: &str| key.starts_with(other) || other.starts_with(&key);
        let taken = neighbours.into_iter().find(|neighbour| overlaps(&neighbour.location));
        Ok(taken.map(|neighbour| neighbour.location.trim_end_matches('/').to_owned()))
    }
}

record! {
    struct IdRecord {
        id: Uuid,
    }
}

fn stored_length(length: u64) -> Result<i64> {
    i64::try_from(length).map_err(Error::internal)
}
