CREATE TABLE ssh_key_pairs (
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ssh_key_pairs_name ON ssh_key_pairs (account_id, name);
CREATE INDEX ssh_key_pairs_list ON ssh_key_pairs (account_id, created, id);
-- The key pairs that a VM was made with, by name, with the keys that they had then.
ALTER TABLE vms ADD COLUMN ssh_keys TEXT NOT NULL DEFAULT '{}';
