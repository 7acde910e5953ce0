CREATE TABLE affinity_groups (
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    description TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX affinity_groups_account ON affinity_groups (account_id, created, id);
CREATE TABLE affinity_members (
    group_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    PRIMARY KEY (group_id, vm_id)
);
CREATE INDEX affinity_members_vm ON affinity_members (vm_id);
