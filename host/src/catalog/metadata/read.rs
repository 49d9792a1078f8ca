//! The typed side of a metadata document that somebody wrote.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::FORMAT_VERSION_MAX;
use super::state::{Entry, MAIN, SchemaEntry, SnapshotRef, State};
use crate::catalog::json::Text;
use crate::catalog::partition::{FIRST_FIELD_ID, PartitionSpec, UnboundSpec};
use crate::catalog::sort::SortOrder;
use crate::error::Error;

type Members = IndexMap<String, Text>;

pub(super) fn state(members: &Members) -> Result<State, Error> {
    let format_version: i32 = required(members, "format-version")?;
    if !(1..=FORMAT_VERSION_MAX).contains(&format_version) {
        return Err(Error::BadRequest(format!(
            "Cannot read unsupported version {format_version}: this server knows table format versions 1 to {FORMAT_VERSION_MAX}"
        )));
    }
    let v1 = format_version == 1;
    let schemas = schemas(members, v1)?;
    let specs = specs(members, v1)?;
    let sort_orders = sort_orders(members, v1)?;
    let current_snapshot_id = optional::<i64>(members, "current-snapshot-id")?.filter(|id| *id != -1);
    let last_partition_id = match optional(members, "last-partition-id")? {
        Some(id) => id,
        None if v1 => specs.iter().map(|entry| entry.header.last_field_id()).max().unwrap_or(FIRST_FIELD_ID - 1),
        None => return Err(missing("last-partition-id")),
    };
    let state = State {
        format_version,
        uuid: required(members, "table-uuid")?,
        location: required::<String>(members, "location")?.trim_end_matches('/').to_owned(),
        last_sequence_number: required_since(members, "last-sequence-number", !v1, 0)?,
        last_updated_ms: required(members, "last-updated-ms")?,
        last_column_id: required(members, "last-column-id")?,
        current_schema_id: required_since(
            members,
            "current-schema-id",
            !v1,
            schemas.last().map_or(0, |entry| entry.id),
        )?,
        default_spec_id: required_since(
            members,
            "default-spec-id",
            !v1,
            specs.last().map_or(0, |entry| entry.header.spec_id),
        )?,
        last_partition_id,
        default_sort_order_id: required_since(members, "default-sort-order-id", !v1, 0)?,
        properties: Arc::new(optional(members, "properties")?.unwrap_or_default()),
        current_snapshot_id,
        next_row_id: required_since(members, "next-row-id", format_version >= 3, 0)?,
        encryption_keys: entries(members, "encryption-keys")?,
        refs: refs(members, current_snapshot_id)?,
        snapshots: entries(members, "snapshots")?,
        statistics: entries(members, "statistics")?,
        partition_statistics: entries(members, "partition-statistics")?,
        snapshot_log: entries(members, "snapshot-log")?,
        metadata_log: entries(members, "metadata-log")?,
        schemas: Arc::new(schemas),
        specs: Arc::new(specs),
        sort_orders: Arc::new(sort_orders),
    };
    check(&state)?;
    Ok(state)
}

fn check(state: &State) -> Result<(), Error> {
    if state.schema_entry(state.current_schema_id).is_none() {
        return Err(Error::BadRequest(format!(
            "Cannot find schema with current-schema-id={} from schemas",
            state.current_schema_id
        )));
    }
    if state.spec(state.default_spec_id).is_none() {
        return Err(Error::BadRequest(format!(
            "Cannot find partition spec with default-spec-id={}",
            state.default_spec_id
        )));
    }
    if state.format_version == 1 && state.last_sequence_number != 0 {
        return Err(Error::BadRequest(format!("Sequence number must be 0 in v1: {}", state.last_sequence_number)));
    }
    Ok(())
}

fn schemas(members: &Members, v1: bool) -> Result<Vec<SchemaEntry>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Header {
        #[serde(default)]
        schema_id: i32,
    }
    let texts = match elements(members, "schemas")? {
        Some(texts) => texts,
        None if v1 => vec![members.get("schema").cloned().ok_or_else(|| missing("schema"))?],
        None => return Err(missing("schemas")),
    };
    texts
        .into_iter()
        .map(|text| {
            let header: Header = text.read().map_err(|error| wrong("schemas", &error))?;
            Ok(SchemaEntry::unread(header.schema_id, text))
        })
        .collect()
}

