"""Direct workflows: where transitions lead, what nothing reaches, which joins can never be satisfied."""

from collections.abc import Iterator

from ostro.language.check.circles import circles, components
from ostro.language.folding import CLAUSES
from ostro.language.model.definitions import Definition
from ostro.language.model.tasks import TaskDefinition
from ostro.language.parts import COMMANDS, Transition
from ostro.language.problems import Problems, listed

_ENDING = ("fail", "succeed")
_MOST_JOINS = 50
"""How many joins inside of circles are looked at: each costs a walk."""


class Routes:
    """The graph of a direct workflow."""

    def __init__(self, definition: Definition) -> None:
        self.tasks = definition.tasks
        self.onward: dict[str, list[str]] = {
            name: list(dict.fromkeys(one.target for _, one in transitions(task) if one.target in self.tasks))
            for name, task in self.tasks.items()
        }
        self.inward: dict[str, list[str]] = {name: [] for name in self.tasks}
        for name, targets in self.onward.items():
            for target in targets:
                self.inward[target].append(name)
        self.starts = [name for name, sources in self.inward.items() if not sources]

    def reached(self, *, without: str = "") -> set[str]:
        """What can be reached from the starts, if need be without passing through a task."""
        seen = set(self.starts)
        stack = list(self.starts)
        while stack:
            name = stack.pop()
            if name == without:
                continue
            new = [one for one in self.onward[name] if one not in seen]
            seen.update(new)
            stack += new
        return seen


def transitions(task: TaskDefinition) -> Iterator[tuple[str, Transition]]:
    """All transitions of a task, each with the clause that it stands in."""
    for clause in CLAUSES:
        said = getattr(task, clause)
        for one in said.next if said else ():
            yield clause, one


def check_routes(definition: Definition, problems: Problems) -> Routes:
    """Notes what is wrong with the transitions and joins of a direct workflow."""
    routes = Routes(definition)
    for name, task in definition.tasks.items():
        _check_name(name, task, problems)
        for _, one in transitions(task):
            _check_target(one, definition, problems)
        _check_order(task, problems)
    if definition.tasks and not routes.starts:
        problems.add(
            "no-start",
            definition.places.get("tasks", definition.place),
            f"No task of `{definition.name}` can start: each one waits for another.",
            hint="Let one task have no transition that leads to it.",
        )
    else:
        _check_reach(routes, problems)
    _check_joins(routes, problems)
    _check_loops(routes, problems)
    return routes


def _check_name(name: str, task: TaskDefinition, problems: Problems) -> None:
    if name in COMMANDS:
        problems.add(
            "command-name",
            task.place,
            f"`{name}` is also a command; here transitions to `{name}` start this task, in Mistral they do not.",
            hint="Give the task another name.",
        )


def _check_target(one: Transition, definition: Definition, problems: Problems) -> None:
    if one.target in definition.tasks:
        if one.parameters is not None:
            problems.add(
                "ignored-parameters",
                one.place,
                f"The parameters behind the task `{one.target}` are ignored.",
                hint="Give them to the task's own `input`, or publish variables.",
            )
    elif one.target not in COMMANDS:
        near = problems.meant(one.target, definition.tasks, COMMANDS)
        hint = near or f"Add the task, or take one of the commands {listed(COMMANDS, joint='or')}."
        problems.add(
            "unknown-task", one.place, f"There is no task `{one.target}` in `{definition.name}`.", hint=hint
        )
    elif one.parameters is not None and set(one.parameters.data) - {"msg"}:
        problems.add(
            "ignored-parameters",
            one.place,
            f"`{one.target}` knows the parameter `msg` only.",
            hint='Write `msg="…"`.',
        )


def _check_order(task: TaskDefinition, problems: Problems) -> None:
    """What stands behind `fail` or `succeed` without a guard never starts."""
    for clause in CLAUSES:
        said = getattr(task, clause)
        ended = ""
        for one in said.next if said else ():
            if ended:
                problems.add(
                    "never-started",
                    one.place,
                    f"`{one.target}` stands behind `{ended}`, which ends the workflow before.",
                    hint=f"Put it before `{ended}`, or take it away.",
                )
            elif one.target in _ENDING and one.guard is None:
                ended = one.target


def _check_reach(routes: Routes, problems: Problems) -> None:
    for name in sorted(set(routes.tasks) - routes.reached()):
        sources = listed(routes.inward[name], most=3)
        problems.add(
            "unreached-task",
            routes.tasks[name].place,
            f"Nothing that starts leads to `{name}`: only {sources} would, and nothing leads there.",
            hint="Lead to it from a task that is reached, or take it away.",
        )


def _check_joins(routes: Routes, problems: Problems) -> None:
    circular = {
        name for one in components(routes.tasks, routes.onward.__getitem__) if len(one) > 1 for name in one
    }
    walks = 0
    for name, task in routes.tasks.items():
        if not task.join:
            continue
        sources = routes.inward[name]
        wanted = len(sources) if task.join == "all" else int(task.join)
        place = task.places.get("join", task.place)
        if not sources or len(sources) < wanted:
            problems.add(
                "join-short",
                place,
                f"`{name}` joins {task.join if task.join == 'all' else wanted}, but {_leads(sources)} to it.",
                hint="Let more tasks lead to it, or lower the number."
                if sources
                else "Lead tasks to it, or take `join` away.",
            )
        elif name in circular and walks < _MOST_JOINS:
            walks += 1
            before = routes.reached(without=name)
            _check_circular_join(
                name, [one for one in sources if one not in before], wanted, routes, problems
            )


def _check_circular_join(
    name: str, later: list[str], wanted: int, routes: Routes, problems: Problems
) -> None:
    if len(routes.inward[name]) - len(later) < wanted:
        task = routes.tasks[name]
        problems.add(
            "join-waits-for-itself",
            task.places.get("join", task.place),
            f"`{name}` waits for {listed(later)}, which can only run after `{name}`.",
            hint="Join a number that can arrive before, such as `join: one`.",
        )


def _leads(sources: list[str]) -> str:
    if not sources:
        return "nothing leads"
    return f"only {listed(sources)} {'leads' if len(sources) == 1 else 'lead'}"


def _check_loops(routes: Routes, problems: Problems) -> None:
    """Circles that nothing but a failure ends."""
    free = {
        name: [
            one.target
            for clause, one in transitions(task)
            if one.guard is None and clause in ("on_success", "on_complete") and one.target in routes.tasks
        ]
        for name, task in routes.tasks.items()
    }
    for circle in circles(free, free.__getitem__):
        leaves = any(one.target in _ENDING for name in circle for _, one in transitions(routes.tasks[name]))
        if not leaves:
            problems.add(
                "endless-loop",
                routes.tasks[circle[0]].place,
                f"Without any guard, {_path(circle)} goes round for ever.",
                hint="Put a guard on one of these transitions: `task: <% … %>`.",
            )


def _path(circle: list[str]) -> str:
    named = [f"`{name}`" for name in circle]
    return " → ".join(named if len(named) <= 12 else [*named[:6], "…", *named[-5:]])
