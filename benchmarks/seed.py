"""Fills a database with copies of a workflow that was made through the API, row by row as that one has them.

So the rows are right whatever the schema becomes: only ids are made anew, and in the order of time, as real ones
are. PostgreSQL copies within itself, which is faster than COPY from outside.
"""

import asyncpg

from ostro.values import UUID

_AT_ONCE = 20_000

# The 48 bits of time of a UUIDv7 are moved k ms into the past, the rest is scattered but always the same: an id
# that stands in several tables is the same in all of them.
_COPY_OF = """
CREATE FUNCTION pg_temp.copy_of(old uuid, k bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(('x0000' || substr(replace(old::text, '-', ''), 1, 12))::bit(64)::bigint - k), 12, '0')
        || '7' || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid
    FROM md5(old::text || k::text) AS h
$$
"""
_COLUMNS = """
SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c
JOIN pg_class t ON t.relname = c.table_name AND t.relnamespace = current_schema()::regnamespace
WHERE c.table_schema = current_schema() AND t.relkind IN ('r', 'p') AND NOT t.relispartition
    AND c.is_generated = 'NEVER'
    AND (c.table_name = 'workflows' OR EXISTS (
        SELECT FROM information_schema.columns w
        WHERE w.table_schema = c.table_schema AND w.table_name = c.table_name AND w.column_name = 'workflow'))
ORDER BY c.table_name, c.ordinal_position
"""
_WORKFLOW_LEADS = {"workflows": "id"}
_NOT_OURS = {"session"}
"""Ids that belong to no workflow stay what they are."""


async def copy_workflow(dsn: str, workflow: UUID, *, first: int, copies: int) -> None:
    """So many copies, numbered from `first` (1 at least); then statistics and a checkpoint, as on a settled system."""
    connection = await asyncpg.connect(dsn, command_timeout=3600)
    try:
        await connection.execute(_COPY_OF)
        await connection.execute("SET synchronous_commit = off")
        tables: dict[str, dict[str, str]] = {}
        for row in await connection.fetch(_COLUMNS):
            tables.setdefault(row["table_name"], {})[row["column_name"]] = row["udt_name"]
        statements = [_statement(table, columns) for table, columns in tables.items()]
        last = first + copies - 1
        for high in range(last, first - 1, -_AT_ONCE):
            for statement in statements:
                await connection.execute(statement, workflow, max(first, high - _AT_ONCE + 1), high)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _statement(table: str, columns: dict[str, str]) -> str:
    key = _WORKFLOW_LEADS.get(table, "workflow")
    values = ", ".join(_value(name, kind) for name, kind in columns.items())
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} "
        f"FROM {table} t CROSS JOIN generate_series($2::bigint, $3::bigint) AS k WHERE t.{key} = $1 ORDER BY k DESC"
    )


def _value(name: str, kind: str) -> str:
    if kind == "uuid" and name not in _NOT_OURS:
        return f"pg_temp.copy_of(t.{name}, k)"
    if kind == "_uuid":
        return f"ARRAY(SELECT pg_temp.copy_of(u.id, k) FROM unnest(t.{name}) WITH ORDINALITY AS u (id, n) ORDER BY u.n)"
    return f"t.{name}"
