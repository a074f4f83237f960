"""Functions on maps."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.yaql.functions.rows import counted
from ostro.language.expressions.yaql.operators import among
from ostro.language.expressions.yaql.signatures import ANY, DICT, ROWS, function, method
from ostro.language.expressions.yaql.values import Made, View, key_of, usable

Map = dict[Any, Any]


@function("dict", ROWS)
def from_pairs(run: Run, pairs: Any) -> Map:
    """A map of pairs of key and value."""
    made = {}
    for pair in counted(run, pairs):
        key, value = _pair(pair)
        made[usable(key)] = value
    return made


def _pair(pair: Any) -> Iterable[Any]:
    two = list(islice(iter(pair), 2))
    if len(two) != 2:
        raise ValueError("a pair of key and value has less than two elements")
    return two


@method("get", DICT, ANY, ANY, optional=1)
def get(run: Run, value: Map, key: Any, default: Any = None) -> Any:
    """What stands at the key, or the default."""
    return value.get(usable(key), default)


@method("set", DICT, ANY, ANY)
def with_key(run: Run, value: Map, key: Any, new: Any) -> Map:
    """With another value at the key."""
    _copied(run, value)
    return {**value, usable(key): new}


@method("set", DICT, DICT)
def with_keys(run: Run, value: Map, other: Map) -> Map:
    """With all that the other map has."""
    _copied(run, value)
    _copied(run, other)
    return {**value, **other}


@method("delete", DICT, rest=ANY)
def without(run: Run, value: Map, *keys: Any) -> Map:
    """Without these keys."""
    return without_all(run, value, keys)  # type: ignore[no-any-return]


@method("deleteAll", DICT, ROWS)
def without_all(run: Run, value: Map, keys: Any) -> Map:
    """Without these keys."""
    _copied(run, value)
    made = Made(value)
    for key in counted(run, keys):
        made.pop(usable(key), None)
    return made


def _copied(run: Run, value: Map) -> None:
    run.meter.spend(len(value) >> 2)
    run.meter.grow(64 * len(value))


@method("keys", DICT)
def keys(run: Run, value: Map) -> View:
    """The keys."""
    run.meter.spend(len(value) >> 3)
    return View(list(value), countable=True)


@method("values", DICT)
def values(run: Run, value: Map) -> View:
    """The values."""
    run.meter.spend(len(value) >> 3)
    return View(list(value.values()), countable=False)


@method("items", DICT)
def items(run: Run, value: Map) -> View:
    """Pairs of key and value."""
    run.meter.spend(len(value) >> 1)
    return View([list(pair) for pair in value.items()], countable=True, pairs=True)


@method("containsKey", DICT, ANY)
def contains_key(run: Run, value: Map, key: Any) -> bool:
    """Whether the key is there."""
    return usable(key) in value


@method("containsValue", DICT, ANY)
def contains_value(run: Run, value: Map, wanted: Any) -> bool:
    """Whether a value equals this one."""
    return among(run, wanted, list(value.values()))


@method("mergeWith", DICT, DICT)
def merge_with(run: Run, value: Map, other: Map) -> Map:
    """Both maps, their maps merged and their lists joined; other values are the second's."""
    made = Made(value)
    for key, new in other.items():
        run.meter.spend(2)
        made[key] = _merged(run, value[key], new) if key in value else new
    return made


def _merged(run: Run, old: Any, new: Any) -> Any:
    if isinstance(new, dict) and isinstance(old, dict):
        return merge_with(run, old, new)
    if not isinstance(new, dict | list | tuple):
        return new
    if type(new) is not type(old) or isinstance(new, dict):
        raise TypeError("a map or list cannot be merged with something else")
    seen: dict[Any, Any] = {}
    for row in counted(run, [*old, *new]):
        seen.setdefault(key_of(run, row), row)
    return list(seen.values())
