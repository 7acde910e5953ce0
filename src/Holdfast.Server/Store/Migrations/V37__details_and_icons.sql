-- Details that everybody sees who sees the thing, and those that root administrators alone see; each kind keeps its own in its rows.
ALTER TABLE vms ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE templates ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE service_offerings ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE disk_offerings ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE volumes ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE volumes ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE networks ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE networks ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE zones ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE zones ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE os_types ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE os_types ADD COLUMN hidden_details TEXT NOT NULL DEFAULT '{}';
CREATE TABLE resource_icons (
    resource_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    image TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (resource_id)
);
