"""Endpoints of workflows."""

import msgspec

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described, queries, shapes
from ostro.core.events import Answer, Describe, SealTag, SealWorkflow
from ostro.protocol import paths
from ostro.protocol.changes import ChangePage
from ostro.protocol.workflows import (
    CancelRequest,
    Changed,
    CreatedWorkflow,
    Output,
    SealRequest,
    Workflow,
    WorkflowChange,
    WorkflowPage,
    WorkflowRequest,
)
from ostro.service import answers, follow, output, workflows
from ostro.service.access import READ, WRITE
from ostro.values import UUID


async def create(call: Call[NoQuery, WorkflowRequest]) -> Reply:
    """POST /v1/workflows."""
    desk, workflow = call.desk, call.desk.new_id()
    birth = described.birth_of(call.caller.namespace, workflow, call.body, desk.limits)
    specs = described.specs_of(call.raw, call.body.tasks, desk.limits)

    def render(answer: Answer) -> tuple[int, bytes]:
        body = CreatedWorkflow(id=workflow, tasks=shapes.added(answer).tasks)
        return 201, msgspec.json.encode(body)

    status, body = await answers.once(
        desk,
        call.caller,
        call.asked,
        render,
        lambda once: workflows.create(desk, birth, specs, seal=call.body.seal, once=once),
    )
    made = msgspec.json.decode(body, type=CreatedWorkflow).id
    return Reply(body, status, {"location": paths.at(paths.WORKFLOW, workflow=made)})


async def read_page(call: Call[queries.Workflows, None]) -> Reply:
    """GET /v1/workflows."""
    query = call.query
    found, following = await workflows.page(
        call.desk,
        call.caller,
        after=query.cursor,
        states=query.state,
        name=query.name,
        tag=query.tag,
        limit=query.limit,
    )
    page = WorkflowPage(
        workflows=[shapes.workflow(one) for one in found], next=None if following is None else str(following)
    )
    return Reply(page)


async def read(call: Call[NoQuery, None]) -> Reply:
    """GET /v1/workflows/{workflow}."""
    shown = await workflows.show(call.desk, call.caller, call.id("workflow"))
    return Reply(shapes.shown_workflow(shown))


async def change(call: Call[NoQuery, WorkflowChange]) -> Reply:
    """PATCH /v1/workflows/{workflow}."""
    wanted, limits = call.body, call.desk.limits
    wrong: list[tuple[str, str]] = []
    if wanted.name:
        described.check_label(wanted.name, "$.name", limits, wrong)
    if wanted.description:
        described.check_description(wanted.description, "$.description", wrong)
    if wanted.tags:
        described.check_labels(wanted.tags, limits.tags_per_task, "$.tags", limits, wrong)
    if wanted.deadline:
        described.check_deadline(wanted.deadline, "$.deadline", wrong)
    if wanted.keep:
        described.check_keep(wanted.keep, "$.keep", wrong)
    described.refuse(wrong)
    event = Describe(
        name=wanted.name,
        description=wanted.description,
        tags=wanted.tags if wanted.tags is msgspec.UNSET else tuple(sorted(set(wanted.tags))),
        deadline=wanted.deadline,
        keep=wanted.keep,
    )
    return Reply(shapes.changed(await workflows.describe(call.desk, call.caller, call.id("workflow"), event)))


