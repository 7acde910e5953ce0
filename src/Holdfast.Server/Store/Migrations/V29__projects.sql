-- A project is an account of type 5, which owns what the project has: whose a thing is stays one column. Its name may be one that an account has, too.
ALTER TABLE accounts ADD COLUMN display_text TEXT;
DROP INDEX accounts_name;
CREATE UNIQUE INDEX accounts_name ON accounts (domain_id, name) WHERE removed IS NULL AND type <> 5;
CREATE UNIQUE INDEX accounts_project_name ON accounts (domain_id, name) WHERE removed IS NULL AND type = 5;
-- Few among many: lists leave them out, or ask for them.
CREATE INDEX accounts_projects ON accounts (created, id) WHERE type = 5;

CREATE TABLE project_members (
    project_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    user_id TEXT,
    owns BOOLEAN NOT NULL,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX project_members_accounts ON project_members (project_id, account_id) WHERE user_id IS NULL;
CREATE UNIQUE INDEX project_members_users ON project_members (project_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX project_members_account ON project_members (account_id);
CREATE INDEX project_members_user ON project_members (user_id) WHERE user_id IS NOT NULL;

-- A list of everything leaves projects out: the indexes that find pages and count rows know whose a row is.
DROP INDEX vms_created;
CREATE INDEX vms_created ON vms (created, id, account_id, removed) WHERE removed IS NULL;
DROP INDEX vms_template;
CREATE INDEX vms_template ON vms (template_id, created, id, account_id, removed) WHERE removed IS NULL;
DROP INDEX vms_offering;
CREATE INDEX vms_offering ON vms (service_offering_id, created, id, account_id, removed) WHERE removed IS NULL;
DROP INDEX vms_state;
CREATE INDEX vms_state ON vms (state, created, id, account_id, removed) WHERE removed IS NULL;
DROP INDEX volumes_created;
CREATE INDEX volumes_created ON volumes (created, id, account_id, removed) WHERE removed IS NULL;
DROP INDEX volumes_state;
CREATE INDEX volumes_state ON volumes (state, created, id, account_id, removed) WHERE removed IS NULL;
DROP INDEX volumes_type;
CREATE INDEX volumes_type ON volumes (type, created, id, account_id, removed) WHERE removed IS NULL;
