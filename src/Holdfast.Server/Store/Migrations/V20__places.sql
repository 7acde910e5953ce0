-- What zones and pods are told of addresses, and whether storage of one host alone may be used in a zone.
ALTER TABLE zones ADD COLUMN dns1 TEXT;
ALTER TABLE zones ADD COLUMN dns2 TEXT;
ALTER TABLE zones ADD COLUMN ip6_dns1 TEXT;
ALTER TABLE zones ADD COLUMN ip6_dns2 TEXT;
ALTER TABLE zones ADD COLUMN internal_dns1 TEXT;
ALTER TABLE zones ADD COLUMN internal_dns2 TEXT;
ALTER TABLE zones ADD COLUMN guest_cidr TEXT;
ALTER TABLE zones ADD COLUMN network_domain TEXT;
ALTER TABLE zones ADD COLUMN local_storage BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE pods ADD COLUMN gateway TEXT;
ALTER TABLE pods ADD COLUMN netmask TEXT;
ALTER TABLE pods ADD COLUMN start_ip TEXT;
ALTER TABLE pods ADD COLUMN end_ip TEXT;
