-- What the driver of a pool says on a host about where data is: why only one host can use its volumes (null: several can, or it was not told), whether this host can hold
-- data at all, and whether the backend clones by itself (null: not told).
ALTER TABLE bindings ADD COLUMN not_shared TEXT;
ALTER TABLE bindings ADD COLUMN holds_data BOOLEAN;
ALTER TABLE bindings ADD COLUMN can_clone BOOLEAN;
