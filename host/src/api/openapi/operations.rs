//! The operations of the Iceberg REST API that are served.

use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, PathsBuilder};

use super::bodies;
use super::operation::Answer::{Empty, Error, Json};
use super::operation::Query::{Flag, Number, Text};
use super::operation::{Operation, Query};
use crate::api::{config, credentials, namespaces, rename, sign, tables};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir catalog API",
        description = "The operations of the Apache Iceberg REST catalog specification that this server offers. \
                       Further operations of the specification answer 406."
    ),
    components(schemas(
        bodies::CommitRequest,
        bodies::CommitTransactionRequest,
        bodies::Committed,
        bodies::CreateTableRequest,
        bodies::CreateViewRequest,
        bodies::IcebergErrorResponse,
        bodies::LoadTableResult,
        bodies::RegisterTableRequest,
        bodies::RegisterViewRequest,
        bodies::ReportMetricsRequest,
        config::CatalogConfig,
        credentials::LoadCredentialsResponse,
        namespaces::CreateNamespaceRequest,
        namespaces::GetNamespaceResponse,
        namespaces::ListNamespacesResponse,
        namespaces::UpdateNamespacePropertiesRequest,
        namespaces::UpdateNamespacePropertiesResponse,
        rename::RenameTableRequest,
        sign::RemoteSignRequest,
        sign::RemoteSignResult,
        tables::ListTablesResponse,
    ))
)]
struct Schemas;

/// The document.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Schemas::openapi();
    let operations = [CONFIG, NAMESPACES, TABLES, TABLE, VIEWS, MOVES].concat();
    document.paths = operations.iter().fold(PathsBuilder::new(), |paths, one| one.add_to(paths)).build();
    document
}

const PAGE: &[Query] = &[Text("pageToken"), Number("pageSize"), Flag("returnUuids")];
const NO_NAMESPACE: super::operation::Answer = Error(404, "no such namespace or warehouse");
const NO_TABLE: super::operation::Answer = Error(404, "no such table, namespace or warehouse");
const NO_VIEW: super::operation::Answer = Error(404, "no such view, namespace or warehouse");
const TAKEN: super::operation::Answer = Error(409, "the name or the location is taken, or the key is in use");
const LOST: super::operation::Answer = Error(409, "a requirement failed or a race was lost; reload and retry");
const LATER: super::operation::Answer = Error(429, "nothing was changed; retry after Retry-After");
const KEY_REUSED: super::operation::Answer = Error(422, "the Idempotency-Key belongs to another request");

const GET: HttpMethod = HttpMethod::Get;
const HEAD: HttpMethod = HttpMethod::Head;
const POST: HttpMethod = HttpMethod::Post;
const DELETE: HttpMethod = HttpMethod::Delete;

const NAMESPACES_PATH: &str = "/v1/{prefix}/namespaces";
const NAMESPACE_PATH: &str = "/v1/{prefix}/namespaces/{namespace}";
const TABLES_PATH: &str = "/v1/{prefix}/namespaces/{namespace}/tables";
const TABLE_PATH: &str = "/v1/{prefix}/namespaces/{namespace}/tables/{table}";
const VIEWS_PATH: &str = "/v1/{prefix}/namespaces/{namespace}/views";
const VIEW_PATH: &str = "/v1/{prefix}/namespaces/{namespace}/views/{view}";

/// An operation without query parameters and body.
const fn plain(
    method: HttpMethod,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    answers: &'static [super::operation::Answer],
) -> Operation {
    Operation { method, path, id, summary, query: &[], body: None, answers }
}

const CONFIG: &[Operation] = &[Operation {
    query: &[Text("warehouse")],
    ..plain(
        GET,
        "/v1/config",
        "getConfig",
        "Which prefix a warehouse has, what the server offers",
        &[Json(200, "the configuration", "CatalogConfig"), Error(404, "no such warehouse")],
    )
}];

