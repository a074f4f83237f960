"""From core's and store's words to the wire. Nothing else maps them."""

from datetime import datetime
from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw

from ostro.core.events import Added, Answer, Done, Revived, Signalled
from ostro.protocol import alone, changes, fleet, jobs, paths, tasks, tokens, why, workers, workflows
from ostro.service import jobs as job_uses
from ostro.service import output as output_uses
from ostro.service import tasks as task_uses
from ostro.service import why as why_uses
from ostro.service import workers as worker_uses
from ostro.service import workflows as workflow_uses
from ostro.service.watching import families
from ostro.store.tables.changes import ChangeView
from ostro.store.tables.fleet import WorkerView
from ostro.store.tables.jobs import JobView
from ostro.store.tables.tasks import TaskView
from ostro.store.tables.tokens import TokenRow
from ostro.store.tables.workflows import WorkflowView
from ostro.values import UUID, WorkflowState


def added(answer: Answer) -> tasks.AddedTasks:
    """The answer to an add."""
    if not isinstance(answer, Added):
        raise TypeError(answer)
    return tasks.AddedTasks(
        tasks=[
            tasks.AddedTask(
                id=one.id,
                name=one.name,
                state=one.state,
                again=one.again,
                waiting_for=list(one.waiting_for),
                too_late_for=one.too_late_for,
                too_late_names=list(one.too_late_names),
            )
            for one in answer.tasks
        ]
    )


def changed(answer: Answer) -> workflows.Changed:
    """The answer to everything else."""
    return workflows.Changed(changed=answer.changed if isinstance(answer, Done) else True)


def revived(answer: Answer) -> tasks.Revived:
    """The answer to a rerun, a skip and a result that was set."""
    if not isinstance(answer, Revived):
        raise TypeError(f"a revival was answered with {answer}")
    return tasks.Revived(
        changed=answer.changed, used_by=answer.started, used_by_names=list(answer.started_names)
    )


def signalled(answer: Answer) -> workflows.Signalled:
    """The answer to a signal."""
    if not isinstance(answer, Signalled):
        raise TypeError(f"a signal was answered with {answer}")
    return workflows.Signalled(taken_by=answer.taken_by, awaited=list(answer.awaited))


def reasons(found: why_uses.Why | None) -> why.Why | None:
    """Why something waits."""
    if found is None:
        return None
    return why.Why(
        says=found.says,
        because=[
            why.Because(
                kind=cast("why.BecauseKind", one.kind),
                says=one.says,
                command=one.command,
                task=one.task,
                term=one.term,
                verdict=cast("Any", one.verdict),
                target=one.target,
                worker=one.worker,
                workers=list(one.workers),
                count=one.count,
                at=one.at,
            )
            for one in found.because
        ],
    )


def task(view: TaskView) -> tasks.Task:
    """A task as in lists."""
    spec = view.spec
    return tasks.Task(
        id=view.id,
        workflow=view.workflow,
        name=view.name,
        pass_=view.pass_,
        state=view.state,
        reason=view.reason,
        error=view.error,
        action=spec.action,
        description=spec.description,
        tags=list(spec.tags),
        target=spec.evaluates.target or spec.target if spec.evaluates is not None else spec.target,
        evaluate=spec.evaluates is not None,
        requires=list(spec.requires),
        retry=spec.retry,
        timeout=spec.timeout,
        safe_rerun=spec.safe_rerun,
        priority=spec.priority,
        may_spawn=spec.may_spawn,
        spawned=view.spawned,
        spawned_by=view.spawned_by,
        run=view.run,
        version=view.version,
        created_at=view.created_at,
        started_at=view.started_at,
        ended_at=view.ended_at,
        published=UNSET if view.published is None else Raw(view.published),
    )


def shown_task(shown: task_uses.Shown) -> tasks.Task:
    """A single task."""
    told = task(shown.view)
    evaluates = shown.view.spec.evaluates
    told.input = Raw(shown.view.input or (evaluates.input if evaluates is not None else b"{}"))
    told.result = Raw(shown.result or b"null")
    told.job = None if shown.job is None else _live_job(shown.job)
    told.why = reasons(shown.why)
    return told


def task_alone(workflow: UUID, shown: task_uses.Shown) -> alone.TaskAlone:
    """The shortcut's answer."""
    return alone.TaskAlone(workflow=workflow, task=shown_task(shown))


def _live_job(view: JobView) -> tasks.LiveJob:
    return tasks.LiveJob(
        id=view.id,
        state=cast("Any", view.state),
        run=view.run,
        worker=view.worker,
        queued_at=view.queued_at,
        claimed_at=view.claimed_at,
    )


def job(
    view: JobView, result: bytes | None | msgspec.UnsetType = UNSET, given: bytes | None = None
) -> jobs.Job:
    """A run of a task, with its result and input where they are given."""
    return jobs.Job(
        id=view.id,
        workflow=view.workflow,
        task=view.task,
        run=view.run,
        item=view.item,
        state=cast("jobs.JobState", view.state),
        fence=view.fence,
        worker=view.worker,
        error=view.error,
        queued_at=view.queued_at,
        claimed_at=view.claimed_at,
        ended_at=view.ended_at,
        result=UNSET if result is UNSET else Raw(result or b"null"),
        input=UNSET if given is None else Raw(given),
    )


