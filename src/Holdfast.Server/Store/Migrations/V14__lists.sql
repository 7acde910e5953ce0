-- Lists find the ids of a page in an index, in the order of the list, and read the rest of those rows only. What a filter has no index for, docs/performance.md says why.
CREATE INDEX vms_created ON vms (created, id, removed) WHERE removed IS NULL;
CREATE INDEX vms_account ON vms (account_id, created, id, removed) WHERE removed IS NULL;
CREATE INDEX vms_name ON vms (lower(name)) WHERE removed IS NULL;
CREATE INDEX vms_template ON vms (template_id, created, id, removed) WHERE removed IS NULL;
CREATE INDEX vms_offering ON vms (service_offering_id, created, id, removed) WHERE removed IS NULL;
DROP INDEX vms_state;
CREATE INDEX vms_state ON vms (state, created, id, removed) WHERE removed IS NULL;
CREATE INDEX volumes_created ON volumes (created, id, removed) WHERE removed IS NULL;
CREATE INDEX volumes_account ON volumes (account_id, created, id, removed) WHERE removed IS NULL;
CREATE INDEX volumes_name ON volumes (lower(name)) WHERE removed IS NULL;
CREATE INDEX volumes_state ON volumes (state, created, id, removed) WHERE removed IS NULL;
CREATE INDEX volumes_type ON volumes (type, created, id, removed) WHERE removed IS NULL;
CREATE INDEX hosts_created ON hosts (created, id, removed) WHERE removed IS NULL;
CREATE INDEX hosts_name ON hosts (lower(name)) WHERE removed IS NULL;
CREATE INDEX bindings_host ON bindings (host_id);
CREATE INDEX storage_pools_host ON storage_pools (host_id) WHERE host_id IS NOT NULL;
