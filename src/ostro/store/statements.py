"""SQL under a name, with its reason: read once from the `.sql` files of this package.

A file holds any number of statements, each as

    -- name: due_timers
    -- Oldest first, so a burst cannot leave one behind.
    SELECT ...;

The name is a Python identifier, unique over all files; the reason is not optional.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

_NAME = re.compile(r"^--\s*name:\s*(\S+)\s*$", re.MULTILINE)


class Statement(NamedTuple):
    """One statement: what to send, why it is as it is, and the file that it is from."""

    text: str
    reason: str
    file: str


class Statements(Mapping[str, str]):
    """Name -> text to send; also as an attribute: `statements.due_timers`.

    The text begins with its name in a comment, so that the database's own views of activity show it.
    An unknown name is a KeyError that names the nearest known ones.
    """

    def __init__(self, known: Mapping[str, Statement]) -> None:
        self._known = dict(known)
        self._texts = {name: f"/* {name} */ {one.text}" for name, one in known.items()}

    def __getitem__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            near = ", ".join(get_close_matches(name, self._texts)) or "nothing alike"
            raise KeyError(f"No SQL statement is named {name!r}; there is {near}.") from None

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as unknown:
            raise AttributeError(unknown.args[0]) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def described(self, name: str) -> Statement:
        """The statement as its file has it."""
        return self._known[name]


def read(folder: Traversable) -> Statements:
    """All statements of a folder's `.sql` files. A ValueError names the file that breaks the form."""
    known: dict[str, Statement] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        for name, statement in parse(file.name, file.read_text("utf-8")):
            if name in known:
                raise ValueError(f"{file.name}: {name!r} is already in {known[name].file}.")
            known[name] = statement
    return Statements(known)


def parse(file: str, text: str) -> Iterator[tuple[str, Statement]]:
    """Name and statement, in the order of the file."""
    head, *rest = _NAME.split(text)
    if any(line.strip() and not line.startswith("--") for line in head.splitlines()):
        raise ValueError(f"{file}: there is SQL before the first `-- name:` line.")
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        if not name.isidentifier():
            raise ValueError(f"{file}: {name!r} cannot be a name; use letters, digits and underscores.")
        yield name, _statement(file, name, body.strip().splitlines())


def _statement(file: str, name: str, lines: list[str]) -> Statement:
    comments = 0
    while comments < len(lines) and lines[comments].startswith("--"):
        comments += 1
    reason = " ".join(line.removeprefix("--").strip() for line in lines[:comments]).strip()
    sql = "\n".join(lines[comments:]).strip().removesuffix(";").strip()
    if not reason:
        raise ValueError(f"{file}: {name!r} has no comment that gives its reason.")
    if not sql:
        raise ValueError(f"{file}: {name!r} has no SQL.")
    return Statement(sql, reason, file)


statements = read(files("ostro.store") / "sql")
