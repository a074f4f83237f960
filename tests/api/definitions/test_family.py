"""A workflow and those that its tasks run, in one look."""

from typing import Any

from ostro.clock import new_id
from ostro.protocol import paths
from tests.api.world import World, both

TEXT = """\
version: '2.0'
top:
  tasks:
    copy:
      with-items: n in [1, 2, 3, 4]
      concurrency: 3
      action: script run=x
    below: {workflow: middle}
    each:
      with-items: n in [7, 8]
      workflow: leaf
middle:
  tasks:
    deeper: {workflow: leaf}
leaf:
  tasks:
    ask: {action: std.async_noop}
"""
FAMILY = {"wait": 5, "tasks": 10}


async def started(world: World) -> str:
    made = await world.admin.post(paths.WORKFLOWS, {"definition": {"text": TEXT, "name": "top"}})
    return str(made["id"])


async def family(world: World, workflow: Any, **query: Any) -> Any:
    return await world.admin.get(paths.at(paths.FAMILY, workflow=workflow), **query)


async def until(world: World, workflow: Any, holds: Any) -> Any:
    """The first look that shows it; each waits for news."""
    found = await family(world, workflow, **FAMILY)
    while not holds(found):
        found = await family(world, workflow, seen=found["seen"], **FAMILY)
    return found


def names(found: Any) -> list[str]:
    return [one["workflow"]["name"] for one in found["workflows"]]


def task(found: Any, name: str) -> Any:
    return next(one for member in found["workflows"] for one in member["tasks"] if one["name"] == name)


async def test_workflows_at_any_depth_are_told_with_the_task_and_the_item_that_each_is_for(
    world: World,
) -> None:
    top = await started(world)
    found = await until(world, top, lambda now: names(now).count("leaf") == 3)
    root, *below = found["workflows"]
    assert (root["workflow"]["id"], found["left_out"]) == (top, 0)
    assert root["workflow"]["counts"] == {"RUNNING": 3}
    own = {one["name"]: one["id"] for one in root["tasks"]}
    told = {
        (one["workflow"]["name"], one["workflow"]["parent_task"], one["item"])
        for one in below
        if one["workflow"]["parent"] == top
    }
    assert told == {("middle", own["below"], 0), ("leaf", own["each"], 0), ("leaf", own["each"], 1)}
    (middle,) = [one for one in below if one["workflow"]["name"] == "middle"]
    assert middle["workflow"]["id"] in {one["workflow"]["parent"] for one in below}
    assert "job" not in task(found, "ask")  # nobody's to pull


async def test_a_loop_tells_how_many_of_its_items_ended_and_how(world: World) -> None:
    top = await started(world)
    worker = await world.worker("x")
    for state in ("SUCCESS", "ERROR"):
        await worker.end(await worker.job(), state=state)
    found = await family(world, top)
    assert task(found, "copy")["items"] == {"total": 4, "ended": {"SUCCESS": 1, "ERROR": 1}}
    for _ in range(2):
        await worker.end(await worker.job())
    found = await family(world, top)
    assert task(found, "copy")["state"] == "ERROR"
    assert task(found, "copy")["items"] == {"total": 4, "ended": {"SUCCESS": 3, "ERROR": 1}}
    await world.admin.post(
        paths.at(paths.TASK_RERUN, workflow=top, task=task(found, "copy")["id"]), {"reset": False}
    )
    found = await family(world, top)
    assert task(found, "copy")["items"] == {"total": 4, "ended": {"SUCCESS": 3}}


async def test_a_task_tells_its_worker_and_how_often_it_was_tried_again(world: World) -> None:
    retry = {"count": 2}
    made = await world.workflow(
        {"name": "a", "action": "script", "retry": retry}, {"name": "b", "action": "script"}
    )
    worker = await world.worker("x")
    await worker.end(await worker.job(), state="ERROR")
    found = await until(world, made, lambda now: task(now, "a")["run"] == 2)
    assert (task(found, "a")["retries"], task(found, "a")["retry"]) == (1, {"count": 2})
    assert task(found, "b")["job"]["worker"] == "x"


async def test_news_from_below_end_a_wait_as_those_of_the_workflow_itself_do(world: World) -> None:
    top = await started(world)
    found = await until(world, top, lambda now: names(now).count("leaf") == 3)
    (ask,) = [
        member["tasks"][0]
        for member in found["workflows"]
        if member["workflow"]["name"] == "leaf" and member["workflow"]["parent"] != top
    ]
    (job,) = (await world.admin.get(paths.at(paths.TASK_JOBS, workflow=ask["workflow"], task="ask")))["jobs"]
    end = paths.at(paths.JOB_COMPLETE, job=job["id"])
    news, _ = await both(
        family(world, top, seen=found["seen"], wait=5),
        world.admin.post(end, {"state": "SUCCESS"}),
    )
    assert news["seen"] != found["seen"]
    found = await until(world, top, lambda now: task(now, "below")["state"] == "SUCCESS")
    while (again := await family(world, top, seen=found["seen"], wait=0.2))["seen"] != found["seen"]:
        found = again  # what is told may be newer than `seen`; once all is quiet, the wait ends without news
    assert task(again, "copy")["state"] == "RUNNING"


async def test_what_is_told_is_bounded_and_the_rest_is_in_the_counts(world: World) -> None:
    spread = [{"name": f"w{n}", "action": "script", "target": {"server": "none"}} for n in range(20)]
    done = [{"name": f"d{n}", "action": "std.noop"} for n in range(20)]
    made = await world.workflow(*done, *spread, {"name": "bad", "action": "std.fail"})
    found = await family(world, made, tasks=3)
    (only,) = found["workflows"]
    assert [one["name"] for one in only["tasks"]] == ["d0", "d1", "d2", "w0", "w1", "w2", "bad"]
    assert only["workflow"]["counts"] == {"SUCCESS": 20, "RUNNING": 20, "ERROR": 1}
    top = await started(world)
    await until(world, top, lambda now: names(now).count("leaf") == 3)
    found = await family(world, top, limit=2, tasks=0)
    assert (len(found["workflows"]), found["left_out"]) == (2, 3)
    assert found["workflows"][0]["tasks"] == []


async def test_there_is_no_family_of_a_workflow_that_is_not_there(world: World) -> None:
    path = paths.at(paths.FAMILY, workflow=new_id())
    assert await world.admin.refused("GET", path) == (404, "workflow_not_found")
    assert (await world.anybody.ask("GET", path)).status_code == 401
    assert await world.admin.refused("GET", path, params={"tasks": 1001}) == (422, "bad_query")
