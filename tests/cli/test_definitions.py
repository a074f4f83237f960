"""`ostro lint`, `fmt`, `graph` and `schema`: on files and standard input, without a server."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ostro.cli.main import ostro as program

GOOD = "version: '2.0'\nw:\n  tasks:\n    a: {action: std.noop, on-success: [b]}\n    b: {action: std.noop}\n"
BAD = GOOD.replace("on-success", "on-sucess")
DOUBTFUL = GOOD.replace("action: std.noop, on", "action: std.nop, on")
UNTIDY = GOOD.replace("  tasks", "    tasks").replace("    a", "      a").replace("    b", "      b")


def ostro(*arguments: object, given: str | None = None):
    return CliRunner().invoke(program, [str(one) for one in arguments], input=given, standalone_mode=False)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("good", GOOD), ("bad", BAD), ("doubtful", DOUBTFUL), ("untidy", UNTIDY)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_lint_says_what_is_wrong_and_where_and_ends_with_1(files: Path) -> None:
    said = ostro("lint", files / "good.yaml", files / "bad.yaml")
    assert said.return_value == 1
    assert f"{files}/bad.yaml:4:27: error: `on-sucess` is not a key of a task." in said.stdout
    assert "Did you mean `on-success`?" in said.stdout
    assert "1 error" in said.stderr
    assert ostro("lint", files / "good.yaml").return_value == 0


def test_warnings_count_only_where_it_is_strict(files: Path) -> None:
    assert ostro("lint", files / "doubtful.yaml").return_value == 0
    assert ostro("lint", "--strict", files / "doubtful.yaml").return_value == 1


def test_lint_reads_standard_input_and_prints_json() -> None:
    said = ostro("lint", "-o", "json", "-", given=BAD)
    (file,) = json.loads(said.stdout)
    assert (file["file"], file["errors"]) == ("-", 1)
    (problem,) = [one for one in file["problems"] if one["severity"] == "error"]
    assert (problem["code"], problem["line"], problem["column"]) == ("unknown-key", 4, 27)


def test_lint_prints_sarif_for_code_hosts(files: Path) -> None:
    sarif = json.loads(ostro("lint", "-o", "sarif", files / "bad.yaml").stdout)
    assert sarif["version"] == "2.1.0"
    (run,) = sarif["runs"]
    known = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["results"]
    assert {result["ruleId"] for result in run["results"]} <= known


def test_a_file_that_is_not_there_is_a_mistake_of_the_caller(files: Path) -> None:
    said = ostro("lint", files / "nothing.yaml")
    assert "nothing.yaml cannot be read" in str(said.exception)


def test_fmt_checks_shows_and_changes(files: Path) -> None:
    path = files / "untidy.yaml"
    assert ostro("fmt", "--check", path).return_value == 1
    assert "+  tasks:" in ostro("fmt", "--diff", path).stdout
    assert path.read_text() == UNTIDY
    ostro("fmt", path)
    assert path.read_text() != UNTIDY
    assert ostro("fmt", "--check", path).return_value == 0
    assert ostro("lint", path).return_value == 0


def test_graph_draws_into_a_file_or_prints(files: Path) -> None:
    assert ostro("graph", files / "good.yaml").stdout.startswith("flowchart")
    ostro("graph", files / "good.yaml", "-o", "svg", "--to", files / "w.svg")
    assert (files / "w.svg").read_text().startswith("<svg")
    assert "has errors" in str(ostro("graph", files / "bad.yaml").exception)
    assert "no workflow `v`" in str(ostro("graph", files / "good.yaml", "-w", "v").exception)


def test_schema_is_printed_for_each_kind_of_text() -> None:
    whole = json.loads(ostro("schema").stdout)
    assert whole["$schema"].startswith("http://json-schema.org/draft-07")
    assert json.loads(ostro("schema", "--kind", "actions").stdout) != whole


def test_lint_knows_actions_of_ones_own_where_it_is_told_to_import_them(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "lint_actions.py").write_text("import ostro\n@ostro.action\ndef grow(disk: str): ...\n")
    (files / "own.yaml").write_text(GOOD.replace("std.noop, on", "grow gib=1, on"))
    monkeypatch.syspath_prepend(files)
    assert ostro("lint", files / "own.yaml").stdout == ""
    said = ostro("lint", "--import", "lint_actions", files / "own.yaml").stdout
    assert "The action `grow` needs `disk`, which is not given here." in said
