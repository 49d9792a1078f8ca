-- oldest-binary: 0.1.0
-- The keys of storages, sealed by the host with a key that is not in this database.

CREATE TABLE secrets (
    warehouse_id BLOB PRIMARY KEY REFERENCES warehouses (id),
    -- Starts at 1, grows by one with each secret that replaces another; it is bound into the seal.
    version INTEGER NOT NULL,
    -- Who can open it.
    keeper TEXT NOT NULL,
    sealed BLOB NOT NULL,
    updated_at_ms INTEGER NOT NULL
) STRICT;
