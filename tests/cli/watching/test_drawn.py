"""How the tree looks."""

import io

import pytest
from rich.console import Console

from ostro.cli.watching.branches import Branch
from ostro.cli.watching.drawn import drawn, duration
from tests.cli.watching.looked import at

TREE = Branch(
    name="shop",
    state="RUNNING",
    begun=at(0),
    below=[
        Branch(name="prepare", state="SUCCESS", begun=at(0), ended=at(0.31)),
        Branch(name="install", state="RUNNING", notes=["37 of 100, 2 failed"], begun=at(1)),
        Branch(
            name="roll",
            state="RUNNING",
            begun=at(2),
            below=[Branch(name="check", state="ERROR", error="exit code 3", begun=at(2), ended=at(14))],
            rest={"WAITING": 3},
        ),
    ],
    rest={"SUCCESS": 9812, "ERROR": 1},
)


def printed(tree: Branch, width: int = 60, **options: object) -> str:
    out = io.StringIO()
    Console(file=out, width=width, **options).print(drawn(tree, at(72)))  # type: ignore[arg-type]
    return out.getvalue()


def test_each_line_says_what_it_is_how_it_is_how_long_and_how_far() -> None:
    assert printed(TREE) == (
        "shop  RUNNING    1m12s\n"
        "├── prepare  SUCCESS     0.3s\n"
        "├── install  RUNNING    1m11s  37 of 100, 2 failed\n"
        "├── roll     RUNNING    1m10s\n"
        "│   ├── check  ERROR        12s  exit code 3\n"
        "│   └── + 3 waiting\n"
        "└── + 1 failed, 9,812 succeeded\n"
    )


def test_a_line_stays_one_line_whatever_others_wrote_in_it() -> None:
    nasty = Branch(name="a\nb\x1b[2J[red]", state="ERROR", error="first\r\nsecond " + "x" * 200)
    lines = printed(nasty).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("a b [2J[red]  ERROR")
    assert lines[0].endswith("…")


def test_without_colours_it_says_the_same() -> None:
    coloured = printed(TREE, force_terminal=True, color_system="standard")
    assert "\x1b[32mSUCCESS" in coloured
    assert "\x1b[" not in printed(TREE, no_color=True, force_terminal=False)


@pytest.mark.parametrize(
    ("seconds", "exact", "said"),
    [
        (0.04, True, "0.0s"),
        (9.96, False, "9s"),
        (12.7, True, "12s"),
        (125, True, "2m05s"),
        (7_381, False, "2h03m"),
        (352_800, False, "4d02h"),
        (-3, False, "0s"),
    ],
)
def test_times_are_short(seconds: float, exact: bool, said: str) -> None:
    assert duration(seconds, exact=exact) == said
