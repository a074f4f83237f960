-- Definitions and environments as things of their own, known by name.

-- One row a name that there was: `version` goes on counting when a deleted name comes again. What it runs is in its
-- versions; `library` is the key of the newest one's text. `workflows` and `actions` are the full names that the newest version may mean and does not hold itself.
CREATE TABLE definitions (
    namespace   integer NOT NULL,
    id          uuid NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('workflow', 'action')),
    name        text COLLATE "C" NOT NULL,
    version     integer NOT NULL DEFAULT 0,
    library     text COLLATE "C" NOT NULL DEFAULT '',
    workbook    text COLLATE "C" NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    tags        text[] NOT NULL DEFAULT '{}',
    labels      jsonb NOT NULL DEFAULT '{}',
    workflows   text[] NOT NULL DEFAULT '{}',
    actions     text[] NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    updated_by  text COLLATE "C" NOT NULL DEFAULT '',
    deleted_at  timestamptz,
    PRIMARY KEY (namespace, id)
);
CREATE UNIQUE INDEX definitions_by_name ON definitions (namespace, name, kind);
CREATE INDEX definitions_deleted ON definitions (namespace, deleted_at) WHERE deleted_at IS NOT NULL;

-- What is under the key of a library never changes.
CREATE TABLE definition_versions (
    namespace  integer NOT NULL,
    definition uuid NOT NULL,
    version    integer NOT NULL,
    library    text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    PRIMARY KEY (namespace, definition, version)
);
CREATE INDEX definition_versions_library ON definition_versions (namespace, library);

CREATE TABLE environments (
    namespace   integer NOT NULL,
    name        text COLLATE "C" NOT NULL,
    version     integer NOT NULL,
    description text NOT NULL,
    variables   bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (namespace, name)
);

-- A library is kept while a workflow or a version needs it, and for a day after somebody last said so.
ALTER TABLE libraries RENAME COLUMN made_at TO used_at;
CREATE INDEX libraries_used ON libraries (namespace, used_at);

-- Which library a workflow was made from; of those that there are it stands at the head of what core keeps of them.
ALTER TABLE workflow_specs ADD COLUMN library text COLLATE "C";
UPDATE workflow_specs s
SET library = convert_from(substring(f.body FROM position('\xa76c696272617279d940'::bytea IN f.body) + 10 FOR 64), 'UTF8')
FROM flows f
WHERE f.namespace = s.namespace AND f.workflow = s.workflow
  AND position('\xa76c696272617279d940'::bytea IN f.body) BETWEEN 1 AND 4;
CREATE INDEX workflow_specs_library ON workflow_specs (namespace, library) WHERE library IS NOT NULL;
CREATE INDEX workflow_specs_definition ON workflow_specs (namespace, definition, workflow) WHERE definition IS NOT NULL;
ALTER TYPE given_workflow_spec ADD ATTRIBUTE library text;
