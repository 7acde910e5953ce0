-- Groups were names at VMs. Those that are there become groups; each takes the id of its first VM, which no other group has.
CREATE TABLE instance_groups (
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO instance_groups (id, account_id, name, created)
    SELECT MIN(id), account_id, group_name, MIN(created) FROM vms WHERE group_name IS NOT NULL AND removed IS NULL GROUP BY account_id, group_name;
CREATE INDEX instance_groups_account ON instance_groups (account_id, name);
ALTER TABLE vms ADD COLUMN group_id TEXT;
UPDATE vms SET group_id = (SELECT g.id FROM instance_groups g WHERE g.account_id = vms.account_id AND g.name = vms.group_name) WHERE group_name IS NOT NULL;
ALTER TABLE vms DROP COLUMN group_name;
CREATE INDEX vms_group ON vms (group_id) WHERE group_id IS NOT NULL AND removed IS NULL;
