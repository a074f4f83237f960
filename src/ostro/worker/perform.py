"""Runs one granted job: from its grant to how it ended."""

import asyncio
import shutil
from collections.abc import Callable

import structlog

from ostro.actions.context import Context, Outcome, Stream, WrongInput
from ostro.actions.registry import Actions
from ostro.protocol.workers import Grant, Registered
from ostro.worker.hand import Job
from ostro.worker.home import Home
from ostro.worker.options import Options

_log = structlog.get_logger("ostro.worker")


async def perform(
    job: Job,
    grant: Grant,
    *,
    actions: Actions,
    home: Home,
    options: Options,
    terms: Registered,
    emit: Callable[[Stream, bytes], None],
) -> Outcome:
    """Runs the job's action until it ends, is stopped, or its time is over. Nothing of it lives afterwards."""
    context = Context(
        job=str(grant.job),
        workflow=str(grant.workflow),
        task=str(grant.task),
        input=bytes(grant.input),
        requires={name: bytes(result) for name, result in grant.requires.items()},
        workdir=home.work / f"{grant.job}-{grant.fence}",
        marks=home.marks,
        environment=options.environment | _about(grant),
        emit=emit,
        stopping=job.stopping,
        egress=options.egress,
        lends_keys=options.lends_keys,
        kill_after=terms.kill_after,
        result_bytes=terms.result_bytes,
    )
    clock = None
    if grant.timeout is not None:
        clock = asyncio.get_running_loop().call_later(grant.timeout, job.stop, "timeout")
    try:
        outcome = await _run(actions, grant.action, context)
    finally:
        if clock is not None:
            clock.cancel()
        if context.workdir.exists():
            await asyncio.to_thread(shutil.rmtree, context.workdir, ignore_errors=True)
    if job.why == "timeout":
        return Outcome(outcome.result, f"timed out after {grant.timeout:g} s")
    return _fitting(outcome, terms.result_bytes)


async def _run(actions: Actions, action: str, context: Context) -> Outcome:
    try:
        run = actions.runner(action)
        if run is None:
            return Outcome(error=f"this worker does not know the action {action}")
        return await run(context)
    except WrongInput as wrong:
        return Outcome(error=str(wrong))
    except Exception as broken:  # noqa: BLE001 - an action's mistake ends its job, never the worker
        _log.exception("an action failed by a mistake of its own", action=action, job=context.job)
        return Outcome(error=f"the action {action} broke: {type(broken).__name__}: {broken}")


def _about(grant: Grant) -> dict[str, str]:
    """What a job's processes get to know of it. The token is the job's own."""
    return {
        "OSTRO_WORKFLOW": str(grant.workflow),
        "OSTRO_TASK": grant.name,
        "OSTRO_JOB": str(grant.job),
        "OSTRO_RUN": str(grant.run),
        "OSTRO_TOKEN": grant.token,
    }


def _fitting(outcome: Outcome, limit: int) -> Outcome:
    """A result above the limit would be refused for ever: the job ends in ERROR instead."""
    if outcome.result is None or len(outcome.result) <= limit:
        return outcome
    return Outcome(error=f"result_too_large: {len(outcome.result)} bytes, at most {limit} are taken")