const NAMESPACES: &[Operation] = &[
    Operation {
        query: &[Text("parent"), Text("pageToken"), Number("pageSize"), Flag("returnUuids")],
        ..plain(
            GET,
            NAMESPACES_PATH,
            "listNamespaces",
            "List one level of namespaces",
            &[Json(200, "a page, or all without a pageToken", "ListNamespacesResponse"), NO_NAMESPACE],
        )
    },
    Operation {
        body: Some("CreateNamespaceRequest"),
        ..plain(
            POST,
            NAMESPACES_PATH,
            "createNamespace",
            "Create a namespace",
            &[
                Json(200, "created", "CreateNamespaceRequest"),
                Error(404, "no such parent or warehouse"),
                TAKEN,
                KEY_REUSED,
            ],
        )
    },
    plain(
        GET,
        NAMESPACE_PATH,
        "loadNamespaceMetadata",
        "Load the properties of a namespace",
        &[Json(200, "the namespace", "GetNamespaceResponse"), NO_NAMESPACE],
    ),
    plain(
        HEAD,
        NAMESPACE_PATH,
        "namespaceExists",
        "Whether a namespace exists",
        &[Empty(204, "it exists"), Empty(404, "it does not")],
    ),
    Operation {
        query: &[Flag("recursive"), Flag("force"), Flag("purge")],
        ..plain(
            DELETE,
            NAMESPACE_PATH,
            "dropNamespace",
            "Drop a namespace; with `recursive` whatever is in it",
            &[Empty(204, "dropped"), NO_NAMESPACE, Error(409, "not empty, or protected"), LATER, KEY_REUSED],
        )
    },
    Operation {
        body: Some("UpdateNamespacePropertiesRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/namespaces/{namespace}/properties",
            "updateProperties",
            "Set and remove properties of a namespace",
            &[
                Json(200, "what was changed", "UpdateNamespacePropertiesResponse"),
                NO_NAMESPACE,
                Error(409, "changed at the same time"),
                Error(422, "a property in both lists, or a reused Idempotency-Key"),
            ],
        )
    },
];

const TABLES: &[Operation] = &[
    Operation {
        query: PAGE,
        ..plain(
            GET,
            TABLES_PATH,
            "listTables",
            "List the tables of a namespace",
            &[Json(200, "a page, or all without a pageToken", "ListTablesResponse"), NO_NAMESPACE],
        )
    },
    Operation {
        body: Some("CreateTableRequest"),
        ..plain(
            POST,
            TABLES_PATH,
            "createTable",
            "Create or stage a table",
            &[Json(200, "created, or staged", "LoadTableResult"), NO_NAMESPACE, TAKEN, LATER, KEY_REUSED],
        )
    },
    Operation {
        body: Some("RegisterTableRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/namespaces/{namespace}/register",
            "registerTable",
            "Register a table by its metadata file",
            &[Json(200, "registered", "LoadTableResult"), NO_NAMESPACE, TAKEN, LATER, KEY_REUSED],
        )
    },
    Operation {
        query: &[Text("snapshots"), Text("referenced-by")],
        ..plain(
            GET,
            TABLE_PATH,
            "loadTable",
            "Load a table",
            &[
                Json(200, "the table", "LoadTableResult"),
                Empty(304, "unchanged since the ETag in If-None-Match"),
                NO_TABLE,
            ],
        )
    },
    plain(
        HEAD,
        TABLE_PATH,
        "tableExists",
        "Whether a table exists",
        &[Empty(204, "it exists"), Empty(404, "it does not")],
    ),
    Operation {
        body: Some("CommitRequest"),
        ..plain(
            POST,
            TABLE_PATH,
            "updateTable",
            "Commit to a table, or create it with `assert-create`",
            &[Json(200, "committed", "Committed"), NO_TABLE, LOST, LATER, KEY_REUSED],
        )
    },
    Operation {
        query: &[Flag("purgeRequested"), Flag("force")],
        ..plain(
            DELETE,
            TABLE_PATH,
            "dropTable",
            "Drop a table",
            &[Empty(204, "dropped"), NO_TABLE, Error(409, "protected"), LATER, KEY_REUSED],
        )
    },
];

