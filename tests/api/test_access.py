"""Every kind of token against every route of the app, and what a guest cannot see or do."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from ostro.api.openapi import ENDPOINTS
from ostro.errors import Unauthenticated
from ostro.protocol import paths
from ostro.service import tokens, workers
from ostro.service.keys import mint
from ostro.store.tables.tokens import TokenRow, insert
from tests.api.test_openapi import routes_of
from tests.api.world import Caller, Worker, World, both

READERS = {"admin", "write", "read"}
WRITERS = {"admin", "write"}
RULES: dict[tuple[str, str], set[str]] = {
    ("POST", paths.WORKFLOWS): WRITERS,
    ("GET", paths.WORKFLOWS): READERS,
    ("GET", paths.WORKFLOW): READERS,
    ("PATCH", paths.WORKFLOW): WRITERS,
    ("DELETE", paths.WORKFLOW): WRITERS,
    ("POST", paths.SEAL): WRITERS,
    ("POST", paths.CANCEL): WRITERS,
    ("POST", paths.PAUSE): WRITERS,
    ("POST", paths.RESUME): WRITERS,
    ("POST", paths.STOP): WRITERS,
    ("POST", paths.SIGNAL): WRITERS,
    ("POST", paths.TASK_RERUN): WRITERS,
    ("POST", paths.TASK_RESULT): WRITERS,
    ("POST", paths.TASK_SKIP): WRITERS,
    ("POST", paths.JOB_COMPLETE): WRITERS,
    ("GET", paths.OUTPUT): READERS,
    ("GET", paths.CHANGES): READERS,
    ("GET", paths.FAMILY): READERS,
    ("POST", paths.TASKS): WRITERS | {"job"},
    ("GET", paths.TASKS): READERS,
    ("GET", paths.TASK): READERS | {"job"},
    ("PUT", paths.TASK): WRITERS,
    ("DELETE", paths.TASK): WRITERS,
    ("POST", paths.TASK_CANCEL): WRITERS,
    ("GET", paths.TASK_JOBS): READERS,
    ("POST", paths.TASK_ALONE): WRITERS,
    ("GET", paths.JOB): READERS,
    ("GET", paths.JOB_LOGS): READERS,
    ("POST", paths.DEFINITIONS_VALIDATE): READERS,
    ("POST", paths.DEFINITIONS): WRITERS,
    ("GET", paths.DEFINITIONS): READERS,
    ("GET", paths.DEFINITION): READERS,
    ("GET", paths.DEFINITION_VERSIONS): READERS,
    ("GET", paths.DEFINITION_DIFF): READERS,
    ("PATCH", paths.DEFINITION): WRITERS,
    ("DELETE", paths.DEFINITION): WRITERS,
    ("POST", paths.ENVIRONMENTS): WRITERS,
    ("GET", paths.ENVIRONMENTS): READERS,
    ("GET", paths.ENVIRONMENT): READERS,
    ("PUT", paths.ENVIRONMENT): WRITERS,
    ("DELETE", paths.ENVIRONMENT): WRITERS,
    ("POST", paths.REGISTER): {"worker"},
    ("POST", paths.POLL): {"worker"},
    ("POST", paths.LOGS): {"worker"},
    ("POST", paths.LEAVE): {"worker"},
    ("GET", paths.WORKERS): READERS,
    ("POST", paths.TOKENS): {"admin"},
    ("GET", paths.TOKENS): {"admin"},
    ("DELETE", paths.TOKEN): {"admin"},
    ("POST", paths.JOIN): {"join"},
    ("GET", paths.METRICS): READERS,
}
OPEN = {("GET", paths.HEALTH), ("GET", paths.OPENAPI)}
"""Those that need no token."""


async def running_job(world: World, **spawn: Any) -> tuple[UUID, Worker, Any]:
    """A job in a worker's hands, next to another task of the same workflow."""
    task = {"name": "mine", "action": "script", "target": {"server": "x"}, **spawn}
    workflow = await world.workflow(task, {"name": "other", "action": "script", "target": {"server": "y"}})
    worker = await world.worker("x", server="x")
    return workflow, worker, await worker.job()


