-- Workflows that are made from a definition. What core keeps of them beside the rows of every workflow is one text
-- a workflow and one a task, written by the lane alone and read with the workflow; nothing in them is searched for.

-- A library is the texts that a workflow was started with, under their hash: a running workflow keeps its own,
-- whatever is uploaded later, and those that its tasks run are found in it. Never changed.
CREATE TABLE libraries (
    namespace integer NOT NULL,
    key       text COLLATE "C" NOT NULL,
    body      bytea NOT NULL,
    made_at   timestamptz NOT NULL,
    PRIMARY KEY (namespace, key)
);

CREATE TABLE flows (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (namespace, workflow)
);

CREATE TABLE steps (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    task      uuid NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (namespace, workflow, task)
);

-- The input of a job, where it is not its task's: that of a definition's task is computed for each run.
CREATE TABLE inputs (
    namespace integer NOT NULL,
    workflow  uuid NOT NULL,
    job       uuid NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (namespace, workflow, job)
);

-- The workflows that the tasks of one run: expressions may ask for all of a family.
CREATE INDEX workflow_specs_parent ON workflow_specs (namespace, parent_workflow) WHERE parent_workflow IS NOT NULL;

ALTER TABLE timers DROP CONSTRAINT timers_kind_check;
ALTER TABLE timers ADD CONSTRAINT timers_kind_check CHECK (kind IN ('retry', 'deadline', 'timeout'));
ALTER TABLE workflows DROP CONSTRAINT workflows_stopping_check;
ALTER TABLE workflows ADD CONSTRAINT workflows_stopping_check
    CHECK (stopping IN ('cancel', 'deadline', 'fail', 'succeed'));

ALTER TYPE given_task ADD ATTRIBUTE pass integer;
ALTER TYPE given_ended_job ADD ATTRIBUTE item integer;
ALTER TYPE given_queued_job ADD ATTRIBUTE item integer, ADD ATTRIBUTE input bytea;
ALTER TYPE given_message ADD ATTRIBUTE recipient uuid, ADD ATTRIBUTE body bytea;
CREATE TYPE given_flow AS (
    w integer, body bytea
);
CREATE TYPE given_step AS (
    w integer, task uuid, body bytea
);
CREATE TYPE given_drop AS (
    w integer, task uuid
);
