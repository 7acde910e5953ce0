CREATE TABLE resource_tags (
    resource_id TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    account_id TEXT NOT NULL,
    customer TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (resource_id, tag_key)
);
CREATE INDEX resource_tags_key ON resource_tags (tag_key, tag_value, resource_id);
CREATE INDEX resource_tags_account ON resource_tags (account_id, created, resource_id, tag_key);
