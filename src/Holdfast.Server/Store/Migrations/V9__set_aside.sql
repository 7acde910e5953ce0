-- What a host said and could not be taken: kept word for word, shown, and tried again.
ALTER TABLE hosts ADD COLUMN set_aside INTEGER NOT NULL DEFAULT 0;

CREATE TABLE set_aside (
    incarnation_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    id TEXT NOT NULL,
    said TEXT NOT NULL,
    error TEXT NOT NULL,
    tries INTEGER NOT NULL,
    since BIGINT NOT NULL,
    next_try BIGINT NOT NULL,
    PRIMARY KEY (incarnation_id, subject, id)
);
CREATE INDEX set_aside_next_try ON set_aside (next_try);
