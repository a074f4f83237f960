"""A worker against a server that plays the protocol."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostro.actions.context import Context, Outcome
from ostro.actions.marks import all_in
from ostro.actions.registry import Action, Actions
from ostro.client.transport import Link, Transport
from ostro.clock import new_id
from ostro.errors import Conflict, OstroError, Unauthenticated
from ostro.language.model.standard import Nothing
from ostro.protocol.workers import JobResult
from ostro.worker.home import Home
from ostro.worker.options import Options, Rhythm
from ostro.worker.runtime import Worker
from tests.worker.server import PlayedServer, Refused


def returned(result: JobResult) -> Any:
    assert result.result is not msgspec.UNSET
    return json.loads(bytes(result.result))


RHYTHM = Rhythm(first_back_off=0.01, longest_back_off=0.1, log_interval=0.01, farewell=1.0)


@pytest.fixture
async def server() -> AsyncIterator[PlayedServer]:
    async with PlayedServer() as running:
        yield running


@asynccontextmanager
async def working(server: PlayedServer, folder: Path, **options: Any) -> AsyncIterator[Worker]:
    """A worker that is drained at the end of the block."""
    link = Link(server=server.url, token="secret")
    actions = options.pop("actions", None)
    chosen = Options(name="w", state_dir=folder, **{"slots": 2, **options})
    async with Transport(link) as transport, asyncio.timeout(10):
        with Home.take(folder, new_id) as home:
            worker = Worker(transport, home, chosen, RHYTHM, actions=actions)
            async with asyncio.TaskGroup() as group:
                group.create_task(worker.run())
                yield worker
                worker.drain()


async def test_a_worker_runs_what_it_is_granted_and_leaves(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path):
        grant = await server.grant("script", {"run": "echo hi; echo $OSTRO_TASK"}, name="greet")
        result = await server.result_of(grant)
    assert result.state == "SUCCESS"
    assert returned(result)["stdout"] == "hi\ngreet\n"
    assert server.log_of(grant) == b"hi\ngreet\n"
    assert server.left == 1
    assert list((tmp_path / "results").iterdir()) == []


async def test_a_job_is_listed_until_its_result_is_acknowledged(server: PlayedServer, tmp_path: Path) -> None:
    server.settling, server.poll = False, 0.05
    async with working(server, tmp_path):
        grant = await server.grant("std.noop")
        await server.until(lambda: sum(len(p.results) for p in server.polls) >= 3)
        assert all(grant.job in [h.job for h in p.held] for p in server.polls if p.results)
        server.settling = True
        await server.result_of(grant)
    assert server.left == 1


async def test_what_ends_while_results_are_under_way_goes_together_with_the_next_request(
    server: PlayedServer, tmp_path: Path
) -> None:
    async with working(server, tmp_path, slots=4):
        grants = [
            await server.grant("script", {"run": f"until [ -e {tmp_path}/{n} ]; do sleep 0.01; done"})
            for n in range(3)
        ]
        await server.until(lambda: any(len(p.held) == 3 for p in server.polls))
        server.may_settle.clear()
        (tmp_path / "0").touch()
        await server.until(lambda: any(p.results for p in server.polls))
        under_way = len(server.polls)
        for n in (1, 2):
            (tmp_path / str(n)).touch()
        kept = tmp_path / "results"
        async with asyncio.timeout(10):
            while sum(results_in(one) for one in kept.glob("*.json")) < 3:
                await asyncio.sleep(0.01)
        assert len(server.polls) == under_way
        server.may_settle.set()
        await server.until(lambda: len(server.results) == 3)
    assert [len(p.results) for p in server.polls[under_way - 1 :] if p.results] == [1, 2]
    assert {one.job for one in server.results} == {grant.job for grant in grants}


def results_in(path: Path) -> int:
    return len(msgspec.json.decode(path.read_bytes(), type=list[JobResult]))


async def test_a_grant_that_is_held_already_is_dropped(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path):
        first = await server.grant("script", {"run": f"echo x >> {tmp_path}/ran; sleep 0.3"})
        await server.until(lambda: any(p.held for p in server.polls))
        await server.grant(
            "script", {"run": f"echo x >> {tmp_path}/ran"}, workflow=first.workflow, job=first.job
        )
        await server.result_of(first)
    assert (tmp_path / "ran").read_text() == "x\n"


async def test_a_grant_that_comes_again_after_its_result_was_taken_is_not_run(
    server: PlayedServer, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    async with working(server, tmp_path):
        given = {"run": f"echo x >> {runs}"}
        first = await server.grant("script", given)
        await server.result_of(first)
        # The answer to an earlier poll, overtaken by the one that settled the job.
        await server.grant("script", given, job=first.job, workflow=first.workflow)
        await server.result_of(await server.grant("script", given))
        # The job handed out anew, after a loss, is another matter.
        again = await server.grant("script", given, job=first.job, workflow=first.workflow, fence=2)
        await server.until(lambda: any(one.fence == again.fence for one in server.results))
    assert runs.read_text() == "x\n" * 3


async def test_a_poll_is_parked_also_when_all_slots_are_busy(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path, slots=1):
        grant = await server.grant("std.sleep", {"seconds": 1000})
        await server.until(lambda: server.polls and server.polls[-1].held and server.polls[-1].free == 0)
        await server.cancel(grant)
        await server.until(lambda: server.stopped)
    assert [held.job for held in server.stopped][:1] == [grant.job]
    assert server.results == []


async def test_a_cancelled_script_is_stopped_and_that_is_said(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path):
        grant = await server.grant("script", {"run": "echo ready; sleep 1000"})
        await server.until(lambda: server.log_of(grant) == b"ready\n")
        await server.cancel(grant)
        await server.until(lambda: server.stopped)
        assert all_in(tmp_path / "marks") == []
    assert server.results == []


async def test_a_timeout_ends_the_job_here_too(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path):
        grant = await server.grant("script", {"run": "sleep 1000"}, timeout=0.05)
        result = await server.result_of(grant)
    assert (result.state, result.error) == ("ERROR", "timed out after 0.05 s")


async def test_an_unknown_action_is_an_error_of_its_job_alone(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path):
        result = await server.result_of(await server.grant("std.unheard"))
    assert result.error == "this worker does not know the action std.unheard"


async def test_a_session_that_is_unknown_is_registered_again_with_what_is_held(
    server: PlayedServer, tmp_path: Path
) -> None:
    async with working(server, tmp_path):
        grant = await server.grant("script", {"run": f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"})
        await server.until(lambda: any(p.held for p in server.polls))
        server.session = None
        await server.cancel(await server.grant("std.noop"))  # wakes the parked poll
        await server.until(lambda: len(server.registers) == 2)
        (tmp_path / "go").touch()
        assert (await server.result_of(grant)).state == "SUCCESS"
    assert grant.job in [held.job for held in server.registers[1].held]
    assert server.registers[0].instance == server.registers[1].instance


async def test_a_network_cut_loses_nothing(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path):
        grant = await server.grant(
            "script", {"run": f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo end"}
        )
        await server.until(lambda: any(p.held for p in server.polls))
        await server.stop()
        (tmp_path / "go").touch()
        async with asyncio.timeout(10):
            while list((tmp_path / "marks").iterdir()):
                await asyncio.sleep(0.01)
        await server.start()
        assert (await server.result_of(grant)).state == "SUCCESS"
        assert server.log_of(grant) == b"end\n"


async def test_a_worker_with_nothing_in_hand_ends_at_once_though_nobody_answers(tmp_path: Path) -> None:
    link = Link(server="http://127.0.0.1:9", token="secret")
    patient = Rhythm(first_back_off=3600.0, longest_back_off=3600.0, farewell=3600.0)
    async with Transport(link) as transport, asyncio.timeout(10):
        with Home.take(tmp_path, new_id) as home:
            worker = Worker(transport, home, Options(name="w", state_dir=tmp_path), patient)
            async with asyncio.TaskGroup() as group:
                group.create_task(worker.run())
                worker.drain()


async def test_a_result_that_was_not_acknowledged_is_reported_by_the_next_life(
    server: PlayedServer, tmp_path: Path
) -> None:
    server.settling = False
    async with working(server, tmp_path) as worker:
        grant = await server.grant("std.echo", {"output": 5})
        await server.until(lambda: any(p.results for p in server.polls))
        worker.stop()
    assert server.left == 0
    server.settling = True
    async with working(server, tmp_path):
        result = await server.result_of(grant)
    assert returned(result) == 5
    assert [held.job for held in server.registers[-1].held] == [grant.job]


async def test_once_ends_when_nothing_more_is_granted(server: PlayedServer, tmp_path: Path) -> None:
    first, second = await server.grant("std.noop"), await server.grant("std.noop")
    async with working(server, tmp_path, once=True, slots=1):
        await server.until(lambda: server.left == 1)
    assert {result.job for result in server.results} == {first.job, second.job}


async def test_drain_after_takes_so_many_and_leaves(server: PlayedServer, tmp_path: Path) -> None:
    for _ in range(5):
        await server.grant("std.noop")
    async with working(server, tmp_path, drain_after=3):
        await server.until(lambda: server.left == 1)
    assert len(server.results) in (3, 4)  # one may be granted while the last of them is under way


async def test_draining_waits_for_what_runs(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path) as worker:
        grant = await server.grant("script", {"run": f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"})
        await server.until(lambda: any(p.held for p in server.polls))
        worker.drain()
        await server.until(lambda: server.polls[-1].free == 0)
        (tmp_path / "go").touch()
        await server.until(lambda: server.left == 1)
    assert [result.job for result in server.results] == [grant.job]


async def test_a_drain_that_takes_too_long_gives_back_what_runs(server: PlayedServer, tmp_path: Path) -> None:
    async with working(server, tmp_path, drain=0.1) as worker:
        await server.grant("script", {"run": "sleep 1000"})
        await server.until(lambda: any(p.held for p in server.polls))
        worker.drain()
        await server.until(lambda: server.left == 1)
    assert server.results == []
    assert all_in(tmp_path / "marks") == []


async def test_a_refused_token_ends_the_worker_and_its_jobs(server: PlayedServer, tmp_path: Path) -> None:
    with pytest.RaisesGroup(Unauthenticated):
        async with working(server, tmp_path):
            await server.grant("script", {"run": "sleep 1000"})
            await server.until(lambda: any(p.held for p in server.polls))
            server.refuse_polls = Refused(401, "token_revoked")
            await server.cancel(await server.grant("std.noop"))
    assert all_in(tmp_path / "marks") == []


async def test_a_name_that_another_has_is_a_refusal(server: PlayedServer, tmp_path: Path) -> None:
    server.refuse_registers = Refused(409, "worker_name_taken")
    with pytest.RaisesGroup(Conflict):
        async with working(server, tmp_path):
            pass


async def test_a_result_that_the_server_cannot_take_ends_as_an_error(
    server: PlayedServer, tmp_path: Path
) -> None:
    server.result_bytes = 10
    async with working(server, tmp_path):
        result = await server.result_of(await server.grant("std.echo", {"output": "x" * 100}))
    assert (result.error or "").startswith("result_too_large: ")


async def test_two_workers_do_not_share_a_state_folder(tmp_path: Path) -> None:
    with Home.take(tmp_path, new_id), pytest.raises(OstroError, match="Another worker"):
        Home.take(tmp_path, new_id)


async def test_a_worker_may_wait_for_a_former_one_to_leave_the_folder(tmp_path: Path) -> None:
    former = Home.take(tmp_path, new_id)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = group.create_task(Home.take_within(10, tmp_path, new_id))
        with pytest.raises(OstroError, match="Another worker"):
            await Home.take_within(0, tmp_path, new_id)
        assert not waiting.done()
        former.release()
    with waiting.result() as mine:
        assert mine.instance == former.instance


async def test_the_same_folder_is_the_same_instance(tmp_path: Path) -> None:
    with Home.take(tmp_path, new_id) as home:
        first = home.instance
    with Home.take(tmp_path, new_id) as home:
        assert home.instance == first
    assert tmp_path.stat().st_mode & 0o077 == 0


async def test_a_job_that_goes_on_is_told_as_such_and_gives_its_slot_back(
    server: PlayedServer, tmp_path: Path
) -> None:
    async def begin(context: Context) -> Outcome:
        return Outcome(goes_on=True)

    actions = Actions([Action("begin", Nothing, "a test", lambda: begin)])
    async with working(server, tmp_path, slots=1, actions=actions):
        grants = [await server.grant("begin"), await server.grant("begin")]
        results = [await server.result_of(one) for one in grants]
    assert [(one.state, one.goes_on, one.result) for one in results] == [("SUCCESS", True, msgspec.UNSET)] * 2
    assert b"goes_on" not in msgspec.json.encode(
        JobResult(workflow=new_id(), job=new_id(), fence=1, state="SUCCESS")
    )