def log(identity: UUID, stretch: job_uses.Stretch) -> jobs.LogPage:
    """A stretch of a log."""
    return jobs.LogPage(
        job=identity,
        fence=stretch.fence,
        pieces=[
            jobs.LogPiece(
                fence=stretch.fence,
                offset=piece.start,
                stream=cast("Any", piece.stream),
                at=piece.at,
                data=piece.body,
            )
            for piece in stretch.pieces
        ],
        next=stretch.next,
        ended=stretch.ended,
    )


def workflow(view: WorkflowView) -> workflows.Workflow:
    """A workflow as in lists."""
    outputs = view.output
    return workflows.Workflow(
        id=view.id,
        name=view.name,
        description=view.description,
        tags=list(view.tags),
        state=view.state,
        sealed=view.sealed,
        stopping=cast("Any", view.stopping),
        error=view.error,
        deadline=view.deadline,
        keep=view.keep,
        done_when=list(view.done_when),
        output=None if outputs is None else {k: workflows.OutputOf(task=v) for k, v in outputs.items()},
        version=view.version,
        created_at=view.created_at,
        ended_at=view.ended_at,
        parent=view.parent,
        parent_task=view.parent_task,
        root=view.root,
        definition=made_from(view),
        message=view.flow.message if view.flow is not None else None,
    )


def family(found: families.Family, now: datetime) -> workflows.Family:
    """A workflow with those below it."""
    return workflows.Family(
        at=now,
        seen=found.seen,
        left_out=found.left_out,
        workflows=[
            workflows.Member(
                workflow=_counted(one), item=one.item, tasks=[_glance(task) for task in one.tasks]
            )
            for one in found.members
        ],
    )


def _counted(member: families.Member) -> workflows.Workflow:
    told = workflow(member.view)
    told.counts = member.counts
    return told


def _glance(shown: families.TaskGlance) -> tasks.Task:
    told = task(shown.view)
    told.retries = shown.retries
    told.job = UNSET if shown.job is None else _live_job(shown.job)
    told.items = UNSET if shown.items is None else tasks.Items(total=shown.items, ended=shown.ended)
    return told


def made_from(view: WorkflowView) -> workflows.MadeFrom | None:
    """The stored definition behind a workflow."""
    if view.definition is None or view.definition_version is None:
        return None
    return workflows.MadeFrom(name=view.definition, version=view.definition_version)


def shown_workflow(shown: workflow_uses.Shown) -> workflows.Workflow:
    """A single workflow."""
    told = workflow(shown.view)
    told.sealed_tags = shown.sealed_tags
    told.counts = shown.counts
    told.why = reasons(shown.why)
    return told


def output(identity: UUID, found: output_uses.Output) -> workflows.Output:
    """What a workflow returns."""
    return workflows.Output(
        state=found.state,
        output={key: Raw(body) for key, body in found.values.items()},
        references={
            key: workflows.Reference(
                task=part.name,
                bytes=part.size or 0,
                path=paths.at(paths.TASK, workflow=identity, task=part.task),
            )
            for key, part in found.references.items()
        },
        missing=found.missing,
    )


def change_page(found: list[ChangeView], after: int, state: WorkflowState) -> changes.ChangePage:
    """A page of the feed."""
    return changes.ChangePage(
        changes=[
            changes.Change(
                version=one.version,
                at=one.at,
                tasks=list(one.tasks),
                entries=[changes.ChangeEntry(**msgspec.structs.asdict(entry)) for entry in one.entries],
            )
            for one in found
        ],
        next=found[-1].version if found else after,
        state=state,
    )


def token(row: TokenRow) -> tokens.Token:
    """A token without its secret."""
    return tokens.Token(
        id=row.id,
        kind=cast("tokens.TokenKind", row.kind),
        label=row.label,
        binding=row.binding,
        grants=list(row.grants),
        pool=row.pool,
        uses_left=row.uses_left,
        parent=row.parent,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def worker(view: WorkerView, state: str) -> fleet.Worker:
    """A worker as an operator sees it."""
    return fleet.Worker(
        name=view.name,
        state=cast("Any", state),
        capabilities=view.capabilities,
        binding=view.binding,
        pool=view.pool,
        actions=list(view.actions),
        tags=None if view.tags is None else list(view.tags),
        slots=view.slots,
        running=view.running,
        version=view.version,
        registered_at=view.registered_at,
        seen_at=view.seen_at,
        left_at=view.left_at,
    )


def polled(found: worker_uses.Polled) -> workers.PollAnswer:
    """What a poll comes back with."""
    return workers.PollAnswer(
        settled=[
            workers.Settled(job=one.job, fence=one.fence, status=one.status, why=one.why)
            for one in found.settled
        ],
        jobs=[
            workers.Grant(
                workflow=one.workflow,
                task=one.task,
                name=one.name,
                job=one.job,
                run=one.run,
                fence=one.fence,
                action=one.action,
                input=Raw(one.input),
                requires={name: Raw(body) for name, body in one.requires.items()},
                deadline=one.until,
                timeout=one.timeout,
                token=secret,
            )
            for one, secret in zip(found.answered.grants, found.tokens, strict=True)
        ],
        cancel=[
            workers.CancelOrder(job=one.job, fence=one.fence, why=one.why) for one in found.answered.cancels
        ],
        released=found.answered.released,
    )
