"""The search for cycles (rule 10): among tasks that never started, with tags and `all_tags` sets as nodes.

A cycle that an addition closes runs through one of the added tasks. So the search walks from them in both
directions in turn, an edge at a time; once one side is exhausted, every such cycle lies inside it.
"""

from collections.abc import Callable, Iterable, Iterator

from ostro.core.requirements.conditions import Task
from ostro.core.requirements.terms import Selector
from ostro.core.workflow import Workflow
from ostro.errors import Conflict

Node = Task | Selector
"""A task, ("any", tag), or ("all", tag, tag, …)."""

_Edges = Callable[[Workflow, Node], Iterator[Node]]


def refuse_cycles(workflow: Workflow, added: Iterable[Task]) -> None:
    """Conflict, with the path spelled out, if one of these WAITING tasks would wait for itself."""
    roots: list[Node] = [task for task in added if task.waiting]
    inside = _exhausted_side(workflow, roots)
    if inside:
        path = _cycle_within(workflow, roots, inside)
        if path:
            said = " → ".join(_name_of(node) for node in path)
            raise Conflict(
                "cycle",
                f"This would make a task wait for itself: {said}.",
                hint="Take one of these requirements away.",
                detail={"path": [_name_of(node) for node in path]},
            )


def _exhausted_side(workflow: Workflow, roots: list[Node]) -> set[Node]:
    sides = [_Side(workflow, roots, is_awaited_by), _Side(workflow, roots, waits_for)]
    while True:
        for side in sides:
            if not side.grow():
                return side.seen


class _Side:
    """A closure that grows by one edge at a time."""

    def __init__(self, workflow: Workflow, roots: list[Node], edges: _Edges) -> None:
        self.seen: set[Node] = set(roots)
        self._workflow = workflow
        self._edges = edges
        self._open = [edges(workflow, node) for node in roots]

    def grow(self) -> bool:
        """Follows one edge; false once there is none left."""
        while self._open:
            node = next(self._open[-1], None)
            if node is None:
                self._open.pop()
                continue
            if node not in self.seen:
                self.seen.add(node)
                self._open.append(self._edges(self._workflow, node))
            return True
        return False


def _cycle_within(workflow: Workflow, roots: list[Node], inside: set[Node]) -> list[Node]:
    """A cycle among these nodes that a root reaches, first node repeated at the end; empty if there is none."""
    done: set[Node] = set()
    for root in roots:
        if root in done:
            continue
        path: list[Node] = [root]
        on_path = {root}
        edges = [waits_for(workflow, root)]
        while edges:
            node = next(edges[-1], None)
            if node is None:
                edges.pop()
                left = path.pop()
                on_path.discard(left)
                done.add(left)
            elif node in on_path:
                return [*path[path.index(node) :], node]
            elif node in inside and node not in done:
                path.append(node)
                on_path.add(node)
                edges.append(waits_for(workflow, node))
    return []


def waits_for(workflow: Workflow, node: Node) -> Iterator[Node]:
    """The nodes that must be decided before this one."""
    if isinstance(node, Task):
        for wish in node.wishes:
            yield from _targets_of(workflow, wish.selector)
        return
    rarest = min((workflow.bearers.get(tag, {}) for tag in node[1:]), key=len)
    for task in list(rarest):
        if task.labels.issuperset(node[1:]):
            yield task
    if workflow.sealed_tags.isdisjoint(node[1:]):
        for task in workflow.spawners_of(node[1:]):
            if task.waiting:
                yield task


def _targets_of(workflow: Workflow, selector: Selector) -> Iterator[Node]:
    if selector[0] == "task":
        named = workflow.names.get(selector[1])
        if named is not None and named.waiting:
            yield named
    elif selector[0] == "all":
        yield selector
    else:
        for tag in selector[1:]:
            yield ("any", tag)


def is_awaited_by(workflow: Workflow, node: Node) -> Iterator[Node]:
    """The nodes that wait for this one: the same edges, the other way."""
    if not isinstance(node, Task):
        yield from _watchers_of(workflow, node)
        return
    for condition in list(workflow.by_name.get(node.name, {}).values()):
        yield from list(condition.watchers)
    brought = node.labels
    if node in workflow.spawners:
        brought = brought | {tag for tag in workflow.grants[node] if tag not in workflow.sealed_tags}
    for tag in brought:
        yield ("any", tag)
        for selector in list(workflow.wide.get(tag, {})):
            if selector[0] == "all":
                yield selector


def _watchers_of(workflow: Workflow, node: Selector) -> Iterator[Node]:
    groups = [workflow.groups.get(node)]
    if node[0] == "any":
        wide = workflow.wide.get(node[1], {})
        groups += [group for selector, group in wide.items() if selector[0] == "any"]
    for group in groups:
        for condition in list(group.conditions.values()) if group else []:
            yield from list(condition.watchers)


def _name_of(node: Node) -> str:
    if isinstance(node, Task):
        return f"`{node.name}`"
    return f"tag {node[1]}" if len(node) == 2 else f"tags {' and '.join(node[1:])}"
