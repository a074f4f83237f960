"""A round made from a definition: a sub-workflow, items two at a time, retries, waits and a join, whoever is killed meanwhile."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import asyncpg

from ostro.client.client import Client
from ostro.client.workflow import Workflow

SCRIPTS = {"each", "first"}
"""The tasks whose jobs run on a worker and leave a file."""
NAMES = {"call", "each", "waits", "flaky", "meet"}
ITEMS = 4

_TEXT = """
version: '2.0'

main:
  input: [run, effects]
  output: {sum: <% $.sum %>, results: <% $.results %>}
  tasks:
    call:
      workflow: part
      input: {run: <% $.run %>, effects: <% $.effects %>}
      publish: {part: <% task().result.n %>}
      on-success: meet
    each:
      with-items: n in <% range(4) %>
      concurrency: 2
      action: script
      target: {server: x}
      safe-rerun: true
      retry: {count: 50, delay: 0}
      input: {run: <% $.run %>, env: {EFFECTS: <% $.effects %>}}
      publish: {results: <% task().result.result %>}
      on-success: meet
    waits:
      action: std.echo output=5
      wait-before: 1
      wait-after: 1
      publish: {waited: <% task().result %>}
      on-success: meet
    flaky:
      action: std.fail
      retry: {count: 2, delay: 1}
      publish-on-error: {failed: 100}
      on-error: meet
    meet:
      join: all
      action: std.echo output=<% $.part + $.results.sum() + $.waited + $.failed %>
      publish: {sum: <% task().result %>}

part:
  input: [run, effects]
  output: {n: <% $.n %>}
  tasks:
    first:
      action: script
      target: {server: y}
      retry: {count: 50, delay: 0}
      input: {run: <% $.run %>, env: {EFFECTS: <% $.effects %>}}
      publish: {n: <% task().result.result * 10 %>}
      on-success: last
    last: {action: std.noop}
"""
OUTPUT = {"sum": 10 + ITEMS + 5 + 100, "results": [1] * ITEMS}


async def begin(client: Client, number: int, run: str, effects: Path) -> Workflow:
    """The workflow, started."""
    given = {"run": run, "effects": str(effects)}
    return await client.workflows.start(_TEXT, definition="main", input=given, name=f"defined {number}")


async def wrongs(raw: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """What contradicts that each of them ended well, ran one sub-workflow, and counted each effect once."""
    rows = await raw.fetch(
        "SELECT s.workflow, s.parent_workflow, w.state FROM workflow_specs s JOIN workflows w "
        "ON w.namespace = s.namespace AND w.id = s.workflow WHERE s.name LIKE 'defined %' OR s.name = 'part'"
    )
    wrong = [
        f"{row['workflow']}, from a definition, is {row['state']}"
        for row in rows
        if row["state"] != "SUCCESS"
    ]
    children = Counter(row["parent_workflow"] for row in rows if row["parent_workflow"] is not None)
    mains = [row["workflow"] for row in rows if row["parent_workflow"] is None]
    wrong += [f"{one} ran {children[one]} sub-workflows" for one in mains if children[one] != 1]
    return wrong + await _counted(raw, mains)


async def _counted(raw: "asyncpg.Connection[asyncpg.Record]", mains: list[UUID]) -> list[str]:
    jobs = await raw.fetch(
        "SELECT t.workflow, t.name, j.run, j.item, j.state, t.run AS last, t.state AS ended FROM tasks t JOIN jobs j "
        "ON j.namespace = t.namespace AND j.workflow = t.workflow AND j.task = t.id WHERE t.workflow = ANY($1)",
        mains,
    )
    found: dict[tuple[UUID, str], Counter[str]] = {}
    for job in jobs:
        if job["run"] == job["last"]:
            found.setdefault((job["workflow"], job["name"]), Counter())[job["state"]] += 1
    wanted = {name: Counter({"SUCCESS": 1}) for name in NAMES}
    wanted |= {"each": Counter({"SUCCESS": ITEMS}), "flaky": Counter({"ERROR": 1})}
    wrong = [
        f"{main} {name}: its last run came to {dict(found.get((main, name), {}))}"
        for main in mains
        for name, ends in wanted.items()
        if found.get((main, name)) != ends
    ]
    runs = Counter(job["workflow"] for job in jobs if job["name"] == "flaky")
    return wrong + [f"{one} flaky ran {runs[one]} times" for one in mains if runs[one] != 3]
