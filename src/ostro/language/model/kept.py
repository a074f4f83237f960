"""What is kept of a text: for each definition in it the text that it stands in from then on.

A workbook stands whole for each of its members, since they see each other. A workflow or an action stands alone: in the
text as it came, if that holds nothing else, else cut out of it with its comments. Where it cannot be cut (anchors used
elsewhere, flow style) the whole text stands for it, of which it alone counts.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from ostro.language.model.definitions import ActionDefinition, Definition, Document, Kind

Sort = Literal["workflow", "action"]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One definition with its text. `only` are the full names of that text that count, all of them if it is empty."""

    sort: Sort
    name: str
    kind: Kind
    text: str
    only: tuple[str, ...] = ()
    definition: Definition | ActionDefinition


def kept(document: Document, text: str) -> list[Kept]:
    """What is kept of a text, workflows first."""
    return [
        *_each(document, text, "workflow", document.definitions.values()),
        *_each(document, text, "action", document.actions.values()),
    ]


def _each(
    document: Document, text: str, sort: Sort, found: Iterable[Definition | ActionDefinition]
) -> Iterable[Kept]:
    alone = len(document.definitions) + len(document.actions) == 1
    for one in found:
        whole = alone or document.kind is Kind.WORKBOOK
        yield Kept(
            sort=sort,
            name=one.full_name,
            kind=document.kind,
            text=text if whole else one.text,
            only=() if document.kind is Kind.WORKBOOK else (one.full_name,),
            definition=one,
        )
