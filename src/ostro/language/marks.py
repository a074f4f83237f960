"""Where expressions stand in a string, as Mistral finds them: `<% yaql %>`, `{{ jinja }}`, `{% jinja %}`, each on one line.

What is opened on one line and closed on another is text. Looked for by hand: Mistral's regular expressions
(`<%.*?%>` and `{{.*}}|{%.*%}`) take the square of a line's length where nothing is closed.
"""

from collections.abc import Iterator

_JINJA = (("{{", "}}"), ("{%", "%}"))


def has_expression(text: str) -> bool:
    """Whether there is anything to evaluate."""
    return ("%>" in text and next(yaql_in(text), None) is not None) or (
        "{" in text and first_jinja(text) is not None
    )


def yaql_in(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each YAQL expression, its brackets included."""
    for at, line in _lines(text):
        start = line.find("<%")
        while start >= 0 and (end := line.find("%>", start + 2)) >= 0:
            yield at + start, at + end + 2
            start = line.find("<%", end + 2)


def first_jinja(text: str) -> int | None:
    """Where the first part that is Jinja2's starts."""
    for at, line in _lines(text):
        starts = [start for marks in _JINJA if (start := _opened(line, *marks)) >= 0]
        if starts:
            return at + min(starts)
    return None


def _opened(line: str, opens: str, closes: str) -> int:
    start = line.find(opens)
    return start if start >= 0 and line.rfind(closes) >= start + 2 else -1


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.split("\n"):
        yield at, line
        at += len(line) + 1
