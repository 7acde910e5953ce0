-- A custom offering leaves the size to its VMs: its cpus and memory_mib are 0. One that bounds them has all four bounds, any other none.
ALTER TABLE service_offerings ADD COLUMN customized BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE service_offerings ADD COLUMN min_cpus INTEGER;
ALTER TABLE service_offerings ADD COLUMN max_cpus INTEGER;
ALTER TABLE service_offerings ADD COLUMN min_memory_mib INTEGER;
ALTER TABLE service_offerings ADD COLUMN max_memory_mib INTEGER;
