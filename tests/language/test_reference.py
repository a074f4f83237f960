"""The reference pages are made from the model: `python -m tests.language.test_reference` writes them anew."""

from pathlib import Path

import pytest

from ostro.language.reference import codes, expressions, filled, keys

PAGES = {"language.md": keys, "expressions.md": expressions, "problems-of-definitions.md": codes}
FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_the_model_says(name) -> None:
    page = (FOLDER / name).read_text(encoding="utf-8")
    assert page == filled(page, PAGES[name]()), "python -m tests.language.test_reference"


if __name__ == "__main__":
    for name, made in PAGES.items():
        path = FOLDER / name
        path.write_text(filled(path.read_text(encoding="utf-8"), made()), encoding="utf-8")
