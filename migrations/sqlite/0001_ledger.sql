-- oldest-binary: 0.1.0
-- Names and locations compare bytewise, as Postgres does with COLLATE "C". Ids are 16 bytes, truth is 0 or 1.

CREATE TABLE server (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    bootstrapped_at_ms INTEGER,
    -- 32 secret bytes that page tokens are signed with.
    page_key BLOB NOT NULL,
    -- Counts writes that only try whether the disk takes them.
    probes INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER
) STRICT;

CREATE TABLE warehouses (
    id BLOB PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    root TEXT NOT NULL,
    storage_profile TEXT NOT NULL,
    -- NULL: dropped tables go at once. Otherwise they can be brought back for so long.
    soft_delete_seconds INTEGER,
    protected INTEGER NOT NULL,
    settings TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX warehouses_by_name ON warehouses (project_id, name);

CREATE TABLE namespaces (
    id BLOB PRIMARY KEY,
    warehouse_id BLOB NOT NULL REFERENCES warehouses (id),
    parent_id BLOB REFERENCES namespaces (id),
    -- The parts joined with 0x1F.
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The ids from the root to this one, 16 bytes each.
    lineage BLOB NOT NULL,
    properties TEXT NOT NULL,
    protected INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX namespaces_by_path ON namespaces (warehouse_id, path);
CREATE INDEX namespaces_by_parent ON namespaces (warehouse_id, parent_id, name);
CREATE INDEX namespaces_of_parent ON namespaces (parent_id);

-- Tables and views: one table, because they share names and locations.
CREATE TABLE tabulars (
    id BLOB PRIMARY KEY,
    warehouse_id BLOB NOT NULL REFERENCES warehouses (id),
    namespace_id BLOB NOT NULL REFERENCES namespaces (id),
    kind TEXT NOT NULL CHECK (kind IN ('table', 'view')),
    name TEXT NOT NULL,
    uuid BLOB NOT NULL,
    -- Ends in one slash, so that the order of text is the order of path segments.
    location TEXT NOT NULL,
    metadata_location TEXT NOT NULL,
    version INTEGER NOT NULL,
    format_version INTEGER NOT NULL,
    protected INTEGER NOT NULL,
    deleted_at_ms INTEGER,
    expires_at_ms INTEGER,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER,
    -- The metadata: one raw deflate stream that ends in a sync flush; the second is `snapshots=refs` where it differs.
    document_crc32 INTEGER NOT NULL,
    document_length INTEGER NOT NULL,
    refs_crc32 INTEGER,
    refs_length INTEGER,
    document BLOB NOT NULL,
    refs_document BLOB
) STRICT;
CREATE UNIQUE INDEX tabulars_live ON tabulars (namespace_id, name) WHERE deleted_at_ms IS NULL;
CREATE INDEX tabulars_listed ON tabulars (namespace_id, kind, name, id) WHERE deleted_at_ms IS NULL;
CREATE UNIQUE INDEX tabulars_by_location ON tabulars (warehouse_id, location);
CREATE INDEX tabulars_deleted ON tabulars (warehouse_id, id) WHERE deleted_at_ms IS NOT NULL;
CREATE INDEX tabulars_by_uuid ON tabulars (warehouse_id, uuid);
CREATE INDEX tabulars_of_namespace ON tabulars (namespace_id);

CREATE TABLE idempotency (
    warehouse_id BLOB NOT NULL,
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    status INTEGER NOT NULL,
    answer BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (warehouse_id, caller, key)
) STRICT;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at_ms);

-- Events that left with the change and wait for delivery; ids grow with time.
CREATE TABLE outbox (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    warehouse_id BLOB,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE tasks (
    id BLOB PRIMARY KEY,
    queue TEXT NOT NULL,
    project_id TEXT,
    warehouse_id BLOB,
    -- What it works on, e.g. a dropped table; one task of a queue at a time.
    entity_id BLOB NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_name TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('scheduled', 'running', 'stopping', 'success', 'failed', 'cancelled')),
    scheduled_for_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    -- Who holds it, until when; a lease that ran out may be taken by anyone.
    lease_id BLOB,
    lease_until_ms INTEGER,
    picked_up_at_ms INTEGER,
    heartbeat_at_ms INTEGER,
    finished_at_ms INTEGER,
    progress REAL NOT NULL,
    payload TEXT NOT NULL,
    -- Where it deletes files, ending in one slash: kept from new tables until it is over.
    location TEXT,
    details TEXT,
    parent_id BLOB,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX tasks_active ON tasks (queue, entity_id) WHERE status IN ('scheduled', 'running', 'stopping');
CREATE INDEX tasks_due ON tasks (queue, scheduled_for_ms) WHERE status IN ('scheduled', 'running', 'stopping');
CREATE INDEX tasks_of_warehouse ON tasks (warehouse_id, id);
CREATE INDEX tasks_by_location ON tasks (warehouse_id, location)
    WHERE location IS NOT NULL AND status IN ('scheduled', 'running', 'stopping');

CREATE TABLE task_attempts (
    task_id BLOB NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL,
    started_at_ms INTEGER,
    finished_at_ms INTEGER NOT NULL,
    progress REAL NOT NULL,
    message TEXT,
    PRIMARY KEY (task_id, attempt, finished_at_ms)
) STRICT;
