"""The jobs in a worker's hands: from receipt until the server has acknowledged their end."""

import asyncio
from typing import Literal

from ostro.protocol.workers import Grant, HeldJob
from ostro.values import UUID
from ostro.worker.logs import Log

Stage = Literal["running", "ended", "stopped"]
Key = tuple[UUID, int]
"""(job, fence)."""

_REMEMBERED = 10_000
"""Settled hand-outs; the answers that may still bring one of them again are a few seconds old at most."""


class Job:
    """One job in hand. `stopping` tells its action to end; `why` says whether anybody waits for the result."""

    def __init__(self, held: HeldJob, grant: Grant | None) -> None:
        self.held = held
        self.grant = grant
        self.stage: Stage = "running" if grant is not None else "ended"
        self.stopping = asyncio.Event()
        self.why: Literal["", "timeout", "cancelled", "abandoned"] = ""
        self.log: Log | None = None
        self.gone = asyncio.Event()
        """Set when none of its processes lives."""

    @property
    def key(self) -> Key:
        """(job, fence)."""
        return self.held.job, self.held.fence

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for its result."""
        return self.why in ("", "timeout")

    def stop(self, why: Literal["timeout", "cancelled", "abandoned"]) -> None:
        """Ends it. A cancelled or abandoned job's result is wanted by nobody."""
        if self.wanted:
            self.why = why
        self.stopping.set()


class Hand:
    """All jobs of one worker that the server believes, or should believe, to be here."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._jobs: dict[Key, Job] = {}
        self._of_job: dict[UUID, list[Job]] = {}
        self._settled: dict[Key, None] = {}
        self.taken = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def held(self) -> list[HeldJob]:
        """What is to be listed in each poll."""
        return [job.held for job in self._jobs.values() if job.stage != "stopped"]

    def stopped(self) -> list[HeldJob]:
        """Cancelled jobs whose processes are gone, as far as the server does not know it."""
        return [job.held for job in self._jobs.values() if job.stage == "stopped"]

    def running(self) -> list[Job]:
        """Those that have not ended."""
        return [job for job in self._jobs.values() if job.stage == "running"]

    def free(self) -> int:
        """Slots that nobody uses; never below 0, though a server may once have granted more."""
        return max(0, self._slots - len(self.running()))

    def take(self, grant: Grant) -> Job | None:
        """A new job; None if it is in hand already, whatever became of it, or was.

        A poll whose list does not have a job brings it again; its answer may be overtaken by the one to a
        later poll, which settles the job. A hand-out that was settled is never one to run.
        """
        held = HeldJob(workflow=grant.workflow, job=grant.job, fence=grant.fence)
        if (grant.job, grant.fence) in self._jobs or (grant.job, grant.fence) in self._settled:
            return None
        self.taken += 1
        return self._put(Job(held, grant))

    def remember(self, held: HeldJob) -> None:
        """A job of a former life that has ended, with its result still to be reported."""
        self._put(Job(held, None)).gone.set()

    def up_to(self, job: UUID, fence: int) -> list[Job]:
        """The hand-outs of a job that an order with this fence speaks of: a later one is another matter."""
        return [one for one in self._of_job.get(job, ()) if one.held.fence <= fence]

    def others(self, job: Job) -> list[Job]:
        """Former hand-outs of the same job that are still here."""
        return [
            one for one in self._of_job.get(job.held.job, ()) if one.stage == "running" and one is not job
        ]

    def settle(self, key: Key) -> None:
        """The server has taken its result, or wants none of this hand-out any more."""
        self.let_go(key)
        self._settled[key] = None
        if len(self._settled) > _REMEMBERED:
            del self._settled[next(iter(self._settled))]

    def let_go(self, key: Key) -> None:
        """The server knows its end. Harmless when repeated."""
        gone = self._jobs.pop(key, None)
        if gone is not None:
            siblings = self._of_job[key[0]]
            siblings.remove(gone)
            if not siblings:
                del self._of_job[key[0]]

    def _put(self, job: Job) -> Job:
        self._jobs[job.key] = job
        self._of_job.setdefault(job.held.job, []).append(job)
        return job
