"""What the server has not acknowledged outlives the worker: many results in one file, gone when all are settled."""

import asyncio
from pathlib import Path

import msgspec

from ostro.clock import new_id
from ostro.protocol.workers import JobResult
from ostro.worker.outbox import Outbox


def result(number: int) -> JobResult:
    return JobResult(
        workflow=new_id(), job=new_id(), fence=1, state="SUCCESS", result=msgspec.Raw(b"%d" % number)
    )


async def put(outbox: Outbox, results: list[JobResult]) -> None:
    """Returns when nothing is left to be written."""
    async with asyncio.TaskGroup() as group:
        for one in results:
            outbox.put(one, group)


def settle(outbox: Outbox, results: list[JobResult]) -> None:
    for one in results:
        outbox.settle((one.job, one.fence))


async def test_what_waits_together_is_one_file_that_goes_when_all_of_it_is_settled(tmp_path: Path) -> None:
    outbox, results = Outbox(tmp_path), [result(n) for n in range(50)]
    await put(outbox, results)
    (file,) = tmp_path.iterdir()
    settle(outbox, results[:-1])
    assert file.exists()
    assert outbox.unsent() == results[-1:]
    settle(outbox, results)  # a repetition counts once
    assert list(tmp_path.iterdir()) == []
    assert len(outbox) == 0


async def test_what_is_acknowledged_at_once_never_touches_the_disk(tmp_path: Path) -> None:
    outbox, results = Outbox(tmp_path), [result(n) for n in range(3)]
    async with asyncio.TaskGroup() as group:
        for one in results:
            outbox.put(one, group)
        settle(outbox, results[:2])
    (file,) = tmp_path.iterdir()
    assert msgspec.json.decode(file.read_bytes(), type=list[JobResult]) == results[2:]


async def test_the_next_life_reports_what_is_left_and_overwrites_none_of_it(tmp_path: Path) -> None:
    first = Outbox(tmp_path)
    old = [result(n) for n in range(3)]
    await put(first, old[:2])
    await put(first, old[2:])
    settle(first, old[:1])
    second = Outbox(tmp_path)
    assert {one.job for one in second.load()} == {one.job for one in old}, "a copy is answered the same"
    new = [result(9)]
    await put(second, new)
    assert len(list(tmp_path.iterdir())) == 3
    third = Outbox(tmp_path)
    assert [one.job for one in third.load()] == [one.job for one in [*old, *new]]
    settle(third, [*old, *new])
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_cannot_be_read_takes_no_other_along(tmp_path: Path) -> None:
    outbox, results = Outbox(tmp_path), [result(1)]
    await put(outbox, results)
    (tmp_path / "000000000007.json").write_text("[{")
    (tmp_path / "of-another-time.json").write_text("[]")
    assert Outbox(tmp_path).load() == results
    assert [path.name for path in tmp_path.iterdir()] == ["000000000001.json"]


async def test_a_disk_that_takes_nothing_loses_nothing_while_the_worker_lives(tmp_path: Path) -> None:
    outbox, results = Outbox(tmp_path / "nowhere"), [result(1)]
    await put(outbox, results)
    assert outbox.unsent() == results
    settle(outbox, results)
    assert len(outbox) == 0
