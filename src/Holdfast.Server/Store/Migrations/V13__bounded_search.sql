-- Hosts stand on a ring by the random end of their ids: placement begins somewhere on it and looks at as many as it needs.
CREATE INDEX hosts_ring ON hosts (zone_id, (substr(id, 25) || id)) WHERE removed IS NULL;
DROP INDEX hosts_cluster;
CREATE INDEX hosts_cluster ON hosts (cluster_id, (substr(id, 25) || id)) WHERE removed IS NULL;

-- What a host has given away, and what a pool has promised, is summed up from the index alone; SQLite reads the row to see that it is not removed, unless the index has that too.
CREATE INDEX vms_host ON vms (host_id, id, cpus, memory_mib, removed) WHERE removed IS NULL;
DROP INDEX volumes_pool;
CREATE INDEX volumes_pool ON volumes (pool_id, state, size_bytes, wanted_size_bytes, removed) WHERE removed IS NULL;
