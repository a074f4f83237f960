"""The main job over HTTP: people add tasks, servers pull theirs, the results come out."""

from typing import Any

from ostro.protocol import paths
from tests.api.world import Worker, World, both


async def test_health_needs_no_token(world: World) -> None:
    assert (await world.anybody.get(paths.HEALTH))["status"] == "ok"


async def test_a_task_for_a_server_goes_to_that_server_and_its_result_is_the_workflows_output(
    world: World,
) -> None:
    workflow = await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}})
    x, y = await world.worker("x", server="x"), await world.worker("y", server="y")
    assert (await y.poll(wait=0))["jobs"] == []
    job = await x.job()
    assert (job["name"], job["run"], job["input"], job["workflow"]) == ("a", 1, {}, str(workflow))
    assert job["token"].startswith("ostro_job_")
    answer = await x.end(job, {"exit_code": 0})
    assert answer["settled"] == [{"job": job["job"], "fence": job["fence"], "status": "accepted", "why": ""}]
    task = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="a"))
    assert (task["state"], task["result"], task["why"]) == ("SUCCESS", {"exit_code": 0}, None)
    await world.admin.post(paths.at(paths.SEAL, workflow=workflow))
    told = await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow))
    assert (told["state"], told["counts"]) == ("SUCCESS", {"SUCCESS": 1})
    output = await world.admin.get(paths.at(paths.OUTPUT, workflow=workflow))
    assert output == {"state": "SUCCESS", "output": {"a": {"exit_code": 0}}, "references": {}, "missing": []}


async def test_a_running_job_adds_a_task_that_others_wait_for(world: World) -> None:
    workflow = await world.workflow(
        {
            "name": "spawner",
            "action": "script",
            "target": {"server": "x"},
            "tags": ["Deployment"],
            "may_spawn": {"max": 2, "tags": ["Deployment"], "actions": ["script"]},
        },
        {"name": "after", "action": "std.noop", "requires": [{"tags": ["Deployment"]}]},
        seal=True,
    )
    x = await world.worker("x", server="x")
    job = await x.job()
    inside = world.caller(job["token"])
    child = {"name": "child", "action": "script", "tags": ["Deployment"], "target": {"server": "x"}}
    await inside.post(paths.at(paths.TASKS, workflow=workflow), {"tasks": [child]})
    await x.end(job)
    child_job = await x.job()
    assert child_job["name"] == "child"
    waiting = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="after"))
    assert waiting["why"]["because"][0]["kind"] == "term"
    assert "Deployment" in waiting["why"]["says"]
    await x.end(child_job)
    told = await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow))
    assert told["state"] == "SUCCESS"


async def test_the_feed_tells_of_a_change_while_one_waits_for_it(world: World) -> None:
    workflow = await world.workflow()
    feed = paths.at(paths.CHANGES, workflow=workflow)
    born = await world.admin.get(feed)
    news, _ = await both(
        world.admin.get(feed, after=born["next"], wait=10),
        world.admin.post(
            paths.at(paths.TASKS, workflow=workflow), {"tasks": [{"name": "a", "action": "std.noop"}]}
        ),
    )
    assert next(entry["task"] for entry in news["changes"][0]["entries"]) == "a"
    assert news["next"] > born["next"]


async def test_one_task_alone_answers_with_its_result(world: World) -> None:
    body = {"name": "echo", "action": "std.echo", "input": {"output": {"n": 1}}}
    response = await world.admin.ask("POST", paths.TASK_ALONE, body, params={"wait": 5})
    assert response.status_code == 200
    assert response.json()["task"]["result"] == {"n": 1}
    found = await world.admin.get(response.headers["location"])
    assert found["id"] == response.json()["task"]["id"]


async def test_one_task_alone_that_has_not_ended_is_waited_for_again_under_the_same_key(
    world: World,
) -> None:
    body = {"name": "slow", "action": "script", "target": {"server": "x"}}
    key = {"Idempotency-Key": "k1"}
    first = await world.admin.ask("POST", paths.TASK_ALONE, body, headers=key)
    assert first.status_code == 202
    x = await world.worker("x", server="x")
    await x.end(await x.job(), 7)
    again = await world.admin.ask("POST", paths.TASK_ALONE, body, headers=key, params={"wait": 5})
    assert (again.status_code, again.json()["task"]["result"]) == (200, 7)
    assert again.json()["workflow"] == first.json()["workflow"]


