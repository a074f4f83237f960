"""Workflows from stored definitions: what runs inside a decision, what workers run item by item, what variables take up."""

import asyncio
import time
from uuid import uuid4

import msgspec

from benchmarks import floor
from benchmarks.figures import Found, Scale, quantiles
from benchmarks.house import House, house
from benchmarks.language.texts import LOOPS, chain, passing_on
from benchmarks.load import Start
from benchmarks.rows.idle import Others
from ostro.client import Client

_TASKS = 100
"""Of a chain. What has no effects runs inside the decision: all of them in one commit."""


async def inline_chain(scale: Scale) -> Found:
    """One caller first, then several at once."""
    count = scale.of(300, 10)
    async with house() as where, Client(where.url, where.tenant.admin) as client:
        commit = await floor.commit_ms(where.dsn, tasks=_TASKS)
        lowest = await floor.tasks_per_second(where.dsn, scale.of(30_000, 2_000))
        await client.definitions.upload(chain(_TASKS))
        alone = Start(where.urls, where.tenant.admin, "chain", count)
        await where.order(msgspec.structs.replace(alone, count=max(5, count // 10)))
        found = quantiles("a chain", (await where.order(alone))["latencies"])
        many = await where.order(msgspec.structs.replace(alone, connections=_CALLERS))
        await _check_chains(where)
        commits = await where.value("SELECT count(*)::float8 / count(DISTINCT workflow) FROM changes")
    rate = many["rate"] * _TASKS
    return {
        f"floor ms a commit of {_TASKS} tasks": commit,
        **found,
        "a chain p50 / floor": found["a chain p50 ms"] / commit,
        "commits a chain": commits,
        "floor tasks/s": lowest,
        f"{_CALLERS} callers tasks/s": rate,
        f"{_CALLERS} callers share of the floor": rate / lowest,
    }


_CALLERS = 8


async def _check_chains(where: House) -> None:
    """An answer comes when the commit is there, and all of a chain is in that commit."""
    wrong = await where.value("SELECT count(*) FROM workflows WHERE state <> 'SUCCESS'")
    tasks = await where.value(
        "SELECT count(*)::float8 / count(DISTINCT workflow) FROM tasks WHERE state = 'SUCCESS'"
    )
    if wrong or tasks != _TASKS:
        raise RuntimeError(f"{wrong} chains did not end in SUCCESS, the others have {tasks} such tasks")


async def with_items(scale: Scale) -> Found:
    """One task with many items: `std.echo`, which runs in the server's decisions, and jobs that two workers run."""
    count = scale.of(10_000, 200)
    found: Found = {}
    async with house() as where, Client(where.url, where.tenant.admin) as client:
        lowest = await floor.tasks_per_second(where.dsn, scale.of(30_000, 2_000))
        found["floor tasks/s"] = lowest
        await where.grow_to(2, 250)
        await client.definitions.upload(LOOPS)
        for definition, what in (("echoes", "std.echo"), ("jobs", "jobs of workers")):
            await _loop(where, client, definition, count // 10)
            seconds = await _loop(where, client, definition, count)
            found[f"{count:,} {what} s"] = seconds
            found[f"{count:,} {what} share of the floor"] = count / seconds / lowest
            longest = await _longest_beside(where, client, definition, count)
            found[f"others beside {what} longest ms"] = 1000 * longest
    return found


async def _loop(where: House, client: Client, definition: str, count: int) -> float:
    """Seconds from the call that makes the workflow until it has ended."""
    began = time.perf_counter()
    workflow = await client.workflows.start(definition=definition, input={"count": count})
    state = await where.until_ended(workflow.id)
    seconds = time.perf_counter() - began
    done = await where.value(
        "SELECT count(*) FROM jobs WHERE workflow = $1 AND state = 'SUCCESS'", workflow.id
    )
    if state != "SUCCESS" or done != count:
        raise RuntimeError(f"{definition} ended in {state}, and {done} of {count} items in SUCCESS")
    return seconds


async def _longest_beside(where: House, client: Client, definition: str, count: int) -> float:
    """The longest that a request of callers of small workflows took meanwhile."""
    others = Others(where)
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(others.run())
        await asyncio.sleep(1.0)
        others.take()
        await _loop(where, client, definition, count)
        longest = max(others.take())
        asking.cancel()
    return longest


_SIZE = """
SELECT sum(pg_total_relation_size(oid)) / 1000.0 FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
"""


async def variables(scale: Scale) -> Found:
    """What the tables grow by with a variable of 100 KB that 100 tasks see, and with one of a few bytes."""
    times, parts = scale.of(40, 4), 2_560
    text = msgspec.json.encode([str(uuid4()) for _ in range(parts)])
    async with house() as where, Client(where.url, where.tenant.admin) as client:
        lowest = await floor.stored_kb(where.dsn, text, times)
        await client.definitions.upload(passing_on(_TASKS))
        await _grown(where, client, 1, times)
        without = await _grown(where, client, 1, times)
        with_it = await _grown(where, client, parts, times)
    return {
        "the variable KB": len(text) / 1000,
        "floor KB, in a table of its own": lowest,
        "without it KB a workflow": without,
        "with it KB a workflow": with_it,
        "more for it KB": with_it - without,
        "more / floor": (with_it - without) / lowest,
    }


async def _grown(where: House, client: Client, parts: int, times: int) -> float:
    """KB a workflow, by the real sizes of all tables with their indexes."""
    before = await where.value(_SIZE)
    for _ in range(times):
        workflow = await client.workflows.start(definition="passing_on", input={"parts": parts})
        if (state := await where.until_ended(workflow.id)) != "SUCCESS":
            raise RuntimeError(f"a workflow ended in {state}")
    return float(await where.value(_SIZE) - before) / times
