"""Who waits is woken: here at once, at other servers by a hint."""

import asyncio
from uuid import UUID, uuid4

from ostro.engine.parked import Hint, Parked
from ostro.store.database import Database


async def test_a_watcher_is_woken_by_news_of_its_workflow_and_of_no_other(database: Database) -> None:
    parked = Parked(database)
    mine, other = uuid4(), uuid4()
    async with parked.watching(1, mine) as woken:
        parked.tell(Hint(1, workflows=(other,)))
        parked.tell(Hint(2, workflows=(mine,)))
        assert not await woken.wait(0)
        parked.tell(Hint(1, workflows=(mine,)))
        assert await woken.wait(5)
        assert not await woken.wait(0)


async def test_one_watcher_that_leaves_does_not_take_the_others_along(database: Database) -> None:
    parked = Parked(database)
    workflow = uuid4()
    async with parked.watching(1, workflow) as stays:
        async with parked.watching(1, workflow):
            pass
        parked.tell(Hint(1, workflows=(workflow,)))
        assert await stays.wait(5)


async def test_another_server_hears_what_is_told_here_and_this_one_only_once(database: Database) -> None:
    here, there = Parked(database), Parked(database)
    heard_here: list[Hint | None] = []
    heard_there: asyncio.Queue[Hint | None] = asyncio.Queue()
    hint = Hint(1, queues=(-5, 7), sessions=(uuid4(),), workflows=(uuid4(),))
    async with asyncio.TaskGroup() as group:
        forever = [group.create_task(work) for work in (here.send(), here.listen(), there.listen())]
        here.follow(heard_here.append)
        there.follow(heard_there.put_nowait)
        assert await heard_there.get() is None  # connected: look everywhere
        while None not in heard_here:  # the other one, too
            await asyncio.sleep(0.01)
        here.tell(hint)
        got = await heard_there.get()
        assert got is not None
        assert (set(got.queues), got.sessions, got.workflows) == ({-5, 7}, hint.sessions, hint.workflows)
        assert heard_here == [None, hint]
        for task in forever:
            task.cancel()


async def test_a_large_hint_travels_in_pieces_and_a_huge_one_as_look_everywhere(database: Database) -> None:
    here, there = Parked(database), Parked(database)
    heard: asyncio.Queue[Hint | None] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        forever = [group.create_task(work) for work in (here.send(), there.listen())]
        there.follow(heard.put_nowait)
        assert await heard.get() is None
        told = {uuid4() for _ in range(500)}
        here.tell(Hint(1, workflows=tuple(told)))
        received: set[UUID] = set()
        while received != told:
            piece = await heard.get()
            assert piece is not None
            received |= set(piece.workflows)
        here.tell(Hint(1, workflows=tuple(uuid4() for _ in range(50_000))))
        assert await heard.get() is None
        for task in forever:
            task.cancel()


async def test_news_of_a_workflow_alone_goes_along_with_the_next_job(database: Database) -> None:
    here, there = Parked(database), Parked(database)
    heard: asyncio.Queue[Hint | None] = asyncio.Queue()
    workflow = uuid4()
    async with asyncio.TaskGroup() as group:
        forever = [group.create_task(work) for work in (here.send(), there.listen())]
        there.follow(heard.put_nowait)
        assert await heard.get() is None
        here.tell(Hint(1, workflows=(workflow,)))
        for _ in range(10):
            await asyncio.sleep(0)  # the sender has taken notice, and waits for company
        here.tell(Hint(1, queues=(7,)))
        assert await heard.get() == Hint(1, queues=(7,), workflows=(workflow,))
        here.tell(Hint(1, workflows=(workflow,)))
        assert await heard.get() == Hint(1, workflows=(workflow,))
        for task in forever:
            task.cancel()
