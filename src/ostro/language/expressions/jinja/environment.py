"""The sandbox, and the context that knows its run."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from jinja2 import StrictUndefined, Template, Undefined, nodes, pass_context
from jinja2.runtime import Context, Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace, internalcode

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, named
from ostro.language.expressions.functions import FUNCTIONS
from ostro.language.expressions.jinja import costs, filters
from ostro.language.expressions.jinja.calls import before_call
from ostro.language.expressions.jinja.rewriting import Counting

_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")
_PRINTED = (str, int, float, type(None), list, tuple, dict, Mapping)


class Counted(Context):
    """A context with the run of its evaluation."""

    run: Run
    may_change: bool


class Guarded(SandboxedEnvironment):
    """Jinja2 as Mistral configures it, with limits."""

    context_class = Counted
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        rewritten = Counting().visit(source)
        rewritten.set_environment(self)
        return super()._generate(rewritten, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """An operator, counted."""
        run = filters.run_of(context)
        run.meter.spend()
        count = costs.OPERATORS.get(operator)
        if count is not None:
            count(run, left, right)
        made = super().call_binop(context, operator, left, right)
        return run.meter.whole(made) if isinstance(made, int) else made

    @internalcode
    def call(self, context: Context, called: Any, *args: Any, **kwargs: Any) -> Any:
        """A call, refused or counted."""
        run = filters.run_of(context)
        may_change: bool = context.may_change  # type: ignore[attr-defined]
        given = before_call(run, called, args, kwargs, may_change=may_change)
        if not isinstance(called, Macro):
            return self._made(run, super().call(context, called, *given, **kwargs))
        run.meter.enter()
        try:
            return self._made(run, super().call(context, called, *given, **kwargs))
        finally:
            run.meter.depth -= 1

    def _made(self, run: Run, value: Any) -> Any:
        if isinstance(value, str):
            run.meter.grow(len(value))
        return value


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """What is put into text."""
    run = filters.run_of(context)
    if isinstance(value, Undefined):
        return value
    if not isinstance(value, _PRINTED):
        raise ExpressionError(Kind.TYPE, f"{named(value).capitalize()} cannot be put into text.")
    run.meter.grow(costs.size_of(run, value))
    text = str(value)
    if _ADDRESS.search(text) and not isinstance(value, str):
        raise ExpressionError(Kind.TYPE, "A sequence that is still to be read cannot be put into text.")
    return text


@pass_context
def _range(context: Context, *bounds: int) -> range:
    made = range(*bounds)
    costs.small(filters.run_of(context), max(made.stop - made.start, 0) // made.step if made.step > 0 else 0)
    if len(made) > filters.run_of(context).limits.iterations:
        raise ExpressionError(Kind.LIMIT, "A range is too long.")
    return made


def _function(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def call(context: Context, *args: Any, **kwargs: Any) -> Any:
        return filters.ours(context, function, args, kwargs)

    return call


def _environment() -> Guarded:
    made = Guarded(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        finalize=_printed,
    )
    made.filters.clear()
    made.filters.update(cast("Any", filters.filters()))
    made.tests.clear()
    made.tests.update(cast("Any", filters.tests()))
    ours = {name: _function(function) for name, function in FUNCTIONS.items()}
    theirs = {"range": _range, "dict": dict, "cycler": Cycler, "joiner": Joiner, "namespace": Namespace}
    made.globals.clear()
    made.globals.update({**theirs, **ours})
    return made


ENVIRONMENT = _environment()


def context_for(template: Template, run: Run, variables: Mapping[str, Any], *, may_change: bool) -> Context:
    """A context for one evaluation."""
    data = filters.copied(run, dict(variables)) if may_change else variables
    context = template.new_context({"_": data})
    context.run = run  # type: ignore[attr-defined]
    context.may_change = may_change  # type: ignore[attr-defined]
    return context