async def test_a_task_that_is_added_again_is_answered_under_its_key_and_is_no_news(world: World) -> None:
    workflow = await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}})
    tasks, feed = (paths.at(path, workflow=workflow) for path in (paths.TASKS, paths.CHANGES))
    body = {"tasks": [{"name": "a", "action": "script", "target": {"server": "x"}}]}
    before = await world.admin.get(feed)
    for key in ("k1", "k2", "k1"):
        answer = await world.admin.post(tasks, body, headers={"Idempotency-Key": key})
        assert answer["tasks"][0]["again"]
    other = {"tasks": [{"name": "b", "action": "script"}]}
    refused = await world.admin.refused("POST", tasks, other, headers={"Idempotency-Key": "k1"})
    assert refused[0] in {409, 422}, "the answer was kept"
    assert (await world.admin.get(feed)) == before
    assert (await world.admin.get(feed, after=before["next"]))["changes"] == []
    await world.admin.post(paths.at(paths.CANCEL, workflow=workflow))
    end = (await world.admin.get(feed, after=before["next"]))["next"]
    await world.admin.post(tasks, body, headers={"Idempotency-Key": "k3"})
    over = await world.admin.get(feed, after=end, wait=60)
    assert (over["changes"], over["state"]) == ([], "CANCELLED")


async def test_a_workflow_that_runs_is_deleted_only_by_force(world: World) -> None:
    workflow = await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}})
    path = paths.at(paths.WORKFLOW, workflow=workflow)
    assert await world.admin.refused("DELETE", path) == (409, "workflow_running")
    assert (
        f"ostro workflow delete {workflow} --force" in (await world.admin.ask("DELETE", path)).json()["hint"]
    )
    assert (await world.admin.ask("DELETE", path, params={"force": "true"})).status_code == 204
    assert await world.admin.refused("GET", path) == (404, "workflow_not_found")


async def test_how_long_a_workflow_is_kept_is_said_at_its_making_and_changed_later(world: World) -> None:
    made = await world.admin.post(paths.WORKFLOWS, {"keep": 3600})
    here = paths.at(paths.WORKFLOW, workflow=made["id"])
    assert (await world.admin.get(here))["keep"] == 3600
    for keep in (0, None):
        assert (await world.admin.ask("PATCH", here, {"keep": keep})).status_code == 200
        assert (await world.admin.ask("PATCH", here, {"name": "n"})).status_code == 200
        assert (await world.admin.get(here))["keep"] == keep
    assert await world.admin.refused("PATCH", here, {"keep": -1}) == (422, "invalid")
    assert await world.admin.refused("POST", paths.WORKFLOWS, {"keep": 10**10}) == (422, "invalid")


async def test_why_tells_of_missing_workers_busy_slots_and_the_line(world: World) -> None:
    target = {"server": "x"}
    workflow = await world.workflow(
        *({"name": name, "action": "script", "target": target} for name in ("a", "b", "c"))
    )

    async def why(task: str) -> list[tuple[str, int | None]]:
        told = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task=task))
        return [(one["kind"], one.get("count")) for one in told["why"]["because"]]

    assert await why("c") == [("no_worker", None)]
    x = await world.worker("x", server="x")
    assert await why("c") == [("queued_behind", 2)]
    job = (await x.poll(free=1))["jobs"][0]
    assert job["name"] == "a"
    assert await why("a") == [("running", None)]
    assert await why("c") == [("slots_busy", 1), ("queued_behind", 1)]


async def test_a_workflow_says_that_nobody_can_take_its_task(world: World) -> None:
    workflow = await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}})
    here = paths.at(paths.WORKFLOW, workflow=workflow)
    why = (await world.admin.get(here))["why"]
    assert "1 task has started and not ended: a" in why["says"]
    assert "`a`: no live worker has server=x" in why["says"]
    assert [one["task"] for one in why["because"] if one["kind"] == "no_worker"] == ["a"]
    await world.worker("x", server="x")
    assert "no live worker" not in (await world.admin.get(here))["why"]["says"]


async def test_why_of_a_workflow_tells_when_its_delayed_tasks_run_again(world: World) -> None:
    worker = await world.worker("w", server="x")
    retry = {"count": 1, "delay": 600}
    task = {"name": "a", "action": "script", "target": {"server": "x"}, "retry": retry}
    here = paths.at(paths.WORKFLOW, workflow=await world.workflow(task))
    await worker.end(await worker.job(), state="ERROR")
    told = (await world.admin.get(here))["why"]
    (again,) = [one for one in told["because"] if one["kind"] == "retry"]
    assert again["task"] == "a"
    assert again["at"]
    assert "`a`: run 1 failed; the next one starts at 20" in told["says"]


