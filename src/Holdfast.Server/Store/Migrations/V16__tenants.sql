-- Roles with rules; domains, accounts and users that are made, disabled, and deleted with all they have.
CREATE TABLE roles (
    id TEXT NOT NULL,
    number BIGINT,
    name TEXT NOT NULL,
    type INTEGER NOT NULL,
    description TEXT,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX roles_name ON roles (lower(name)) WHERE removed IS NULL;
INSERT INTO roles (id, number, name, type, description, created) VALUES
    ('00000000-0000-4000-8000-000000000001', 1, 'Root Admin', 1, 'Administers the installation', 0),
    ('00000000-0000-4000-8000-000000000003', 3, 'Domain Admin', 2, 'Administers a domain and all below it', 0),
    ('00000000-0000-4000-8000-000000000004', 4, 'User', 0, 'Uses an account', 0);

CREATE TABLE role_permissions (
    id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    allows BOOLEAN NOT NULL,
    description TEXT,
    position INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX role_permissions_role ON role_permissions (role_id, position);

ALTER TABLE accounts ADD COLUMN role_id TEXT NOT NULL DEFAULT '00000000-0000-4000-8000-000000000004';
UPDATE accounts SET role_id = '00000000-0000-4000-8000-000000000001' WHERE type = 1;
UPDATE accounts SET role_id = '00000000-0000-4000-8000-000000000003' WHERE type = 2;
ALTER TABLE accounts ADD COLUMN network_domain TEXT;
-- Since when an account is being disabled or deleted, and not done with it.
ALTER TABLE accounts ADD COLUMN ending BIGINT;
ALTER TABLE accounts ADD COLUMN deleted BIGINT;
CREATE INDEX accounts_ending ON accounts (ending) WHERE ending IS NOT NULL AND removed IS NULL;
CREATE INDEX accounts_role ON accounts (role_id) WHERE removed IS NULL;
CREATE INDEX accounts_domain ON accounts (domain_id) WHERE removed IS NULL;
ALTER TABLE domains ADD COLUMN network_domain TEXT;
ALTER TABLE domains ADD COLUMN deleted BIGINT;
CREATE INDEX domains_deleted ON domains (deleted) WHERE deleted IS NOT NULL AND removed IS NULL;
CREATE INDEX domains_parent ON domains (parent_id) WHERE removed IS NULL;
CREATE INDEX users_name ON users (lower(username)) WHERE removed IS NULL;
CREATE INDEX templates_account ON templates (account_id) WHERE removed IS NULL;
INSERT INTO counters (name, value) VALUES ('account-number', 2);