async def test_each_kind_of_token_gets_through_where_the_rules_say_and_nowhere_else(world: World) -> None:
    assert routes_of(world) == set(RULES) | OPEN
    workflow, _worker, job = await running_job(world)
    callers: dict[str, Caller] = {
        "admin": world.admin,
        "write": await world.token("write"),
        "read": await world.token("read"),
        "worker": await world.token("worker", binding={"server": "z"}),
        "join": await world.token("join", binding={"server": "z2"}),
        "job": world.caller(job["token"]),
    }
    names = {"workflow": workflow, "task": job["task"], "job": job["job"], "token": "nobody", "name": "none"}
    wrong = []
    # What ends the job, or the workflow, comes last.
    for (method, path), allowed in sorted(RULES.items(), key=lambda rule: rule[0][0] != "GET"):
        if path in {paths.CANCEL, paths.TASK_CANCEL, paths.SEAL, paths.WORKFLOW} and method != "GET":
            names = {**names, "workflow": uuid4()}
        for kind, caller in callers.items():
            response = await caller.ask(
                method, path.format(**names), json={"unknown": 1} if method != "GET" else None
            )
            if (response.status_code not in {401, 403}) != (kind in allowed):
                if kind == "job" and "not_your" in response.text:
                    continue
                wrong.append((method, path, kind, response.status_code, response.text))
    assert wrong == []


async def test_without_a_token_or_with_a_bad_one_nothing_is_told(world: World) -> None:
    _, _, job = await running_job(world)
    kind, _, rest = str(world.admin.token).removeprefix("ostro_").partition("_")
    identity, _, secret = rest.partition("_")
    bad = [
        None,
        "",
        "nonsense",
        "ostro_admin_x",
        f"ostro_{kind}_{identity}_{secret}x",
        f"ostro_read_{identity}_{secret}",
        f"ostro_join_{identity}_{secret}",
        job["token"][:-4] + "AAAA",
        "ostro_job_1_" + "A" * 116,
        "ostro_job_99_" + job["token"].split("_", 3)[3],
        "ostro_job_é_x",
        "ostro_job_-1_",
    ]
    for text in bad:
        headers = {} if text is None else {"Authorization": b"Bearer " + text.encode()}
        for endpoint in ENDPOINTS:
            if endpoint.allowed is None:
                continue
            response = await world.anybody.ask(endpoint.method, endpoint.path, headers=headers)
            assert response.status_code == 401, (text, endpoint.path, response.text)
            assert response.headers["www-authenticate"] == "Bearer"


async def test_a_job_reads_its_own_task_and_no_other_and_not_after_its_end(world: World) -> None:
    workflow, worker, job = await running_job(world)
    elsewhere = await world.workflow({"name": "mine", "action": "std.noop"})
    inside = world.caller(job["token"])
    own = await inside.get(paths.at(paths.TASK, workflow=workflow, task=job["task"]))
    assert (own["name"], own["why"]) == ("mine", None)
    assert (await inside.get(paths.at(paths.TASK, workflow=workflow, task="mine")))["id"] == job["task"]
    for task in ("other", "nothing", str(uuid4())):
        path = paths.at(paths.TASK, workflow=workflow, task=task)
        assert await inside.refused("GET", path) == (403, "not_your_task")
    path = paths.at(paths.TASK, workflow=elsewhere, task="mine")
    assert await inside.refused("GET", path) == (403, "not_your_workflow")
    await worker.end(job)
    own_path = paths.at(paths.TASK, workflow=workflow, task="mine")
    assert await inside.refused("GET", own_path) == (401, "unknown_token")


async def test_a_job_adds_what_its_task_grants_and_learns_nothing_of_others(world: World) -> None:
    grant = {"max": 2, "tags": ["T"], "actions": ["script"]}
    workflow, _, job = await running_job(world, may_spawn=grant)
    inside, path = world.caller(job["token"]), paths.at(paths.TASKS, workflow=workflow)
    target = {"server": "x"}

    def body(**task: Any) -> dict[str, Any]:
        return {"tasks": [{"name": "n", "action": "script", "target": target, **task}]}

    for hostile in (
        body(tags=["Other"]),
        body(action="std.noop"),
        body(target={"server": "y"}),
        body(target={}),
        body(priority=50),
        body(may_spawn={"max": 1}),
        body(requires=["other"]),
        {"tasks": [{"name": f"n{n}", "action": "script", "target": target} for n in range(3)]},
    ):
        status, _ = await inside.refused("POST", path, hostile)
        assert status == 403, hostile
    circle = await inside.ask("POST", path, body(tags=["T"], requires=[{"tags": ["T"]}]))
    assert (circle.status_code, "tag T" in circle.text) == (409, False)
    elsewhere = paths.at(paths.TASKS, workflow=await world.workflow())
    assert await inside.refused("POST", elsewhere, body()) == (403, "not_your_workflow")
    answer = await inside.post(path, body(tags=["T"], name="late"))
    assert (answer["tasks"][0]["waiting_for"], answer["tasks"][0]["too_late_names"]) == ([], [])


