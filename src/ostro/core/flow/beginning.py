"""The start of a workflow from its definition: inputs, environment, variables, and the first tasks."""

from datetime import timedelta
from typing import Any

import msgspec

from ostro.core.additions import adding
from ostro.core.events import AddTasks, Begin
from ostro.core.flow.policies import seconds
from ostro.core.flow.scope import Failed, Scope, encoded
from ostro.core.plans.plan import Plan
from ostro.core.plans.rows import FlowRow, StepRow
from ostro.core.plans.steps import Flow
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Invalid
from ostro.language.forms.declared import fits
from ostro.language.model.policies import DIRECT, REVERSE
from ostro.language.parts import Parameter
from ostro.values import UUID


def begin(workflow: Workflow, event: Begin, moment: Moment) -> None:
    """Takes the definition in and makes the first tasks. Invalid if the start does not give what it asks for."""
    plan: Plan = event.plan
    event = _with_wanted(event, plan)
    given = taken_input(plan.definition.input, event.input, plan.name)
    row = FlowRow(
        library=plan.library,
        name=plan.name,
        input=msgspec.json.encode(given),
        env=msgspec.json.encode(event.env),
        params=msgspec.json.encode(event.params),
        caller=event.caller,
    )
    workflow.flow = Flow(plan, row)
    workflow.changes.flow_touched = True
    scope = Scope(workflow, moment)
    try:
        if event.evaluate_env and event.caller is None:
            row.env = encoded(_evaluated(workflow, event.env, moment))
        row.vars = encoded(scope.value(plan.vars, {}))
        _take_deadline(workflow, scope)
    except Failed as failed:
        raise Invalid("invalid_start", f"{plan.name} cannot be started: {failed}.") from None
    if plan.type == DIRECT:
        for name in plan.starts:
            make_task(workflow, name, (), moment)
        return
    _add_required(workflow, plan, event, moment)


def _take_deadline(workflow: Workflow, scope: Scope) -> None:
    """Of its own, if the start gives none."""
    wait = seconds(scope, workflow.defined.plan.deadline, "deadline")
    if wait and workflow.row.deadline is None:
        workflow.touch_workflow(deadline=scope.now + timedelta(seconds=wait))


def _evaluated(workflow: Workflow, env: dict[str, Any], moment: Moment) -> dict[str, Any]:
    """Values of an environment may be expressions, on the environment as it was given; but for what actions are given."""
    scope = Scope(workflow, moment, extra={**env, "__env": env})
    return {name: value if name == "__actions" else scope.evaluate(value) for name, value in env.items()}


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


def taken_input(declared: tuple[Parameter, ...], given: dict[str, Any], what: str) -> dict[str, Any]:
    """The input with its defaults. Invalid names all that is missing, unknown or of another type."""
    known = {one.name: one for one in declared}
    missing = [one.name for one in declared if one.is_required and one.name not in given]
    unknown = [name for name in given if name not in known]
    wrong = [(f"input.{name}", f"it must be given: {what} has no default for it") for name in missing]
    wrong += [(f"input.{name}", f"{what} does not take it") for name in unknown]
    for name, value in given.items():
        if name in known and not fits(value, known[name].type):
            wrong.append((f"input.{name}", f"it must be of type {known[name].type}"))
    if wrong:
        said = "; ".join(f"{path.removeprefix('input.')!r}: {why}" for path, why in wrong)
        raise Invalid("invalid_input", f"The input of {what} is not what it takes: {said}.", fields=wrong)
    return {one.name: given.get(one.name, one.default) for one in declared}


def make_task(workflow: Workflow, name: str, follows: tuple[UUID, ...], moment: Moment) -> Task:
    """A task of a direct workflow: each arrival at a name is a new one, in its next pass."""
    flow = workflow.defined
    planned, known = flow.plan.tasks[name], workflow.names.get(name)
    task = adding.make(workflow, planned.spec, moment, pass_=known.row.pass_ + 1 if known is not None else 0)
    flow.take(task.id, planned, StepRow(follows=follows))
    workflow.place(task)
    workflow.watch(task)
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
        workflow.defined.row.wanted = wanted
    tasks = adding.add(
        workflow, AddTasks(tasks=tuple(plan.tasks[name].spec for name in names)), moment, at_birth=True
    )
    for task in tasks:
        workflow.defined.take(task.id, plan.tasks[task.name], StepRow())
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
