-- A root disk that takes the place of its VM's, and what becomes of that one then; and whether a VM is started again once its guest, which was stopped for it, has ended.
ALTER TABLE volumes ADD COLUMN replaces TEXT;
ALTER TABLE vms ADD COLUMN starts_again BOOLEAN NOT NULL DEFAULT FALSE;