async def test_a_worker_reports_and_logs_its_own_jobs_only(world: World) -> None:
    workflow, x, job = await running_job(world)
    y = await world.worker("y", server="y")
    quoted = {key: job[key] for key in ("workflow", "job", "fence")}
    answer = await y.poll(results=[y.result(job, "stolen")], wait=0)
    assert answer["settled"][0]["status"] == "stale"
    stolen = x.body(results=[x.result(job, "stolen")])
    assert await y.caller.refused("POST", paths.POLL, stolen) == (404, "session_unknown")
    chunk = {**quoted, "offset": 0, "stream": "stdout", "data": "aGVsbG8="}
    written = await y.caller.post(paths.LOGS, {"session": y.session, "chunks": [chunk]})
    assert written["refused"] == [job["job"]]
    body = {"session": x.session, "chunks": [chunk]}
    assert await y.caller.refused("POST", paths.LOGS, body) == (404, "session_unknown")
    assert await y.caller.refused("POST", paths.LEAVE, {"session": x.session}) == (404, "session_unknown")
    told = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="mine"))
    assert told["state"] == "RUNNING"


async def test_a_worker_writes_no_other_log_beside_its_own(world: World) -> None:
    _workflow, x, job = await running_job(world)
    other = await world.workflow({"name": "else", "action": "script", "target": {"server": "y"}})
    quoted = {key: job[key] for key in ("workflow", "job", "fence")}
    mine = {**quoted, "offset": 0, "stream": "stdout", "data": "aGVsbG8="}
    forged = [mine, {**mine, "fence": job["fence"] + 1}, {**mine, "workflow": str(other)}]
    written = await x.caller.post(paths.LOGS, {"session": x.session, "chunks": forged})
    assert written["refused"] == [job["job"]]
    log = paths.at(paths.JOB_LOGS, job=job["job"])
    assert [one["fence"] for one in (await world.admin.get(log))["pieces"]] == [job["fence"]]


async def test_chunks_that_overlap_do_not_get_around_the_limit_of_a_log(world: World) -> None:
    _workflow, x, job = await running_job(world)
    quoted = {key: job[key] for key in ("workflow", "job", "fence")}

    async def write(*offsets: int) -> None:
        chunks = [{**quoted, "offset": at, "stream": "stdout", "data": "aGVsbG8="} for at in offsets]
        await x.caller.post(paths.LOGS, {"session": x.session, "chunks": chunks})

    await write(0, 1, 5, 7)
    await write(0, 4, 10)
    found = (await world.admin.get(paths.at(paths.JOB_LOGS, job=job["job"])))["pieces"]
    assert [one["offset"] for one in found] == [0, 5, 10]


async def test_what_a_poll_cannot_mean_is_refused_with_its_place(world: World) -> None:
    _workflow, x, job = await running_job(world)
    held = {key: job[key] for key in ("workflow", "job", "fence")}
    for wrong in (
        {"tags": ["a\0b"]},
        {"held": [{**held, "fence": 2**40}]},
        {"held": [{**held, "fence": -1}]},
    ):
        assert (await x.caller.refused("POST", paths.POLL, x.body(**wrong)))[0] == 422


async def test_a_worker_gets_no_more_jobs_than_it_has_slots(world: World) -> None:
    await world.workflow(
        *({"name": f"t{i}", "action": "script", "target": {"server": "x"}} for i in range(10))
    )
    x = await world.worker("x", server="x")
    await x.register(slots=2)
    assert len((await x.poll(free=10_000, wait=0))["jobs"]) == 2


async def test_nobody_can_call_himself_what_his_token_does_not_say(world: World) -> None:
    caller = await world.token("worker", binding={"server": "web-2"}, grants=["role"])
    worker = Worker(caller, "web-2")
    claimed = {"server": ["web-1", "web-2"], "role": ["web", "db"], "rack": ["7"], "worker": ["web-1"]}
    answer = await worker.register(capabilities=claimed)
    assert answer["capabilities"] == {"server": ["web-2"], "role": ["db", "web"]}
    ignored = [one["capability"] for one in answer["ignored"]]
    assert ignored == ["rack=7", "server=web-1", "worker=web-1"]
    named = await world.token("worker", binding={"worker": "one"})
    body = {"protocol": 1, "name": "two", "instance": str(uuid4())}
    assert await named.refused("POST", paths.REGISTER, body) == (403, "name_not_yours")


async def test_a_revoked_worker_is_out_at_once_also_while_it_waits(world: World) -> None:
    workflow, worker, job = await running_job(world)
    token = str(worker.caller.token).split("_")[2]
    waiting = worker.caller.ask("POST", paths.POLL, worker.body(wait=2))
    response, _ = await both(waiting, world.admin.ask("DELETE", paths.at(paths.TOKEN, token=token)))
    assert response.status_code in {401, 404}
    assert await worker.caller.refused("POST", paths.POLL, worker.body()) == (401, "unknown_token")
    inside = world.caller(job["token"])
    async with world.desk.parked.watching(1, workflow) as woken:
        while (await world.admin.get(paths.at(paths.TASK, workflow=workflow, task="mine")))[
            "state"
        ] != "ERROR":
            await woken.wait(1)
    own = paths.at(paths.TASK, workflow=workflow, task="mine")
    assert await inside.refused("GET", own) == (401, "unknown_token")


