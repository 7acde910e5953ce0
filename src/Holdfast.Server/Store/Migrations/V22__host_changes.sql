-- How often the watch of an installation was asked to begin anew: a watch that began with less ends.
ALTER TABLE incarnations ADD COLUMN watch BIGINT NOT NULL DEFAULT 0;
