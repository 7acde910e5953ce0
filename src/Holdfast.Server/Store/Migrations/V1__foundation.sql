-- Times are BIGINT Unix milliseconds (UTC), ids are TEXT UUIDs, JSON is TEXT, enums are TEXT names.
-- One set for SQLite and PostgreSQL: only what both understand.

CREATE TABLE settings (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE counters (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE domains (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    parent_id TEXT,
    path TEXT NOT NULL,
    level INTEGER NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE accounts (
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL,
    type INTEGER NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX accounts_name ON accounts (domain_id, name) WHERE removed IS NULL;

CREATE TABLE users (
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    username TEXT NOT NULL,
    password_hash TEXT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    state TEXT NOT NULL,
    api_key TEXT,
    secret_key TEXT,
    timezone TEXT,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX users_api_key ON users (api_key) WHERE api_key IS NOT NULL AND removed IS NULL;
CREATE INDEX users_account ON users (account_id);

CREATE TABLE sessions (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    session_key_hash TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);

CREATE TABLE zones (
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    network_type TEXT NOT NULL,
    allocation_state TEXT NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE pods (
    id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    name TEXT NOT NULL,
    allocation_state TEXT NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE clusters (
    id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    pod_id TEXT NOT NULL,
    name TEXT NOT NULL,
    hypervisor TEXT NOT NULL,
    allocation_state TEXT NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE hosts (
    id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    pod_id TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    incarnation_id TEXT,
    name TEXT NOT NULL,
    node_name TEXT NOT NULL,
    state TEXT NOT NULL,
    resource_state TEXT NOT NULL,
    address TEXT,
    cpus INTEGER NOT NULL,
    cpu_mhz INTEGER NOT NULL,
    memory_bytes BIGINT NOT NULL,
    accelerator TEXT NOT NULL,
    hypervisor_version TEXT,
    libvirt_version TEXT,
    agent_version TEXT NOT NULL,
    drivers TEXT NOT NULL,
    host_tags TEXT NOT NULL,
    last_report BIGINT,
    disconnected BIGINT,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX hosts_cluster ON hosts (cluster_id) WHERE removed IS NULL;

CREATE TABLE incarnations (
    id TEXT NOT NULL,
    host_id TEXT NOT NULL,
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    agent_epoch BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    key_hash TEXT NOT NULL,
    certificate_expires BIGINT NOT NULL,
    created BIGINT NOT NULL,
    retired BIGINT,
    retired_why TEXT,
    PRIMARY KEY (id)
);
CREATE INDEX incarnations_host ON incarnations (host_id);

CREATE TABLE join_tokens (
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    host_id TEXT,
    created_by TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    used_by TEXT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX join_tokens_hash ON join_tokens (hash);

CREATE TABLE storage_pools (
    id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    pod_id TEXT,
    cluster_id TEXT,
    host_id TEXT,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    provider TEXT NOT NULL,
    driver TEXT NOT NULL,
    type TEXT NOT NULL,
    url TEXT NOT NULL,
    address TEXT NOT NULL,
    path TEXT NOT NULL,
    config TEXT NOT NULL,
    secrets TEXT,
    details TEXT NOT NULL,
    tags TEXT NOT NULL,
    state TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    add_deadline BIGINT,
    capacity_bytes BIGINT,
    used_bytes BIGINT,
    capacity_as_of BIGINT,
    last_error TEXT,
    created BIGINT NOT NULL,
    removed BIGINT,
    absent BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX storage_pools_name ON storage_pools (zone_id, name) WHERE removed IS NULL;

CREATE TABLE bindings (
    incarnation_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    host_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    desired TEXT NOT NULL,
    observed_generation BIGINT,
    observed TEXT,
    control_plane TEXT NOT NULL,
    data_plane TEXT NOT NULL,
    can_attach_locally BOOLEAN NOT NULL,
    error TEXT,
    conditions TEXT NOT NULL,
    driver_pid INTEGER,
    driver_version TEXT,
    capacity_bytes BIGINT,
    used_bytes BIGINT,
    unload TEXT,
    host_since BIGINT,
    since BIGINT NOT NULL,
    created BIGINT NOT NULL,
    absent BIGINT,
    absolved TEXT,
    PRIMARY KEY (incarnation_id, pool_id)
);
CREATE INDEX bindings_pool ON bindings (pool_id) WHERE absent IS NULL;

CREATE TABLE host_items (
    incarnation_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    desired TEXT NOT NULL,
    spec TEXT,
    expires BIGINT,
    observed_generation BIGINT,
    observed TEXT,
    reported BIGINT,
    created BIGINT NOT NULL,
    PRIMARY KEY (incarnation_id, kind, id)
);
CREATE UNIQUE INDEX host_items_revision ON host_items (incarnation_id, revision);
CREATE INDEX host_items_id ON host_items (id);

CREATE TABLE service_offerings (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    display_text TEXT NOT NULL,
    cpus INTEGER NOT NULL,
    cpu_mhz INTEGER NOT NULL,
    memory_mib INTEGER NOT NULL,
    storage_type TEXT NOT NULL,
    provisioning_type TEXT NOT NULL,
    storage_tags TEXT NOT NULL,
    host_tags TEXT NOT NULL,
    root_disk_bytes BIGINT,
    offer_ha BOOLEAN NOT NULL,
    limit_cpu_use BOOLEAN NOT NULL,
    is_volatile BOOLEAN NOT NULL,
    cache_mode TEXT NOT NULL,
    details TEXT NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE disk_offerings (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    display_text TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    customized BOOLEAN NOT NULL,
    storage_type TEXT NOT NULL,
    provisioning_type TEXT NOT NULL,
    tags TEXT NOT NULL,
    display_offering BOOLEAN NOT NULL,
    cache_mode TEXT NOT NULL,
    details TEXT NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE os_types (
    id TEXT NOT NULL,
    category TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE templates (
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    zone_id TEXT,
    name TEXT NOT NULL,
    display_text TEXT NOT NULL,
    url TEXT NOT NULL,
    format TEXT NOT NULL,
    checksum TEXT,
    hypervisor TEXT NOT NULL,
    os_type_id TEXT,
    is_public BOOLEAN NOT NULL,
    is_featured BOOLEAN NOT NULL,
    is_extractable BOOLEAN NOT NULL,
    password_enabled BOOLEAN NOT NULL,
    ssh_key_enabled BOOLEAN NOT NULL,
    requires_hvm BOOLEAN NOT NULL,
    bits INTEGER NOT NULL,
    details TEXT NOT NULL,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    size_bytes BIGINT,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE template_copies (
    id TEXT NOT NULL,
    template_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    state TEXT NOT NULL,
    generation BIGINT NOT NULL,
    task_id TEXT,
    size_bytes BIGINT,
    backend_name TEXT,
    error TEXT,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX template_copies_pool ON template_copies (pool_id) WHERE removed IS NULL;
CREATE UNIQUE INDEX template_copies_live ON template_copies (template_id, pool_id) WHERE removed IS NULL AND state IN ('Importing', 'Ready');

CREATE TABLE networks (
    id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    name TEXT NOT NULL,
    display_text TEXT NOT NULL,
    type TEXT NOT NULL,
    traffic_type TEXT NOT NULL,
    bridge TEXT,
    is_default BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE vms (
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    instance_name TEXT NOT NULL,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    state TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    host_id TEXT,
    incarnation_id TEXT,
    last_host_id TEXT,
    template_id TEXT,
    service_offering_id TEXT NOT NULL,
    cpus INTEGER NOT NULL,
    cpu_mhz INTEGER NOT NULL,
    memory_mib INTEGER NOT NULL,
    generation BIGINT NOT NULL,
    reboot_sequence BIGINT NOT NULL,
    forced_reboot BOOLEAN NOT NULL,
    forced_stop BOOLEAN NOT NULL,
    grace_seconds INTEGER NOT NULL,
    ever_ran BOOLEAN NOT NULL,
    removal TEXT NOT NULL,
    only_host_id TEXT,
    only_cluster_id TEXT,
    restart_on_cancel TEXT,
    condition TEXT,
    networks TEXT NOT NULL,
    details TEXT NOT NULL,
    user_data TEXT,
    group_name TEXT,
    created BIGINT NOT NULL,
    destroyed BIGINT,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX vms_instance_name ON vms (instance_name);
CREATE INDEX vms_incarnation ON vms (incarnation_id) WHERE removed IS NULL;
CREATE INDEX vms_state ON vms (state) WHERE removed IS NULL;

CREATE TABLE nics (
    id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    mac TEXT NOT NULL,
    device_id INTEGER NOT NULL,
    is_default BOOLEAN NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX nics_vm ON nics (vm_id) WHERE removed IS NULL;

CREATE TABLE volumes (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    account_id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    vm_id TEXT,
    device_id INTEGER,
    attached BIGINT,
    attaching BOOLEAN NOT NULL,
    detaching BOOLEAN NOT NULL,
    pool_id TEXT,
    state TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    wanted_size_bytes BIGINT,
    disk_offering_id TEXT,
    service_offering_id TEXT,
    template_id TEXT,
    template_copy_id TEXT,
    storage_tags TEXT NOT NULL,
    goes_with_vm BOOLEAN NOT NULL,
    backend_name TEXT,
    task_id TEXT,
    lease_generation BIGINT NOT NULL,
    condition TEXT,
    created BIGINT NOT NULL,
    removed BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX volumes_vm ON volumes (vm_id) WHERE removed IS NULL;
CREATE INDEX volumes_pool ON volumes (pool_id) WHERE removed IS NULL;

CREATE TABLE leases (
    volume_id TEXT NOT NULL,
    incarnation_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    granted BIGINT NOT NULL,
    PRIMARY KEY (volume_id)
);
CREATE INDEX leases_vm ON leases (vm_id);
CREATE INDEX leases_incarnation ON leases (incarnation_id);

CREATE TABLE tasks (
    id TEXT NOT NULL,
    incarnation_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    volume_id TEXT,
    obligation_id TEXT,
    job_id TEXT,
    state TEXT NOT NULL,
    error TEXT,
    error_code TEXT,
    percent INTEGER,
    created BIGINT NOT NULL,
    deadline BIGINT,
    completed BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX tasks_open ON tasks (deadline) WHERE state IN ('Pending', 'Owed');
CREATE INDEX tasks_volume ON tasks (volume_id) WHERE state IN ('Pending', 'Owed');
CREATE INDEX tasks_incarnation ON tasks (incarnation_id) WHERE state IN ('Pending', 'Owed');

CREATE TABLE jobs (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    instance_type TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    generation BIGINT,
    state TEXT NOT NULL,
    result_code INTEGER NOT NULL,
    result TEXT,
    description TEXT NOT NULL,
    start_event_id TEXT,
    created BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    completed BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX jobs_open ON jobs (deadline) WHERE state = 'Pending';
CREATE INDEX jobs_instance ON jobs (instance_id) WHERE state = 'Pending';
CREATE INDEX jobs_completed ON jobs (completed) WHERE completed IS NOT NULL;

CREATE TABLE events (
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    level TEXT NOT NULL,
    state TEXT NOT NULL,
    description TEXT NOT NULL,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    resource_type TEXT,
    resource_id TEXT,
    resource_name TEXT,
    start_id TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX events_created ON events (created);
CREATE INDEX events_resource ON events (resource_id) WHERE resource_id IS NOT NULL;

CREATE TABLE obligations (
    id TEXT NOT NULL,
    incarnation_id TEXT NOT NULL,
    host_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    pool_name TEXT NOT NULL,
    volume_id TEXT NOT NULL,
    vm_id TEXT,
    backend_name TEXT,
    generation BIGINT NOT NULL,
    cause TEXT NOT NULL,
    last_error TEXT,
    tries INTEGER NOT NULL,
    host_created BIGINT NOT NULL,
    next_try BIGINT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    settled BIGINT,
    forgotten_by TEXT,
    reason TEXT,
    PRIMARY KEY (id)
);
CREATE INDEX obligations_open ON obligations (pool_id) WHERE state = 'Owed';
CREATE INDEX obligations_volume ON obligations (volume_id);
