"""The rows, in the order in which they are measured."""

from benchmarks.figures import Row
from benchmarks.rows import (
    definitions,
    fairness,
    fan_out,
    growing,
    growth,
    idle,
    language,
    latency,
    start,
    throughput,
)

ROWS: dict[str, Row] = {
    "throughput": Row("worker-run tasks a second over HTTP, in many workflows", throughput.measure),
    "steps": Row("a step in a chain: result reported → next job in the worker's hands", latency.steps),
    "pick-up": Row("create → running: from the call until a waiting worker has the job", latency.pick_up),
    "fan-out": Row("one workflow with many parallel tasks and a join", fan_out.fan_out),
    "one-tag": Row("10,000 tasks under one tag, one dependent: what a completion costs", fan_out.one_tag),
    "adding": Row("10,000 tasks added to a running workflow, one by one and in batches", growing.adding),
    "hot": Row("one workflow fed and worked on at two servers: nothing lost", growing.hot),
    "fairness": Row("a small one's pick-up beside 100,000 queued jobs", fairness.fairness),
    "idle-workers": Row("5,000 workers that wait: CPU, memory, transactions", idle.idle_workers),
    "resting-workflows": Row("100,000 open workflows at rest: the same", idle.resting_workflows),
    "cold-workflow": Row(
        "first event on 100,000 tasks after a restart, and the others' wait", idle.cold_workflow
    ),
    "parse": Row("definitions of 100 and 1,000 tasks read, and made ready to run", language.parse),
    "lint": Row("the same read and checked", language.lint),
    "expression": Row("an expression read, and evaluated", language.expression),
    "transition": Row("a task's end and what follows it, decided by the core", language.transition),
    "inline-chain": Row("100 `std.noop` in a chain: one call, one commit", definitions.inline_chain),
    "with-items": Row("10,000 items of one task, in the server and by workers", definitions.with_items),
    "variables": Row("what a variable of 100 KB that 100 tasks see takes up", definitions.variables),
    "cold-start": Row("server start, `ostro --help`, memory, install size", start.cold_start),
    "growth": Row(
        "cost of a task with 0, 1 and 5 million ended ones in the tables", growth.growth, full=True
    ),
}
