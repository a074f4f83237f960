-- The first schema. Namespace leads every key and index of the hot tables, then the workflow id for all that
-- belongs to one. No foreign keys between hot tables: a test recounts orphans. Texts that are sorted or paged
-- are COLLATE "C". What users send is bytea, never json.

-- `keep`: seconds that an ended workflow stays, 0 for ever; NULL means the server's setting.
CREATE TABLE namespaces (
    id          integer PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    external_id text COLLATE "C",
    keep        integer CHECK (keep >= 0),
    created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO namespaces (id, name) VALUES (1, 'default');

-- Workflows: the hot row apart from what callers said of it. `keep` as of namespaces, whose own it overrides;
-- -1 marks one that is being deleted.
CREATE TABLE workflows (
    namespace integer NOT NULL,
    id        uuid NOT NULL,
    version   bigint NOT NULL,
    stamp     bigint NOT NULL,
    state     text COLLATE "C" NOT NULL CHECK (state IN ('RUNNING', 'PAUSED', 'SUCCESS', 'ERROR', 'CANCELLED')),
    sealed    boolean NOT NULL,
    stopping  text CHECK (stopping IN ('cancel', 'deadline')),
    latched   text[] NOT NULL DEFAULT '{}',
    parked    boolean NOT NULL DEFAULT false,
    error     text,
    deadline  timestamptz,
    created_at timestamptz NOT NULL,
    ended_at  timestamptz,
    keep      integer CHECK (keep >= -1),
    PRIMARY KEY (namespace, id),
    CHECK ((state IN ('SUCCESS', 'ERROR', 'CANCELLED')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 70);
-- Ended ones in the order in which they expire: those that go by their namespace's time, and those with one of
-- their own. A running workflow is in neither, so its updates stay HOT.
CREATE INDEX workflows_ended ON workflows (namespace, ended_at) WHERE ended_at IS NOT NULL AND keep IS NULL;
CREATE INDEX workflows_kept ON workflows (namespace, ((ended_at AT TIME ZONE 'UTC') + keep * interval '1 second'))
    WHERE ended_at IS NOT NULL AND keep <> 0;

CREATE TABLE workflow_specs (
    namespace  integer NOT NULL,
    workflow   uuid NOT NULL,
    name       text COLLATE "C" NOT NULL,
    description text NOT NULL,
    tags       text[] NOT NULL,
    done_when  bytea,
    output     bytea,
    parent_workflow uuid,
    parent_task uuid,
    root_workflow uuid,
    definition uuid,
    definition_version integer,
    PRIMARY KEY (namespace, workflow)
);

-- Tasks: state apart from specification. `job` is the live job of a RUNNING task.
CREATE TABLE tasks (
    namespace  integer NOT NULL,
    workflow   uuid NOT NULL,
    id         uuid NOT NULL,
    name       text COLLATE "C" NOT NULL,
    pass       integer NOT NULL DEFAULT 0,
    tags       text[] NOT NULL,
    hash       bytea NOT NULL,
    state      text COLLATE "C" NOT NULL CHECK (state IN
        ('WAITING', 'DELAYED', 'PAUSED', 'RUNNING', 'SUCCESS', 'ERROR', 'CANCELLED', 'SKIPPED')),
    reason     text COLLATE "C" CHECK (reason IN ('not_needed', 'missing', 'upstream', 'stopped', 'operator')),
    error      text,
    run        integer NOT NULL,
    job        uuid,
    version    bigint NOT NULL,
    spawned    integer NOT NULL,
    weighs     boolean NOT NULL,
    required   integer NOT NULL,
    spawned_by uuid,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at   timestamptz,
    PRIMARY KEY (namespace, workflow, id),
    CHECK ((state IN ('SUCCESS', 'ERROR', 'CANCELLED', 'SKIPPED')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'SKIPPED') = (reason IS NOT NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX tasks_by_name ON tasks (namespace, workflow, name, pass);

CREATE TABLE task_specs (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    task      uuid NOT NULL,
    spec      bytea NOT NULL,
    input     bytea NOT NULL,
    input_stays boolean NOT NULL,
    PRIMARY KEY (namespace, workflow, task)
);

-- Deleted names answer 410; sealed tags stay sealed.
CREATE TABLE gone (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    name      text COLLATE "C" NOT NULL,
    PRIMARY KEY (namespace, workflow, name)
);
CREATE TABLE sealed_tags (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    tag       text COLLATE "C" NOT NULL,
    PRIMARY KEY (namespace, workflow, tag)
);

-- Queues are interned: `id` is a hash of action, target and tags, so servers agree without asking each other.
CREATE TABLE queues (
    namespace integer NOT NULL,
    id        bigint NOT NULL,
    action    text COLLATE "C" NOT NULL,
    target    bytea NOT NULL,
    tags      text[] NOT NULL,
    made_at   timestamptz NOT NULL,
    PRIMARY KEY (namespace, id)
);
CREATE INDEX queues_made ON queues (namespace, made_at);

-- Live jobs: queued (no session), leased (session), or revoked (stopping on a worker until it says so).
-- Rows belong to the dispatcher; a lane adds them, and takes one away with a result.
CREATE TABLE queue (
    namespace  integer NOT NULL,
    workflow   uuid NOT NULL,
    job        uuid NOT NULL,
    task       uuid NOT NULL,
    run        integer NOT NULL,
    item       integer NOT NULL DEFAULT 0,
    queue      bigint NOT NULL,
    priority   smallint NOT NULL CHECK (priority BETWEEN -100 AND 100),
    position   bigint NOT NULL,
    fence      integer NOT NULL DEFAULT 0,
    session    uuid,
    worker     text COLLATE "C",
    timeout    double precision,
    safe_rerun boolean NOT NULL,
    hands_over text[] NOT NULL,
    queued_at  timestamptz NOT NULL,
    claimed_at timestamptz,
    until      timestamptz,
    revoked_at timestamptz,
    attempts   integer NOT NULL DEFAULT 0,
    problem    text,
    PRIMARY KEY (namespace, workflow, job)
) WITH (fillfactor = 70);
CREATE INDEX queue_claim ON queue (namespace, queue, priority DESC, position) WHERE session IS NULL AND revoked_at IS NULL;
CREATE INDEX queue_session ON queue (namespace, session) WHERE session IS NOT NULL;
CREATE INDEX queue_until ON queue (namespace, until) WHERE until IS NOT NULL;
CREATE INDEX queue_revoked ON queue (namespace, revoked_at) WHERE revoked_at IS NOT NULL;

-- Ended jobs, written once. Their results apart.
CREATE TABLE jobs (
    namespace  integer NOT NULL,
    workflow   uuid NOT NULL,
    task       uuid NOT NULL,
    run        integer NOT NULL,
    item       integer NOT NULL DEFAULT 0,
    id         uuid NOT NULL,
    fence      integer,
    state      text COLLATE "C" NOT NULL CHECK (state IN ('SUCCESS', 'ERROR', 'CANCELLED')),
    error      text,
    worker     text COLLATE "C",
    queued_at  timestamptz NOT NULL,
    claimed_at timestamptz,
    ended_at   timestamptz NOT NULL,
    PRIMARY KEY (namespace, workflow, task, run, item)
);
CREATE UNIQUE INDEX jobs_by_id ON jobs (namespace, id);

CREATE TABLE results (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    task      uuid NOT NULL,
    run       integer NOT NULL,
    item      integer NOT NULL DEFAULT 0,
    body      bytea NOT NULL,
    PRIMARY KEY (namespace, workflow, task, run, item)
);

CREATE TABLE logs (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    job       uuid NOT NULL,
    fence     integer NOT NULL,
    start     bigint NOT NULL,
    stream    text COLLATE "C" NOT NULL CHECK (stream IN ('stdout', 'stderr', 'ostro')),
    at        timestamptz NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (namespace, workflow, job, fence, start)
);

-- The change log: one row per workflow and commit. History, audit trail and live feed at once.
CREATE TABLE changes (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    version   bigint NOT NULL,
    stamp     bigint NOT NULL,
    at        timestamptz NOT NULL,
    tasks     uuid[] NOT NULL,
    entries   bytea NOT NULL,
    PRIMARY KEY (namespace, workflow, version)
);

CREATE TABLE timers (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('retry', 'deadline')),
    task      uuid NOT NULL,
    due_at    timestamptz NOT NULL,
    attempts  integer NOT NULL DEFAULT 0,
    problem   text,
    parked    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (namespace, workflow, kind, task)
);
CREATE INDEX timers_due ON timers (namespace, due_at) WHERE NOT parked;

CREATE TABLE messages (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    id        uuid NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    body      bytea NOT NULL DEFAULT '',
    due_at    timestamptz NOT NULL,
    attempts  integer NOT NULL DEFAULT 0,
    problem   text,
    parked    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (namespace, workflow, id)
);
CREATE INDEX messages_due ON messages (namespace, due_at) WHERE NOT parked;

-- Answers to requests with an Idempotency-Key, written in the deciding transaction.
CREATE TABLE answers (
    namespace integer NOT NULL,
    key       text COLLATE "C" NOT NULL,
    request   bytea NOT NULL,
    status    smallint NOT NULL,
    body      bytea NOT NULL,
    until     timestamptz NOT NULL,
    PRIMARY KEY (namespace, key)
);
CREATE INDEX answers_until ON answers (namespace, until);

-- Workers, one row a name; `session` is the present life. Renewing touches no indexed column.
CREATE TABLE workers (
    namespace    integer NOT NULL,
    name         text COLLATE "C" NOT NULL,
    instance     uuid NOT NULL,
    session      uuid NOT NULL,
    token        text COLLATE "C" NOT NULL,
    capabilities bytea NOT NULL,
    binding      bytea NOT NULL,
    pool         boolean NOT NULL,
    actions      text[] NOT NULL,
    tags         text[],
    slots        integer NOT NULL,
    version      text NOT NULL,
    registered_at timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    left_at      timestamptz,
    PRIMARY KEY (namespace, name)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX workers_session ON workers (namespace, session);

-- Tokens are stored hashed. `binding` and `grants` are small JSON objects.
CREATE TABLE tokens (
    id         text COLLATE "C" PRIMARY KEY,
    namespace  integer NOT NULL,
    kind       text COLLATE "C" NOT NULL CHECK (kind IN ('admin', 'write', 'read', 'worker', 'join')),
    secret     bytea NOT NULL,
    label      text NOT NULL,
    binding    bytea NOT NULL DEFAULT '{}',
    grants     bytea NOT NULL DEFAULT '{}',
    pool       boolean NOT NULL DEFAULT false,
    uses_left  integer,
    parent     text COLLATE "C",
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    used_at    timestamptz
);
CREATE INDEX tokens_namespace ON tokens (namespace, id);
CREATE UNIQUE INDEX tokens_live_worker ON tokens (namespace, label) WHERE kind = 'worker' AND revoked_at IS NULL AND parent IS NOT NULL;

-- Keys of job tokens, with an id for rotation: the newest signs, all verify.
CREATE TABLE signing_keys (
    id      integer PRIMARY KEY,
    secret  bytea NOT NULL,
    made_at timestamptz NOT NULL
);

CREATE TABLE audit (
    namespace integer NOT NULL,
    id        uuid NOT NULL,
    at        timestamptz NOT NULL,
    who       text NOT NULL,
    what      text NOT NULL,
    detail    text NOT NULL,
    PRIMARY KEY (namespace, id)
);

-- The sets that one commit writes, a row each (`commit_batch`): a driver encodes a list of rows in half the time of
-- as many lists as there are columns. `w` is the number of the write that a row belongs to. Lists inside a row come
-- as text joined with U+001F, which no name holds.
CREATE TYPE given_workflow AS (
    w integer, namespace integer, id uuid, version bigint, stamp bigint, new_stamp bigint, state text,
    sealed boolean, stopping text, latched text, error text, deadline timestamptz, ended_at timestamptz,
    is_born boolean, touched text, entries bytea, keep integer
);
CREATE TYPE given_job AS (
    w integer, job uuid, fence integer, session uuid, stays boolean
);
CREATE TYPE given_answer AS (
    w integer, namespace integer, key text, request bytea, status smallint, body bytea, until timestamptz
);
CREATE TYPE given_workflow_spec AS (
    w integer, name text, description text, tags text, done_when bytea, output bytea,
    parent_workflow uuid, parent_task uuid, root_workflow uuid, definition uuid,
    definition_version integer
);
CREATE TYPE given_task AS (
    w integer, is_new boolean, task uuid, name text, tags text, hash bytea, state text, reason text,
    error text, run integer, job uuid, version bigint, spawned integer, weighs boolean, required integer,
    spawned_by uuid, created_at timestamptz, started_at timestamptz, ended_at timestamptz
);
CREATE TYPE given_task_spec AS (
    w integer, task uuid, spec bytea, input bytea, input_stays boolean
);
CREATE TYPE given_removal AS (
    w integer, task uuid, name text
);
CREATE TYPE given_tag AS (
    w integer, tag text
);
CREATE TYPE given_ended_job AS (
    w integer, task uuid, run integer, job uuid, fence integer, state text, error text, result bytea,
    at timestamptz
);
CREATE TYPE given_revocation AS (
    w integer, job uuid
);
CREATE TYPE given_hand AS (
    namespace integer, session uuid
);
CREATE TYPE given_queued_job AS (
    w integer, job uuid, task uuid, run integer, queue bigint, priority smallint, position bigint,
    timeout double precision, safe_rerun boolean, hands_over text, session uuid
);
CREATE TYPE given_timer AS (
    w integer, kind text, task uuid, due_at timestamptz
);
CREATE TYPE given_message AS (
    w integer, id uuid, kind text
);
CREATE TYPE given_done AS (
    w integer, id uuid
);
