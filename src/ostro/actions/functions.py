"""`@ostro.action`: a Python function that tasks run by its name.

Its arguments are the input's keys: what is typed is checked and converted, what has a default may be left out, and
a parameter annotated with `ostro.Context` gets the run's own. What it returns is the result, as JSON.
"""

import inspect
import traceback
import typing
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

import msgspec

from ostro.actions.context import Context, Outcome, Runner, WrongInput, unless_stopped
from ostro.actions.threads import for_threads, in_thread

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__ostro_action__"


@overload
def action(function: F, /) -> F: ...


@overload
def action(*, name: str | None = None) -> Callable[[F], F]: ...


def action(function: Any = None, /, *, name: str | None = None) -> Any:
    """Marks a function as an action, under its own name or another; it stays the function that it is.

    An `async` one runs in the worker's event loop, another in a thread. An exception ends the job in ERROR with
    the exception's words, its traceback goes to the job's log. It may return an `ostro.Outcome` instead of a result.
    """
    if function is None:
        return partial(action, name=name)
    setattr(function, _MARK, name or function.__name__)
    return function


def name_of(thing: object) -> str | None:
    """The name under which a function is an action; None if it is none."""
    return getattr(thing, _MARK, None) if inspect.isfunction(thing) else None


class Signature(msgspec.Struct, frozen=True):
    """What a function takes as an action. `context` is the parameter that gets the run's context."""

    takes: type[msgspec.Struct]
    context: str | None
    open: bool


def signature_of(function: Callable[..., Any]) -> Signature:
    """What it takes. TypeError if it cannot be called with names alone, or an annotation cannot be understood."""
    hints = typing.get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    context, is_open = None, False
    for one in inspect.signature(function).parameters.values():
        if one.kind in (one.POSITIONAL_ONLY, one.VAR_POSITIONAL):
            raise TypeError(f"the parameter {one.name!r} cannot be given by name")
        if one.kind is one.VAR_KEYWORD:
            is_open = True
        elif hints.get(one.name) in (Context, Context | None):
            context = one.name
        else:
            known = hints.get(one.name, Any)
            fields.append((one.name, known) if one.default is one.empty else (one.name, known, _default(one)))
    takes = msgspec.defstruct(
        function.__name__,
        fields,
        kw_only=True,
        forbid_unknown_fields=not is_open,
        namespace={"__doc__": inspect.getdoc(function) or ""},
    )
    msgspec.json.schema(takes)  # says now what no JSON can be converted into
    return Signature(takes, context, is_open)


def _default(parameter: inspect.Parameter) -> Any:
    """What can be shown in a schema is; the rest, mutable ones too, is the function's own."""
    value = parameter.default
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return msgspec.field(default_factory=lambda: value)


def runner_of(name: str, function: Callable[..., Any], signature: Signature) -> Runner:
    """What runs the function as an action."""

    async def run(context: Context) -> Outcome:
        arguments = _arguments(name, signature, context.input)
        try:
            return await _call(name, function, signature.context, arguments, context)
        except Exception as mistake:  # noqa: BLE001 - an action's mistake ends its job, never the worker
            context.emit("stderr", _traceback(mistake).encode(errors="replace"))
            return Outcome(error=f"{type(mistake).__name__}: {mistake}".removesuffix(": "))

    return run


async def _call(
    name: str,
    function: Callable[..., Any],
    wants: str | None,
    arguments: dict[str, Any],
    context: Context,
) -> Outcome:
    if inspect.iscoroutinefunction(function):
        given = {wants: context} if wants else {}

        async def begun() -> Outcome:
            return _outcome(name, await function(**arguments, **given))

        return await unless_stopped(context, begun())
    given = {wants: for_threads(context)} if wants else {}
    return await in_thread(context, lambda: _outcome(name, function(**arguments, **given)))


def _arguments(name: str, signature: Signature, given: bytes) -> dict[str, Any]:
    wrong = f"the input of {name} is not what it takes"
    try:
        plain = msgspec.json.decode(given)
        known = msgspec.convert(plain, signature.takes)
    except (msgspec.DecodeError, msgspec.ValidationError) as refused:
        raise WrongInput(f"{wrong}: {refused}") from None
    fields = signature.takes.__struct_fields__
    arguments = {field: getattr(known, field) for field in fields}
    if not signature.open:
        return arguments
    if signature.context in plain:
        raise WrongInput(f"{wrong}: `{signature.context}` is the worker's to give")
    return {**plain, **arguments}


def _outcome(name: str, returned: object) -> Outcome:
    """None is no result."""
    if isinstance(returned, Outcome):
        return returned
    if returned is None:
        return Outcome()
    try:
        return Outcome(msgspec.json.encode(returned))
    except (TypeError, ValueError, RecursionError) as strange:
        return Outcome(error=f"what {name} returned cannot be written as JSON: {strange}")


def _traceback(mistake: Exception) -> str:
    """Without our own lines, which say nothing to its author."""
    frames = mistake.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__name__", "").startswith("ostro.actions."):
        frames = frames.tb_next
    return "".join(traceback.format_exception(mistake.with_traceback(frames)))
