CREATE TABLE annotations (
    id TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    text TEXT NOT NULL,
    user_id TEXT NOT NULL,
    admins_only BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX annotations_entity ON annotations (entity_id, created);
CREATE INDEX annotations_user ON annotations (user_id, created);
