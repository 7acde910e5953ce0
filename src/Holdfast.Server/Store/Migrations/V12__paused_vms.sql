-- Since when the guest of a running VM is told to stand still; told once, and shown with the VM.
ALTER TABLE vms ADD COLUMN paused BIGINT;
