-- What a pool really is at its backend, as its driver is told there: two pools that are the same thing are found by it.
ALTER TABLE bindings ADD COLUMN identity TEXT;
ALTER TABLE storage_pools ADD COLUMN identity TEXT;
ALTER TABLE storage_pools ADD COLUMN identity_since BIGINT;
ALTER TABLE storage_pools ADD COLUMN same_as TEXT;
CREATE INDEX storage_pools_identity ON storage_pools (identity) WHERE identity IS NOT NULL;
