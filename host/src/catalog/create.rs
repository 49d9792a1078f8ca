//! New tables from a create request.

use std::sync::Arc;

use indexmap::IndexMap;
use uuid::Uuid;

use super::commit::{PATH_PROPERTIES, check_inside, check_new_properties, persisted};
use super::json::Text;
use super::location::Location;
use super::metadata::{Entry, FORMAT_VERSION_MAX, SchemaEntry, State, TableMetadata};
use super::partition::{FIRST_FIELD_ID, PartitionSpec, UnboundSpec};
use super::requests::CreateTable;
use super::schema::{Fresh, Index, Schema};
use super::sort::{SortField, SortOrder};
use crate::error::Error;

const FORMAT_VERSION: &str = "format-version";

/// What the Java library writes into every new table since 1.4, so that no writer falls back to gzip.
const PARQUET_CODEC: (&str, &str) = ("write.parquet.compression-codec", "zstd");

/// The first metadata of a table: fresh field ids, schema 0, spec 0, sort order 1 (0 when unsorted).
///
/// `default_format_version` is taken when the property `format-version` is not there.
pub fn create(
    request: &CreateTable,
    location: &Location,
    uuid: Uuid,
    default_format_version: i32,
    now_ms: i64,
) -> Result<TableMetadata, Error> {
    let format_version = format_version(request, default_format_version)?;
    check_new_properties(&request.properties)?;
    check_metrics_columns(&request.properties, &request.schema)?;
    for key in PATH_PROPERTIES {
        if let Some(uri) = request.properties.get(key) {
            check_inside(location, key, uri)?;
        }
    }
    let fresh = request.schema.with_fresh_ids()?;
    fresh.schema.check_format_version(format_version)?;
    let index = fresh.schema.index()?;
    let spec = fresh_spec(request.partition_spec.as_ref(), &fresh, &index)?;
    let order = fresh_order(request.write_order.as_ref(), &fresh, &index)?;
    let mut properties = IndexMap::from([(PARQUET_CODEC.0.to_owned(), PARQUET_CODEC.1.to_owned())]);
    properties.extend(persisted(&request.properties).map(|(key, value)| (key.clone(), value.clone())));
    let schema_text = Text::of(&fresh.schema)?;
    TableMetadata::new(State {
        format_version,
        uuid: uuid.to_string(),
        location: location.as_str().to_owned(),
        last_sequence_number: 0,
        last_updated_ms: now_ms,
        last_column_id: fresh.last_column_id,
        current_schema_id: 0,
        default_spec_id: spec.spec_id,
        last_partition_id: spec.last_field_id(),
        default_sort_order_id: order.order_id,
        schemas: Arc::new(vec![SchemaEntry::read(0, schema_text, Arc::new(fresh.schema))]),
        specs: Arc::new(vec![Entry::written(spec)?]),
        sort_orders: Arc::new(vec![Entry::written(order)?]),
        properties: Arc::new(properties),
        current_snapshot_id: None,
        next_row_id: 0,
        encryption_keys: Arc::default(),
        refs: Arc::default(),
        snapshots: Arc::default(),
        statistics: Arc::default(),
        partition_statistics: Arc::default(),
        snapshot_log: Arc::default(),
        metadata_log: Arc::default(),
    })
}

fn format_version(request: &CreateTable, default: i32) -> Result<i32, Error> {
    let Some(text) = request.properties.get(FORMAT_VERSION) else {
        return Ok(default);
    };
    let version: i32 = text.trim().parse().map_err(|_| {
        Error::BadRequest(format!("Table property {FORMAT_VERSION} must have integer value, found {text}"))
    })?;
    if !(1..=FORMAT_VERSION_MAX).contains(&version) {
        return Err(Error::BadRequest(format!(
            "Unsupported format version: v{version} (supported: v{FORMAT_VERSION_MAX})"
        )));
    }
    Ok(version)
}

/// The spec over the new field ids, its own fields numbered anew.
fn fresh_spec(spec: Option<&UnboundSpec>, fresh: &Fresh, index: &Index<'_>) -> Result<PartitionSpec, Error> {
    let Some(spec) = spec else {
        return Ok(PartitionSpec::unpartitioned());
    };
    let mut spec = spec.clone();
    for field in &mut spec.fields {
        field.source_id = *fresh.new_ids.get(&field.source_id).ok_or_else(|| {
            Error::BadRequest(format!(
                "Cannot find source column for partition field {}: {}",
                field.name, field.source_id
            ))
        })?;
        field.field_id = None;
    }
    let spec = spec.numbered(0, FIRST_FIELD_ID)?;
    spec.check_names(index)?;
    spec.check_compatibility(index)?;
    Ok(spec)
}

fn fresh_order(order: Option<&SortOrder>, fresh: &Fresh, index: &Index<'_>) -> Result<SortOrder, Error> {
    let Some(order) = order.filter(|order| !order.is_unsorted()) else {
        return Ok(SortOrder::unsorted());
    };
    let fields = order
        .fields
        .iter()
        .map(|field| match fresh.new_ids.get(&field.source_id) {
            Some(source_id) => Ok(SortField { source_id: *source_id, ..field.clone() }),
            None => Err(Error::BadRequest(format!("Cannot find source column for sort field: {field}"))),
        })
        .collect::<Result<_, Error>>()?;
    let order = SortOrder { order_id: 1, fields };
    order.check_compatibility(index)?;
    Ok(order)
}

/// Metrics modes of columns that do not exist are refused while the table is new; later a column may be dropped.
fn check_metrics_columns(properties: &IndexMap<String, String>, schema: &Schema) -> Result<(), Error> {
    const PREFIX: &str = "write.metadata.metrics.column.";
    let index = schema.index()?;
    for key in properties.keys() {
        if let Some(column) = key.strip_prefix(PREFIX).filter(|column| index.by_name(column).is_none()) {
            return Err(Error::BadRequest(format!(
                "Invalid metrics config, could not find column {column} from table prop {key} in the schema"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
