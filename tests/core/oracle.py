"""A naive oracle of the rules (ARCHITECTURE section 3: 1 to 11).

Written from the rules and not from the core: it keeps the list of all tasks and works everything out anew
after each step, without a counter or an index. Each function says which rule it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ostro.core.specs import TaskSpec
from ostro.values import INLINE_ACTIONS, MaySpawn, SkipReason, TaskState, Term, TermState, WorkflowState

UNENDED = {TaskState.WAITING, TaskState.DELAYED, TaskState.PAUSED, TaskState.RUNNING}
ACTIVE = UNENDED - {TaskState.WAITING}

HOLDS, DEAD, UNDECIDED = "holds", "dead", "undecided"


class Refused(Exception):
    """The rules do not allow it."""


@dataclass(eq=False)
class OracleTask:
    """One task and what became of it."""

    spec: TaskSpec
    first_hash: bytes = b""
    state: TaskState = TaskState.WAITING
    reason: SkipReason | None = None
    run: int = 0
    started: bool = False
    spawned: int = 0
    spawned_by: str | None = None
    since: int = 1

    @property
    def unended(self) -> bool:
        return self.state in UNENDED

    @property
    def not_needed(self) -> bool:
        return self.reason is SkipReason.NOT_NEEDED

    def is_in(self, state: TermState) -> bool:
        """Rule 3: SUCCESS includes skipped by an operator, COMPLETE is any end."""
        if state is TermState.COMPLETE:
            return not self.unended
        if state is TermState.ERROR:
            return self.state is TaskState.ERROR
        return self.state is TaskState.SUCCESS or self.reason is SkipReason.OPERATOR


def plain_terms(terms: Sequence[Term]) -> Iterator[Term]:
    """Rule 1: several tags without a number are short for one term each; one tag is one tag."""
    for term in terms:
        if term.all_tags is not None and len(set(term.all_tags)) == 1:
            yield replace_term(term, tags=term.all_tags[:1], all_tags=None)
        elif term.tags is not None and term.enough is None and term.at_least is None:
            for tag in term.tags:
                yield replace_term(term, tags=(tag,))
        else:
            yield term


def replace_term(term: Term, **fields: object) -> Term:
    kept = {name: getattr(term, name) for name in term.__struct_fields__}
    return Term(**{**kept, **fields})


def replace_tags(spec: TaskSpec, tags: Sequence[str]) -> TaskSpec:
    return TaskSpec(**{**{name: getattr(spec, name) for name in spec.__struct_fields__}, "tags": tuple(tags)})


def grant_of(task: OracleTask) -> MaySpawn | None:
    """Rule 10: what it is, or was, granted to add; a grant of none is none."""
    grant = task.spec.may_spawn
    return grant if grant is not None and grant.max > 0 else None


def selects(term: Term, task: OracleTask) -> bool:
    """Whether the term is on this task (rule 1)."""
    tags = set(task.spec.tags)
    if term.task is not None:
        return term.task == task.spec.name
    if term.tags is not None:
        return bool(tags & set(term.tags))
    return set(term.all_tags or ()) <= tags


@dataclass
class Oracle:
    """A workflow as the rules see it."""

    done_when: tuple[Term, ...] = ()
    tasks: dict[str, OracleTask] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    sealed: bool = False
    sealed_tags: set[str] = field(default_factory=set)
    state: WorkflowState = WorkflowState.RUNNING
    stopped_by: str | None = None
    past_deadline: bool = False
    latched: set[object] = field(default_factory=set)

    # -- rule 2: what is closed ---------------------------------------------------------------

    def may_still_spawn(self, tags: set[str]) -> bool:
        """Whether an unended task with some of its `max` left may give all these tags to one task."""
        return any(
            task.unended
            and task.spec.may_spawn is not None
            and task.spawned < task.spec.may_spawn.max
            and tags <= set(task.spec.may_spawn.tags)
            for task in self.tasks.values()
        )

    def tag_closed(self, tag: str) -> bool:
        return tag in self.sealed_tags or (self.sealed and not self.may_still_spawn({tag}))

    def closed(self, term: Term) -> bool:
        if term.tags is not None:
            return all(self.tag_closed(tag) for tag in term.tags)
        tags = set(term.all_tags or ())
        return bool(tags & self.sealed_tags) or (self.sealed and not self.may_still_spawn(tags))

    # -- rule 3: terms ------------------------------------------------------------------------

    def members(self, term: Term) -> list[OracleTask]:
        return [task for task in self.tasks.values() if selects(term, task)]

    def verdict(self, term: Term) -> str:
        if term.task is not None:
            return self.name_verdict(term)
        if term.at_least is not None and self.latch_key(term) in self.latched:
            return HOLDS
        every = self.members(term)
        closed = self.closed(term)
        if closed and not every:
            return HOLDS if term.optional else DEAD
        passes = term.state is TermState.SUCCESS
        counted = [task for task in every if not (passes and task.not_needed)]
        held = sum(task.is_in(term.state) for task in counted)
        unended = sum(task.unended for task in counted)
        bad = len(counted) - held - unended
        if term.enough is not None:
            return self.enough_verdict(term.enough, closed, held, unended, len(counted))
        if bad:
            return DEAD
        if term.at_least is not None:
            if len(every) >= term.at_least:
                return UNDECIDED if unended else HOLDS
            return DEAD if closed else UNDECIDED
        return HOLDS if closed and not unended else UNDECIDED

    def name_verdict(self, term: Term) -> str:
        task = self.tasks.get(term.task or "")
        if task is None or task.unended:
            return UNDECIDED
        return HOLDS if task.is_in(term.state) else DEAD

    def enough_verdict(self, enough: int | str, closed: bool, held: int, unended: int, members: int) -> str:
        if isinstance(enough, int):
            if held >= enough:
                return HOLDS
            return DEAD if closed and held + unended < enough else UNDECIDED
        percent = int(enough.removesuffix("%"))
        if not closed:
            return UNDECIDED
        if 100 * held >= percent * members:
            return HOLDS
        return DEAD if 100 * (held + unended) < percent * members else UNDECIDED

    # `at_least` stays held for those who wait with an equal term -------------------------------

    def latch_key(self, term: Term) -> object:
        kind = "tags" if term.tags is not None else "all_tags"
        return kind, frozenset(term.tags or term.all_tags or ()), term.state, term.at_least, term.optional

    def waited_for(self) -> Iterator[Term]:
        for task in self.tasks.values():
            if task.state is TaskState.WAITING:
                yield from plain_terms(task.spec.requires)
        yield from plain_terms(self.done_when)

    def latch(self) -> None:
        for term in self.waited_for():
            if term.at_least is not None and self.verdict(term) == HOLDS:
                self.latched.add(self.latch_key(term))

    def unlatch(self) -> None:
        self.latched &= {self.latch_key(term) for term in self.waited_for() if term.at_least is not None}

    # -- rules 4 and 5: started, passed by ------------------------------------------------------

    def start(self, task: OracleTask) -> None:
        task.started = True
        task.run += 1
        task.state = TaskState.RUNNING
        if task.spec.action in INLINE_ACTIONS and not task.spec.target:
            self.finish(task, ok=task.spec.action != "std.fail")

    def finish(self, task: OracleTask, *, ok: bool) -> None:
        """A run is over; a retry is a further run, at once if it has no delay."""
        retry = task.spec.retry
        if ok:
            task.state = TaskState.SUCCESS
        elif retry is None or task.run - task.since >= retry.count:
            task.state = TaskState.ERROR
        elif retry.delay > 0:
            task.state = TaskState.DELAYED
        else:
            self.start(task)

    def skip(self, task: OracleTask, reason: SkipReason) -> None:
        task.state, task.reason = TaskState.SKIPPED, reason

    def skip_reason(self, dead: Sequence[Term]) -> SkipReason:
        for term in dead:
            on = self.tasks.get(term.task or "")
            if term.state is TermState.ERROR or (on is not None and on.not_needed):
                return SkipReason.NOT_NEEDED
        for term in dead:
            if term.task is not None:
                too_few = term.task not in self.tasks
            else:
                number = term.enough if isinstance(term.enough, int) else term.at_least
                too_few = len(self.members(term)) < (number or 1)
            if too_few:
                return SkipReason.MISSING
        return SkipReason.UPSTREAM

    def progress_once(self) -> bool:
        self.latch()
        for task in self.tasks.values():
            if task.state is not TaskState.WAITING:
                continue
            terms = list(plain_terms(task.spec.requires))
            verdicts = [self.verdict(term) for term in terms]
            if UNDECIDED in verdicts:
                continue
            if DEAD in verdicts:
                dead = [term for term, verdict in zip(terms, verdicts, strict=True) if verdict == DEAD]
                self.skip(task, self.skip_reason(dead))
            else:
                self.start(task)
            return True
        return False

    # -- rules 6 and 7: the end, and what seals -------------------------------------------------

    def settle(self) -> None:
        """All that follows, until nothing follows."""
        while self.state is WorkflowState.RUNNING:
            if self.progress_once() or self.seal_when_done() or self.fall_still():
                continue
            break
        self.unlatch()

    def seal_when_done(self) -> bool:
        if self.sealed or not self.done_when or not self.tasks:
            return False
        if any(self.verdict(term) != HOLDS for term in plain_terms(self.done_when)):
            return False
        self.sealed = True
        return True

    def fall_still(self) -> bool:
        if not self.sealed or any(task.state in ACTIVE for task in self.tasks.values()):
            return False
        waiting = [task for task in self.tasks.values() if task.state is TaskState.WAITING]
        fates = []
        for task in waiting:
            terms = list(plain_terms(task.spec.requires))
            absent = [term for term in terms if term.task is not None and term.task not in self.tasks]
            if absent:
                dead = [term for term in terms if self.verdict(term) == DEAD]
                fates.append((task, self.skip_reason(absent + dead)))
        for task, reason in fates:
            self.skip(task, reason)
        if fates:
            return True
        assert not waiting, f"nobody is left waiting, but {[task.spec.name for task in waiting]}"
        self.state = self.end()
        return False

    def end(self) -> WorkflowState:
        tasks = self.tasks.values()
        if self.stopped_by == "deadline":
            return WorkflowState.ERROR
        if self.stopped_by == "cancel" or any(task.state is TaskState.CANCELLED for task in tasks):
            return WorkflowState.CANCELLED
        if any(task.reason is SkipReason.MISSING for task in tasks):
            return WorkflowState.ERROR
        if any(task.state is TaskState.ERROR and not self.handled(task) for task in tasks):
            return WorkflowState.ERROR
        return WorkflowState.SUCCESS

    def handled(self, failed: OracleTask) -> bool:
        enough = False
        for other in self.tasks.values():
            if not other.started:
                continue
            for term in plain_terms(other.spec.requires):
                if not selects(term, failed):
                    continue
                if term.handles:
                    return True
                enough = enough or (term.enough is not None and term.state is TermState.SUCCESS)
        return enough and not any(
            other.reason is SkipReason.UPSTREAM
            and any(
                selects(term, failed)
                for term in plain_terms(other.spec.requires)
                if term.all_tags is None and term.enough is None and term.at_least is None
            )
            for other in self.tasks.values()
        )

    # -- rule 8: stop -----------------------------------------------------------------------------

    def stop(self, why: str) -> None:
        self.past_deadline = self.past_deadline or why == "deadline"  # also of one that had ended before
        if self.state is not WorkflowState.RUNNING:
            return
        self.stopped_by, self.sealed = why, True
        for task in self.tasks.values():
            if task.state in ACTIVE:
                task.state = TaskState.CANCELLED
            elif task.state is TaskState.WAITING:
                self.skip(task, SkipReason.STOPPED)
        self.settle()

    # -- rules 10 and 11, and section 4: what may be added ---------------------------------------------

    def add(self, specs: Sequence[TaskSpec], *, by: str | None = None, birth: bool = False) -> list[str]:
        """Answers the names that are new. Refused: nothing was changed."""
        new = []
        for spec in specs:
            known = self.tasks.get(spec.name)
            if spec.name in self.gone or (known is not None and known.first_hash != spec.hash):
                raise Refused("deleted, or another task has this name")
            if known is None:
                new.append(spec)
        if not new:
            return []
        self.check_open(new, by, birth=birth)
        candidate = dict(self.tasks)
        if by is not None:
            candidate[by] = replace(candidate[by], spawned=candidate[by].spawned + len(new))
        candidate |= {spec.name: OracleTask(spec, spec.hash, spawned_by=by) for spec in new}
        if by is not None:
            self.check_grant(new, by, candidate)
        self.check_terms(new, candidate)
        self.tasks = candidate
        self.settle()
        return [spec.name for spec in new]

    def check_open(self, new: Sequence[TaskSpec], by: str | None, *, birth: bool) -> None:
        if self.state is not WorkflowState.RUNNING or (self.sealed and by is None and not birth):
            raise Refused("closed to callers")
        if any(set(spec.tags) & self.sealed_tags for spec in new):
            raise Refused("the tag is sealed")

    def check_grant(self, new: Sequence[TaskSpec], by: str, candidate: dict[str, OracleTask]) -> None:
        spawner = candidate[by]
        grant = spawner.spec.may_spawn
        if spawner.state is not TaskState.RUNNING or grant is None or spawner.spawned > grant.max:
            raise Refused("no job, no grant, or none left")
        its = {by} | {name for name, task in candidate.items() if task.spawned_by == by}
        own_names = its | {term.task for term in spawner.spec.requires if term.task}
        own = spawner.spec.target
        for spec in new:
            allowed = (
                set(spec.tags) <= set(grant.tags)
                and spec.action in grant.actions
                and spec.priority <= spawner.spec.priority
                and spec.may_spawn is None
                and {term.task for term in spec.requires if term.task} <= own_names
                and all(self.excuses_its_own(term, its, set(grant.tags)) for term in spec.requires)
                and (
                    (own.items() <= spec.target.items() if own else not spec.target)
                    or any(granted.items() <= spec.target.items() for granted in grant.targets)
                )
            )
            if not allowed:
                raise Refused("not granted")

    def excuses_its_own(self, term: Term, its: set[str], granted: set[str]) -> bool:
        """Rule 6 by a job: it makes no error handled but of what it may add."""
        if not term.handles and (term.enough is None or term.state is not TermState.SUCCESS):
            return True
        if term.task is not None:
            return term.task in its
        return set(term.tags or term.all_tags or ()) <= granted

    def check_terms(self, new: Sequence[TaskSpec], candidate: dict[str, OracleTask]) -> None:
        for spec in new:
            for term in plain_terms(spec.requires):
                if term.task in self.gone:
                    raise Refused("a deleted name")
                if self.sealed and not term.optional and not self.could_come(term, candidate):
                    raise Refused("nothing bears it, nothing could bring it")
        self.check_cycles(candidate)

    def could_come(self, term: Term, candidate: dict[str, OracleTask]) -> bool:
        if any(selects(term, task) for task in candidate.values()):
            return True
        grants = [grant for task in candidate.values() if (grant := grant_of(task))]
        if term.task is not None:
            return bool(grants)
        if term.tags is not None:
            return any(set(term.tags) & set(grant.tags) for grant in grants)
        return any(set(term.all_tags or ()) <= set(grant.tags) for grant in grants)

    def check_cycles(self, candidate: dict[str, OracleTask]) -> None:
        """Rule 10. An arrow leads from who waits to what is waited for."""
        waiting = [task for task in candidate.values() if task.state is TaskState.WAITING]
        arrows: dict[object, set[object]] = {}
        for task in waiting:
            onward: set[object] = arrows.setdefault(("task", task.spec.name), set())
            for term in plain_terms(task.spec.requires):
                if term.task is not None:
                    onward.add(("task", term.task))
                elif term.tags is not None:
                    onward |= {("tags", frozenset({tag})) for tag in term.tags}
                else:
                    onward.add(("tags", frozenset(term.all_tags or ())))
        nodes = {node for onward in arrows.values() for node in onward if node[0] == "tags"}  # type: ignore[index]
        for node in nodes:
            tags = node[1]  # type: ignore[index]
            arrows[node] = {
                ("task", task.spec.name)
                for task in waiting
                if tags <= set(task.spec.tags)
                or ((grant := grant_of(task)) and tags <= set(grant.tags) and not tags & self.sealed_tags)
            }
        done: set[object] = set()
        for node in list(arrows):
            self.walk(node, arrows, [], done)

    def walk(
        self, node: object, arrows: dict[object, set[object]], path: list[object], done: set[object]
    ) -> None:
        if node in path:
            raise Refused(f"a cycle: {path} {node}")
        if node in done:
            return
        for onward in arrows.get(node, ()):
            self.walk(onward, arrows, [*path, node], done)
        done.add(node)

    # -- the other calls --------------------------------------------------------------------------------

    def change(self, name: str, spec: TaskSpec) -> None:
        """Rule 11: not into what could not be added now. It stays known by what was first sent."""
        task = self.waiting_task(name)
        if spec.hash == task.spec.hash:
            return
        gained = set(spec.tags) - set(task.spec.tags)
        if gained & self.sealed_tags or (gained and self.sealed):
            raise Refused("nobody outside may add a task with this tag now")
        granted = {tag for grant in (spec.may_spawn,) if grant and grant.max for tag in grant.tags}
        granted_before = {
            tag for grant in (task.spec.may_spawn,) if grant and grant.max for tag in grant.tags
        }
        if self.sealed and not granted <= granted_before:
            raise Refused("a closed tag would be open again")
        candidate = {**self.tasks, name: replace(task, spec=spec)}
        self.check_terms([spec], candidate)
        self.tasks = candidate
        self.settle()

    def delete(self, name: str) -> None:
        if name in self.gone:
            return
        self.waiting_task(name)
        for other in self.tasks.values():
            if other.state is TaskState.WAITING and any(term.task == name for term in other.spec.requires):
                raise Refused("a task that never started requires it")
        del self.tasks[name]
        self.gone.add(name)
        self.settle()

    def waiting_task(self, name: str) -> OracleTask:
        task = self.tasks.get(name)
        if task is None or task.state is not TaskState.WAITING:
            raise Refused("it is not waiting")
        return task

    def cancel_task(self, name: str) -> None:
        task = self.tasks.get(name)
        if task is not None and task.state is TaskState.CANCELLED:
            return
        if task is None or not task.unended:
            raise Refused("it has ended")
        task.state = TaskState.CANCELLED
        self.settle()

    def seal_tag(self, tag: str) -> None:
        self.sealed_tags.add(tag)
        self.settle()

    def seal(self) -> None:
        self.sealed = True
        self.settle()

    def job_ended(self, name: str, *, ok: bool) -> None:
        self.finish(self.tasks[name], ok=ok)
        self.settle()

    def retry_due(self, name: str) -> None:
        self.start(self.tasks[name])
        self.settle()

    # -- rule 9: the ways out of an end ---------------------------------------------------------------------

    def rerun(self, name: str, *, from_here: bool = False) -> set[str]:
        task = self.revivable(name)
        if task.unended:
            raise Refused("it has not ended")
        before = self.kept()
        behind = self.all_behind(task) if from_here else []
        for one in behind:
            one.started = False
        for one in [task, *behind]:
            one.state, one.reason, one.since = TaskState.WAITING, None, one.run + 1
        if task.started:
            task.state = TaskState.DELAYED
        self.live_again([task, *behind], before)
        used_by = self.started_on([task, *behind])
        if task.started:
            self.start(task)
        self.settle()
        return used_by

    def skip_by_operator(self, name: str) -> set[str]:
        if name in self.tasks and self.tasks[name].reason is SkipReason.OPERATOR:
            return set()
        task = self.revivable(name)
        if task.state in {TaskState.SUCCESS, TaskState.RUNNING}:
            raise Refused("there is nothing to skip")
        before, had_ended = self.kept(), not task.unended
        self.skip(task, SkipReason.OPERATOR)
        if had_ended:
            self.live_again([task], before)
        used_by = self.started_on([task])
        self.settle()
        return used_by

    def set_result(self, name: str, *, ok: bool) -> set[str]:
        task = self.revivable(name)
        if task.unended or not task.started:
            raise Refused("it has not ended, or never ran")
        before = self.kept()
        task.state, task.reason = TaskState.SUCCESS if ok else TaskState.ERROR, None
        task.run, task.since = task.run + 1, task.run + 1
        self.live_again([task], before)
        used_by = self.started_on([task])
        self.settle()
        return used_by

    def revivable(self, name: str) -> OracleTask:
        if name not in self.tasks or (self.state is not WorkflowState.RUNNING and self.past_deadline):
            raise Refused("no such task, or past the deadline")
        return self.tasks[name]

    def kept(self) -> dict[str, OracleTask]:
        return {name: replace(task) for name, task in self.tasks.items()}

    def live_again(self, revived: list[OracleTask], before: dict[str, OracleTask]) -> None:
        """Who was skipped by the engine and hangs on them waits again, if that is not decided against it."""
        touched = list(revived)
        for one in touched:  # grows
            for task in self.tasks.values():
                if (
                    task.state is not TaskState.SKIPPED
                    or task.reason is SkipReason.OPERATOR
                    or task in touched
                ):
                    continue
                terms = list(plain_terms(task.spec.requires))
                verdicts = [self.verdict(term) for term in terms]
                decided_against = DEAD in verdicts and UNDECIDED not in verdicts
                if any(self.hangs_on(term, one) for term in terms) and not decided_against:
                    task.state, task.reason, task.since = TaskState.WAITING, None, task.run + 1
                    touched.append(task)
        try:
            self.check_cycles(self.tasks)
        except Refused:
            self.tasks = before
            raise
        if self.state is not WorkflowState.RUNNING:
            self.state, self.stopped_by = WorkflowState.RUNNING, None

    def hangs_on(self, term: Term, task: OracleTask) -> bool:
        """A term on the task, or on what the task may add."""
        grant = grant_of(task)
        as_if = replace(task, spec=replace_tags(task.spec, grant.tags)) if grant else None
        return selects(term, task) or (as_if is not None and term.task is None and selects(term, as_if))

    def all_behind(self, task: OracleTask) -> list[OracleTask]:
        seen = [task]
        for one in seen:  # grows
            for other in self.tasks.values():
                terms = plain_terms(other.spec.requires)
                if not other.unended and other not in seen and any(self.hangs_on(t, one) for t in terms):
                    seen.append(other)
        return [one for one in seen[1:] if one.started]

    def started_on(self, revived: list[OracleTask]) -> set[str]:
        """Tasks that have started and hang on one of these."""
        names = {task.spec.name for task in revived}
        return {
            name
            for name, task in self.tasks.items()
            if task.started
            and name not in names
            and any(self.hangs_on(term, one) for term in plain_terms(task.spec.requires) for one in revived)
        }

    # -- rule 4: too late ---------------------------------------------------------------------------------

    def too_late_for(self, spec: TaskSpec, among: Sequence[OracleTask]) -> set[str]:
        """Which of these started tasks have a term that selects the new one and could not wait for it."""
        new = OracleTask(spec)
        return {
            task.spec.name
            for task in among
            if task.started and any(selects(term, new) for term in plain_terms(task.spec.requires))
        }
