"""A workflow as a picture: the same tasks and arrows in each form."""

from xml.etree import ElementTree as ET

import pytest

from ostro.language.lint import lint
from ostro.language.pictures import texts
from ostro.language.pictures.picture import picture
from ostro.language.pictures.svg import svg
from tests.language.test_conformance import cases

TEXT = """\
version: '2.0'
w:
  tasks:
    build:
      action: std.noop
      on-success: [ship, {fail: <% $.x %>}]
      on-error: [tell]
    ship: {action: std.noop, on-success: [tell]}
    tell: {action: std.noop, join: 1}
"""


def drawn(text=TEXT):
    document = lint(text).document
    assert document is not None
    (definition,) = document.definitions.values()
    return picture(definition)


def test_every_task_and_every_way_on_is_in_each_form() -> None:
    shown = drawn()
    for text in (texts.mermaid(shown), texts.dot(shown), svg(shown)):
        for name in ("build", "ship", "tell"):
            assert name in text
    assert texts.mermaid(shown).startswith("flowchart")
    assert texts.dot(shown).startswith("digraph")
    assert len(shown.arrows) == 4


@pytest.mark.parametrize("case", list(cases()))
def test_every_workflow_can_be_drawn(case) -> None:
    document = lint(case["definition"]).document
    for definition in document.definitions.values() if document else ():
        shown = picture(definition)
        ET.fromstring(svg(shown))
        assert texts.mermaid(shown)
        assert texts.dot(shown)


def test_names_cannot_break_out_of_a_picture() -> None:
    shown = drawn(TEXT.replace("tell", '"te<b>\\"ll"'))
    ET.fromstring(svg(shown))
    assert "<b>" not in texts.mermaid(shown).replace("<br/>", "")
