-- Clients take for granted that a template has one.
UPDATE templates SET os_type_id = (SELECT id FROM os_types WHERE description = 'Other (64-bit)') WHERE os_type_id IS NULL;
