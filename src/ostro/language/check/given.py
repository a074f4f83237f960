"""What a known action is given, against what it takes. Expressions are not judged: nobody knows yet what they give."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import msgspec

from ostro.language.parts import Value
from ostro.language.problems import Place, Problems, listed

Takes = Mapping[str, type[msgspec.Struct]]
"""What actions take, by their names."""


def check_given(name: str, takes: Takes, given: Value | None, place: Place, problems: Problems) -> None:
    """Notes what is missing, what the action does not take, and constants of another kind than it takes."""
    values = given.data if given is not None else {}
    if name not in takes or not isinstance(values, dict):
        return
    fields = _fields_of(takes[name])
    missing = [key for key, one in fields.items() if one.required and key not in values]
    if missing:
        message = f"The action `{name}` needs {listed(missing)}, which is not given here."
        problems.add(
            "wrong-call", place, message, hint="Add it to `input`, or to `__actions` of the environment."
        )
    is_strict = takes[name].__struct_config__.forbid_unknown_fields
    computed = {one.text for one in given.expressions} if given is not None else set()
    for key, value in values.items():
        if key in fields:
            _check_kind(name, fields[key], value, computed, place, problems)
        elif is_strict:
            hint = problems.meant(key, fields) or (
                f"It takes {listed(list(fields))}." if fields else "It takes no input."
            )
            problems.add("wrong-call", place, f"The action `{name}` does not take `{key}`.", hint=hint)


@cache
def _fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {one.encode_name: one for one in msgspec.structs.fields(struct)}


def _check_kind(
    name: str, field: Any, value: Any, computed: Collection[str], place: Place, problems: Problems
) -> None:
    if _holds(value, computed):
        return
    try:
        msgspec.convert(value, field.type)
    except msgspec.ValidationError as wrong:
        message = f"The action `{name}` does not take this `{field.encode_name}`: {str(wrong).rstrip('.')}."
        problems.add(
            "wrong-call", place, message.replace("Expected", "expected"), hint="Give what is expected."
        )


def _holds(value: Any, texts: Collection[str]) -> bool:
    """Whether one of the texts is somewhere in a value."""
    if isinstance(value, dict):
        return any(_holds(one, texts) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return any(_holds(one, texts) for one in value)
    return isinstance(value, str) and value in texts
