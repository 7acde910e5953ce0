-- Whether running VMs are given another size: template, offering and VM each have a say. What a VM's guest was started with room for; and, while the guest is given
-- another size or keeps a part of one that was taken back, what the VM had before.
ALTER TABLE templates ADD COLUMN dynamically_scalable BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE service_offerings ADD COLUMN dynamic_scaling BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE vms ADD COLUMN dynamically_scalable BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE vms ADD COLUMN max_cpus INTEGER;
ALTER TABLE vms ADD COLUMN max_memory_mib INTEGER;
ALTER TABLE vms ADD COLUMN kept_offering_id TEXT;
ALTER TABLE vms ADD COLUMN kept_cpus INTEGER;
ALTER TABLE vms ADD COLUMN kept_cpu_mhz INTEGER;
ALTER TABLE vms ADD COLUMN kept_memory_mib INTEGER;
