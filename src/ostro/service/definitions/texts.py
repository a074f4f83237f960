"""Texts as callers give them: read, checked, and refused with all that is wrong with any of them."""

from collections.abc import Iterable

import msgspec

from ostro.errors import Invalid, TooLarge
from ostro.language.lint import Linted, lint
from ostro.language.model.definitions import Document, Kind
from ostro.language.parsed import parsed

Fields = list[tuple[str, str]]


class GivenText(msgspec.Struct, frozen=True):
    """A text, its kind if it was said, and where it stands in the request."""

    text: str
    kind: str | None
    path: str


def read_texts(given: Iterable[GivenText], most: int) -> list[Document]:
    """What they hold. Invalid names every mistake of every text, TooLarge one of more than `most` bytes."""
    documents: list[Document] = []
    wrong: Fields = []
    for one in given:
        found = look_at(one, most)
        wrong += [(one.path, f"line {p.line}, column {p.column}: {p.message}") for p in found.errors]
        if found.document is not None:
            documents.append(found.document)
    if wrong:
        texts = (
            "The text cannot be used: it has"
            if len({p for p, _ in wrong}) == 1
            else "They cannot be used: there are"
        )
        raise Invalid(
            "invalid_definition",
            f"{texts} {len(wrong)} mistake{'s' if len(wrong) > 1 else ''}.",
            hint="`ostro lint` shows each with its line.",
            fields=wrong,
        )
    return documents


def look_at(given: GivenText, most: int) -> Linted:
    """Everything that is wrong with one text; TooLarge if it has more than `most` bytes."""
    if len(given.text.encode()) > most:
        said = f"A text has at most {most} bytes."
        raise TooLarge(
            "text_too_large",
            said,
            hint="Divide it: what one text names may stand in another.",
            fields=[(given.path, said)],
        )
    return lint(given.text, Kind(given.kind) if given.kind else None, parse=parsed)
