-- What is wrong with a pool on some host is said by its bindings; the pool itself keeps only why it could not be added.
UPDATE storage_pools SET last_error = NULL WHERE removed IS NULL;
