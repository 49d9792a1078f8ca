-- oldest-binary: 0.1.0

-- Events in the order in which they were stored (seq). A position is given once the change is committed, by one relay at a
-- time: whoever follows positions misses nothing, however long another transaction takes. A column cannot be made the key
-- of a table that is there, so the table is made anew.
CREATE TABLE outbox_in_order (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    warehouse_id BLOB,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    position INTEGER UNIQUE
) STRICT;

INSERT INTO outbox_in_order (id, kind, warehouse_id, subject, body, at_ms)
SELECT id, kind, warehouse_id, subject, body, at_ms
FROM outbox
ORDER BY id;

DROP TABLE outbox;

ALTER TABLE outbox_in_order RENAME TO outbox;

CREATE INDEX outbox_without_position ON outbox (seq) WHERE position IS NULL;

-- Who passes events on: `outbox` itself (the last position given), `plugin:<name>`, `webhook:<name>` …
CREATE TABLE relays (
    name TEXT PRIMARY KEY,
    -- Of the last event that was delivered.
    position INTEGER NOT NULL,
    -- The process that works on it now, until its lease runs out.
    holder BLOB,
    lease_until_ms INTEGER NOT NULL,
    -- Failures since the last delivery.
    failures INTEGER NOT NULL,
    retry_at_ms INTEGER NOT NULL,
    last_error TEXT,
    updated_at_ms INTEGER NOT NULL
) STRICT;

-- Events that a sink refused until it was tried no more.
CREATE TABLE dead_letters (
    id BLOB PRIMARY KEY,
    relay TEXT NOT NULL,
    event_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    died_at_ms INTEGER NOT NULL
) STRICT;
