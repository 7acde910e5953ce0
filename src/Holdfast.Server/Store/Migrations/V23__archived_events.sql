-- What an operator has put away is not listed unless it is asked for; it ends with the rest.
ALTER TABLE events ADD COLUMN archived BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE alerts ADD COLUMN archived BOOLEAN NOT NULL DEFAULT FALSE;
