-- oldest-binary: 0.1.0
-- Names and locations compare bytewise (COLLATE "C"), as SQLite does, so that both engines agree on identity and order.

CREATE TABLE server (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    id UUID NOT NULL,
    created_at_ms BIGINT NOT NULL,
    bootstrapped_at_ms BIGINT,
    -- 32 secret bytes that page tokens are signed with.
    page_key BYTEA NOT NULL,
    -- Counts writes that only try whether the disk takes them.
    probes BIGINT NOT NULL
);

CREATE TABLE projects (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT
);

CREATE TABLE warehouses (
    id UUID PRIMARY KEY,
    project_id TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    name TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive')),
    root TEXT COLLATE "C" NOT NULL,
    storage_profile TEXT NOT NULL,
    -- NULL: dropped tables go at once. Otherwise they can be brought back for so long.
    soft_delete_seconds BIGINT,
    protected BOOLEAN NOT NULL,
    settings TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT
);
CREATE UNIQUE INDEX warehouses_by_name ON warehouses (project_id, name);

CREATE TABLE namespaces (
    id UUID PRIMARY KEY,
    warehouse_id UUID NOT NULL REFERENCES warehouses (id),
    parent_id UUID REFERENCES namespaces (id),
    -- The parts joined with 0x1F.
    path TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- The ids from the root to this one, 16 bytes each.
    lineage BYTEA NOT NULL,
    properties TEXT NOT NULL,
    protected BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT
);
CREATE UNIQUE INDEX namespaces_by_path ON namespaces (warehouse_id, path);
CREATE INDEX namespaces_by_parent ON namespaces (warehouse_id, parent_id, name);
CREATE INDEX namespaces_of_parent ON namespaces (parent_id);

-- Tables and views: one table, because they share names and locations.
CREATE TABLE tabulars (
    id UUID PRIMARY KEY,
    warehouse_id UUID NOT NULL REFERENCES warehouses (id),
    namespace_id UUID NOT NULL REFERENCES namespaces (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('table', 'view')),
    name TEXT COLLATE "C" NOT NULL,
    uuid UUID NOT NULL,
    -- Ends in one slash, so that the order of text is the order of path segments.
    location TEXT COLLATE "C" NOT NULL,
    metadata_location TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    format_version INTEGER NOT NULL,
    protected BOOLEAN NOT NULL,
    deleted_at_ms BIGINT,
    expires_at_ms BIGINT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT,
    -- The metadata: one raw deflate stream that ends in a sync flush; the second is `snapshots=refs` where it differs.
    document_crc32 BIGINT NOT NULL,
    document_length BIGINT NOT NULL,
    refs_crc32 BIGINT,
    refs_length BIGINT,
    document BYTEA NOT NULL,
    refs_document BYTEA
);
-- Compressed already: trying again would only burn time.
ALTER TABLE tabulars ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE tabulars ALTER COLUMN refs_document SET STORAGE EXTERNAL;
-- Room on the page for the next version of a row, which every commit writes.
ALTER TABLE tabulars SET (fillfactor = 70);
CREATE UNIQUE INDEX tabulars_live ON tabulars (namespace_id, name) WHERE deleted_at_ms IS NULL;
CREATE INDEX tabulars_listed ON tabulars (namespace_id, kind, name, id) WHERE deleted_at_ms IS NULL;
CREATE UNIQUE INDEX tabulars_by_location ON tabulars (warehouse_id, location);
CREATE INDEX tabulars_deleted ON tabulars (warehouse_id, id) WHERE deleted_at_ms IS NOT NULL;
CREATE INDEX tabulars_by_uuid ON tabulars (warehouse_id, uuid);
CREATE INDEX tabulars_of_namespace ON tabulars (namespace_id);

CREATE TABLE idempotency (
    warehouse_id UUID NOT NULL,
    caller TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    request_digest TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    answer BYTEA NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (warehouse_id, caller, key)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at_ms);

-- Events that left with the change and wait for delivery; ids grow with time.
CREATE TABLE outbox (
    id UUID PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    warehouse_id UUID,
    subject TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);

CREATE TABLE tasks (
    id UUID PRIMARY KEY,
    queue TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C",
    warehouse_id UUID,
    -- What it works on, e.g. a dropped table; one task of a queue at a time.
    entity_id UUID NOT NULL,
    entity_kind TEXT COLLATE "C" NOT NULL,
    entity_name TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL
        CHECK (status IN ('scheduled', 'running', 'stopping', 'success', 'failed', 'cancelled')),
    scheduled_for_ms BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    -- Who holds it, until when; a lease that ran out may be taken by anyone.
    lease_id UUID,
    lease_until_ms BIGINT,
    picked_up_at_ms BIGINT,
    heartbeat_at_ms BIGINT,
    finished_at_ms BIGINT,
    progress DOUBLE PRECISION NOT NULL,
    payload TEXT NOT NULL,
    -- Where it deletes files, ending in one slash: kept from new tables until it is over.
    location TEXT COLLATE "C",
    details TEXT,
    parent_id UUID,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT
);
CREATE UNIQUE INDEX tasks_active ON tasks (queue, entity_id) WHERE status IN ('scheduled', 'running', 'stopping');
CREATE INDEX tasks_due ON tasks (queue, scheduled_for_ms) WHERE status IN ('scheduled', 'running', 'stopping');
CREATE INDEX tasks_of_warehouse ON tasks (warehouse_id, id);
CREATE INDEX tasks_by_location ON tasks (warehouse_id, location)
    WHERE location IS NOT NULL AND status IN ('scheduled', 'running', 'stopping');

CREATE TABLE task_attempts (
    task_id UUID NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    started_at_ms BIGINT,
    finished_at_ms BIGINT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    message TEXT,
    PRIMARY KEY (task_id, attempt, finished_at_ms)
);
