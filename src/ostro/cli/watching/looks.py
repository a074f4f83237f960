"""One look after the other at a workflow and those below it, until it has ended."""

from collections.abc import AsyncIterator, Callable

from msgspec import UNSET

from ostro.client.workflow import ENDED, Workflow
from ostro.clock import monotonic, pause
from ostro.errors import ServerUnreachable
from ostro.protocol.workflows import Family

_WAIT = 20.0
_AWAY = 300.0
"""Seconds that a server may be away, as long as an upgrade takes."""
_LAST_WORDS = 2.0
"""Seconds in which those below an ended workflow end as well."""


async def looks(
    workflow: Workflow, *, limit: int, tasks: int, away: Callable[[bool], None]
) -> AsyncIterator[Family]:
    """Each look that shows something new; the last one shows the end. `away` hears whether the server answers.

    ServerUnreachable if it was never there, or has been away for five minutes.
    """
    seen, heard, ended_at = "", monotonic(), None
    while True:
        wait = 0.0 if not seen else _WAIT if ended_at is None else _LAST_WORDS
        try:
            family = await workflow.family(seen, wait=wait, limit=limit, tasks=tasks)
        except ServerUnreachable:
            if not seen or monotonic() - heard > _AWAY:
                raise
            away(True)
            continue
        heard = monotonic()
        away(False)
        if family.seen != seen:
            yield family
        seen = family.seen
        if family.workflows[0].workflow.state in ENDED:
            ended_at = ended_at or heard
            if _all_ended(family) or heard - ended_at >= _LAST_WORDS:
                return
        await pause(_rest(family))


def _all_ended(family: Family) -> bool:
    return all(one.workflow.state in ENDED for one in family.workflows)


def _rest(family: Family) -> float:
    """Seconds between two looks: a look at a large family costs the server more."""
    counts = (one.workflow.counts for one in family.workflows)
    tasks = sum(sum(one.values()) for one in counts if one is not UNSET)
    return 0.2 + tasks / 50_000