async def seal(call: Call[NoQuery, SealRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/seal."""
    workflow, wanted = call.id("workflow"), call.body
    wrong: list[tuple[str, str]] = []
    event: SealTag | SealWorkflow
    if wanted.tag is None:
        described.check_output(wanted.output, "$.output", call.desk.limits, wrong)
        event = SealWorkflow(output=described.output_of(wanted.output))
    else:
        described.check_label(wanted.tag, "$.tag", call.desk.limits, wrong)
        if wanted.output is not None:
            wrong.append(("$.output", "goes with the seal of the whole workflow, not of a tag"))
        event = SealTag(wanted.tag)
    described.refuse(wrong)
    status, body = await answers.once(
        call.desk,
        call.caller,
        call.asked,
        _changed,
        lambda once: workflows.seal(call.desk, call.caller, workflow, event, once=once),
    )
    return Reply(body, status)


async def cancel(call: Call[NoQuery, CancelRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/cancel."""
    workflow, reason = call.id("workflow"), call.body.reason
    wrong: list[tuple[str, str]] = []
    described.check_description(reason, "$.reason", wrong)
    described.refuse(wrong)
    status, body = await answers.once(
        call.desk,
        call.caller,
        call.asked,
        _changed,
        lambda once: workflows.cancel(call.desk, call.caller, workflow, reason=reason, once=once),
    )
    return Reply(body, status)


async def delete(call: Call[queries.Force, None]) -> Reply:
    """DELETE /v1/workflows/{workflow}."""
    await workflows.delete(call.desk, call.caller, call.id("workflow"), force=call.query.force)
    return Reply(None, 204)


async def read_output(call: Call[NoQuery, None]) -> Reply:
    """GET /v1/workflows/{workflow}/output."""
    workflow: UUID = call.id("workflow")
    return Reply(shapes.output(workflow, await output.read(call.desk, call.caller, workflow)))


async def read_changes(call: Call[queries.Changes, None]) -> Reply:
    """GET /v1/workflows/{workflow}/changes."""
    query = call.query
    found, state = await follow.read(
        call.desk,
        call.caller,
        call.id("workflow"),
        after=query.after,
        seconds=query.wait,
        limit=query.limit,
    )
    return Reply(shapes.change_page(found, query.after, state))


def _changed(answer: Answer) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(shapes.changed(answer))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=paths.WORKFLOWS,
        summary="Make a workflow, with its first tasks if you like",
        allowed=WRITE,
        does=create,
        bulky=True,
        body=WorkflowRequest,
        optional_body=True,
        answer=CreatedWorkflow,
        status=201,
        problems=(409, 413, 422),
        once=True,
    ),
    Endpoint(
        method="GET",
        path=paths.WORKFLOWS,
        summary="List workflows, newest first",
        allowed=READ,
        does=read_page,
        query=queries.Workflows,
        answer=WorkflowPage,
        problems=(422,),
    ),
    Endpoint(
        method="GET",
        path=paths.WORKFLOW,
        summary="One workflow, with what it waits for",
        allowed=READ,
        does=read,
        answer=Workflow,
        problems=(404,),
    ),
    Endpoint(
        method="PATCH",
        path=paths.WORKFLOW,
        summary="Change name, description, tags, deadline, or how long it is kept",
        allowed=WRITE,
        does=change,
        body=WorkflowChange,
        answer=Changed,
        problems=(404, 409, 422),
    ),
    Endpoint(
        method="DELETE",
        path=paths.WORKFLOW,
        summary="Delete an ended workflow; with force a running one too, which is cancelled first",
        allowed=WRITE,
        does=delete,
        query=queries.Force,
        status=204,
        problems=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=paths.SEAL,
        summary="Close the workflow, or one tag of it, to new tasks",
        allowed=WRITE,
        does=seal,
        body=SealRequest,
        optional_body=True,
        answer=Changed,
        problems=(404, 409, 422),
        once=True,
    ),
    Endpoint(
        method="POST",
        path=paths.CANCEL,
        summary="Stop the workflow",
        allowed=WRITE,
        does=cancel,
        body=CancelRequest,
        optional_body=True,
        answer=Changed,
        problems=(404, 409, 422),
        once=True,
    ),
    Endpoint(
        method="GET",
        path=paths.OUTPUT,
        summary="What the workflow returns",
        allowed=READ,
        does=read_output,
        answer=Output,
        problems=(404,),
    ),
    Endpoint(
        method="GET",
        path=paths.CHANGES,
        summary="The history from a version on; with wait, the live feed",
        allowed=READ,
        does=read_changes,
        query=queries.Changes,
        answer=ChangePage,
        problems=(404, 422),
    ),
)
