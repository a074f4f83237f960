"""What callers see of definitions over HTTP: refusals with places, what a workflow waits for, the shipped example."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ostro.clock import pause
from ostro.language.lint import lint
from ostro.language.parsed import parsed
from ostro.protocol import paths
from tests.api.world import World

EXAMPLES = Path(__file__).parents[3] / "examples" / "definitions"
HOLD = "version: '2.0'\nhold:\n  tasks:\n    ask: {action: std.async_noop, on-success: tell}\n    tell: {action: std.noop}\n"


async def start(world: World, text: str, **more: Any) -> str:
    made = await world.admin.post(paths.WORKFLOWS, {"definition": {"text": text}, **more})
    return str(made["id"])


async def test_a_text_with_mistakes_is_refused_with_each_of_them_and_its_place(world: World) -> None:
    text = "version: '2.0'\nw:\n  tasks:\n    a: {action: std.echo output=<% $.x + %>, on-sucess: b}\n"
    refused = await world.admin.ask("POST", paths.WORKFLOWS, {"definition": {"text": text}})
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:ostro:problem:invalid_definition"
    told = [(one["path"], one["what"]) for one in refused.json()["fields"]]
    assert {path for path, _ in told} == {"$.definition.text"}
    assert [what.split(":")[0] for _, what in told] == ["line 4, column 17", "line 4, column 46"]
    assert (await world.admin.get(paths.WORKFLOWS))["workflows"] == []


async def test_an_input_that_does_not_fit_is_refused_with_all_that_is_wrong(world: World) -> None:
    text = "version: '2.0'\nw:\n  input: [n: {type: integer}]\n  tasks: {a: {action: std.noop}}\n"
    body = {"definition": {"text": text}, "input": {"n": "three", "m": 1}}
    refused = await world.admin.ask("POST", paths.WORKFLOWS, body)
    assert refused.status_code == 422
    assert {one["path"] for one in refused.json()["fields"]} == {"$.input.n", "$.input.m"}


@pytest.mark.parametrize("word", ["input", "env", "params"])
async def test_what_belongs_to_a_definition_is_refused_without_one(world: World, word: str) -> None:
    assert await world.admin.refused("POST", paths.WORKFLOWS, {word: {"a": 1}}) == (422, "invalid")


async def test_a_run_that_no_worker_pulls_says_how_it_is_ended(world: World) -> None:
    workflow = await start(world, HOLD)
    shown = await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow))
    assert "somebody outside" in shown["why"]["says"]
    (job,) = (await world.admin.get(paths.at(paths.TASK_JOBS, workflow=workflow, task="ask")))["jobs"]
    end = paths.at(paths.JOB_COMPLETE, job=job["id"])
    await world.admin.post(end, {"state": "SUCCESS", "result": {"by": "Kim"}})
    assert await world.admin.refused("POST", end, {"state": "ERROR"}) == (409, "job_not_open")
    shown = await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow))
    assert shown["state"] == "SUCCESS"


async def test_a_paused_workflow_says_why_and_a_stopped_one_what_was_said(world: World) -> None:
    workflow = await start(world, HOLD)
    await world.admin.post(paths.at(paths.PAUSE, workflow=workflow), {"message": "lunch"})
    shown = await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow))
    assert (shown["state"], shown["message"]) == ("PAUSED", "lunch")
    await world.admin.post(paths.at(paths.STOP, workflow=workflow), {"state": "ERROR", "message": "enough"})
    output = await world.admin.get(paths.at(paths.OUTPUT, workflow=workflow))
    assert (output["state"], output["output"]) == ("ERROR", {"result": "enough"})


DELAYED = """\
version: '2.0'
w:
  tasks:
    later: {action: std.noop, wait-before: 60}
    again: {action: std.fail, retry: {count: 4, delay: 60}}
    never: {action: std.fail, retry: {count: <% 2 + 2 %>, delay: 60}}
"""


async def test_a_delayed_task_says_whether_it_waits_or_tries_again_and_how_often_it_may(world: World) -> None:
    workflow = await start(world, DELAYED)
    told = {one["name"]: one for one in await tasks_of(world, workflow)}
    assert (told["again"]["retry"], told["never"]["retry"]) == ({"count": 4, "delay": 60}, None)
    shown = await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow))
    assert "`later`: it waits, and goes on at 20" in shown["why"]["says"]
    assert "`again`: run 1 failed; the next one starts at 20" in shown["why"]["says"]


async def test_a_hand_made_workflow_can_be_paused_too(world: World) -> None:
    workflow = await world.workflow({"name": "a", "action": "std.noop", "requires": ["b"]})
    await world.admin.post(paths.at(paths.PAUSE, workflow=workflow))
    added = {"tasks": [{"name": "b", "action": "std.noop"}]}
    await world.admin.post(paths.at(paths.TASKS, workflow=workflow), added)
    states = {one["state"] for one in await tasks_of(world, str(workflow))}
    assert states == {"WAITING"}
    await world.admin.post(paths.at(paths.RESUME, workflow=workflow))
    assert {one["state"] for one in await tasks_of(world, str(workflow))} == {"SUCCESS"}


KEEPS = """
version: '2.0'
w:
  tasks:
    gone: {action: std.echo output=secret, keep-result: false, publish: {seen: <% task().result %>}, on-success: stays}
    stays: {action: std.echo output=plain, wait-after: 1, keep-result: false}
