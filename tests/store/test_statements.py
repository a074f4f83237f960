"""SQL under a name, with its reason."""

from importlib.resources import files
from pathlib import Path

import pytest

from ostro.store.statements import parse, read, statements

TWO = """-- Queues.

-- name: claim
-- The lock is inside,
-- so a claim never comes back empty.
SELECT 1
  -- not part of the reason
FROM x;

-- name: give_back
-- It was ours.
DELETE FROM y
"""


def test_a_file_holds_several_statements_each_with_its_reason() -> None:
    found = dict(parse("queues.sql", TWO))
    assert found["claim"].text == "SELECT 1\n  -- not part of the reason\nFROM x"
    assert found["claim"].reason == "The lock is inside, so a claim never comes back empty."
    assert found["give_back"].text == "DELETE FROM y"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT 1;\n-- name: x\n-- why\nSELECT 2;", "before the first"),
        ("-- name: x\nSELECT 1;", "no comment"),
        ("-- name: x\n-- why\n", "no SQL"),
        ("-- name: two-words\n-- why\nSELECT 1;", "cannot be a name"),
    ],
)
def test_a_statement_without_name_reason_or_sql_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        list(parse("x.sql", text))


def test_a_name_is_unique_over_all_files(tmp_path: Path) -> None:
    for name in ("a.sql", "b.sql"):
        (tmp_path / name).write_text("-- name: same\n-- why\nSELECT 1;\n")
    with pytest.raises(ValueError, match=r"b\.sql: 'same' is already in a\.sql"):
        read(tmp_path)


def test_a_statement_is_found_by_key_and_as_an_attribute_and_carries_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(TWO)
    (tmp_path / "notes.txt").write_text("not SQL")
    found = read(tmp_path)
    assert found["give_back"] == found.give_back == "/* give_back */ DELETE FROM y"
    assert list(found) == ["claim", "give_back"]
    assert len(found) == 2


def test_an_unknown_name_says_which_ones_are_near(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(TWO)
    with pytest.raises(KeyError, match="give_back"):
        read(tmp_path)["give_bak"]
    with pytest.raises(AttributeError, match="give_back"):
        _ = read(tmp_path).give_bak


def test_all_statements_of_the_project_are_well_formed() -> None:
    names = [
        name
        for file in (files("ostro.store") / "sql").iterdir()
        for name, _ in parse(file.name, file.read_text())
    ]
    assert sorted(names) == sorted(statements)
