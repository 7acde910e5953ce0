CREATE TABLE vm_schedules (
    id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    description TEXT,
    schedule TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    action TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    start_date BIGINT NOT NULL,
    end_date BIGINT,
    next BIGINT,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX vm_schedules_vm ON vm_schedules (vm_id, created, id);
CREATE INDEX vm_schedules_next ON vm_schedules (next) WHERE next IS NOT NULL;
CREATE TABLE vm_schedule_runs (
    schedule_id TEXT NOT NULL,
    due BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    job_id TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (schedule_id, due)
);
CREATE INDEX vm_schedule_runs_created ON vm_schedule_runs (created);
