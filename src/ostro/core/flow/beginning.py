"""The start of a workflow from its definition: inputs, environment, variables, and the first tasks."""

from typing import Any

import msgspec

from ostro.core import adding
from ostro.core.effects import TaskRow
from ostro.core.events import AddTasks, Begin
from ostro.core.flow.joins import is_held
from ostro.core.flow.scope import Failed, Scope
from ostro.core.plans.plan import Plan
from ostro.core.plans.rows import FlowRow, StepRow
from ostro.core.plans.steps import Flow
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict, Invalid
from ostro.language.expressions import ExpressionError, template
from ostro.language.model.policies import DIRECT, REVERSE
from ostro.language.parts import Parameter
from ostro.values import UUID, TaskState

_OF_TYPE: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def begin(workflow: Workflow, event: Begin, moment: Moment) -> None:
    """Takes the definition in and makes the first tasks. Invalid if the start does not give what it asks for."""
    plan: Plan = event.plan
    event = _with_wanted(event, plan)
    given = taken_input(plan.definition.input, event.input, plan.name)
    row = FlowRow(
        plan=plan.key,
        input=msgspec.json.encode(given),
        env=msgspec.json.encode(event.env),
        params=msgspec.json.encode(event.params),
        caller=event.caller,
    )
    workflow.flow = Flow(plan, row)
    workflow.changes.flow_touched = True
    _evaluate_env(workflow, event, moment)
    try:
        row.vars = msgspec.json.encode(Scope(workflow, moment).value(plan.vars, {}))
    except Failed as failed:
        raise Invalid("vars_failed", f"The variables of {plan.name} cannot be computed: {failed}.") from None
    if plan.type == DIRECT:
        for name in plan.starts:
            make_task(workflow, name, (), "", moment)
        return
    _add_required(workflow, plan, event, moment)


def _with_wanted(event: Begin, plan: Plan) -> Begin:
    """A task that runs a reverse workflow names the wanted task in its input."""
    declared = {one.name for one in plan.definition.input}
    if (
        event.caller is None
        or plan.type != REVERSE
        or "task_name" in declared
        or "task_name" not in event.input
    ):
        return event
    given = dict(event.input)
    return msgspec.structs.replace(
        event, params={**event.params, "task_name": given.pop("task_name")}, input=given
    )


def _evaluate_env(workflow: Workflow, event: Begin, moment: Moment) -> None:
    """Values of an environment may be expressions, on the environment as it was given."""
    if workflow.flow is None or not event.evaluate_env or event.caller is not None:
        return
    scope = Scope(workflow, moment, extra={**event.env, "__env": event.env})
    found = {}
    for name, value in event.env.items():
        if name == "__actions":
            found[name] = value
            continue
        try:
            read = template(value)
            found[name] = value if read.is_literal else read.evaluate(scope.data(read.roots), scope)
        except ExpressionError as wrong:
            raise Invalid(
                "env_failed", f"The environment's {name!r} cannot be evaluated: {wrong.message}"
            ) from None
    workflow.flow.row.env = msgspec.json.encode(found)


def taken_input(declared: tuple[Parameter, ...], given: dict[str, Any], what: str) -> dict[str, Any]:
    """The input with its defaults. Invalid names all that is missing, unknown or of another type."""
    known = {one.name: one for one in declared}
    missing = [one.name for one in declared if one.is_required and one.name not in given]
    unknown = [name for name in given if name not in known]
    wrong = [(f"input.{name}", f"it must be given: {what} has no default for it") for name in missing]
    wrong += [(f"input.{name}", f"{what} does not take it") for name in unknown]
    for name, value in given.items():
        type_ = known[name].type if name in known else ""
        if type_ in _OF_TYPE and not _is_of(value, type_):
            wrong.append((f"input.{name}", f"it must be of type {type_}"))
    if wrong:
        said = "; ".join(f"{path.removeprefix('input.')!r}: {why}" for path, why in wrong)
        raise Invalid("invalid_input", f"The input of {what} is not what it takes: {said}.", fields=wrong)
    return {one.name: given.get(one.name, one.default) for one in declared}


def _is_of(value: Any, type_: str) -> bool:
    if isinstance(value, bool):
        return type_ == "boolean"
    return isinstance(value, _OF_TYPE[type_])


def make_task(workflow: Workflow, name: str, follows: tuple[UUID, ...], event: str, moment: Moment) -> Task:
    """A task of a direct workflow: each arrival at a name is a new one, in its next pass."""
    flow = workflow.flow
    if flow is None:
        raise AssertionError("only a definition's tasks are made by transitions")
    limit = moment.limits.tasks_per_workflow
    if len(workflow.tasks) >= limit:
        raise Conflict("too_many_tasks", f"A workflow has at most {limit} tasks.")
    planned, known = flow.plan.tasks[name], workflow.names.get(name)
    row = TaskRow(
        id=moment.new_id(),
        name=name,
        tags=planned.spec.tags,
        hash=b"",
        state=TaskState.WAITING,
        reason=None,
        error=None,
        run=0,
        job=None,
        version=1,
        spawned=0,
        weighs=False,
        required=0,
        spawned_by=None,
        created_at=moment.now,
        started_at=None,
        ended_at=None,
        pass_=known.row.pass_ + 1 if known is not None else 0,
    )
    task = Task(row, planned.spec)
    flow.take(task.id, planned, StepRow(follows=follows, event=event))
    workflow.place(task)
    workflow.watch(task)
    if is_held(workflow, task):
        workflow.ready.pop(task, None)
    workflow.changes.added[task.id] = None
    workflow.changes.specs[task.id] = planned.spec
    workflow.changes.steps[task.id] = None
    workflow.note("added", task, state=task.state.value)
    return task


def _add_required(workflow: Workflow, plan: Plan, event: Begin, moment: Moment) -> None:
    """All tasks of a graph; of a reverse workflow those that the wanted one hangs on. Their terms do the rest."""
    names = list(plan.tasks)
    if plan.type == REVERSE:
        wanted = event.params.get("task_name")
        if not isinstance(wanted, str) or wanted not in plan.tasks:
            said = f"there is no task {wanted!r}" if wanted else "`task_name` is missing"
            raise Invalid(
                "invalid_start",
                f"A reverse workflow is started for one of its tasks: {said} in {plan.name}.",
                hint=f"Give `task_name` in the parameters: {', '.join(names[:10])}.",
                fields=[("params.task_name", said)],
            )
        names = _hanging_on(plan, wanted)
        if workflow.flow is not None:
            workflow.flow.row.wanted = wanted
    tasks = adding.add(
        workflow, AddTasks(tasks=tuple(plan.tasks[name].spec for name in names)), moment, at_birth=True
    )
    for task in tasks:
        if workflow.flow is not None:
            workflow.flow.take(task.id, plan.tasks[task.name], StepRow())
        workflow.changes.steps[task.id] = None


def _hanging_on(plan: Plan, wanted: str) -> list[str]:
    found: dict[str, None] = {}
    search = [wanted]
    while search:
        name = search.pop()
        if name not in found:
            found[name] = None
            search += [term.task for term in plan.tasks[name].spec.requires if term.task in plan.tasks]
    return list(found)
