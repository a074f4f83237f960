"""What compiled code sees: the value of `$`, the other variables, and the run."""

from collections.abc import Callable
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.regexes import Match
from ostro.language.expressions.yaql.nodes import Node, walk
from ostro.language.expressions.yaql.values import MISSING, Made

Frame = tuple[Any, dict[str, Any], Run]
Code = Callable[[Frame], Any]


def weight(node: Node) -> int:
    """Steps that one evaluation of this node takes, sequences in it apart."""
    return 1 + sum(1 for _ in walk(node))


def each(body: Code, node: Node) -> Code:
    """Makes a function of an element, `$`, and perhaps a second one, `$2`."""
    steps = weight(node)

    def bind(frame: Frame) -> Callable[..., Any]:
        _, names, run = frame
        spend = run.meter.spend

        def of(item: Any, second: Any = MISSING) -> Any:
            spend(steps)
            return body((item, names if second is MISSING else {**names, "2": second}, run))

        return of

    return bind


def later(body: Code, node: Node) -> Code:
    """Makes a function without arguments."""
    return lambda frame: lambda: body(frame)


def of_match(body: Code, node: Node) -> Code:
    """Makes a function of a match: `$` is all of it, `$2`, ... its groups, `$name` a named one."""
    steps = weight(node)

    def bind(frame: Frame) -> Callable[[Match, dict[str, int]], Any]:
        _, names, run = frame

        def of(found: Match, named: dict[str, int]) -> Any:
            records = records_of(found, named)
            run.meter.spend(steps + 2 * len(records))
            return body((records["1"], {**names, **records}, run))

        return of

    return bind


def records_of(found: Match, named: dict[str, int]) -> dict[str, Any]:
    """The variables of a match: "1" for all of it, "2", ... for its groups, and the names of named ones."""
    records = {str(index + 1): _record(found, index) for index in range(len(found.groups()) + 1)}
    return records | {name: records[str(index + 1)] for name, index in named.items()}


def _record(found: Match, index: int) -> dict[str, Any]:
    return Made(value=found.group(index), start=found.start(index), end=found.end(index))


LAZY: dict[str, Callable[[Code, Node], Code]] = {"each": each, "later": later, "match": of_match}
