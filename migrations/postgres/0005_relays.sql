-- oldest-binary: 0.1.0

-- Events in the order in which they were stored (seq). A position is given once the change is committed, by one relay at a
-- time: whoever follows positions misses nothing, however long another transaction takes.
ALTER TABLE outbox ADD COLUMN seq BIGINT GENERATED ALWAYS AS IDENTITY;

ALTER TABLE outbox ADD COLUMN position BIGINT UNIQUE;

CREATE INDEX outbox_without_position ON outbox (seq) WHERE position IS NULL;

-- Who passes events on: `outbox` itself (the last position given), `plugin:<name>`, `webhook:<name>` …
CREATE TABLE relays (
    name TEXT COLLATE "C" PRIMARY KEY,
    -- Of the last event that was delivered.
    position BIGINT NOT NULL,
    -- The process that works on it now, until its lease runs out.
    holder UUID,
    lease_until_ms BIGINT NOT NULL,
    -- Failures since the last delivery.
    failures BIGINT NOT NULL,
    retry_at_ms BIGINT NOT NULL,
    last_error TEXT,
    updated_at_ms BIGINT NOT NULL
);

-- Events that a sink refused until it was tried no more.
CREATE TABLE dead_letters (
    id UUID PRIMARY KEY,
    relay TEXT COLLATE "C" NOT NULL,
    event_id UUID NOT NULL,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT NOT NULL,
    died_at_ms BIGINT NOT NULL
);
