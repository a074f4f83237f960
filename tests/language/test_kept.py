"""What is kept of a text of several definitions: each with its comments, meaning the same alone as it did among them."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostro.language.lint import lint
from ostro.language.model.definitions import Document, Kind
from ostro.language.model.kept import kept
from ostro.language.read import read
from ostro.language.source.differences import unified
from tests.language.test_conformance import cases

LICENCE = "# Ours.\n---\nversion: '2.0'\n\n"


def document(text: str, kind: Kind | None = None) -> Document:
    found = lint(text, kind).document
    assert found is not None, lint(text, kind).errors
    return found


def texts(text: str) -> dict[str, str]:
    return {one.name: one.text for one in kept(document(text), text)}


def test_a_text_of_one_is_kept_as_it_came() -> None:
    text = "w: {tasks: {a: {}}}  # flow style\nversion: 2.0\r\n# The end."
    assert texts(text) == {"w": text}


def test_a_comment_right_above_belongs_to_what_follows_and_the_head_to_each() -> None:
    text = (
        LICENCE
        + "# One.\n# More.\none:\n  tasks: {a: {}}\n  # within\n\n# Two.\ntwo:\n  tasks: {a: {}}\n\n# Nobody's.\n"
    )
    assert texts(text) == {
        "one": LICENCE + "# One.\n# More.\none:\n  tasks: {a: {}}\n  # within\n",
        "two": LICENCE + "# Two.\ntwo:\n  tasks: {a: {}}\n",
    }


def test_a_version_at_the_end_is_put_at_the_head() -> None:
    text = "one:\n  tasks: {a: {}}\ntwo:\n  tasks: {a: {}}\nversion: '2.0'\n"
    assert texts(text)["two"] == "version: '2.0'\n\ntwo:\n  tasks: {a: {}}\n"


@pytest.mark.parametrize(
    "text",
    [
        "version: '2.0'\none:\n  vars: &v {x: 1}\n  tasks: {a: {}}\ntwo:\n  vars: *v\n  tasks: {a: {}}\n",
        "{version: '2.0', one: {tasks: {a: {}}}, two: {tasks: {a: {}}}}\n",
    ],
)
def test_what_cannot_be_cut_is_kept_whole_and_says_who_counts(text: str) -> None:
    found = kept(document(text), text)
    assert [one.text.rstrip() for one in found] == [text.rstrip()] * 2
    assert [one.only for one in found] == [("one",), ("two",)]


def test_a_workbook_is_kept_whole_for_each_member() -> None:
    text = "version: '2.0'\nname: kit\nworkflows: {w: {tasks: {a: {}}}}\nactions: {x: {base: std.noop}}\n"
    assert [(one.name, one.sort, one.text, one.only) for one in kept(document(text), text)] == [
        ("kit.w", "workflow", text, ()),
        ("kit.x", "action", text, ()),
    ]


@pytest.mark.parametrize("case", list(cases()))
def test_each_definition_means_the_same_alone(case) -> None:
    """Its places apart: it stands on other lines."""
    text = case["definition"]
    found = lint(text, Kind(case["kind"]) if "kind" in case else None)
    if found.document is None:
        return
    for one in kept(found.document, text):
        alone = read(one.text, one.kind).document
        assert alone is not None
        held = {two.name: two.definition for two in kept(alone, one.text)}
        assert without_places(held[one.name]) == without_places(one.definition)


def without_places(value):
    told = msgspec.to_builtins(msgspec.structs.replace(value, text=""), str_keys=True)
    return stripped(told)


def stripped(value):
    if isinstance(value, dict):
        return {key: stripped(one) for key, one in value.items() if key not in ("place", "places")}
    return [stripped(one) for one in value] if isinstance(value, (list, tuple)) else value


LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30)


@given(LINES, LINES)
def test_a_diff_is_what_patch_makes_the_new_text_of(old: list[str], new: list[str]) -> None:
    told = unified("\n".join(old), "\n".join(new), "old", "new")
    before, after = "\n".join(old).splitlines(), "\n".join(new).splitlines()
    assert (told == "") == (before == after)
    assert patched(before, told.splitlines()[2:]) == after


def patched(lines: list[str], hunks: list[str]) -> list[str]:
    """A small `patch`: every line of the context must be there."""
    made: list[str] = []
    at = 0
    for line in hunks:
        if line.startswith("@@"):
            first, _, count = line.split()[1][1:].partition(",")
            start = int(first) - (count != "0")
            made += lines[at:start]
            at = start
            continue
        if line[0] in " -":
            assert lines[at] == line[1:]
            at += 1
        if line[0] in " +":
            made.append(line[1:])
    return made + lines[at:]


def test_texts_with_nothing_in_common_are_compared_in_a_moment() -> None:
    old, new = ("\n".join(f"{word} {n % 90}" for n in range(30_000)) for word in ("old", "new"))
    told = unified(f"x\n{old}\ny", f"x\n{new}\ny", "a", "b").splitlines()
    assert told[2] == "@@ -1,30002 +1,30002 @@"
    assert len(told) == 3 + 2 + 60_000


def test_the_shipped_examples_are_kept_as_they_are() -> None:
    for file in (Path(__file__).parents[2] / "examples" / "definitions").glob("*.yaml"):
        assert texts(file.read_text())
