"""The actions that start no process."""

import asyncio
from pathlib import Path

from ostro.actions.registry import standard
from ostro.language.model.standard import STANDARD
from ostro.values import UNATTENDED_ACTIONS
from tests.actions.runs import Run, result_of


async def test_echo_answers_its_output(tmp_path: Path) -> None:
    assert result_of(await Run(tmp_path, {"output": [1]}).act("std.echo")) == [1]


async def test_noop_does_nothing(tmp_path: Path) -> None:
    outcome = await Run(tmp_path, {}).act("std.noop")
    assert (outcome.result, outcome.error) == (None, None)


async def test_fail_fails(tmp_path: Path) -> None:
    assert (await Run(tmp_path, {}).act("std.fail")).error is not None


async def test_sleep_ends_after_its_time(tmp_path: Path) -> None:
    assert (await Run(tmp_path, {"seconds": 0.01}).act("std.sleep")).error is None


async def test_sleep_can_be_stopped(tmp_path: Path) -> None:
    run = Run(tmp_path, {"delay": 1000})
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act("std.sleep"))
        run.context.stopping.set()
    assert ended.result().error == "stopped"


async def test_sleep_says_what_it_takes(tmp_path: Path) -> None:
    assert "seconds" in ((await Run(tmp_path, {}).act("std.sleep")).error or "")


async def test_echo_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path, {"output": 1, "delay": 1000})
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act("std.echo"))
        run.context.stopping.set()
    assert ended.result().error == "stopped"
    assert result_of(await Run(tmp_path, {"output": 1, "delay": 0.01}).act("std.echo")) == 1


async def test_test_dict_makes_a_mapping(tmp_path: Path) -> None:
    outcome = await Run(tmp_path, {"size": 2, "key_prefix": "k", "val": "v"}).act("std.test_dict")
    assert result_of(outcome) == {"k0": "v", "k1": "v"}


def test_each_registered_action_has_a_runner_and_says_what_it_does() -> None:
    actions = standard()
    assert all(actions.runner(one.name) is not None for one in actions.all())
    assert all(one.says.endswith(".") and one.schema["$ref"] for one in actions.all())
    assert actions.runner("std.unheard") is None


def test_what_no_worker_runs_somebody_else_does() -> None:
    assert set(STANDARD) - set(standard().names()) == UNATTENDED_ACTIONS
