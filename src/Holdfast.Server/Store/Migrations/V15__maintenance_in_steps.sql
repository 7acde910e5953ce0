-- The VMs of a storage pool are told to stop for its maintenance some at a time, by their ids: up to where that is, which of them was last found to hold it up, since when none does,
-- and since when those that it stopped are started again.
ALTER TABLE storage_pools ADD COLUMN stopped_to TEXT;
ALTER TABLE storage_pools ADD COLUMN waits_for TEXT;
ALTER TABLE storage_pools ADD COLUMN guests_gone BIGINT;
ALTER TABLE storage_pools ADD COLUMN restarts BIGINT;

-- The next VMs of a pool, and the next of those that its maintenance stopped, are found in an index and nothing before them is read.
CREATE INDEX volumes_pool_vm ON volumes (pool_id, vm_id, removed) WHERE removed IS NULL;
CREATE INDEX vms_restart ON vms (restart_on_cancel, state, id, removed) WHERE restart_on_cancel IS NOT NULL;
