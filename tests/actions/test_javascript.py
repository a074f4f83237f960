"""`std.javascript` in a real engine."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostro.actions.marks import all_in
from tests.actions.runs import Run, result_of


@pytest.mark.parametrize(
    ("script", "gives"),
    [
        ("$.a + 1", 2),
        ("return $.a + 1", 2),
        ("function twice(x) { return 2 * x }\n[1, 2].map(twice)", [2, 4]),
        ("if ($.a) { return {b: $.a, c: [null, 'ä']} }", {"b": 1, "c": [None, "ä"]}),
        ("var x = 1;", None),
        ("'text'", "text"),
        ("null", None),
    ],
)
async def test_a_script_gives_what_it_returns_or_its_last_statement(
    tmp_path: Path, script: str, gives: Any
) -> None:
    outcome = await Run(tmp_path, {"script": script, "context": {"a": 1}}).act("std.js")
    assert (outcome.error, result_of(outcome)) == (None, gives)


async def test_what_it_says_goes_to_the_log(tmp_path: Path) -> None:
    run = Run(tmp_path, {"script": "console.log('a', {b: 1}); 1"})
    assert (await run.act("std.javascript")).error is None
    assert run.written("stdout") == b'a {"b":1}\n'


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("throw new Error('not today')", "Error: not today"),
        ("x +", "SyntaxError"),
        ("nothing.here", "ReferenceError"),
        ("var a = []; while (true) a.push(new Array(100000).fill(1))", "out of memory"),
        ("(function f() { return f() + 1 })()", "stack"),
    ],
)
async def test_a_mistake_is_the_error(tmp_path: Path, script: str, says: str) -> None:
    assert says in ((await Run(tmp_path, {"script": script}).act("std.javascript")).error or "")


async def test_a_script_that_does_not_end_is_ended(tmp_path: Path) -> None:
    endless = "console.log('begun'); /(a+)+$/.test('a'.repeat(40) + 'b'); while (true) {}"
    run = Run(tmp_path, {"script": endless, "timeout": 0.5})
    assert (await run.act("std.javascript")).error == "the script did not end within 0.5 s"
    assert all_in(run.context.marks) == []


async def test_a_cancel_ends_it(tmp_path: Path) -> None:
    run = Run(tmp_path, {"script": "console.log('begun'); while (true) {}"}, kill_after=1.0)
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act("std.javascript"))
        await run.wrote.wait()
        run.context.stopping.set()
    assert ended.result().error is not None
