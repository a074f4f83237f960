"""The life of a worker: one poll always parked, jobs beside it, results until they are acknowledged."""

import asyncio
from contextlib import suppress
from typing import Literal

import structlog
from msgspec import UNSET, Raw

from ostro.actions.context import Outcome, Stream
from ostro.actions.registry import Actions, standard
from ostro.client.transport import Transport
from ostro.clock import monotonic
from ostro.errors import (
    Conflict,
    Gone,
    Invalid,
    NotAllowed,
    NotFound,
    OstroError,
    Refusal,
    ServerUnreachable,
    TooLarge,
    TooMany,
    Unauthenticated,
)
from ostro.protocol.workers import CancelOrder, Grant, HeldJob, JobResult, Poll, PollAnswer, Settled
from ostro.worker.hand import Hand, Job
from ostro.worker.home import Home
from ostro.worker.log_sender import LogSender
from ostro.worker.logs import Log
from ostro.worker.options import Options, Rhythm
from ostro.worker.orphans import end_orphans
from ostro.worker.outbox import Outbox
from ostro.worker.perform import perform
from ostro.worker.session import Session
from ostro.worker.waiting import BackOff

_log = structlog.get_logger("ostro.worker")
_ORPHANS_GRACE = 10.0
_PARKED_AND_NEWER = 2
_TOO_SOON = 0.2
"""Seconds: a poll that was to wait and says nothing after less must not be repeated at once."""

Answered = tuple[Poll, PollAnswer | OstroError]


