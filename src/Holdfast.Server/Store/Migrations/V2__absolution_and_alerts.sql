-- Who took a host out of the reckoning, apart from why; what somebody should look at; whether an old obligation was told.
ALTER TABLE bindings ADD COLUMN absolved_by TEXT;
ALTER TABLE obligations ADD COLUMN alerted BIGINT;

CREATE TABLE alerts (
    id TEXT NOT NULL,
    type INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    resource_id TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX alerts_created ON alerts (created);
