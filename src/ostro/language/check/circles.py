"""Components of a graph, and the circles in them."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

N = TypeVar("N")
Onward = Callable[[N], Sequence[N]]


def components(nodes: Iterable[N], onward: Onward[N]) -> list[list[N]]:
    """The strongly connected components; each comes after all that it leads to."""
    search = _Search(onward)
    for node in nodes:
        if node not in search.index:
            search.walk(node)
    return search.found


class _Search(Generic[N]):
    """Tarjan's search without recursion, so that a long chain is no danger."""

    def __init__(self, onward: Onward[N]) -> None:
        self.index: dict[N, int] = {}
        self.found: list[list[N]] = []
        self._onward = onward
        self._low: dict[N, int] = {}
        self._stack: list[N] = []
        self._on_stack: set[N] = set()

    def walk(self, root: N) -> None:
        """Finds the components that can be reached from here."""
        path = [(self._enter(root), iter(self._onward(root)))]
        while path:
            node, edges = path[-1]
            following = next(edges, None)
            if following is None:
                path.pop()
                self._leave(node, path[-1][0] if path else None)
            elif following not in self.index:
                path.append((self._enter(following), iter(self._onward(following))))
            elif following in self._on_stack:
                self._low[node] = min(self._low[node], self.index[following])

    def _enter(self, node: N) -> N:
        self.index[node] = self._low[node] = len(self.index)
        self._stack.append(node)
        self._on_stack.add(node)
        return node

    def _leave(self, node: N, parent: N | None) -> None:
        if self._low[node] == self.index[node]:
            component: list[N] = []
            while not component or component[-1] != node:
                component.append(self._stack.pop())
                self._on_stack.discard(component[-1])
            self.found.append(component)
        if parent is not None:
            self._low[parent] = min(self._low[parent], self._low[node])


def circles(nodes: Iterable[N], onward: Onward[N]) -> list[list[N]]:
    """One circle for each component that has one: its nodes in order, the first one again at the end."""
    return [
        _circle(component, onward)
        for component in components(nodes, onward)
        if len(component) > 1 or component[0] in onward(component[0])
    ]


def _circle(component: list[N], onward: Onward[N]) -> list[N]:
    """The shortest way from a node of the component back to it."""
    start, inside = component[-1], set(component)
    came_from: dict[N, N] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for one in onward(node):
            if one == start:
                path = [node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return [*reversed(path), start]
            if one in inside and one not in came_from:
                came_from[one] = node
                queue.append(one)
    return []
