"""Tasks that callers add with expressions: evaluated when they start, of what the workflow came to until then."""

from typing import Any
from uuid import UUID

import pytest

from ostro.protocol import paths
from tests.api.world import World

OPEN = """
version: '2.0'
fleet:
  type: graph
  open: true
  input: [greeting]
  tasks:
    hello: {action: std.echo output="<% $.greeting %>", publish: {said: <% task().result %>}}
"""


def echo(name: str, output: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "action": "std.echo", "input": {"output": output}, **more}


def asks(name: str, output: Any, *requires: Any, **more: Any) -> dict[str, Any]:
    return echo(name, output, evaluate=True, requires=list(requires), **more)


async def task(world: World, workflow: UUID, name: str) -> Any:
    return await world.admin.get(paths.at(paths.TASK, workflow=workflow, task=name))


async def add(world: World, workflow: UUID, *tasks: dict[str, Any]) -> Any:
    return await world.admin.post(paths.at(paths.TASKS, workflow=workflow), {"tasks": list(tasks)})


@pytest.mark.parametrize("together", [True, False], ids=["in one decision", "from the database"])
async def test_the_results_of_other_tasks_are_there(world: World, together: bool) -> None:
    first = echo("a", {"url": "http://a"}, tags=["t"]), echo("b", [1, 2], tags=["t"])
    then = (
        asks("of-a", "<% task(a).result.url %>/x", "a"),
        asks("of-all", "{{ tagged('t') | map(attribute='name') | join(',') }}", {"tags": ["t"]}),
        asks("results", "<% tagged(t).result %>", {"tags": ["t"]}),
        asks("who", "<% execution().name %> <% task().name %> <% env() %> <% $ %>"),
    )
    workflow = await world.workflow(*first, *(then if together else ()), name="ours")
    if not together:
        await add(world, workflow, *then)
    await world.admin.post(paths.at(paths.SEAL, workflow=workflow))
    found = {one["name"]: (await task(world, workflow, one["name"]))["result"] for one in then}
    assert found == {
        "of-a": "http://a/x",
        "of-all": "a,b",
        "results": [{"url": "http://a"}, [1, 2]],
        "who": "ours who {} {}",
    }


async def test_a_worker_gets_what_the_expressions_came_to_and_the_chosen_one_gets_it(world: World) -> None:
    pick = {"name": "pick", "action": "script", "target": {"server": "x"}}
    aimed = {
        "name": "configure", "action": "script", "evaluate": True, "requires": ["pick"],
        "target": {"server": "<% task(pick).result.server %>"}, "input": {"run": "set {{ task('pick').result.value }}"},
    }  # fmt: skip
    workflow = await world.workflow(pick, aimed, seal=True)
    x, y = await world.worker("x", server="x"), await world.worker("y", server="y")
    await x.end(await x.job(), {"server": "y", "value": 7})
    job = await y.job()
    assert (job["name"], job["input"], job["requires"]) == (
        "configure", {"run": "set 7"}, {"pick": {"server": "y", "value": 7}},
    )  # fmt: skip
    told = await task(world, workflow, "configure")
    assert (told["evaluate"], told["target"], told["input"]) == (True, aimed["target"], aimed["input"])


async def test_an_expression_that_fails_is_an_error_of_the_task_that_others_handle(world: World) -> None:
    workflow = await world.workflow(
        asks("bad", {"deep": ["<% task(nobody).result.x %>"]}),
        echo("mend", "mended", requires=[{"task": "bad", "state": "ERROR", "handles": True}]),
        seal=True,
    )
    told = await task(world, workflow, "bad")
    assert told["state"] == "ERROR"
    assert told["error"].endswith("(in `output.deep.0`)"), told["error"]
    assert (await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow)))["state"] == "SUCCESS"


async def test_what_cannot_be_read_is_refused_with_its_place(world: World) -> None:
    response = await world.admin.ask(
        "POST", paths.WORKFLOWS, {"tasks": [asks("a", ["<% 1 + %>"], target={"server": "{{ x( }}"})]}
    )
    assert response.status_code == 422
    assert [one["path"] for one in response.json()["fields"]] == [
        "$.tasks[0].input.output[0]",
        "$.tasks[0].target.server",
    ]


async def test_without_the_word_texts_are_taken_as_they_stand(world: World) -> None:
    workflow = await world.workflow(echo("a", "<% 1 + %> {{ nobody }}"), seal=True)
    assert (await task(world, workflow, "a"))["result"] == "<% 1 + %> {{ nobody }}"


async def test_what_a_job_adds_is_not_evaluated(world: World) -> None:
    grant = {"max": 5, "actions": ["std.echo"], "targets": []}
    spawner = {"name": "s", "action": "script", "target": {"server": "x"}, "may_spawn": grant}
    workflow = await world.workflow(spawner)
    x = await world.worker("x", server="x")
    inside = world.caller((await x.job())["token"])
    path = paths.at(paths.TASKS, workflow=workflow)
    asked = asks("a", "<% executions() %>", target={"server": "x"})
    assert await inside.refused("POST", path, {"tasks": [asked]}) == (403, "not_granted")


async def test_in_a_definitions_open_workflow_its_input_and_its_tasks_are_seen(world: World) -> None:
    workflow = await world.workflow(definition={"text": OPEN}, input={"greeting": "hi"})
    await add(world, workflow, asks("more", "<% $.greeting %> <% task(hello).result %>", "hello"))
    assert (await task(world, workflow, "more"))["result"] == "hi hi"


async def test_as_many_as_one_may_add_ask_each_for_another_result(world: World) -> None:
    known = [echo(f"a{number}", number) for number in range(100)]
    workflow = await world.workflow(*known)
    await add(
        world, workflow, *(asks(f"b{number}", f"<% task(a{number}).result * 2 %>") for number in range(100))
    )
    found = [(await task(world, workflow, f"b{number}"))["result"] for number in (0, 57, 99)]
    assert found == [0, 114, 198]


async def test_more_results_than_may_be_read_are_an_error_and_those_of_one_task_are_not(world: World) -> None:
    large = [echo(f"a{number}", "x" * 250_000, tags=["t"]) for number in range(70)]
    workflow = await world.workflow(*large)
    await add(world, workflow, asks("all", "<% len(tagged(t)) %>"), asks("one", "<% len(task(a7).result) %>"))
    assert (await task(world, workflow, "one"))["result"] == 250_000
    told = await task(world, workflow, "all")
    assert told["error"] == (
        "It asks for the results of too many tasks, or for too large ones: 10,000 and 16 MiB are the most"
        " (in `output`)"
    )


async def test_each_run_is_evaluated_anew_and_a_result_that_was_set_is_seen(world: World) -> None:
    workflow = await world.workflow(echo("a", 1), asks("b", "<% task(a).result + 1 %>", "a"), seal=True)
    assert (await task(world, workflow, "b"))["result"] == 2
    await world.admin.post(paths.at(paths.TASK_RESULT, workflow=workflow, task="a"), {"result": 5})
    await world.admin.post(paths.at(paths.TASK_RERUN, workflow=workflow, task="b"))
    assert (await task(world, workflow, "b"))["result"] == 6
