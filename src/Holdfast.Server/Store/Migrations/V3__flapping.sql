-- Since when a pool goes up and down so often that single changes are no events any more.
ALTER TABLE storage_pools ADD COLUMN flapping BIGINT;
