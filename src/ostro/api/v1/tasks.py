"""Endpoints of tasks, and the shortcut for one alone."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described, queries, replies, shapes
from ostro.core.events import Answer, Rerun, Revival, SetResult, Skip
from ostro.protocol import paths
from ostro.protocol.alone import TaskAlone
from ostro.protocol.jobs import JobPage
from ostro.protocol.tasks import (
    AddedTask,
    AddedTasks,
    Revived,
    Task,
    TaskCancel,
    TaskPage,
    TaskRequest,
    TaskRerun,
    TaskResult,
    TaskSkip,
    TasksRequest,
)
from ostro.protocol.workflows import Changed
from ostro.service import answers, jobs, tasks
from ostro.service.access import JOB, READ, WRITE
from ostro.values import UUID, TaskState


class _Begun(msgspec.Struct):
    """What is kept of the shortcut under its Idempotency-Key: where to look for the task."""

    workflow: UUID
    task: UUID


async def add(call: Call[NoQuery, TasksRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/tasks."""
    workflow = call.id("workflow")
    specs = described.specs_of(call.raw, call.body.tasks, call.desk.limits)

    def render(answer: Answer) -> tuple[int, bytes]:
        return 201, msgspec.json.encode(shapes.added(tasks.for_caller(call.caller, answer)))

    status, body = await answers.once(
        call.desk,
        call.caller,
        call.asked,
        render,
        lambda once: tasks.add(call.desk, call.caller, workflow, specs, once=once),
    )
    return Reply(body, status)


async def read_page(call: Call[queries.Tasks, None]) -> Reply:
    """GET /v1/workflows/{workflow}/tasks."""
    query = call.query
    found, following = await tasks.page(
        call.desk,
        call.caller,
        call.id("workflow"),
        after=query.cursor,
        states=query.state,
        name=query.name,
        tag=query.tag,
        limit=query.limit,
    )
    page = TaskPage(
        tasks=[shapes.task(one) for one in found], next=None if following is None else str(following)
    )
    return Reply(page)


async def read(call: Call[NoQuery, None]) -> Reply:
    """GET /v1/workflows/{workflow}/tasks/{task}."""
    shown = await tasks.show(call.desk, call.caller, call.id("workflow"), call.path["task"])
    return Reply(shapes.shown_task(shown))


async def change(call: Call[queries.Seen, TaskRequest]) -> Reply:
    """PUT /v1/workflows/{workflow}/tasks/{task}."""
    spec = described.spec_of(call.raw, call.body, call.desk.limits)
    answer = await tasks.change(
        call.desk, call.caller, call.id("workflow"), call.path["task"], spec, seen=call.query.seen
    )
    return Reply(shapes.added(answer).tasks[0])


async def delete(call: Call[NoQuery, None]) -> Reply:
    """DELETE /v1/workflows/{workflow}/tasks/{task}."""
    await tasks.delete(call.desk, call.caller, call.id("workflow"), call.path["task"])
    return Reply(None, 204)


async def cancel(call: Call[NoQuery, TaskCancel]) -> Reply:
    """POST /v1/workflows/{workflow}/tasks/{task}/cancel."""
    workflow, task, seen = call.id("workflow"), call.path["task"], call.body.seen
    return await replies.changed(
        call, lambda once: tasks.cancel(call.desk, call.caller, workflow, task, seen=seen, once=once)
    )


async def rerun(call: Call[NoQuery, TaskRerun]) -> Reply:
    """POST /v1/workflows/{workflow}/tasks/{task}/rerun."""
    wanted = call.body
    env = described.object_of(wanted.env, "$.env", call.desk.limits) if wanted.env is not UNSET else None
    return await _revive(
        call,
        lambda name: Rerun(
            name=name, reset=wanted.reset, from_here=wanted.from_here, env=env, seen=wanted.seen
        ),
    )


async def skip(call: Call[NoQuery, TaskSkip]) -> Reply:
    """POST /v1/workflows/{workflow}/tasks/{task}/skip."""
    return await _revive(call, lambda name: Skip(name=name, seen=call.body.seen))


async def set_result(call: Call[NoQuery, TaskResult]) -> Reply:
    """POST /v1/workflows/{workflow}/tasks/{task}/result."""
    wanted = call.body
    result = None if wanted.result is UNSET else described.result_of(wanted.result, call.desk.limits)
    state = TaskState(wanted.state)
    return await _revive(
        call,
        lambda name: SetResult(name=name, state=state, result=result, error=wanted.error, seen=wanted.seen),
    )


async def _revive(call: Call[NoQuery, Any], event_of: Callable[[str], Revival]) -> Reply:
    workflow, task = call.id("workflow"), call.path["task"]
    return await replies.revived(
        call, lambda once: tasks.revive(call.desk, call.caller, workflow, task, event_of, once=once)
    )


