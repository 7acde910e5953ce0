-- What backends really have: since when one does not know a volume, how far the look at each pool is, and what belongs to nobody.
ALTER TABLE volumes ADD COLUMN missing BIGINT;

CREATE TABLE inventories (
    pool_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    due BIGINT NOT NULL,
    after_id TEXT,
    second_look BOOLEAN NOT NULL,
    suspects TEXT NOT NULL,
    found BIGINT NOT NULL,
    lacking BIGINT NOT NULL,
    completed BIGINT,
    told BIGINT,
    error TEXT,
    PRIMARY KEY (pool_id)
);

CREATE TABLE unclaimed_volumes (
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    volume_id TEXT,
    generation BIGINT,
    size_bytes BIGINT,
    why TEXT,
    since BIGINT NOT NULL,
    task_id TEXT,
    removed_by TEXT,
    reason TEXT,
    error TEXT,
    PRIMARY KEY (pool_id, name)
);
CREATE INDEX unclaimed_volumes_task ON unclaimed_volumes (task_id) WHERE task_id IS NOT NULL;
