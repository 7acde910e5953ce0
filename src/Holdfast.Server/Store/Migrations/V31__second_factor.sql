-- A second factor by time: its sealed key, since when the user has shown to have it, and the last step of time whose code was taken.
ALTER TABLE users ADD COLUMN totp_key TEXT;
ALTER TABLE users ADD COLUMN totp_since BIGINT;
ALTER TABLE users ADD COLUMN totp_step BIGINT;
-- Whether a session can be used: it has shown the second factor, or needs none.
ALTER TABLE sessions ADD COLUMN is_verified BOOLEAN NOT NULL DEFAULT TRUE;