"""


async def test_a_result_that_is_not_kept_is_nowhere_once_it_was_published(world: World) -> None:
    workflow = await start(world, KEEPS)
    while (await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow)))["state"] == "RUNNING":
        await pause(0.05)
    task = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="gone"))
    assert (task["result"], task["published"]) == (None, {"seen": "secret"})
    async with world.desk.database.connection() as connection:
        assert await connection.fetchval("tasks_result", 1, UUID(workflow), UUID(task["id"]), 1, 0) is None
    assert (await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="stays")))["result"] is None


ASKS = """
version: '2.0'
w:
  output: {others: "<% executions(state => SUCCESS).name %>", theirs: <% tasks($.id).name %>}
  input: [id]
  tasks: {a: {action: std.noop}}
"""


async def test_an_expression_reads_other_workflows_of_its_namespace(world: World) -> None:
    other = await start(world, "version: '2.0'\nother:\n  tasks: {x: {}, y: {}}\n")
    workflow = await start(world, ASKS, input={"id": other})
    output = (await world.admin.get(paths.at(paths.OUTPUT, workflow=workflow)))["output"]
    assert output == {"others": ["other"], "theirs": ["y", "x"]}


async def test_an_action_that_a_worker_offers_may_be_named_in_a_definition(world: World) -> None:
    text = "version: '2.0'\nw:\n  tasks: {a: {action: acme.wipe disk=sda}}\n"
    refused = await start(world, text)
    assert (
        "no action 'acme.wipe'"
        in (await world.admin.get(paths.at(paths.WORKFLOW, workflow=refused)))["error"]
    )
    worker = await world.worker("w")
    await worker.register(actions=["acme.wipe"], replace=True)
    for _ in range(2):
        workflow = await start(world, text)
        job = await worker.job()
        assert (job["action"], job["input"]) == ("acme.wipe", {"disk": "sda"})
        await worker.end(job, "wiped")
        assert (await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow)))["state"] == "SUCCESS"


async def test_a_failed_task_is_run_again_by_its_name_or_its_id_and_a_copy_changes_nothing(
    world: World,
) -> None:
    workflow = await start(world, "version: '2.0'\nw:\n  tasks: {a: {action: std.fail}, b: {}}\n")
    task = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="a"))
    for word in ("a", task["id"]):
        await world.admin.post(paths.at(paths.TASK_RERUN, workflow=workflow, task=word))
    again = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="a"))
    assert (again["state"], again["run"]) == ("ERROR", 3)
    at = paths.at(paths.TASK_RERUN, workflow=workflow, task="a")
    assert await world.admin.refused("POST", at, {"seen": task["version"]}) == (409, "task_changed")
    other = paths.at(paths.TASK_RERUN, workflow=workflow, task="b")
    assert await world.admin.refused("POST", other) == (409, "task_not_failed")
    await world.admin.post(paths.at(paths.TASK_SKIP, workflow=workflow, task=task["id"]))
    assert (await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow)))["state"] == "SUCCESS"


@pytest.mark.parametrize(
    ("input_", "refusal"),
    [(b"[1]", (422, "invalid")), (b'{"a":' * 65 + b"1" + b"}" * 65, (422, "too_deep"))],
)
async def test_what_a_start_gives_is_held_to_the_limits_of_inputs(world: World, input_, refusal) -> None:
    body = b'{"definition": {"text": "version: 2.0"}, "input": ' + input_ + b"}"
    assert await world.admin.refused("POST", paths.WORKFLOWS, body) == refusal


async def test_lists_do_not_carry_what_tasks_have_published(world: World) -> None:
    workflow = await start(world, "version: '2.0'\nw:\n  tasks: {a: {publish: {big: text}}}\n")
    (task,) = await tasks_of(world, workflow)
    assert "published" not in task
    assert (await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="a")))["published"] == {
        "big": "text"
    }


async def tasks_of(world: World, workflow: str) -> list[dict[str, Any]]:
    return list((await world.admin.get(paths.at(paths.TASKS, workflow=workflow)))["tasks"])


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_have_no_problem(path: Path) -> None:
    assert lint(path.read_text(encoding="utf-8"), parse=parsed).problems == ()


async def test_the_example_rolls_out(world: World) -> None:
    worker = await world.worker("w")
    text = (EXAMPLES / "roll-out.yaml").read_text(encoding="utf-8")
    body = {"definition": {"text": text, "name": "roll_out"}, "input": {"servers": ["a", "b", "c"]}}
    workflow = (await world.admin.post(paths.WORKFLOWS, body))["id"]
    for _ in range(3):
        job = await worker.job()
        await worker.end(job, {"stdout": f"{job['input']['run']}\n"})
    while (await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow)))["state"] == "RUNNING":
        await pause(0.02)
    output = await world.admin.get(paths.at(paths.OUTPUT, workflow=workflow))
    assert sorted(output["output"]["done"]) == [f"echo installed 1.0 on {one}" for one in "abc"]
