"""Our versions of the library's functions that could run away, or that read a clock or chance.

The library gives each its `context`, a `Watched` one, which knows the run.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from yaql.language import specs, utils, yaqltypes  # type: ignore[import-untyped]
from yaql.standard_library import date_time  # type: ignore[import-untyped]

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, named
from ostro.language.expressions.functions import FUNCTIONS
from ostro.language.expressions.regexes import Match, Regex, compiled
from ostro.language.expressions.yaql.frames import records_of
from ostro.language.expressions.yaql.functions import patterns, texts
from ostro.language.expressions.yaql.library.watched import Watched

_Declared = Callable[..., Any]
_TEXT = yaqltypes.String()
_NUMBER = yaqltypes.Number()
_SELECTOR = yaqltypes.Lambda(with_context=True)
_ROWS = yaqltypes.Iterable()
_LONGEST_DATE = 200
_SIMPLE = (str, int, float, type(None))

SAFE: list[_Declared] = []


def register_safe(context: Watched) -> None:
    """Puts them, and Mistral's functions, before the library's own."""
    for call in SAFE:
        context.register_function(call)
    for name, function in FUNCTIONS.items():
        context.register_function(_ours(function), name=name)


def _ours(function: Callable[..., Any]) -> _Declared:
    def call(context: Watched, *args: Any, **kwargs: Any) -> Any:
        return utils.convert_input_data(function(context.of(), *args, **kwargs))

    return call


def _declare(name: str, method: bool, params: dict[str, Any]) -> Callable[[_Declared], _Declared]:
    def note(call: _Declared) -> _Declared:
        for param, kind in params.items():
            call = specs.parameter(param, kind)(call)
        SAFE.append(specs.name(name)(specs.method(call) if method else call))
        return call

    return note


def _function(name: str, **params: Any) -> Callable[[_Declared], _Declared]:
    return _declare(name, method=False, params=params)


def _method(name: str, **params: Any) -> Callable[[_Declared], _Declared]:
    return _declare(name, method=True, params=params)


@_function("pow", a=_NUMBER, b=_NUMBER, c=yaqltypes.Number(nullable=True))
def _pow(context: Watched, a: Any, b: Any, c: Any = None) -> Any:
    return texts.power(context.of(), a, b, c)


@_function("shiftBitsLeft", value=int, bits=int)
def _shift(context: Watched, value: int, bits: int) -> Any:
    return texts.shift_left(context.of(), value, bits)


@_function("round", number=_NUMBER, digits=int)
def _round(context: Watched, number: Any, digits: int = 0) -> Any:
    return texts.rounded(context.of(), number, digits)


@_function("random")
def _random(context: Watched) -> float:
    return context.of().chance.number()


@_function("random", low=int, high=int)
def _random_between(context: Watched, low: int, high: int) -> int:
    return context.of().chance.between(low, high)


@_function("int")
def _int(context: Watched, value: Any) -> Any:
    return texts.as_int(context.of(), value)


@_function("float")
def _float(context: Watched, value: Any) -> Any:
    return texts.as_float(context.of(), value)


def _counted(run: Run, values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        run.meter.spend(2)
        yield value


@_function("range", stop=int)
def _range_to(context: Watched, stop: int) -> Any:
    return _counted(context.of(), range(stop))


@_function("range", start=int, stop=int, step=int)
def _range_from(context: Watched, start: int, stop: int, step: int = 1) -> Any:
    return _counted(context.of(), range(start, stop, step))


@_function("sequence", start=int, step=int)
def _sequence(context: Watched, start: int = 0, step: int = 1) -> Iterator[int]:
    while True:
        context.of().meter.spend(2)
        yield start
        start += step


@_method("repeat", times=int)
def _repeat(value: Any, context: Watched, times: int = -1) -> Iterator[Any]:
    while times:
        context.of().meter.spend(2)
        yield value
        times -= 1


@_method("cycle", collection=_ROWS)
def _cycle(collection: Any, context: Watched) -> Iterator[Any]:
    kept = list(_counted(context.of(), collection))
    while kept:
        yield from _counted(context.of(), kept)


def _printed(run: Run, value: Any) -> str:
    """As text; what Python can only write as an address is never the same twice."""
    if isinstance(value, _SIMPLE):
        return str(texts.as_text(run, value))
    run.meter.grow(run.meter.weigh(value))
    made = str(value)
    if _ADDRESS.search(made):
        raise ExpressionError(Kind.TYPE, f"{named(value).capitalize()} cannot be written as text.")
    return made


_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")


@_function("str")
def _str(context: Watched, value: Any) -> str:
    return _printed(context.of(), value)


def _joined(run: Run, rows: Any, separator: str) -> str:
    made = [_printed(run, row) for row in rows]
    run.meter.grow(sum(map(len, made)) + len(separator) * len(made))
    return separator.join(made)


@_method("join", sequence=_ROWS, separator=_TEXT)
def _join(sequence: Any, separator: str, context: Watched) -> str:
    return _joined(context.of(), sequence, separator)


@_method("join", separator=_TEXT, sequence=_ROWS)
def _join_with(separator: str, sequence: Any, context: Watched) -> str:
    return _joined(context.of(), sequence, separator)


@_function("concat", args=_TEXT)
def _concat(context: Watched, *args: str) -> Any:
    return texts.concat(context.of(), *args)


@_method("replace", string=_TEXT, old=_TEXT, new=_TEXT, count=int)
def _replace(string: str, context: Watched, old: str, new: str, count: int = -1) -> Any:
    return texts.replace(context.of(), string, old, new, count)


@_method("replace", string=_TEXT, replacements=utils.MappingType, count=int)
def _replace_all(string: str, context: Watched, replacements: Any, count: int = -1) -> Any:
    return texts.replace_all(context.of(), string, dict(replacements), count)


@_function("regex", pattern=_TEXT)
def _regex(
    context: Watched, pattern: str, ignore_case: bool = False, multi_line: bool = False, dot_all: bool = False
) -> Any:
    return patterns.regex(context.of(), pattern, ignore_case, multi_line, dot_all)


@_method("matches", regexp=Regex, string=_TEXT)
def _matches(regexp: Regex, context: Watched, string: str) -> bool:
    return regexp.search(context.of(), string) is not None


@_method("matches", string=_TEXT, regexp=_TEXT)
def _text_matches(string: str, context: Watched, regexp: str) -> bool:
    return compiled(context.of(), regexp).search(context.of(), string) is not None


@_function("#operator_=~", string=_TEXT, regexp=Regex)
def _like(string: str, regexp: Regex, context: Watched) -> bool:
    return regexp.search(context.of(), string) is not None


@_function("#operator_=~", string=_TEXT, pattern=_TEXT)
def _like_text(string: str, pattern: str, context: Watched) -> bool:
    return compiled(context.of(), pattern).search(context.of(), string) is not None


@_function("#operator_!~", string=_TEXT, regexp=Regex)
def _unlike(string: str, regexp: Regex, context: Watched) -> bool:
    return regexp.search(context.of(), string) is None


@_function("#operator_!~", string=_TEXT, pattern=_TEXT)
def _unlike_text(string: str, pattern: str, context: Watched) -> bool:
    return compiled(context.of(), pattern).search(context.of(), string) is None


@_method("search", regexp=Regex, string=_TEXT)
def _search(regexp: Regex, context: Watched, string: str) -> Any:
    return patterns.search(context.of(), regexp, string)


def _published(context: Watched, found: Match, regex: Regex) -> Watched:
    """A context with the match as `$`, its groups as `$2`, ..., and the named ones."""
    inner: Watched = context.create_child_context()
    for name, record in records_of(found, regex.named).items():
        inner[f"${name}"] = utils.convert_input_data(record)
    return inner


@_method("search", regexp=Regex, string=_TEXT, selector=_SELECTOR)
def _search_by(regexp: Regex, context: Watched, string: str, selector: Any) -> Any:
    found = regexp.search(context.of(), string)
    return None if found is None else selector(_published(context, found, regexp))


@_method("searchAll", regexp=Regex, string=_TEXT, selector=_SELECTOR)
def _search_all_by(regexp: Regex, context: Watched, string: str, selector: Any) -> Any:
    for found in regexp.find_all(context.of(), string):
        yield selector(_published(context, found, regexp))


@_method("replaceBy", regexp=Regex, string=_TEXT, repl=_SELECTOR, count=int)
def _replace_by(regexp: Regex, context: Watched, string: str, repl: Any, count: int = 0) -> str:
    return regexp.replace(context.of(), string, lambda found: repl(_published(context, found, regexp)), count)


@_method("replaceBy", string=_TEXT, regexp=Regex, repl=_SELECTOR, count=int)
def _text_replace_by(string: str, context: Watched, regexp: Regex, repl: Any, count: int = 0) -> str:
    return str(_replace_by(regexp, context, string, repl, count))


@_method("searchAll", regexp=Regex, string=_TEXT)
def _search_all(regexp: Regex, context: Watched, string: str) -> Any:
    return iter(patterns.search_all(context.of(), regexp, string))


@_method("split", regexp=Regex, string=_TEXT, most=int)
def _split(regexp: Regex, context: Watched, string: str, most: int = 0) -> Any:
    return list(regexp.split(context.of(), string, most))


@_method("split", string=_TEXT, regexp=Regex, most=int)
def _text_split(string: str, context: Watched, regexp: Regex, most: int = 0) -> Any:
    return list(regexp.split(context.of(), string, most))


@_method("replace", string=_TEXT, regexp=Regex, new=_TEXT, count=int)
def _text_replace_pattern(string: str, context: Watched, regexp: Regex, new: str, count: int = 0) -> Any:
    return patterns.replace(context.of(), regexp, string, new, count)


@_method("replace", regexp=Regex, string=_TEXT, new=_TEXT, count=int)
def _replace_pattern(regexp: Regex, context: Watched, string: str, new: str, count: int = 0) -> Any:
    return patterns.replace(context.of(), regexp, string, new, count)


@_function("datetime", string=_TEXT, format__=yaqltypes.String(True))
def _datetime(string: str, format__: str | None = None) -> Any:
    if len(string) + len(format__ or "") > _LONGEST_DATE:
        raise ExpressionError(Kind.LIMIT, "`datetime` takes no text as long as this.")
    return date_time.datetime_from_string(string, format__)


@_function("now", offset=timedelta)
def _now(context: Watched, offset: timedelta = timedelta()) -> Any:
    return context.of().snapshot.now.astimezone(date_time._get_tz(offset))  # noqa: SLF001 (the library's zones)


@_function("localtz")
def _local_zone() -> timedelta:
    return timedelta()
