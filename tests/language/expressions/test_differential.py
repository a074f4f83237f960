"""What we compile gives what the `yaql` library gives, as Mistral configures it."""

import collections.abc  # noqa: F401
import functools
from typing import Any

import pytest
import yaql  # type: ignore[import-untyped]
from yaql.language import factory, utils  # type: ignore[import-untyped]

from ostro.language.expressions import ExpressionError, ExpressionLimits
from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.results import plain
from ostro.language.expressions.yaql.evaluator import Yaql
from tests.cases.compared import same
from tests.language.expressions.generated import DATA, Generator
from tests.language.expressions.world import snapshot

ROOMY = ExpressionLimits(steps=100_000_000, memory_bytes=1 << 30, output_bytes=1 << 30)
ERROR = object()


@functools.cache
def library():
    engine = factory.YaqlFactory(keyword_operator="=>", allow_delegates=False)
    context = yaql.create_context().create_child_context()
    context.register_function(text_of, name="str")
    return engine.create({"yaql.convertOutputData": False}), context


def text_of(value):
    """As the library's, but that it does not write an address, which is never the same twice."""
    if not isinstance(value, str | int | float | tuple | list | dict | utils.FrozenDict | None):
        raise TypeError
    return (
        {None: "null", True: "true", False: "false"}[value]
        if value is None or value is True or value is False
        else str(value)
    )


def by_the_library(text: str) -> Any:
    engine, context = library()
    inner = context.create_child_context()
    inner["$"] = utils.convert_input_data(DATA)
    try:
        return plain(Run(snapshot(), ROOMY), engine(text).evaluate(context=inner))
    except Exception:
        return ERROR


def by_us(text: str) -> tuple[Any, bool]:
    try:
        ours = Yaql(text, 0)
    except ExpressionError:
        return ERROR, True
    try:
        return ours.evaluate(DATA, Run(snapshot(), ROOMY)), ours.is_compiled
    except ExpressionError:
        return ERROR, ours.is_compiled


def compare(seed: int, count: int) -> None:
    generator, compiled, values = Generator(seed), 0, 0
    for _ in range(count):
        text = generator.text()
        (ours, is_compiled), theirs = by_us(text), by_the_library(text)
        if " at 0x" in str(theirs) and theirs is not ERROR:
            continue
        compiled += is_compiled
        values += theirs is not ERROR
        assert (ours is ERROR) == (theirs is ERROR), (text, ours, theirs)
        assert ours is ERROR or same(ours, theirs), (text, ours, theirs)
    assert compiled > 0.85 * count
    assert values > 0.3 * count


def test_2000_generated_expressions_give_what_the_library_gives() -> None:
    compare(seed=20300102, count=2_000)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_many_more_generated_expressions_do_too(seed) -> None:
    compare(seed, count=10_000)
