"""What an expression reads, by a simple look: the seam where a real parser of expressions goes.

`Parse` is what the reader asks of a parser. `look` is careful to say less rather than something wrong: it sees
brackets and quotes that do not close, and names variables only where `$` is certainly the context.
"""

import re
from collections.abc import Callable, Iterator

import msgspec


class Look(msgspec.Struct, frozen=True):
    """What is known of a text with expressions. `problem` is a sentence, empty if it parses; `at` is its offset.

    `variables` are the context's (`$.x`, `_.x`), `tasks` the names given to `task()`.
    """

    problem: str = ""
    at: int = 0
    variables: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


Parse = Callable[[str], Look]
"""A parser: text → what is in it. Never raises."""

_OPENS = re.compile(r"<%|\{\{|\{%")
_CLOSES = {"<%": "%>", "{{": "}}", "{%": "%}"}
_ENDS_OPEN = re.compile(r"(?:[-+*/=<>,.]|\b(?:and|or|not|mod))$")
_BEGINS_OPEN = re.compile(r"\s*(?:[*/=<>,]|\b(?:and|or|mod)\b)")
# No word is read twice (`*+`, and only from its start): a word of a megabyte is one pass.
_QUOTED = re.compile(r"(['\"`])(?:[^'\"`\\]|\\.|(?!\1)['\"`])*+(\1?)", re.DOTALL)
_TASK = re.compile(r"(?<![\w.$])task\(\s*(?:'([^']+)'|\"([^\"]+)\"|([A-Za-z_]\w*))\s*\)")
_JINJA_VARIABLE = re.compile(r"(?<![\w.])_\.([A-Za-z_]\w*+)(?!\s*+\()")
_YAQL_TOKEN = re.compile(r"\$\.([A-Za-z_]\w*+)(?!\s*+\()|->|((?<!\w)[A-Za-z_]\w*+)?([(\[{])|[)\]}]")
_PLAIN_FUNCTIONS = {
    "", "task", "len", "range", "switch", "str", "int", "float", "not", "bool", "dict", "list", "coalesce",
    "json_dump", "yaml_dump", "json_parse", "yaml_parse", "and", "or", "in", "mod", "max", "min", "abs", "concat",
}  # fmt: skip
"""Functions whose arguments are read in the caller's context; what others do with `$` is theirs."""
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def look(text: str) -> Look:
    """The stand-in for a parser."""
    variables: list[str] = []
    tasks: list[str] = []
    kinds = set()
    for opening, body, at in _parts(text):
        kinds.add("yaql" if opening == "<%" else "jinja")
        problem = "" if opening == "{%" else _problem_of(body)
        if problem:
            return Look(problem=f"{problem} in `{opening}{_short(body)}{_CLOSES[opening]}`", at=at)
        tasks += [next(filter(None, found)) for found in _TASK.findall(body)]
        bare = _QUOTED.sub(lambda quoted: " " * len(quoted.group()), body)
        variables += _yaql_variables(bare) if opening == "<%" else _jinja_variables(bare)
    if len(kinds) > 1:
        return Look(problem="YAQL and Jinja2 are mixed in one text")
    return Look(variables=tuple(dict.fromkeys(variables)), tasks=tuple(dict.fromkeys(tasks)))


def _parts(text: str) -> Iterator[tuple[str, str, int]]:
    """Each expression: how it opens, what is in it, where it begins. In one pass, whatever stands there.

    What is opened on one line and closed on another is text.
    """
    start = 0
    for line in text.split("\n"):
        for opening, body, at in _parts_of_line(line):
            yield opening, body if opening == "<%" else body.strip("-+"), start + at
        start += len(line) + 1


def _parts_of_line(line: str) -> Iterator[tuple[str, str, int]]:
    open_ended: set[str] = set()
    at = 0
    while found := _OPENS.search(line, at):
        opening, at = found.group(), found.end()
        end = -1 if opening in open_ended else line.find(_CLOSES[opening], at)
        if end < 0:
            open_ended.add(opening)
            continue
        yield opening, line[at:end], found.start()
        at = end + 2


def _short(body: str) -> str:
    return body if len(body) <= 60 else f"{body[:57]}…"


def _problem_of(body: str) -> str:
    bare = _QUOTED.sub(lambda quoted: "0" if quoted[2] else "'", body)
    if not bare.strip():
        return "there is nothing to evaluate"
    if "'" in bare:
        return "a quotation mark does not close"
    open_ones: list[str] = []
    for one in bare:
        if one in _PAIRS:
            open_ones.append(_PAIRS[one])
        elif one in ")]}" and (not open_ones or open_ones.pop() != one):
            return f"`{one}` closes nothing"
    if open_ones:
        return f"`{open_ones[-1]}` is missing"
    if _ENDS_OPEN.search(bare.rstrip()):
        return "parse error: something is missing at the end"
    return "parse error: something is missing at the beginning" if _BEGINS_OPEN.match(bare) else ""


def _jinja_variables(bare: str) -> list[str]:
    tolerant = "default" in bare or "defined" in bare
    return [] if tolerant else _JINJA_VARIABLE.findall(bare)


def _yaql_variables(bare: str) -> list[str]:
    """Names after `$.` where `$` is the context: not inside a method's arguments, nor after `->`."""
    found: list[str] = []
    strange: list[bool] = []
    for token in _YAQL_TOKEN.finditer(bare):
        variable, called, bracket = token.groups()
        inside = any(strange[-1:])
        if token.group() == "->":
            break
        if bracket:
            method = bare[token.start() - 1 : token.start()] == "."
            rebinds = bracket == "(" and (method or (called or "") not in _PLAIN_FUNCTIONS)
            strange.append(rebinds or inside)
        elif variable and not inside:
            found.append(variable)
        elif token.group() in ")]}" and strange:
            strange.pop()
    return found
