"""Python functions as actions."""

import asyncio
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ostro
from ostro.actions.functions import name_of, runner_of, signature_of
from ostro.actions.registry import Action, Actions
from tests.actions.runs import Run, result_of


def offered(function: Any) -> Actions:
    """A worker's set with this one function."""
    name = name_of(function)
    assert name is not None
    signature = signature_of(function)
    return Actions([Action(name, signature.takes, "a test", lambda: runner_of(name, function, signature))])


class Server(msgspec.Struct):
    name: str
    cores: int = 1


@ostro.action
def add(a: int, b: int = 2) -> int:
    """Adds two numbers."""
    return a + b


@ostro.action(name="net.later")
async def later(at: datetime, servers: list[Server], context: ostro.Context) -> dict[str, Any]:
    context.log(f"{len(servers)} servers")
    return {"year": at.year, "cores": sum(one.cores for one in servers), "job": context.job}


@ostro.action
def anything(first: Any, **rest: Any) -> Any:
    return [first, rest]


async def test_a_function_stays_a_function_and_is_an_action_besides(tmp_path: Path) -> None:
    assert add(1, 1) == 2
    assert result_of(await Run(tmp_path, {"a": 1}, actions=offered(add)).act("add")) == 3
    assert result_of(await Run(tmp_path, {"a": 1, "b": 4}, actions=offered(add)).act("add")) == 5


async def test_what_is_typed_is_converted_and_the_context_is_given(tmp_path: Path) -> None:
    given = {"at": "2026-11-25T10:00:00Z", "servers": [{"name": "a", "cores": 4}, {"name": "b"}]}
    run = Run(tmp_path, given, actions=offered(later))
    assert result_of(await run.act("net.later")) == {"year": 2026, "cores": 5, "job": run.context.job}
    assert run.written("stdout") == b"2 servers\n"


async def test_a_function_may_take_whatever_is_given(tmp_path: Path) -> None:
    run = Run(tmp_path, {"first": 1, "more": [2]}, actions=offered(anything))
    assert result_of(await run.act("anything")) == [1, {"more": [2]}]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"a": "one"}, "the input of add is not what it takes: Expected `int`, got `str` - at `$.a`"),
        ({}, "missing required field `a`"),
        ({"a": 1, "c": 1}, "unknown field `c`"),
        ([1], "Expected `object`, got `array`"),
    ],
)
async def test_an_input_that_does_not_fit_is_said(tmp_path: Path, given: Any, says: str) -> None:
    assert says in ((await Run(tmp_path, given, actions=offered(add)).act("add")).error or "")


async def test_an_exception_is_the_error_and_its_traceback_goes_to_the_log(tmp_path: Path) -> None:
    @ostro.action
    def breaks() -> None:
        raise LookupError("there is no such server")

    run = Run(tmp_path, {}, actions=offered(breaks))
    assert (await run.act("breaks")).error == "LookupError: there is no such server"
    log = run.written("stderr").decode()
    assert log.startswith("Traceback")
    assert "in breaks" in log
    assert "ostro/actions" not in log


async def test_what_is_no_json_is_an_error(tmp_path: Path) -> None:
    @ostro.action
    def strange() -> object:
        return object()

    outcome = await Run(tmp_path, {}, actions=offered(strange)).act("strange")
    assert (outcome.error or "").startswith("what strange returned cannot be written as JSON")


async def test_a_function_may_say_how_it_ended(tmp_path: Path) -> None:
    @ostro.action
    def begins() -> ostro.Outcome:
        return ostro.Outcome(goes_on=True)

    assert (await Run(tmp_path, {}, actions=offered(begins)).act("begins")).goes_on


async def test_an_async_function_is_cancelled_when_nobody_waits_for_it(tmp_path: Path) -> None:
    cleaned = asyncio.Event()

    @ostro.action
    async def waits(context: ostro.Context) -> None:
        context.log("started")
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    run = Run(tmp_path, {}, actions=offered(waits))
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act("waits"))
        await run.wrote.wait()
        run.context.stopping.set()
    assert ended.result().error == "stopped"
    assert cleaned.is_set()


async def test_another_function_runs_in_a_thread_and_can_see_that_it_is_to_stop(tmp_path: Path) -> None:
    @ostro.action
    def looks(context: ostro.Context) -> str:
        context.log("started")
        while not context.stopping.is_set():
            threading.Event().wait(0.01)
        return threading.current_thread().name

    run = Run(tmp_path, {}, actions=offered(looks))
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act("looks"))
        await run.wrote.wait()
        run.context.stopping.set()
    assert result_of(ended.result()).startswith("job ")


async def test_a_thread_that_does_not_end_is_left_behind(tmp_path: Path) -> None:
    release = threading.Event()

    @ostro.action
    def hangs(context: ostro.Context) -> None:
        context.log("started")
        release.wait()

    run = Run(tmp_path, {}, actions=offered(hangs), kill_after=0.05)
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act("hangs"))
        await run.wrote.wait()
        run.context.stopping.set()
    release.set()
    assert ended.result().error == "stopped"
    assert b"left behind" in run.written("stdout")


def test_a_signature_is_an_input_described_as_json_schema() -> None:
    (described,) = offered(add).all()
    assert described.says == "Adds two numbers."
    schema = described.schema["$defs"]["add"]
    assert schema["required"] == ["a"]
    assert schema["properties"]["b"]["type"] == "integer"
    assert schema["additionalProperties"] is False


def test_a_function_that_takes_no_names_is_no_action() -> None:
    def positional(a: int, /) -> None: ...

    with pytest.raises(TypeError, match="the parameter 'a' cannot be given by name"):
        signature_of(positional)
