"""The tables of the reference pages, made from the model, the codes and the functions."""

import inspect
from collections.abc import Iterable
from typing import get_args

import msgspec

from ostro.language.codes import CODES
from ostro.language.expressions import DEFAULT_LIMITS, ExpressionLimits
from ostro.language.expressions.functions import FUNCTIONS
from ostro.language.expressions.jinja.filters import filters
from ostro.language.expressions.yaql.signatures import FUNCTIONS as COMPILED
from ostro.language.expressions.yaql.signatures import METHODS
from ostro.language.forms.base import Field, fields_of
from ostro.language.schema import PARTS, Part

BEGIN, END = "<!-- made from the model: do not edit -->", "<!-- the end of what is made -->"


def keys() -> str:
    """A table for each mapping of the language, in Markdown."""
    return "\n".join(_table(part) for part in PARTS)


def codes() -> str:
    """A table of all problems, in Markdown."""
    rows = [
        f"| `{name}` | {code.severity} | {code.title} | {code.advice} |"
        for name, code in sorted(CODES.items())
    ]
    return "\n".join(
        ["| code | severity | what it says | what to do |", "| --- | --- | --- | --- |", *rows, ""]
    )


def expressions() -> str:
    """Functions, what of YAQL is compiled, Jinja's filters, and limits, in Markdown."""
    rows = [
        f"| `{name}{_arguments(name)}` | {inspect.getdoc(FUNCTIONS[name])} |" for name in sorted(FUNCTIONS)
    ]
    compiled = {name for table in (COMPILED, METHODS) for name in table if name[0].isalpha()}
    return "\n".join(
        [
            "### Functions\n\n| function | value |\n| --- | --- |", *rows, "",
            "### YAQL that is compiled\n\n" + _names(compiled - FUNCTIONS.keys()), "",
            "### Filters of Jinja2\n\n" + _names(one for one in filters() if one.isidentifier()), "",
            "### Limits\n\n| limit | of one evaluation | value |\n| --- | --- | --- |", *map(_limit, msgspec.structs.fields(ExpressionLimits)), "",
        ]
    )  # fmt: skip


def _arguments(name: str) -> str:
    parameters = list(inspect.signature(FUNCTIONS[name]).parameters.values())[1:]
    return "(" + ", ".join(_argument(one) for one in parameters) + ")"


def _argument(one: inspect.Parameter) -> str:
    if one.kind is one.VAR_POSITIONAL:
        return f"{one.name}…"
    return one.name if one.default is one.empty else f"[{one.name}]"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) + "."


def _limit(field: msgspec.structs.FieldInfo) -> str:
    said = next(one.description for one in get_args(field.type) if isinstance(one, msgspec.Meta))
    return f"| `{field.name}` | {said} | {getattr(DEFAULT_LIMITS, field.name):,} |"


def filled(page: str, made: str) -> str:
    """A page with what is made between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{made}\n{END}{after}"


def _table(part: Part) -> str:
    head = f"### {part.title}\n\nWhere: {part.where}.\n"
    if part.lenient:
        head += "Unknown keys are ignored with a warning, as Mistral does.\n"
    columns = "| key | value | default | meaning | example |\n| --- | --- | --- | --- | --- |"
    rows = [_row(part, field) for field in fields_of(part.struct).values()]
    return "\n".join([head, columns, *rows, ""])


def _row(part: Part, field: Field) -> str:
    key = field.key
    default = "required" if field.required else key.default and f"`{key.default}`"
    where = f" In {' and '.join(f'`{one}`' for one in key.types)} workflows." if key.types else ""
    own = " *Ostro's own.*" if key.origin == "ostro" else ""
    example = f"[`{key.example}`](examples/{part.examples}/{field.written}.yaml)"
    cells = [f"`{field.written}`", key.form.said, default, f"{key.meaning}{where}{own}", example]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
