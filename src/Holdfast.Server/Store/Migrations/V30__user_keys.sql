-- A user has any number of key pairs. The one that there was takes the user's id, to which its secret is sealed.
CREATE TABLE user_keys (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    api_key TEXT NOT NULL,
    secret_key TEXT NOT NULL,
    starts BIGINT,
    ends BIGINT,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO user_keys (id, user_id, api_key, secret_key, created)
    SELECT id, id, api_key, secret_key, created FROM users WHERE api_key IS NOT NULL AND secret_key IS NOT NULL AND removed IS NULL;
CREATE UNIQUE INDEX user_keys_api_key ON user_keys (api_key);
CREATE INDEX user_keys_user ON user_keys (user_id, created, id);
DROP INDEX users_api_key;
ALTER TABLE users DROP COLUMN api_key;
ALTER TABLE users DROP COLUMN secret_key;
