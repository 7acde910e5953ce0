-- Since when the QEMU of a VM that is being stopped is known to survive SIGKILL; told once, and shown with its host.
ALTER TABLE vms ADD COLUMN stuck BIGINT;
