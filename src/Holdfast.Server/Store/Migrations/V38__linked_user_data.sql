-- User data that the VMs made from a template have, and what becomes of it when a VM is given its own.
ALTER TABLE templates ADD COLUMN user_data_id TEXT;
ALTER TABLE templates ADD COLUMN user_data_policy TEXT;
CREATE INDEX templates_user_data ON templates (user_data_id) WHERE user_data_id IS NOT NULL AND removed IS NULL;
-- Whether what a VM is told has its template's in it, and what it was given itself then; else that is all it is told.
ALTER TABLE vm_user_data ADD COLUMN of_template BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE vm_user_data ADD COLUMN own TEXT;
