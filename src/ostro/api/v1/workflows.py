"""Endpoints of workflows."""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described, queries, replies, shapes
from ostro.core.events import Answer, Describe, Pause, Resume, SealTag, SealWorkflow, SendSignal, StopWorkflow
from ostro.core.specs import Birth, TaskSpec
from ostro.engine.lanes import Once
from ostro.protocol import paths
from ostro.protocol.changes import ChangePage
from ostro.protocol.workflows import (
    CancelRequest,
    Changed,
    CreatedWorkflow,
    DefinitionText,
    Output,
    PauseRequest,
    ResumeRequest,
    SealRequest,
    Signalled,
    SignalRequest,
    StopRequest,
    Workflow,
    WorkflowChange,
    WorkflowPage,
    WorkflowRequest,
)
from ostro.service import answers, output, workflows
from ostro.service.access import READ, WRITE
from ostro.service.definitions import starts
from ostro.service.watching import follow
from ostro.values import UUID, Limits, WorkflowState


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
        lambda once: _made(call, birth, specs, once),
    )
    made = msgspec.json.decode(body, type=CreatedWorkflow).id
    return Reply(body, status, {"location": paths.at(paths.WORKFLOW, workflow=made)})


async def _made(
    call: Call[NoQuery, WorkflowRequest], birth: Birth, specs: list[TaskSpec], once: Once | None
) -> Answer:
    wanted, limits = call.body, call.desk.limits
    chosen = wanted.definition
    given = {name: getattr(wanted, name) for name in ("input", "env", "params")}
    if chosen is None:
        needless = [name for name, value in given.items() if value is not UNSET]
        described.refuse([(f"$.{name}", "goes with `definition` only") for name in needless])
        return await workflows.create(call.desk, birth, specs, seal=wanted.seal, once=once)
    if specs:
        described.refuse(
            [("$.tasks", "a workflow from a definition has its own; add others once it is open")]
        )
    return await starts.start(call.desk, birth, _start_of(wanted, chosen, limits), once=once)


def _start_of(wanted: WorkflowRequest, chosen: DefinitionText, limits: Limits) -> starts.Start:
    """What a start says, checked. A stored definition is named, a text is given; not both."""
    wrong: list[tuple[str, str]] = []
    if chosen.text is None:
        wrong += (
            [] if chosen.name else [("$.definition", "needs a `text`, or the `name` of a stored definition")]
        )
        needless: dict[str, Any] = {"kind": chosen.kind, "also": chosen.also}
    else:
        needless = {"version": chosen.version}
    other = "`name` of a stored definition" if chosen.text is not None else "`text`"
    wrong += [
        (f"$.definition.{word}", f"goes with the {other} only") for word, value in needless.items() if value
    ]
    described.refuse(wrong)
    return starts.Start(
        text=chosen.text,
        name=chosen.name,
        version=chosen.version,
        kind=chosen.kind,
        also=tuple((one.kind, one.text) for one in chosen.also),
        input=described.object_of(wanted.input, "$.input", limits),
        env=_env_of(wanted.env, limits),
        params=described.object_of(wanted.params, "$.params", limits),
    )


def _env_of(given: Raw | UnsetType, limits: Limits) -> dict[str, Any] | str:
    """Values, or the name of an environment."""
    if given is not UNSET and bytes(given).lstrip().startswith(b'"'):
        return msgspec.json.decode(given, type=str)
    return described.object_of(given, "$.env", limits)


async def pause(call: Call[NoQuery, PauseRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/pause."""
    return await _control(call, Pause(message=call.body.message))


async def resume(call: Call[NoQuery, ResumeRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/resume."""
    env = call.body.env
    values = described.object_of(env, "$.env", call.desk.limits) if env is not UNSET else None
    return await _control(call, Resume(env=values))


async def stop(call: Call[NoQuery, StopRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/stop."""
    return await _control(call, StopWorkflow(state=WorkflowState(call.body.state), message=call.body.message))


async def _control(call: Call[Any, Any], event: Pause | Resume | StopWorkflow) -> Reply:
    workflow = call.id("workflow")
    return await replies.changed(
        call, lambda once: workflows.control(call.desk, call.caller, workflow, event, once=once)
    )


async def signal(call: Call[NoQuery, SignalRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/signals/{name}."""
    workflow, name, limits = call.id("workflow"), call.path["name"], call.desk.limits
    wrong: list[tuple[str, str]] = []
    described.check_label(name, "name", limits, wrong)
    described.refuse(wrong)
    payload = call.body.payload
    event = SendSignal(name=name, payload=None if payload is UNSET else described.result_of(payload, limits))
    return await replies.signalled(
        call, lambda once: workflows.signal(call.desk, call.caller, workflow, event, once=once)
    )


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
        definition=query.definition,
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
    return await replies.changed(
        call, lambda once: workflows.seal(call.desk, call.caller, workflow, event, once=once)
    )


async def cancel(call: Call[NoQuery, CancelRequest]) -> Reply:
    """POST /v1/workflows/{workflow}/cancel."""
    workflow, reason = call.id("workflow"), call.body.reason
    wrong: list[tuple[str, str]] = []
    described.check_description(reason, "$.reason", wrong)
    described.refuse(wrong)
    return await replies.changed(
        call, lambda once: workflows.cancel(call.desk, call.caller, workflow, reason=reason, once=once)
    )


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
        problems=(404, 409, 413, 422),
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
        method="POST",
        path=paths.PAUSE,
        summary="Start nothing more until it is resumed; what runs goes on",
        allowed=WRITE,
        does=pause,
        body=PauseRequest,
        optional_body=True,
        answer=Changed,
        problems=(404, 409, 422),
        once=True,
    ),
    Endpoint(
        method="POST",
        path=paths.RESUME,
        summary="Let a paused workflow go on",
        allowed=WRITE,
        does=resume,
        body=ResumeRequest,
        optional_body=True,
        answer=Changed,
        problems=(404, 409, 422),
        once=True,
    ),
    Endpoint(
        method="POST",
        path=paths.STOP,
        summary="End the workflow now, in a state and with a message of your own",
        allowed=WRITE,
        does=stop,
        body=StopRequest,
        answer=Changed,
        problems=(404, 409, 422),
        once=True,
    ),
    Endpoint(
        method="POST",
        path=paths.SIGNAL,
        summary="Send a signal: a task that waits for it ends with its payload; until one does, it is kept",
        allowed=WRITE,
        does=signal,
        body=SignalRequest,
        optional_body=True,
        answer=Signalled,
        problems=(404, 409, 413, 422),
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