async def test_who_was_let_in_just_before_its_token_was_revoked_begins_no_session(world: World) -> None:
    caller = await world.token("worker", binding={"server": "x"})
    let_in = await world.desk.gate.admit(str(caller.token))
    await world.admin.ask("DELETE", paths.at(paths.TOKEN, token=let_in.id))
    with pytest.raises(Unauthenticated):
        await workers.register(
            world.desk, let_in, workers.Registration(name="x", instance=world.desk.new_id())
        )


async def test_a_token_that_was_refused_a_moment_ago_is_not_looked_up_again(world: World) -> None:
    minted = mint("read")
    stranger = world.caller(minted.text)
    assert await stranger.refused("GET", paths.WORKFLOWS) == (401, "unknown_token")
    (ours,) = [one for one in await world_tokens(world) if one.kind == "admin"]
    row = msgspec.structs.replace(ours, id=minted.id, kind="read", secret=minted.hash)
    await insert(world.desk.database, row)  # who would look now would find it
    assert await stranger.refused("GET", paths.WORKFLOWS) == (401, "unknown_token")


async def test_nothing_crosses_a_namespace(world: World) -> None:
    workflow, _worker, job = await running_job(world)
    minted = mint("admin")
    (ours,) = [one for one in await world_tokens(world) if one.kind == "admin"]
    theirs = msgspec.structs.replace(ours, id=minted.id, namespace=2, secret=minted.hash)
    await insert(world.desk.database, theirs)
    stranger = world.caller(minted.text)
    text = "version: '2.0'\nours:\n  tasks: {a: {}}\n"
    await world.admin.post(paths.DEFINITIONS, {"texts": [{"text": text}]})
    await world.admin.post(paths.ENVIRONMENTS, {"name": "ours"})
    names = {"workflow": workflow, "task": job["task"], "job": job["job"], "token": ours.id, "name": "ours"}
    bodies: dict[tuple[str, str], Any] = {
        ("POST", paths.TASKS): {"tasks": [{"name": "n", "action": "script"}]},
        ("PUT", paths.TASK): {"name": "mine", "action": "script"},
        ("PATCH", paths.WORKFLOW): {"name": "n"},
        ("POST", paths.STOP): {"state": "CANCELLED"},
        ("POST", paths.JOB_COMPLETE): {"state": "SUCCESS"},
        ("POST", paths.TASK_RESULT): {"state": "SUCCESS"},
        ("PATCH", paths.DEFINITION): {"labels": {}},
        ("PUT", paths.ENVIRONMENT): {},
    }
    for (method, path), allowed in RULES.items():
        if "{" in path and "admin" in allowed:
            response = await stranger.ask(method, path.format(**names), bodies.get((method, path)))
            assert response.status_code == 404, (method, path, response.text)
    for path in (paths.WORKFLOWS, paths.WORKERS, paths.DEFINITIONS, paths.ENVIRONMENTS):
        assert (await stranger.get(path))[path.rpartition("/")[2]] == []
    assert [one["id"] for one in (await stranger.get(paths.TOKENS))["tokens"]] == [minted.id]


async def world_tokens(world: World) -> list[TokenRow]:
    """All tokens of the namespace `default`."""
    caller = await world.desk.gate.admit(str(world.admin.token))
    return (await tokens.page(world.desk, caller, after=None, kind=None, dead=False, limit=100))[0]


@pytest.mark.parametrize(
    ("kind", "path"), [("worker", paths.REGISTER), ("worker", paths.LEAVE), ("join", paths.JOIN)]
)
async def test_a_guest_is_not_read_at_length(world: World, kind: str, path: str) -> None:
    guest = await world.token(kind, binding={"server": "x"})
    refused = await guest.refused("POST", path, b" " * (1024 * 1024 + 1))
    assert refused == (413, "request_too_large")


async def test_answers_under_a_key_are_the_callers_own(world: World) -> None:
    first, second = await both(world.token("write"), world.token("write"))
    key = {"Idempotency-Key": "same"}
    a = await first.post(paths.WORKFLOWS, {"name": "a"}, headers=key)
    assert (await first.post(paths.WORKFLOWS, {"name": "a"}, headers=key))["id"] == a["id"]
    assert (await second.post(paths.WORKFLOWS, {"name": "a"}, headers=key))["id"] != a["id"]
    reused = await first.refused("POST", paths.WORKFLOWS, {"name": "b"}, headers=key)
    assert reused == (409, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    refused = await world.admin.refused("POST", paths.WORKFLOWS, {}, headers={"Idempotency-Key": key})
    assert refused == (422, "bad_idempotency_key")
