"""What tables print of texts that others wrote."""

import pytest

from ostro.cli.output import Printer


def test_a_text_of_others_neither_breaks_its_line_nor_steers_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Printer("table").table(None, ("error",), [("two\nlines \x1b[2J",)])
    assert capsys.readouterr().out == "ERROR\ntwo lines  [2J\n"
