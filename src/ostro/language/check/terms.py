"""Reverse and graph workflows: what is required by name and by tag, what can never hold, circles."""

from collections.abc import Iterator

import msgspec

from ostro.language.check.circles import circles
from ostro.language.model.definitions import Definition
from ostro.language.model.policies import REVERSE
from ostro.language.parts import Requirement
from ostro.language.problems import Problems
from ostro.values import Limits, Term

Selector = tuple[str, ...]
"""A node of the graph: ("task", name), ("any", tag), or ("all", tag, …)."""


class Requires:
    """The graph of what waits for what, with tags as nodes, as the core has it (rule 10)."""

    def __init__(self, definition: Definition) -> None:
        self.tasks = definition.tasks
        self.bearers: dict[str, list[str]] = {}
        self.spawners: dict[str, list[str]] = {}
        for name, task in self.tasks.items():
            for tag in task.tags:
                self.bearers.setdefault(tag, []).append(name)
            for tag in task.may_spawn.tags if task.may_spawn else ():
                self.spawners.setdefault(tag, []).append(name)
        self._known: dict[Selector, list[Selector]] = {}
        self._most: dict[tuple[Selector, ...], int] = {}

    def onward(self, node: Selector) -> list[Selector]:
        """What a node waits for."""
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = list(dict.fromkeys(self._waits_for(node)))
        return found

    def members(self, node: Selector) -> list[str]:
        """The tasks that a selection of tags takes now."""
        return self._of_all(self.bearers, node[1:]) if node[0] == "all" else self.bearers.get(node[1], [])

    def bringers(self, node: Selector) -> list[str]:
        """The tasks whose jobs may add members to it."""
        return self._of_all(self.spawners, node[1:]) if node[0] == "all" else self.spawners.get(node[1], [])

    def most(self, nodes: list[Selector]) -> int:
        """How many members a selection can ever have in a sealed workflow."""
        known = self._most.get(tuple(nodes))
        if known is None:
            known = self._most[tuple(nodes)] = self._counted(nodes)
        return known

    def _counted(self, nodes: list[Selector]) -> int:
        now = {name for node in nodes for name in self.members(node)}
        grants = {name: self.tasks[name].may_spawn for node in nodes for name in self.bringers(node)}
        return len(now) + sum(grant.max for grant in grants.values() if grant)

    def _waits_for(self, node: Selector) -> Iterator[Selector]:
        if node[0] != "task":
            yield from (("task", name) for name in [*self.members(node), *self.bringers(node)])
        elif (task := self.tasks.get(node[1])) is not None:
            for one in task.requires:
                yield from selectors(one.term)

    @staticmethod
    def _of_all(by_tag: dict[str, list[str]], tags: tuple[str, ...]) -> list[str]:
        others = [set(by_tag.get(tag, ())) for tag in tags[1:]]
        return [name for name in by_tag.get(tags[0], ()) if all(name in one for one in others)]


def selectors(term: Term) -> list[Selector]:
    """The nodes that a term hangs on."""
    if term.task is not None:
        return [("task", term.task)]
    if term.all_tags is not None:
        tags = tuple(sorted(set(term.all_tags)))
        return [("any", tags[0])] if len(tags) == 1 else [("all", *tags)]
    return [("any", tag) for tag in dict.fromkeys(term.tags or ())]


def check_terms(definition: Definition, problems: Problems) -> Requires:
    """Notes what is wrong with the requirements of a reverse or graph workflow."""
    graph = Requires(definition)
    if _has_too_many_selections(definition, problems):
        return graph
    for task in definition.tasks.values():
        for one in task.requires:
            _check_requirement(one, definition, graph, problems)
    for one in definition.done_when:
        _check_done_when(one, problems)
    nodes: list[Selector] = [("task", name) for name in definition.tasks]
    for circle in circles(nodes, graph.onward):
        _tell_circle(circle, definition, problems)
    if definition.done_when and not definition.open:
        problems.add(
            "needless-key",
            definition.places.get("done-when", definition.place),
            "`done-when` seals an open workflow; this one is sealed from the start.",
            hint="Add `open: true`, or take `done-when` away.",
        )
    return graph


def _has_too_many_selections(definition: Definition, problems: Problems) -> bool:
    """Whether there are more selections with counters of their own than a workflow may have."""
    most, seen = Limits().selections_per_workflow, set()
    for task in definition.tasks.values():
        for one in task.requires:
            term = one.term
            if term.all_tags or (term.tags and (term.enough is not None or term.at_least is not None)):
                seen.add(msgspec.structs.replace(term, handles=False))
            if len(seen) > most:
                message = f"The workflow has more than {most} distinct selections with `all_tags`, `enough` or `at_least`."
                hint = "Use the same terms again, or plain tags."
                problems.add("too-many-selections", one.place, message, hint=hint)
                return True
    return False


def _check_done_when(one: Requirement, problems: Problems) -> None:
    """What must hold while a workflow is open cannot hang on a seal."""
    term = one.term
    if term.task is None and term.at_least is None and not isinstance(term.enough, int):
        problems.add(
            "wrong-term",
            one.place,
            "This term of `done-when` can only hold once the workflow is sealed.",
            hint="Give it a number: `enough: 3` or `at_least: 3`; or name a task.",
        )


def _check_requirement(one: Requirement, definition: Definition, graph: Requires, problems: Problems) -> None:
    term = one.term
    if term.task is not None:
        if term.task not in definition.tasks and not definition.open:
            hint = (
                problems.meant(term.task, definition.tasks) or "Add the task, or take the requirement away."
            )
            problems.add(
                "unknown-task",
                one.place,
                f"There is no task `{term.task}` in `{definition.name}`.",
                hint=hint,
            )
    elif not definition.open and not term.optional:
        _check_tags(one, graph, problems)


def _check_tags(one: Requirement, graph: Requires, problems: Problems) -> None:
    term, nodes = one.term, selectors(one.term)
    wanted = term.enough if isinstance(term.enough, int) else term.at_least
    counted = wanted is not None or term.enough is not None
    for group in [nodes] if counted else [[node] for node in nodes]:
        most = graph.most(group)
        if most >= (wanted or 1):
            continue
        said = _told(group)
        near = problems.meant(group[0][1], graph.bearers, graph.spawners) if not most else ""
        number = (
            "no task bears" if not most else f"at most {most} {'task bears' if most == 1 else 'tasks bear'}"
        )
        problems.add(
            "dead-term",
            one.place,
            f"This can never hold: {number} {said}, and the workflow is not open.",
            hint=near or "Give the tag to a task, let one spawn it (`may-spawn`), or say `optional: true`.",
        )


def _told(nodes: list[Selector]) -> str:
    return " or ".join(" and ".join(f"`{tag}`" for tag in node[1:]) for node in nodes[:5])


def _tell_circle(circle: list[Selector], definition: Definition, problems: Problems) -> None:
    first = next((node for node in circle if node[0] == "task"), circle[0])
    at = circle.index(first)
    turned = [*circle[at:-1], *circle[:at], first] if first != circle[0] else circle
    said = [f"`{node[1]}`" if node[0] == "task" else f"tag {_told([node])}" for node in turned]
    shown = said if len(said) <= 12 else [*said[:6], "…", *said[-5:]]
    code = "reverse-cycle" if definition.type == REVERSE else "cycle"
    task = definition.tasks.get(first[1])
    place = task.places.get("requires", task.place) if task else definition.place
    problems.add(
        code,
        place,
        f"These wait for each other and can never start: {' → '.join(shown)}.",
        hint="Take one of these requirements away.",
    )
