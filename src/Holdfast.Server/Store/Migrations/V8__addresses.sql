-- An address that is asked for is looked up among all interfaces.
CREATE INDEX nics_mac ON nics (mac) WHERE removed IS NULL;
