"""Jobs that their worker has begun, and that somebody outside ends, over HTTP."""

from typing import Any

from ostro.protocol import paths
from tests.api.world import Worker, World, both


async def begun(world: World) -> tuple[Worker, dict[str, Any]]:
    await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}}, seal=True)
    worker = await world.worker("x", server="x")
    return worker, await worker.job()


def goes_on(worker: Worker, job: dict[str, Any]) -> dict[str, Any]:
    return {**worker.result(job), "goes_on": True}


def completion(job: dict[str, Any]) -> str:
    return paths.at(paths.JOB_COMPLETE, job=job["job"])


async def test_a_job_that_goes_on_leaves_its_worker_and_ends_from_outside(world: World) -> None:
    worker, job = await begun(world)
    for _ in range(2):  # said twice, answered alike
        answer = await worker.poll(results=[goes_on(worker, job)], wait=0)
        assert [one["status"] for one in answer["settled"]] == ["accepted"]
    assert worker.held == []
    path = paths.at(paths.TASK, workflow=job["workflow"], task="a")
    told = await world.admin.get(path)
    assert (told["state"], told["why"]["because"][0]["kind"]) == ("RUNNING", "outside")
    await world.admin.post(completion(job), {"state": "SUCCESS", "result": {"by": "Kim"}})
    told = await world.admin.get(path)
    assert (told["state"], told["result"]) == ("SUCCESS", {"by": "Kim"})
    late = await worker.poll(results=[goes_on(worker, job)], wait=0)
    assert late["settled"][0]["status"] == "accepted"
    assert await world.admin.refused("POST", completion(job), {"state": "SUCCESS"}) == (409, "job_not_open")


async def test_who_answers_before_the_workers_word_has_come_is_let_wait_for_it(world: World) -> None:
    worker, job = await begun(world)
    answer, _ = await both(
        world.admin.post(completion(job), {"state": "SUCCESS", "result": 1}),
        worker.poll(results=[goes_on(worker, job)], wait=0),
    )
    assert answer is not None
    told = await world.admin.get(paths.at(paths.TASK, workflow=job["workflow"], task="a"))
    assert (told["state"], told["result"]) == ("SUCCESS", 1)


async def test_a_job_that_a_worker_runs_is_not_ended_from_outside(world: World) -> None:
    _, job = await begun(world)
    assert await world.admin.refused("POST", completion(job), {"state": "SUCCESS"}) == (409, "job_not_open")


async def test_the_token_of_a_job_that_goes_on_counts_no_more(world: World) -> None:
    worker, job = await begun(world)
    await worker.poll(results=[goes_on(worker, job)], wait=0)
    inside = world.caller(job["token"])
    child = {"tasks": [{"name": "b", "action": "std.noop"}]}
    status, _ = await inside.refused("POST", paths.at(paths.TASKS, workflow=job["workflow"]), child)
    assert status in (401, 403)


async def test_what_goes_on_with_an_error_has_ended(world: World) -> None:
    worker, job = await begun(world)
    await worker.poll(results=[{**goes_on(worker, job), "state": "ERROR", "error": "no"}], wait=0)
    told = await world.admin.get(paths.at(paths.TASK, workflow=job["workflow"], task="a"))
    assert (told["state"], told["error"]) == ("ERROR", "no")
