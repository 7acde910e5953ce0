CREATE TABLE user_data (
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    params TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX user_data_name ON user_data (account_id, name);
CREATE INDEX user_data_list ON user_data (account_id, created, id);

-- Apart from the VM's row, which is read and written at every step: up to a mebibyte. vms.user_data is of before it was checked, and not read any more.
CREATE TABLE vm_user_data (
    vm_id TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (vm_id)
);
ALTER TABLE vms ADD COLUMN user_data_id TEXT;
ALTER TABLE vms ADD COLUMN user_data_details TEXT NOT NULL DEFAULT '{}';
CREATE INDEX vms_user_data ON vms (user_data_id) WHERE user_data_id IS NOT NULL AND removed IS NULL;
-- How often a guest was given something new to be told at a start; 0: made before guests were told anything.
ALTER TABLE vms ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
-- Sealed; the job that answers it; and whether a guest has started with it.
ALTER TABLE vms ADD COLUMN password TEXT;
ALTER TABLE vms ADD COLUMN password_job_id TEXT;
ALTER TABLE vms ADD COLUMN password_told BOOLEAN NOT NULL DEFAULT FALSE;