async def test_why_names_the_one_thing_that_no_live_worker_fulfils(world: World) -> None:
    async def says(**task: Any) -> str:
        workflow = await world.workflow({"name": "a", "action": "script", **task})
        told = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="a"))
        assert [one["kind"] for one in told["why"]["because"]] == ["no_worker"]
        return str(told["why"]["says"])

    assert await says() == "no live worker is there"
    x = Worker(await world.token("worker", binding={"server": "x"}, grants=["role"]), "x")
    await x.register(capabilities={"role": ["db"]}, tags=["T"])
    assert await says(target={"server": "web-9"}) == "no live worker has server=web-9"
    assert "that has server=x runs other" in await says(action="other", target={"server": "x"})
    assert "none takes its tags (U): x" in await says(target={"server": "x"}, tags=["U"])
    assert "and it has no tag: x" in await says(target={"server": "x"})
    assert "bound to more than it asks for: x" in await says(target={"role": "db"}, tags=["T"])
    assert "no live worker has a pool token: x" in await says(tags=["T"])


async def test_an_open_workflow_tells_what_of_its_done_when_does_not_hold(world: World) -> None:
    workflow = await world.workflow(done_when=[{"tags": ["T"], "enough": 2}])
    told = (await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow)))["why"]
    assert (
        "`done_when` does not hold: 0 of 0 T tasks done, 2 are enough; 2 more must be added" in told["says"]
    )
    assert [one["term"]["enough"] for one in told["because"] if one["kind"] == "term"] == [2]


async def test_a_cancelled_task_is_stopped_at_its_worker(world: World) -> None:
    workflow = await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}})
    x = await world.worker("x", server="x")
    job = await x.job()
    path = paths.at(paths.TASK_CANCEL, workflow=workflow, task="a")
    answer, _ = await both(x.poll(wait=2), world.admin.post(path))
    assert [one["job"] for one in answer["cancel"]] == [job["job"]]
    told = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="a"))
    assert (told["state"], told["job"]["state"]) == ("CANCELLED", "stopping")
    assert told["why"]["because"][0]["kind"] == "stopping"
    await x.poll(held=[], stopped=[{key: job[key] for key in ("workflow", "job", "fence")}], wait=0)
    told = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="a"))
    assert (told["job"], told["why"]) == (None, None)


async def test_what_a_job_writes_is_read_from_any_byte(world: World) -> None:
    await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}})
    x = await world.worker("x", server="x")
    job = await x.job()
    quoted = {key: job[key] for key in ("workflow", "job", "fence")}
    chunk = {**quoted, "offset": 0, "stream": "stdout", "data": "aGVsbG8="}
    log = paths.at(paths.JOB_LOGS, job=job["job"])
    body = {"session": x.session, "chunks": [chunk]}
    page, answer = await both(world.admin.get(log, wait=5), x.caller.post(paths.LOGS, body))
    assert answer == {"full": [], "refused": []}
    assert (page["pieces"][0]["data"], page["next"], page["ended"]) == ("aGVsbG8=", 5, False)
    assert (await world.admin.get(log, after=3))["pieces"][0] | {"at": ""} == {
        "fence": job["fence"],
        "offset": 3,
        "stream": "stdout",
        "at": "",
        "data": "bG8=",
    }
    await x.end(job)
    assert (await world.admin.get(log, after=5))["ended"] is True
    told = await world.admin.get(paths.at(paths.JOB, job=job["job"]))
    assert (told["state"], told["worker"]) == ("SUCCESS", "x")


async def test_numbers_come_back_as_they_were_written(world: World) -> None:
    body = b'{"tasks":[{"name":"n","action":"script","input":{"a":1.50,"b":123456789012345678901234567890}}]}'
    answer = await world.admin.ask("POST", paths.WORKFLOWS, body)
    workflow = answer.json()["id"]
    task = await world.admin.ask("GET", paths.at(paths.TASK, workflow=workflow, task="n"))
    assert '"input":{"a":1.50,"b":123456789012345678901234567890}' in task.text


async def test_a_task_whose_name_holds_a_slash_has_a_path(world: World) -> None:
    workflow = await world.workflow({"name": "a/b c?é", "action": "std.noop"})
    path = paths.at(paths.TASK, workflow=workflow, task="a/b c?é")
    assert (await world.admin.get(path))["name"] == "a/b c?é"


async def test_pages_follow_each_other_by_their_cursors(world: World) -> None:
    names = [f"t{n}" for n in range(5)]
    workflow = await world.workflow(*({"name": name, "action": "std.noop"} for name in names))
    path = paths.at(paths.TASKS, workflow=workflow)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await world.admin.get(path, limit=2, **cursor)
        seen += [task["name"] for task in page["tasks"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == names
    done = await world.admin.get(path, state="SUCCESS,ERROR", name="t3")
    assert [task["name"] for task in done["tasks"]] == ["t3"]
