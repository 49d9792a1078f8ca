//! Bodies of the Iceberg REST API whose parts are kept as the client wrote them, so that no type of the code has them.
#![allow(dead_code, reason = "these are read by the derive only")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// Every error of both APIs.
#[derive(ToSchema)]
pub(super) struct IcebergErrorResponse {
    error: ErrorModel,
}

#[derive(ToSchema)]
struct ErrorModel {
    /// What was asked, what was found, what to do.
    message: String,
    /// The kind of error, e.g. `NoSuchTableException`.
    #[schema(rename = "type")]
    kind: String,
    /// The status once more.
    code: u16,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct CreateTableRequest {
    name: String,
    /// Inside the warehouse; the server chooses one by default.
    location: Option<String>,
    schema: IcebergSchema,
    partition_spec: Option<PartitionSpec>,
    write_order: Option<SortOrder>,
    /// Answer the metadata only; a later commit with `assert-create` creates the table.
    stage_create: Option<bool>,
    properties: Option<BTreeMap<String, String>>,
}

/// A struct type of the Iceberg table spec; field ids are assigned anew on create.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
struct IcebergSchema {
    /// Always `struct`.
    #[schema(rename = "type")]
    kind: String,
    fields: Vec<StructField>,
    schema_id: Option<i32>,
    identifier_field_ids: Option<Vec<i32>>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
struct StructField {
    id: i32,
    name: String,
    /// The name of a primitive type, or an object for `struct`, `list`, `map`.
    #[schema(rename = "type", value_type = Value)]
    kind: Value,
    required: bool,
    doc: Option<String>,
    #[schema(value_type = Option<Value>)]
    initial_default: Option<Value>,
    #[schema(value_type = Option<Value>)]
    write_default: Option<Value>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
struct PartitionSpec {
    spec_id: Option<i32>,
    fields: Vec<PartitionField>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
struct PartitionField {
    field_id: Option<i32>,
    source_id: i32,
    name: String,
    /// E.g. `identity`, `bucket[16]`, `day`.
    transform: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
struct SortOrder {
    order_id: i32,
    fields: Vec<SortField>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
struct SortField {
    source_id: i32,
    transform: String,
    /// `asc` or `desc`.
    direction: String,
    /// `nulls-first` or `nulls-last`.
    null_order: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct RegisterTableRequest {
    name: String,
    metadata_location: String,
    /// Replace the table of that name.
    overwrite: Option<bool>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct RegisterViewRequest {
    name: String,
    metadata_location: String,
}

/// Requirements that must hold, updates that are applied in their order; see the Iceberg REST spec for both.
#[derive(ToSchema)]
pub(super) struct CommitRequest {
    identifier: Option<Identifier>,
    #[schema(value_type = Option<Vec<Requirement>>)]
    requirements: Option<Vec<Requirement>>,
    updates: Vec<Update>,
}

/// E.g. `{"type": "assert-table-uuid", "uuid": "…"}`.
#[derive(ToSchema)]
struct Requirement {
    #[schema(rename = "type")]
    kind: String,
}

/// E.g. `{"action": "set-properties", "updates": {"owner": "me"}}`.
#[derive(ToSchema)]
struct Update {
    action: String,
}

#[derive(ToSchema)]
struct Identifier {
    namespace: Vec<String>,
    name: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct CommitTransactionRequest {
    /// One for each table, each with its `identifier`.
    table_changes: Vec<CommitRequest>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct CreateViewRequest {
    name: String,
    location: Option<String>,
    schema: IcebergSchema,
    /// A view version of the Iceberg view spec.
    #[schema(value_type = BTreeMap<String, Value>)]
    view_version: BTreeMap<String, Value>,
    properties: Option<BTreeMap<String, String>>,
}

/// A scan report or a commit report.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct ReportMetricsRequest {
    /// `scan-report` or `commit-report`.
    report_type: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct LoadTableResult {
    /// Null for a staged table.
    metadata_location: Option<String>,
    /// The metadata as it was committed, member for member.
    #[schema(value_type = BTreeMap<String, Value>)]
    metadata: BTreeMap<String, Value>,
    config: Option<BTreeMap<String, String>>,
}

/// A table or a view after a commit.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) struct Committed {
    metadata_location: String,
    #[schema(value_type = BTreeMap<String, Value>)]
    metadata: BTreeMap<String, Value>,
}
