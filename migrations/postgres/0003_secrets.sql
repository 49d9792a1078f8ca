-- oldest-binary: 0.1.0
-- The keys of storages, sealed by the host with a key that is not in this database.

CREATE TABLE secrets (
    warehouse_id UUID PRIMARY KEY REFERENCES warehouses (id),
    -- Starts at 1, grows by one with each secret that replaces another; it is bound into the seal.
    version BIGINT NOT NULL,
    -- Who can open it.
    keeper TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