async def read_jobs(call: Call[NoQuery, None]) -> Reply:
    """GET /v1/workflows/{workflow}/tasks/{task}/jobs."""
    found = await jobs.of_task(call.desk, call.caller, call.id("workflow"), call.path["task"])
    return Reply(JobPage(jobs=[shapes.job(one) for one in found]))


async def run_alone(call: Call[queries.Waiting, TaskRequest]) -> Reply:
    """POST /v1/tasks."""
    desk, new = call.desk, call.desk.new_id()
    spec = described.spec_of(call.raw, call.body, desk.limits)

    def render(answer: Answer) -> tuple[int, bytes]:
        return 202, msgspec.json.encode(_Begun(new, shapes.added(answer).tasks[0].id))

    _, kept = await answers.once(
        desk,
        call.caller,
        call.asked,
        render,
        lambda once: tasks.run_alone(desk, call.caller, new, spec, once=once),
    )
    begun = msgspec.json.decode(kept, type=_Begun)
    shown = await tasks.wait_alone(
        desk, call.caller, begun.workflow, str(begun.task), seconds=call.query.wait
    )
    where = paths.at(paths.TASK, workflow=begun.workflow, task=begun.task)
    status = 200 if shown.view.ended else 202
    return Reply(shapes.task_alone(begun.workflow, shown), status, {"location": where})


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=paths.TASKS,
        summary="Add tasks, one or many: all or nothing",
        allowed=WRITE | JOB,
        does=add,
        bulky=True,
        body=TasksRequest,
        answer=AddedTasks,
        status=201,
        problems=(404, 409, 410, 413, 422),
        once=True,
    ),
    Endpoint(
        method="GET",
        path=paths.TASKS,
        summary="List the tasks of a workflow, in the order of their making",
        allowed=READ,
        does=read_page,
        query=queries.Tasks,
        answer=TaskPage,
        problems=(404, 422),
    ),
    Endpoint(
        method="GET",
        path=paths.TASK,
        summary="One task by its name or id, with its result and what it waits for",
        allowed=READ | JOB,
        does=read,
        answer=Task,
        problems=(404, 410),
    ),
    Endpoint(
        method="PUT",
        path=paths.TASK,
        summary="Put another description in a WAITING task's place",
        allowed=WRITE,
        does=change,
        bulky=True,
        query=queries.Seen,
        body=TaskRequest,
        answer=AddedTask,
        problems=(404, 409, 410, 413, 422),
    ),
    Endpoint(
        method="DELETE",
        path=paths.TASK,
        summary="Delete a WAITING task; its name is gone for good",
        allowed=WRITE,
        does=delete,
        status=204,
        problems=(404, 409, 410),
    ),
    Endpoint(
        method="POST",
        path=paths.TASK_CANCEL,
        summary="End a task as CANCELLED; its worker is told to stop",
        allowed=WRITE,
        does=cancel,
        body=TaskCancel,
        optional_body=True,
        answer=Changed,
        problems=(404, 409, 410, 422),
        once=True,
    ),
    Endpoint(
        method="POST",
        path=paths.TASK_RERUN,
        summary="Run an ended task again",
        allowed=WRITE,
        does=rerun,
        body=TaskRerun,
        optional_body=True,
        answer=Revived,
        problems=(404, 409, 410, 422),
        once=True,
    ),
    Endpoint(
        method="POST",
        path=paths.TASK_SKIP,
        summary="Let a task that does not run count as done",
        allowed=WRITE,
        does=skip,
        body=TaskSkip,
        optional_body=True,
        answer=Revived,
        problems=(404, 409, 410, 422),
        once=True,
    ),
    Endpoint(
        method="POST",
        path=paths.TASK_RESULT,
        summary="Give a task that ran another result",
        allowed=WRITE,
        does=set_result,
        body=TaskResult,
        answer=Revived,
        problems=(404, 409, 410, 413, 422),
        once=True,
    ),
    Endpoint(
        method="GET",
        path=paths.TASK_JOBS,
        summary="The runs of a task, the first one first",
        allowed=READ,
        does=read_jobs,
        answer=JobPage,
        problems=(404, 410),
    ),
    Endpoint(
        method="POST",
        path=paths.TASK_ALONE,
        summary="Run one task in a workflow of its own, and wait for its result",
        allowed=WRITE,
        does=run_alone,
        bulky=True,
        query=queries.Waiting,
        body=TaskRequest,
        answer=TaskAlone,
        status=202,
        more_statuses=(200,),
        problems=(409, 413, 422),
        once=True,
    ),
)
