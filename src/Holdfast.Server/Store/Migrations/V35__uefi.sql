-- What guests can boot by on a host, besides BIOS, comma-separated; and what a VM boots by.
ALTER TABLE hosts ADD COLUMN firmware TEXT NOT NULL DEFAULT '';
ALTER TABLE vms ADD COLUMN firmware TEXT NOT NULL DEFAULT 'Bios';
