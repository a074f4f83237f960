"""Many cases on the whole stack: HTTP, lanes, PostgreSQL, timers, a worker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from ostro.language.expressions import ExpressionError, Lookup, Need, parse
from tests.api.definitions.played import Play, Refused, work_for_ever
from tests.api.world import Caller, World
from tests.cases.compared import differences, same
from tests.cases.reading import OTHERWISE, Case
from tests.language.expressions.world import snapshot

_AT_ONCE = 8


class Ended(msgspec.Struct, frozen=True):
    """What became of a case: `differs` in sentences, `remark` where it ends otherwise on purpose."""

    case: Case
    got: Any
    differs: list[str] = []
    remark: str = ""


async def play_all(callers: Iterator[Caller], cases: list[Case]) -> list[Ended]:
    """All of them, a few at a time."""
    few = asyncio.Semaphore(_AT_ONCE)

    async def one(case: Case) -> Ended:
        async with few:
            return await play(callers, case)

    return list(await asyncio.gather(*map(one, cases)))


async def play(callers: Iterator[Caller], case: Case) -> Ended:
    """One of them; whatever goes wrong with it is its own."""
    if case.is_expression:
        return _evaluated(case)
    try:
        got: Any = await Play(callers, case.said).outcome()
        differs = differences(case.said, got)
    except Refused as refused:
        got, differs = f"refused: {refused}", [f"a step is refused: {refused}"]
    except Exception as failed:
        got, differs = f"{type(failed).__name__}: {failed}", [f"{type(failed).__name__}: {failed}"]
    if differs and case.name in OTHERWISE:
        return Ended(case, got, remark=OTHERWISE[case.name])
    return Ended(case, got, differs)


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """Workers that run what the cases leave to them, while the block lasts."""
    work = asyncio.create_task(work_for_ever(world))
    try:
        yield
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def _evaluated(case: Case) -> Ended:
    context, wanted = case.said["context"], case.said.get("result", "<an error>")
    try:
        answers = snapshot({Need(Lookup.ENV): context.get("__env")})
        got: Any = parse(case.said["expr"]).evaluate(context, answers)
    except ExpressionError as error:
        return Ended(case, f"error: {error}", [] if case.said.get("error") else [f"it fails: {error}"])
    if case.said.get("error") or not same(wanted, got):
        return Ended(case, got, [f"{case.said['expr']} is {got!r}, expected {wanted!r}"])
    return Ended(case, got)