const TABLE: &[Operation] = &[
    plain(
        POST,
        "/v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister",
        "unregisterTable",
        "Forget a table, keep its files",
        &[Json(200, "the last metadata", "Committed"), NO_TABLE, Error(409, "protected"), LATER, KEY_REUSED],
    ),
    Operation {
        query: &[Text("planId"), Text("referenced-by")],
        ..plain(
            GET,
            "/v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
            "loadCredentials",
            "Credentials for the files of a table",
            &[Json(200, "credentials, none where nothing is vended", "LoadCredentialsResponse"), NO_TABLE],
        )
    },
    Operation {
        body: Some("RemoteSignRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/namespaces/{namespace}/tables/{table}/sign",
            "signRequest",
            "Sign a request to the storage",
            &[Json(200, "the headers to add", "RemoteSignResult"), NO_TABLE],
        )
    },
    Operation {
        body: Some("ReportMetricsRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
            "reportMetrics",
            "Send a scan report or a commit report",
            &[Empty(204, "accepted"), NO_TABLE],
        )
    },
];

const VIEWS: &[Operation] = &[
    Operation {
        query: PAGE,
        ..plain(
            GET,
            VIEWS_PATH,
            "listViews",
            "List the views of a namespace",
            &[Json(200, "a page, or all without a pageToken", "ListTablesResponse"), NO_NAMESPACE],
        )
    },
    Operation {
        body: Some("CreateViewRequest"),
        ..plain(
            POST,
            VIEWS_PATH,
            "createView",
            "Create a view",
            &[Json(200, "created", "LoadTableResult"), NO_NAMESPACE, TAKEN, LATER, KEY_REUSED],
        )
    },
    Operation {
        body: Some("RegisterViewRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/namespaces/{namespace}/register-view",
            "registerView",
            "Register a view by its metadata file",
            &[Json(200, "registered", "LoadTableResult"), NO_NAMESPACE, TAKEN, LATER, KEY_REUSED],
        )
    },
    Operation {
        query: &[Text("referenced-by")],
        ..plain(
            GET,
            VIEW_PATH,
            "loadView",
            "Load a view",
            &[
                Json(200, "the view", "LoadTableResult"),
                Empty(304, "unchanged since the ETag in If-None-Match"),
                NO_VIEW,
            ],
        )
    },
    plain(
        HEAD,
        VIEW_PATH,
        "viewExists",
        "Whether a view exists",
        &[Empty(204, "it exists"), Empty(404, "it does not")],
    ),
    Operation {
        body: Some("CommitRequest"),
        ..plain(
            POST,
            VIEW_PATH,
            "replaceView",
            "Commit to a view",
            &[Json(200, "committed", "LoadTableResult"), NO_VIEW, LOST, LATER, KEY_REUSED],
        )
    },
    Operation {
        query: &[Flag("force")],
        ..plain(
            DELETE,
            VIEW_PATH,
            "dropView",
            "Drop a view",
            &[Empty(204, "dropped"), NO_VIEW, Error(409, "protected"), LATER, KEY_REUSED],
        )
    },
];

const MOVES: &[Operation] = &[
    Operation {
        body: Some("RenameTableRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/tables/rename",
            "renameTable",
            "Rename a table, or move it to another namespace",
            &[
                Empty(204, "renamed"),
                Error(404, "no such table, target namespace or warehouse"),
                TAKEN,
                LATER,
                KEY_REUSED,
            ],
        )
    },
    Operation {
        body: Some("RenameTableRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/views/rename",
            "renameView",
            "Rename a view, or move it to another namespace",
            &[
                Empty(204, "renamed"),
                Error(404, "no such view, target namespace or warehouse"),
                TAKEN,
                LATER,
                KEY_REUSED,
            ],
        )
    },
    Operation {
        body: Some("CommitTransactionRequest"),
        ..plain(
            POST,
            "/v1/{prefix}/transactions/commit",
            "commitTransaction",
            "Commit to several tables at once, or to none",
            &[Empty(204, "committed"), NO_TABLE, LOST, LATER, KEY_REUSED],
        )
    },
];