fn specs(members: &Members, v1: bool) -> Result<Vec<Entry<PartitionSpec>>, Error> {
    let texts = match (elements(members, "partition-specs")?, members.get("partition-spec")) {
        (Some(texts), _) => texts,
        // The field list that was the whole spec before specs had ids.
        (None, Some(fields)) if v1 => {
            vec![Text::new(format!("{{\"spec-id\":0,\"fields\":{}}}", fields.as_str()))]
        }
        _ => return Err(missing("partition-specs")),
    };
    texts
        .into_iter()
        .map(|text| {
            let unbound: UnboundSpec = text.read().map_err(|error| wrong("partition-specs", &error))?;
            let header = unbound.numbered(unbound.spec_id.unwrap_or(0), FIRST_FIELD_ID)?;
            let has_all_ids = unbound.fields.iter().all(|field| field.field_id.is_some());
            if has_all_ids { Ok(Entry { header, text }) } else { Entry::written(header) }
        })
        .collect()
}

fn sort_orders(members: &Members, v1: bool) -> Result<Vec<Entry<SortOrder>>, Error> {
    match elements(members, "sort-orders")? {
        Some(texts) => texts.into_iter().map(|text| entry("sort-orders", text)).collect(),
        None if v1 => Ok(vec![Entry::written(SortOrder::unsorted())?]),
        None => Err(missing("sort-orders")),
    }
}

fn refs(members: &Members, current: Option<i64>) -> Result<Arc<IndexMap<String, Entry<SnapshotRef>>>, Error> {
    let mut refs = IndexMap::new();
    if let Some(text) = present(members, "refs") {
        for (name, text) in text.members().map_err(|error| wrong("refs", &error))? {
            refs.insert(name, entry("refs", text)?);
        }
    }
    // Writers before refs existed say where main is only by the current snapshot.
    if let (Some(snapshot_id), None) = (current, refs.get(MAIN)) {
        refs.insert(MAIN.to_owned(), Entry::written(SnapshotRef::branch(snapshot_id))?);
    }
    Ok(Arc::new(refs))
}

fn entries<H: DeserializeOwned>(members: &Members, name: &str) -> Result<Arc<Vec<Entry<H>>>, Error> {
    let texts = elements(members, name)?.unwrap_or_default();
    texts.into_iter().map(|text| entry(name, text)).collect::<Result<_, _>>().map(Arc::new)
}

fn entry<H: DeserializeOwned>(name: &str, text: Text) -> Result<Entry<H>, Error> {
    let header = text.read().map_err(|error| wrong(name, &error))?;
    Ok(Entry { header, text })
}

fn elements(members: &Members, name: &str) -> Result<Option<Vec<Text>>, Error> {
    present(members, name).map(Text::elements).transpose().map_err(|error| wrong(name, &error))
}

fn optional<T: DeserializeOwned>(members: &Members, name: &str) -> Result<Option<T>, Error> {
    present(members, name).map(Text::read).transpose().map_err(|error| wrong(name, &error))
}

fn required<T: DeserializeOwned>(members: &Members, name: &str) -> Result<T, Error> {
    optional(members, name)?.ok_or_else(|| missing(name))
}

fn required_since<T: DeserializeOwned>(members: &Members, name: &str, since: bool, before: T) -> Result<T, Error> {
    if since { required(members, name) } else { Ok(optional(members, name)?.unwrap_or(before)) }
}

fn present<'a>(members: &'a Members, name: &str) -> Option<&'a Text> {
    members.get(name).filter(|text| text.as_str() != "null")
}

fn missing(name: &str) -> Error {
    Error::BadRequest(format!("the table metadata has no `{name}`"))
}

fn wrong(name: &str, error: &serde_json::Error) -> Error {
    Error::BadRequest(format!("`{name}` in the table metadata cannot be read: {error}"))
}
