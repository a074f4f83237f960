"""The smallest world in which the core alone runs definitions: a chosen clock, jobs done at once, messages delivered."""

# Every workflow here is made from a definition, and every need has arguments: the checker cannot know.
# mypy: disable-error-code="union-attr,misc,arg-type,var-annotated,index"

import copy
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from ostro.core.decide import create, decide
from ostro.core.events import (
    Begin,
    CalleeEnded,
    Create,
    DeadlineDue,
    GoOn,
    JobEnded,
    Pause,
    Resume,
    RetryDue,
    StopWorkflow,
    TimeoutDue,
)
from ostro.core.plans.library import Library, Text
from ostro.core.plans.plan import Plan
from ostro.core.plans.rows import Caller
from ostro.core.specs import Birth
from ostro.core.workflow import Moment, Workflow
from ostro.errors import OstroError
from ostro.language.expressions import Lookup, Need, Unanswered
from ostro.language.lint import lint
from ostro.language.model.definitions import Document, Kind
from ostro.language.parsed import parsed
from ostro.values import Limits, TaskState, WorkflowState

START = datetime(2030, 1, 1, tzinfo=UTC)


class World:
    """Definitions, workflows, and what is under way between them."""

    def __init__(self) -> None:
        self.now = START
        self._ids = 0
        self.documents: list[Document] = []
        self.limits = Limits()
        self.offered: set[str] = set()
        """Actions that workers offer; with `asks`."""
        self.asks = False
        """Whether a text asks about other workflows: then decisions are broken off, and copies kept."""
        self.environments: dict[str, dict[str, Any]] = {}
        self.workflows: dict[UUID, Workflow] = {}
        self.jobs: dict[UUID, tuple[UUID, Any]] = {}
        self.past: dict[UUID, tuple[UUID, Any]] = {}
        self.due: dict[tuple[Any, ...], datetime] = {}
        self.messages: deque[tuple[UUID, str, bytes]] = deque()

    # -- the library --------------------------------------------------------------------------------

    def upload(self, text: str, kind: str) -> None:
        """Raises ValueError if it is refused."""
        if kind == "environment":
            said = msgspec.yaml.decode(text)
            self.environments[said["name"]] = said["variables"]
            return
        found = lint(text, Kind(kind), parse=parsed)
        if found.document is None:
            raise ValueError("; ".join(one.message for one in found.errors))
        self.documents.append(found.document)
        self.asks |= "tasks(" in text or "executions(" in text

    def plan(self, workbook: str, name: str) -> Plan | None:
        library = Library(tuple(Text(one.kind, "") for one in self.documents), self.documents)
        found = library.find(workbook, name)
        return library.plan(found) if found is not None else None

    # -- events -------------------------------------------------------------------------------------

    def new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    def moment(self, answers: dict[Need, Any] | None = None) -> Moment:
        return Moment(self.now, self.new_id, self.limits, answers or {}, asks=self.asks)

    def start(self, name: str, given: dict[str, Any], params: dict[str, Any]) -> UUID:
        plan = self.plan("", name)
        if plan is None:
            raise ValueError(f"there is no workflow {name}")
        env = params.get("env", {})
        if isinstance(env, str):
            if env not in self.environments:
                raise ValueError(f"there is no environment {env}")
            env = self.environments[env]
        begin = Begin(
            plan=plan, input=given, env=env, params=params, evaluate_env=params.get("evaluate_env", True)
        )
        return self._create(self.new_id(), begin, None)

    def _create(self, known: UUID, begin: Begin, root: UUID | None) -> UUID:
        done_when = tuple(one.term for one in begin.plan.definition.done_when)
        birth = Birth(namespace=1, id=known, name=begin.plan.name, root_workflow=root, done_when=done_when)
        answers = {}
        while True:
            try:
                workflow, _ = create(Create(birth=birth, begin=begin), self.moment(answers))
                break
            except Unanswered as asked:
                answers[asked.need] = self._answer(asked.need)
        self.workflows[known] = workflow
        self._take(workflow)
        return known

    def tell(self, known: UUID, event: Any) -> None:
        workflow, answers = self.workflows[known], {}
        while True:
            kept = self._copied(workflow)
            try:
                decide(workflow, event, self.moment(answers))
            except Unanswered as asked:  # a decision that was broken off throws the aggregate away
                workflow = kept
                answers[asked.need] = self._answer(asked.need)
            else:
                break
        self.workflows[known] = workflow
        self._take(workflow)

    def _copied(self, workflow: Workflow) -> Workflow:
        if not self.asks:
            return workflow
        plan = workflow.flow.plan
        return copy.deepcopy(workflow, {id(plan): plan})

    def _answer(self, need: Need) -> Any:
        if need.lookup is Lookup.OFFERED:
            return need.arguments[0] in self.offered
        if need.lookup is Lookup.EXECUTIONS:
            return self._executions(*need.arguments)
        assert need.lookup is Lookup.TASKS
        within, deep, state, _ = need.arguments
        roots = {UUID(within)} if within else set(self.workflows)
        family = [w for w in self.workflows.values() if deep and w.birth.root_workflow in roots]
        tasks = [task for workflow in family for task in workflow.tasks.values()]
        return [
            {"name": one.name, "state": one.state.value} for one in tasks if state in {None, one.state.value}
        ]

    def _executions(self, known: str | None, root: str | None, state: str | None, *_: Any) -> Any:
        return [
            {"id": str(w.id), "name": w.birth.name, "state": w.state.value}
            for w in self.workflows.values()
            if known in {None, str(w.id)}
            and root in {None, str(w.birth.root_workflow)}
            and state in {None, w.state.value}
        ]

    def _take(self, workflow: Workflow) -> None:
        changes = workflow.take_changes()
        for job in [*changes.consumed, *changes.revoked]:
            if job in self.jobs:
                self.past[job] = self.jobs.pop(job)
            self.due.pop(("job", workflow.id, job), None)
        for job, queued in changes.queued.items():
            self.jobs[job] = (workflow.id, queued)
            if queued.action == "std.sleep":
                seconds = msgspec.json.decode(queued.input)["seconds"]
                self.due["job", workflow.id, job] = self.now + timedelta(seconds=seconds)
        for timer in changes.timers.values():
            key = (timer.kind, workflow.id, timer.task)
            if timer.due_at is None:
                self.due.pop(key, None)
            else:
                self.due[key] = timer.due_at
        self.messages.extend((message.to, message.kind, message.body) for message in changes.sent)
        own = ((message, one) for message, one in changes.messages_sent.items() if one.kind == "go_on")
        self.messages.extend((workflow.id, "go_on", message.bytes) for message, _ in own)

    def settle(self) -> None:
        """Everything that needs no time."""
        while True:
            if self.messages:
                self._deliver(*self.messages.popleft())
                continue
            job = next(
                (j for j, (_, q) in self.jobs.items() if not q.unattended and q.action != "std.sleep"), None
            )
            if job is None:
                return
            queued = self.jobs[job][1]
            if queued.action == "std.test_dict":
                said = msgspec.json.decode(queued.input)
                made = {f"{said['key_prefix']}{n}": said["val"] for n in range(said["size"])}
                self.finish(job, TaskState.SUCCESS, msgspec.json.encode(made))
            else:
                self.finish(job, TaskState.ERROR, None, f"nobody here runs {queued.action}")

    def finish(self, job: UUID, state: TaskState, result: bytes | None, error: str | None = None) -> None:
        known, _ = self.jobs[job]
        self.tell(known, JobEnded(job=job, fence=0, state=state, result=result, error=error))

    def advance(self) -> bool:
        """To the next instant at which something is due; false if nothing is."""
        if not self.due:
            return False
        key = min(self.due, key=lambda one: self.due[one])
        self.now = max(self.now, self.due.pop(key))
        kind, known, about = key
        match kind:
            case "job":
                self.finish(about, TaskState.SUCCESS, None)
            case "retry":
                self.tell(known, RetryDue(about))
            case "timeout":
                self.tell(known, TimeoutDue(about))
            case _:
                self.tell(known, DeadlineDue())
        return True

    def _deliver(self, to: UUID, kind: str, body: bytes) -> None:
        match kind:
            case "go_on":
                self.tell(to, GoOn(UUID(bytes=body)))
            case "begin":
                self._begin(to, msgspec.json.decode(body))
            case "ended":
                said = msgspec.json.decode(body)
                output = msgspec.json.encode(said["output"])
                state = WorkflowState(said["state"])
                self.tell(
                    to, CalleeEnded(job=UUID(said["job"]), state=state, output=output, error=said["error"])
                )
            case "cancel" if to in self.workflows:
                self.tell(to, StopWorkflow(state=WorkflowState.CANCELLED))
            case "pause" if to in self.workflows:
                self.tell(to, Pause())
            case "resume" if to in self.workflows:
                self.tell(to, Resume())

    def _begin(self, known: UUID, said: dict[str, Any]) -> None:
        parent, plan = UUID(said["parent"]), self.plan(said["workbook"], said["name"])
        if plan is None:
            why = f"there is no workflow {said['name']!r}"
            self.tell(parent, CalleeEnded(job=known, state=WorkflowState.ERROR, error=why))
            return
        try:
            caller = Caller(parent, UUID(said["task"]), known)
            begin = Begin(plan=plan, input=said["input"], env=said["env"], caller=caller, params={})
            self._create(known, begin, UUID(said["root"]))
        except OstroError as refused:
            self.tell(parent, CalleeEnded(job=known, state=WorkflowState.ERROR, error=str(refused)))
