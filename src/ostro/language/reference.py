"""The tables of the reference pages, made from the model and the codes."""

from ostro.language.codes import CODES
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
