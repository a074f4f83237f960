"""Rule 9 over HTTP: an operator runs tasks again, skips them, says what they came to."""

from itertools import cycle

from ostro.clock import pause
from ostro.protocol import paths
from tests.api.world import Worker, World, both

CHAIN = (
    {"name": "build", "action": "script", "target": {"server": "x"}, "retry": {"count": 1, "delay": 0}},
    {"name": "ship", "action": "script", "target": {"server": "x"}, "requires": ["build"]},
    {"name": "tell", "action": "std.noop", "requires": ["ship"]},
)


async def states(world: World, workflow: object) -> dict[str, str]:
    page = await world.admin.get(paths.at(paths.TASKS, workflow=str(workflow)))
    return {task["name"]: task["state"] for task in page["tasks"]}


async def state(world: World, workflow: object) -> str:
    told = await world.admin.get(paths.at(paths.WORKFLOW, workflow=str(workflow)))
    return str(told["state"])


async def revive(world: World, path: str, workflow: object, task: str, **body: object) -> object:
    return await world.admin.post(paths.at(path, workflow=str(workflow), task=task), body)


async def fail(worker: Worker) -> None:
    await worker.end(await worker.job(), state="ERROR")


async def test_a_failed_task_runs_again_with_its_retries_and_what_was_passed_by_waits_for_it(
    world: World,
) -> None:
    workflow = await world.workflow(*CHAIN, seal=True)
    x = await world.worker("x", server="x")
    await fail(x)
    await fail(x)
    assert await states(world, workflow) == {"build": "ERROR", "ship": "SKIPPED", "tell": "SKIPPED"}
    assert await state(world, workflow) == "ERROR"
    answer = await revive(world, paths.TASK_RERUN, workflow, "build")
    assert answer == {"changed": True, "used_by": 0, "used_by_names": []}
    assert await states(world, workflow) == {"build": "RUNNING", "ship": "WAITING", "tell": "WAITING"}
    await fail(x)
    await x.end(await x.job(), {"version": 2})
    job = await x.job()
    assert (job["name"], job["requires"]) == ("ship", {"build": {"version": 2}})
    await x.end(job)
    assert await state(world, workflow) == "SUCCESS"


async def test_a_skip_lets_what_hung_on_a_failed_task_go_on(world: World) -> None:
    workflow = await world.workflow(*CHAIN, seal=True)
    x = await world.worker("x", server="x")
    await fail(x)
    await fail(x)
    assert await revive(world, paths.TASK_SKIP, workflow, "build") == {
        "changed": True, "used_by": 0, "used_by_names": [],
    }  # fmt: skip
    again = await revive(world, paths.TASK_SKIP, workflow, "build")
    assert again == {"changed": False, "used_by": 0, "used_by_names": []}
    await x.end(await x.job())
    assert await state(world, workflow) == "SUCCESS"


async def test_a_result_that_is_set_is_handed_to_those_that_require_it(world: World) -> None:
    workflow = await world.workflow(*CHAIN, seal=True)
    x = await world.worker("x", server="x")
    await fail(x)
    await fail(x)
    await revive(world, paths.TASK_RESULT, workflow, "build", result={"version": 7})
    job = await x.job()
    assert (job["name"], job["requires"]) == ("ship", {"build": {"version": 7}})
    await x.end(job)
    assert await state(world, workflow) == "SUCCESS"
    answer = await revive(world, paths.TASK_RESULT, workflow, "build", state="ERROR", error="recalled")
    assert answer == {"changed": True, "used_by": 1, "used_by_names": ["ship"]}
    assert await state(world, workflow) == "ERROR"


async def test_from_here_all_that_hang_on_a_task_run_again_in_their_order(world: World) -> None:
    workflow = await world.workflow(*CHAIN, seal=True)
    x = await world.worker("x", server="x")
    await x.end(await x.job())
    await x.end(await x.job())
    assert await state(world, workflow) == "SUCCESS"
    answer = await revive(world, paths.TASK_RERUN, workflow, "build", from_here=True)
    assert answer == {"changed": True, "used_by": 0, "used_by_names": []}
    assert await states(world, workflow) == {"build": "RUNNING", "ship": "WAITING", "tell": "WAITING"}
    await x.end(await x.job())
    await x.end(await x.job())
    assert await states(world, workflow) == {"build": "SUCCESS", "ship": "SUCCESS", "tell": "SUCCESS"}


async def test_the_deadline_of_an_ended_workflow_can_be_moved_before_it_lives_again(world: World) -> None:
    workflow = await world.workflow(*CHAIN, seal=True, deadline="2099-01-01T00:00:00Z")
    x = await world.worker("x", server="x")
    await fail(x)
    await fail(x)
    path = paths.at(paths.WORKFLOW, workflow=workflow)
    moved = await world.admin.ask("PATCH", path, {"deadline": "2098-01-01T00:00:00Z"})
    assert moved.status_code == 200, moved.text
    await revive(world, paths.TASK_RERUN, workflow, "build")
    assert await state(world, workflow) == "RUNNING"


async def test_what_runs_or_never_ran_is_refused_with_a_way_out(world: World) -> None:
    workflow = await world.workflow(*CHAIN)
    for path, task, kind in (
        (paths.TASK_RERUN, "build", "task_not_ended"),
        (paths.TASK_SKIP, "build", "task_not_failed"),
        (paths.TASK_RESULT, "ship", "task_not_ended"),
        (paths.TASK_RERUN, "nobody", "task_not_found"),
    ):
        found = await world.admin.refused("POST", paths.at(path, workflow=str(workflow), task=task), {})
        assert found[1] == kind


async def test_revivals_sent_at_once_are_obeyed_one_after_the_other(world: World) -> None:
    names = [f"t{n}" for n in range(9)]
    failing = [{"name": name, "action": "std.fail"} for name in names]
    workflow = await world.workflow(*failing, seal=True)
    while await state(world, workflow) != "ERROR":
        await pause(0.02)
    calls = [(paths.TASK_SKIP, {}), (paths.TASK_RESULT, {"result": 7}), (paths.TASK_SKIP, {})]
    answers = await both(
        *(
            revive(world, path, workflow, name, **body)
            for name, (path, body) in zip(names, cycle(calls), strict=False)
        )
    )
    assert answers == [{"changed": True, "used_by": 0, "used_by_names": []}] * 9
    assert set((await states(world, workflow)).values()) == {"SKIPPED", "SUCCESS"}
    assert await state(world, workflow) == "SUCCESS"
