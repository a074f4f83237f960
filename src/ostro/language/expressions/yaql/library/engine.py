"""Reads and evaluates with the library."""

import collections.abc  # noqa: F401 (yaql 3.2.0 uses it and forgets to import it)
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaql  # type: ignore[import-untyped]
from yaql.language import exceptions, factory, utils  # type: ignore[import-untyped]

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.expressions.results import plain
from ostro.language.expressions.yaql.library.safe import register_safe
from ostro.language.expressions.yaql.library.watched import Watched

Statement = Any
_LIBRARY_ERRORS = (exceptions.ResolutionError, exceptions.ArgumentException)


@cache
def _engine() -> Any:
    options = {
        "yaql.limitIterators": 20_000,
        "yaql.memoryQuota": 4 * 1024 * 1024,
        "yaql.convertOutputData": False,
    }
    return factory.YaqlFactory(keyword_operator="=>", allow_delegates=False).create(options=options)


@cache
def _standard_library() -> Watched:
    context = Watched(yaql.create_context())
    register_safe(context)
    return context


def warm_up() -> None:
    """Makes what takes a seventh of a second: when a server has started, and not in the middle of its first decision."""
    _engine()
    _standard_library()


def read(text: str, base: int) -> Statement:
    """The library's statement; ExpressionError if it cannot read the text."""
    try:
        return _engine()(text)
    except exceptions.YaqlException as error:
        at = getattr(error, "position", None)
        if at is None:
            said, at = "The expression ends too early.", len(text)
        else:
            said = f"The expression has an unexpected `{error.value}`."
        raise ExpressionError(Kind.SYNTAX, said, offset=base + at) from None
    except (RecursionError, ValueError) as error:
        raise ExpressionError(Kind.SYNTAX, f"The expression cannot be read: {error}.", offset=base) from None


def evaluate(statement: Statement, data: Mapping[str, Any], run: Run) -> Any:
    """The plain result. Library errors go through, but for the ones that say little."""
    context = Watched(_standard_library())
    context.run = run
    before = run.meter.left
    run.meter.weigh(data)
    run.meter.spend(3 * (before - run.meter.left))
    context["$"] = utils.convert_input_data(data)
    try:
        return plain(run, statement.evaluate(context=context))
    except _LIBRARY_ERRORS as error:
        raise ExpressionError(Kind.TYPE, _said(error)) from None
    except (exceptions.CollectionTooLargeException, exceptions.MemoryQuotaExceededException):
        raise ExpressionError(Kind.LIMIT, "The expression makes a value that is too large.") from None


def _said(error: Exception) -> str:
    """The library's own sentences show values, addresses too."""
    found = _NAME.search(str(error))
    name = found.group(1) if found else "a function"
    for mark in ("#property#", "#operator_", "#unary_operator_", "#", "*"):
        name = name.removeprefix(mark)
    if isinstance(error, exceptions.NoFunctionRegisteredException | exceptions.NoMethodRegisteredException):
        return f"There is no function, method or property `{name}` for this."
    return f"`{name}` does not work on what it is given."


_NAME = re.compile(r'"([^"]*)"')
