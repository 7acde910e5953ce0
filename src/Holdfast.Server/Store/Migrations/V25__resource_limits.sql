CREATE TABLE resource_limits (
    account_id TEXT,
    domain_id TEXT,
    resource TEXT NOT NULL,
    maximum BIGINT NOT NULL,
    CHECK ((account_id IS NULL) <> (domain_id IS NULL))
);
CREATE UNIQUE INDEX resource_limits_account ON resource_limits (account_id, resource) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX resource_limits_domain ON resource_limits (domain_id, resource) WHERE domain_id IS NOT NULL;
