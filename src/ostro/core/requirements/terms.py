"""What a term says: which tasks it selects, and the distinct wishes that it stands for."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ostro.errors import Invalid
from ostro.values import Limits, Term, TermState

Selector = tuple[str, ...]
"""What a term selects: ("task", name), ("any", tag, …) or ("all", tag, tag, …), the tags sorted."""


class Wish(NamedTuple):
    """One condition as a term states it; equal wishes are one condition."""

    selector: Selector
    state: TermState = TermState.SUCCESS
    enough: int | None = None
    share: int | None = None
    at_least: int | None = None
    optional: bool = False

    @property
    def key(self) -> str:
        """The wish as text, for the row that remembers a latched `at_least`."""
        return msgspec.json.encode((self.selector, self.state, self.at_least, self.optional)).decode()

    @property
    def is_plain(self) -> bool:
        """A name, or one tag without a number."""
        return (
            self.enough is None and self.share is None and self.at_least is None and self.selector[0] != "all"
        )

    @property
    def is_counted(self) -> bool:
        """Needs a counter of its own, of which a workflow has few (100)."""
        return not self.is_plain

    @property
    def knows_late_ones(self) -> bool:
        """May hold before its selection is closed, so a member may come too late (rule 4)."""
        return self.at_least is not None or self.enough is not None or self.share is not None


def selects(selector: Selector, tags: frozenset[str]) -> bool:
    """Whether a selection of tags takes a task that bears these."""
    if selector[0] == "all":
        return tags.issuperset(selector[1:])
    return not tags.isdisjoint(selector[1:])


def wishes_of(term: Term) -> Iterator[Wish]:
    """The conditions that a checked term stands for: `tags: [A, B]` without a number is `[A]` and `[B]`."""
    if term.task is not None:
        yield Wish(("task", term.task), term.state)
        return
    enough = term.enough if isinstance(term.enough, int) else None
    share = int(term.enough.removesuffix("%")) if isinstance(term.enough, str) else None
    numbers = (term.state, enough, share, term.at_least, term.optional)
    if term.all_tags is not None:
        yield Wish(_selector("all", term.all_tags), *numbers)
    elif enough is None and share is None and term.at_least is None:
        for tag in term.tags or ():
            yield Wish(("any", tag), *numbers)
    else:
        yield Wish(_selector("any", term.tags or ()), *numbers)


def _selector(kind: str, tags: tuple[str, ...]) -> Selector:
    distinct = sorted(set(tags))
    return ("any" if len(distinct) == 1 else kind, *distinct)


def check_term(term: Term, path: str, limits: Limits) -> None:
    """Refuses (Invalid) a term that says nothing, or too much at once. `path` is where it stands."""
    given = [name for name in ("task", "tags", "all_tags") if getattr(term, name) is not None]
    if len(given) != 1:
        _wrong(path, "a term has exactly one of `task`, `tags` and `all_tags`")
    if given == ["task"]:
        if term.enough is not None or term.at_least is not None or term.optional:
            _wrong(path, "`enough`, `at_least` and `optional` go with `tags` or `all_tags` only")
        return
    tags = term.tags if term.tags is not None else term.all_tags or ()
    if not 1 <= len(tags) <= limits.tags_per_task:
        _wrong(path, f"a term names 1 to {limits.tags_per_task} tags")
    if term.enough is not None and term.at_least is not None:
        _wrong(path, "`enough` and `at_least` exclude each other")
    most = limits.tasks_per_workflow
    if term.at_least is not None and not 1 <= term.at_least <= most:
        _wrong(f"{path}.at_least", f"a number from 1 to {most}")
    _check_enough(term.enough, f"{path}.enough", most)


def _check_enough(enough: int | str | None, path: str, most: int) -> None:
    if isinstance(enough, int) and not 1 <= enough <= most:
        _wrong(path, f"a number from 1 to {most}, or a share such as 90%")
    if isinstance(enough, str):
        digits = enough.removesuffix("%")
        known = enough.endswith("%") and digits.isascii() and digits.isdigit() and len(digits) <= 3
        if not known or not 1 <= int(digits) <= 100:
            _wrong(path, "a share is a whole number from 1% to 100%")


def _wrong(path: str, what: str) -> None:
    raise Invalid("invalid_term", f"A requirement is not well formed: {what}.", fields=[(path, what)])