class Worker:
    """A worker between its start and its end. `drain` and `stop` may be called from signal handlers."""

    def __init__(
        self,
        transport: Transport,
        home: Home,
        options: Options,
        rhythm: Rhythm | None = None,
        *,
        actions: Actions | None = None,
    ) -> None:
        self._actions = actions or standard()
        self._home = home
        self._options = options
        self._rhythm = rhythm or Rhythm()
        self._session = Session(transport, options, home.instance, self._actions.names())
        self._hand = Hand(options.slots)
        self._outbox = Outbox(home.results)
        self._slots = asyncio.Semaphore(options.slots)
        self._logs = LogSender(
            self._session.logs,
            self._rhythm.log_interval,
            BackOff(self._rhythm.first_back_off, self._rhythm.longest_back_off),
        )
        self._back_off = BackOff(self._rhythm.first_back_off, self._rhythm.longest_back_off)
        self._news = asyncio.Event()
        self._draining = asyncio.Event()
        self._stopping = asyncio.Event()
        self._polls: set[asyncio.Task[Answered]] = set()
        self._reporting = 0
        self._idle = False

    def drain(self) -> None:
        """Takes nothing more, and ends when what runs has ended. Asked again: ends at once."""
        if self._draining.is_set():
            self.stop()
        self._draining.set()
        self._news.set()

    def stop(self) -> None:
        """Ends now: what runs is stopped and given back."""
        self._draining.set()
        self._stopping.set()
        self._news.set()

    async def run(self) -> None:
        """Lives until it is drained or stopped, or the server does not want it: then raises its Refusal."""
        await end_orphans(self._home.marks, _ORPHANS_GRACE)
        self._home.forget_work()
        for left in self._outbox.load():
            self._hand.remember(HeldJob(workflow=left.workflow, job=left.job, fence=left.fence))
        refusal: Refusal | None = None
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(self._logs.run())
            clock = group.create_task(self._end_of_draining())
            try:
                await self._live(group)
            except Refusal as no:  # bare, not in an exception group
                refusal = no
            await self._end(welcome=refusal is None)
            sender.cancel()
            clock.cancel()
        if refusal is not None:
            raise refusal

    # -- the loop -------------------------------------------------------------------------------

    async def _live(self, group: asyncio.TaskGroup) -> None:
        await self._register()
        while not self._is_over():
            if not self._polls or (self._news.is_set() and self._may_say_more()):
                self._news.clear()
                self._polls.add(group.create_task(self._poll()))
            for ended in await self._next_answers(group):
                request, answer = ended.result()
                if isinstance(answer, OstroError):
                    await self._after_failure(request, answer)
                else:
                    await self._obey(request, answer, group)

    async def _next_answers(self, group: asyncio.TaskGroup) -> set[asyncio.Task[Answered]]:
        """The polls that have ended; none of them, if there is news that a further one can carry."""
        news = group.create_task(self._news.wait())
        waiting: set[asyncio.Task[Answered] | asyncio.Task[Literal[True]]] = {*self._polls}
        if self._may_say_more() or self._stopping.is_set():
            waiting.add(news)
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        ended = {poll for poll in self._polls if poll.done()}
        self._polls -= ended
        return ended

    def _may_say_more(self) -> bool:
        """Not while a poll brings results: that one is answered as soon as they are durable.

        What ends meanwhile goes together with the next, so that under load few requests carry much.
        """
        return len(self._polls) < _PARKED_AND_NEWER and not self._reporting

    async def _poll(self) -> Answered:
        results = self._outbox.unsent()
        request = self._session.next_poll(
            free=self._free(),
            wait=0.0 if results else self._wait(),
            held=self._hand.held(),
            results=results,
            stopped=self._hand.stopped(),
        )
        self._outbox.carried(request.results, +1)
        self._reporting += bool(request.results)
        sent = monotonic()
        try:
            answer = await self._session.poll(request)
        except OstroError as failed:
            return request, failed
        finally:
            self._reporting -= bool(request.results)
            self._outbox.carried(request.results, -1)
        if _says_nothing(answer) and monotonic() - sent < min(_TOO_SOON, request.wait / 2):
            return request, ServerUnreachable("The server is about to stop, or cannot wait.")
        return request, answer

    async def _obey(self, request: Poll, answer: PollAnswer, group: asyncio.TaskGroup) -> None:
        for settled in answer.settled:
            if settled.status != "accepted":
                _log.warning(
                    "a result was not taken", job=str(settled.job), status=settled.status, why=settled.why
                )
            # The job itself still has to end, or it would be handed out again.
            if settled.status != "refused" or not self._outbox.reduce(
                (settled.job, settled.fence), f"the result was refused: {settled.why}"
            ):
                self._let_go(settled)
        for order in answer.cancel:
            self._cancel(order)
        for grant in answer.jobs:
            self._start(grant, group)
        self._idle = not (answer.jobs or answer.released or request.held or request.free == 0)
        if answer.released:
            self._say_more()
            return
        for held in request.stopped:
            self._hand.let_go((held.job, held.fence))
        if request.results and not answer.settled:
            _log.warning("the server did not say what became of results; they are sent again")
            await self._pause(None)
        else:
            self._back_off.reset()
        self._say_more()

    def _say_more(self) -> None:
        if self._outbox.unsent() or self._hand.stopped():
            self._news.set()

    def _let_go(self, settled: Settled) -> None:
        key = (settled.job, settled.fence)
        self._outbox.settle(key)
        if settled.status == "refused":
            self._hand.let_go(key)  # the server has it still
        else:
            self._hand.settle(key)

    def _start(self, grant: Grant, group: asyncio.TaskGroup) -> None:
        job = self._hand.take(grant)
        if job is None:
            return
        for former in self._hand.others(job):
            former.stop("cancelled")
        group.create_task(self._run_job(job, grant, group))

    def _cancel(self, order: CancelOrder) -> None:
        """One cancelled after its end is settled by that: its result is wanted by nobody."""
        for job in self._hand.up_to(order.job, order.fence):
            if job.stage == "running":
                job.stop("cancelled")
            else:
                self._outbox.settle(job.key)
                job.stage = "stopped"
                self._news.set()

    # -- one job --------------------------------------------------------------------------------

    async def _run_job(self, job: Job, grant: Grant, group: asyncio.TaskGroup) -> None:
        log = job.log = Log(job.held, self._session.terms.log_bytes)

        def emit(stream: Stream, piece: bytes) -> None:
            self._logs.add(log, stream, piece)

        for former in self._hand.others(job):
            await former.gone.wait()
        async with self._slots:
            outcome = Outcome(error="stopped")
            if not job.stopping.is_set():
                outcome = await perform(
                    job,
                    grant,
                    actions=self._actions,
                    home=self._home,
                    options=self._options,
                    terms=self._session.terms,
                    emit=emit,
                )
        job.gone.set()
        if job.wanted:
            await self._logs.finish(log)
        self._logs.drop(log)
        self._report(job, outcome, group)
        self._news.set()

    def _report(self, job: Job, outcome: Outcome, group: asyncio.TaskGroup) -> None:
        if job.why == "cancelled":
            job.stage = "stopped"
        elif job.why == "abandoned":
            self._hand.let_go(job.key)
        else:
            job.stage = "ended"
            self._outbox.put(_result(job.held, outcome), group)

    # -- coming and going -----------------------------------------------------------------------

    async def _register(self) -> None:
        """Tries until the server answers, or the worker is drained with nothing in hand. Raises its Refusal."""
        while not self._stopping.is_set():
            try:
                terms = await self._session.register(self._hand.held())
            except OstroError as failed:
                if isinstance(failed, Refusal) and not isinstance(failed, TooMany):
                    raise
                _log.warning("cannot register yet", why=str(failed))
                await self._pause(failed)
                if self._is_over():
                    return
                continue
            for ignored in terms.ignored:
                _log.warning("a capability does not count", capability=ignored.capability, why=ignored.why)
            _log.info(
                "registered", worker=terms.worker, session=str(terms.session), slots=self._options.slots
            )
            return

    async def _after_failure(self, request: Poll, failed: OstroError) -> None:
        """Raises the Refusal that no further poll can mend."""
        if not self._session.known or request.session != self._session.terms.session:
            return  # of a session that is over: a newer one is in use
        match failed:
            case NotAllowed() | Unauthenticated():
                raise failed
            case NotFound() | Gone() | Conflict():
                _log.warning("the session is over; registering again", why=str(failed))
                await self._pause(failed)
                await self._register()
            case Invalid() | TooLarge() if request.results:
                _log.error("results were refused; they end as errors", why=str(failed))
                self._outbox.replace(request.results, f"the result was refused: {failed.message}")
                await self._pause(failed)
            case _:
                if not isinstance(failed, ServerUnreachable):
                    _log.warning("a poll failed", why=str(failed))
                await self._pause(failed)

    async def _pause(self, failed: OstroError | None) -> None:
        """Backs off, at least as long as the server asks for, unless we are told to end."""
        asked = getattr(failed, "retry_after", 0.0)
        # With nothing in hand there is nothing to come back for.
        told = self._stopping if len(self._hand) else self._draining
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), max(asked, self._back_off.next()))

    def _free(self) -> int:
        if self._draining.is_set():
            return 0
        last = self._options.drain_after
        free = self._hand.free()
        return free if last is None else max(0, min(free, last - self._hand.taken))

    def _wait(self) -> float:
        """How long the next poll may be parked: `once` does not wait for work, only for orders while it runs."""
        if self._options.once and not self._hand.running():
            return 0.0
        return self._session.terms.poll

    def _is_over(self) -> bool:
        if self._stopping.is_set():
            return True
        last = self._options.drain_after
        if last is not None and self._hand.taken >= last:
            self._draining.set()
        return len(self._hand) == 0 and (self._draining.is_set() or (self._options.once and self._idle))

    async def _end_of_draining(self) -> None:
        """Stops a worker that drains for too long; reporting what has ended gets a farewell."""
        await self._draining.wait()
        _log.info("draining", running=len(self._hand.running()))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain):
                for job in self._hand.running():
                    await job.gone.wait()
                await asyncio.sleep(self._rhythm.farewell)
        self.stop()

    async def _end(self, *, welcome: bool) -> None:
        """Ends what still runs, then the session. With results left it is not ended, so that they still count."""
        for job in self._hand.running():
            job.stop("abandoned")
            if job.log is not None:
                self._logs.drop(job.log)
        for job in self._hand.running():
            await job.gone.wait()
        if welcome and self._session.known and not len(self._outbox):
            with suppress(OstroError):
                await self._session.leave()
        for poll in self._polls:
            poll.cancel()


def _says_nothing(answer: PollAnswer) -> bool:
    return not (answer.settled or answer.jobs or answer.cancel or answer.released)


def _result(held: HeldJob, outcome: Outcome) -> JobResult:
    return JobResult(
        workflow=held.workflow,
        job=held.job,
        fence=held.fence,
        state="SUCCESS" if outcome.error is None else "ERROR",
        result=UNSET if outcome.result is None else Raw(outcome.result),
        error=outcome.error,
        goes_on=outcome.goes_on and outcome.error is None,
    )
