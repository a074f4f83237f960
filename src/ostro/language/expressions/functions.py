"""The functions of Mistral and of Ostro, for both languages. Each takes the run and its arguments.

What they need of the world is in `NEEDS`: the lookup, or None, and whether its arguments are the call's.
"""

import inspect
import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.resolver import Resolver

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, reason
from ostro.language.expressions.lookups import Lookup, ask
from ostro.language.expressions.results import plain


def env(run: Run) -> Any:
    """The environment of the root workflow."""
    return ask(run.snapshot, Lookup.ENV)


def execution(run: Run) -> Any:
    """The current workflow."""
    return ask(run.snapshot, Lookup.EXECUTION)


def executions(
    run: Run,
    id: str | None = None,  # noqa: A002 (Mistral's name)
    root_execution_id: str | None = None,
    state: str | None = None,
    from_time: str | None = None,
    to_time: str | None = None,
) -> Any:
    """Workflows, filtered."""
    return ask(run.snapshot, Lookup.EXECUTIONS, id, root_execution_id, state, from_time, to_time)


def task(run: Run, name: str | None = None) -> Any:
    """The newest task of this name, or the current one; null if there is none."""
    return ask(run.snapshot, Lookup.TASK, name or None)


def tasks(
    run: Run,
    workflow_execution_id: str | None = None,
    recursive: bool = False,
    state: str | None = None,
    flat: bool = False,
) -> Any:
    """Tasks, filtered."""
    return ask(run.snapshot, Lookup.TASKS, workflow_execution_id, bool(recursive), state, bool(flat))


def global_(run: Run, var_name: str) -> Any:
    """A global variable, or null."""
    return ask(run.snapshot, Lookup.GLOBAL, var_name)


def errors(run: Run) -> Any:
    """The failed tasks of the current workflow."""
    return ask(run.snapshot, Lookup.ERRORS)


def item_index(run: Run) -> Any:
    """The index of the current item of `with-items`."""
    return ask(run.snapshot, Lookup.ITEM_INDEX)


def tagged(run: Run, tag: str, *more: str) -> Any:
    """The tasks that bear all these tags."""
    return ask(run.snapshot, Lookup.TAGGED, tag, *more)


def uuid(run: Run) -> str:
    """A new id."""
    return run.chance.uuid()


def json_dump(run: Run, data: Any) -> str:
    """The value as JSON text, four spaces a level."""
    value = plain(run, data)
    size = run.meter.weigh(value)
    run.meter.spend(size >> 5)
    run.meter.grow(6 * size)
    return json.dumps(value, indent=4)


def json_pp(run: Run, data: Any = None) -> str:
    r"""As `json_dump`, with `\n` inside of texts as line feeds."""
    return json_dump(run, data).replace("\\n", "\n").replace(" \n", "\n")


def json_parse(run: Run, data: str) -> Any:
    """The value that a JSON text stands for."""
    text = _text("json_parse", data)
    run.meter.spend(len(text) >> 4)
    run.meter.grow(4 * len(text))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        said = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise ExpressionError(Kind.VALUE, f"`json_parse` cannot read its text: {said}.") from None


def yaml_dump(run: Run, data: Any) -> str:
    """The value as YAML text."""
    value = plain(run, data)
    size = run.meter.weigh(value)
    run.meter.spend(4 * size)
    run.meter.grow(6 * size)
    return str(yaml.dump(value, Dumper=_Dumper, default_flow_style=False))


def yaml_parse(run: Run, data: str) -> Any:
    """The value that a YAML text stands for."""
    text = _text("yaml_parse", data)
    run.meter.spend(len(text) + (text.count("%TAG") ** 2 >> 8))
    run.meter.grow(8 * len(text))
    try:
        return plain(run, _Loader(text, run).get_single_data())
    except (yaml.YAMLError, ValueError) as error:
        kind, said = reason(error)
    except (ArithmeticError, AttributeError, LookupError):  # what PyYAML raises for `!!bool x`
        kind, said = Kind.VALUE, "a value is not what its tag says"
    raise ExpressionError(kind, f"`yaml_parse` cannot read its text: {said}.") from None


_DEEPEST = 64
_LONGEST_NUMBER = 1_300
"""Digits: some more than `integer_bits` allow."""


class _Loader(Composer, CParser, SafeConstructor, Resolver):
    """PyYAML's safe loader, but that the nodes are made here, each at its price.

    PyYAML's own maker of nodes ends the process where lists are nested 25,000 levels deep, and lets a merge of merges
    (`<<: [*a, *a]`) grow without end. An alias costs what it stands for.
    """

    def __init__(self, text: str, run: Run) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self._run = run
        self._depth = 0
        self._count = 0
        self._sizes: dict[str | None, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        before = self._count
        alias = type(event) is yaml.AliasEvent
        self._spend(1 + (self._sizes.get(event.anchor, 0) if alias else 0))
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError(Kind.LIMIT, f"A YAML text is nested more than {_DEEPEST} levels deep.")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if event.anchor is not None and not alias:
            self._sizes[event.anchor] = self._count - before
        return node

    def construct_scalar(self, node: Any) -> Any:
        if len(node.value) > _LONGEST_NUMBER and node.tag in _NUMBER_TAGS:
            raise ExpressionError(Kind.LIMIT, "A number in a YAML text has too many digits.")
        return super().construct_scalar(node)

    def _spend(self, nodes: int) -> None:
        self._count += nodes
        self._run.meter.spend(12 * nodes)


_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _Dumper(yaml.CSafeDumper):
    """Writes each value out, never as an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionError(Kind.TYPE, f"`{name}` takes a text.")
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "env": env,
    "errors": errors,
    "execution": execution,
    "executions": executions,
    "global": global_,
    "item_index": item_index,
    "json_dump": json_dump,
    "json_parse": json_parse,
    "json_pp": json_pp,
    "tagged": tagged,
    "task": task,
    "tasks": tasks,
    "uuid": uuid,
    "yaml_dump": yaml_dump,
    "yaml_parse": yaml_parse,
}


@cache
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """What one of these functions takes; Python works it out anew each time that it is asked."""
    return inspect.signature(function)


def fits(function: Callable[..., Any], count: int, names: Iterable[str]) -> bool:
    """Whether one of these functions takes so many arguments, and these named ones."""
    try:
        signature_of(function).bind(None, *range(count), **dict.fromkeys(names))
    except TypeError:
        return False
    return True
