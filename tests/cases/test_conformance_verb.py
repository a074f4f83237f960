"""`./dev conformance`: any folder of cases, wherever it is; what cannot be read is told in a sentence."""

import subprocess
import sys

import pytest

from tests.cases.reading import EXAMPLES, ROOT, Unreadable, read_cases

GOOD = (EXAMPLES / "task" / "retry.yaml").read_text(encoding="utf-8")


def write(folder, **cases):
    (folder / "topic").mkdir()
    for name, text in cases.items():
        (folder / "topic" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_elsewhere_is_played_and_each_case_that_differs_is_shown_with_both_outcomes(
    tmp_path,
) -> None:
    expressions = (
        "[{expr: '<% 1 + 1 %>', context: {}, result: 2}, {expr: '<% 1 + %>', context: {}, result: 1}]"
    )
    write(tmp_path, good=GOOD, wrong=GOOD.replace("runs: 3", "runs: 4"), values=expressions)
    command = [sys.executable, "-m", "tests.cases", str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 1, answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[-1] == "2 of 4 cases hold"
    assert lines[-2].split() == ["topic", "4", "2"]
    assert next(line for line in lines if line.startswith("topic/")).startswith("topic/values#1")
    expected, got = (
        next(line for line in lines if f" {word}: " in line and "runs" in line)
        for word in ("expected", "got")
    )
    assert '"runs":4' in expected
    assert '"runs":3' in got


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1", "a.yaml does not parse: .*line 1"),
        ("just a text", "a case is a mapping"),
        ("expect: {valid: true}", "`definition`, the text to upload, is missing"),
        ("{definition: x, expct: {}}", "`expct` is not a key of a case"),
        ("{definition: x, expect: {}}", "`expect` is missing"),
        ("{definition: x, expect: {state: SUCCESS}}", "no `tasks`"),
        ("{definition: x, expect: {state: SUCCESS, tasks: []}}", "name of a `workflow` is missing"),
        ("{definition: x, steps: [{do: dance}], expect: {valid: true}}", "a step does 'dance'"),
        ("[{expr: 1 + 1}]", "entry 0 is not"),
    ],
)
def test_a_case_that_is_none_is_told_what_it_lacks(tmp_path, text, says) -> None:
    with pytest.raises(Unreadable, match=says):
        read_cases(write(tmp_path, a=text))


def test_a_folder_that_is_not_there_and_one_without_cases_are_told_apart(tmp_path) -> None:
    with pytest.raises(Unreadable, match="is no folder"):
        read_cases(tmp_path / "nowhere")
    with pytest.raises(Unreadable, match="holds no case"):
        read_cases(tmp_path)
