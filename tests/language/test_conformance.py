"""What Mistral accepts is accepted, what it refuses is refused: the definitions of the conformance cases."""

import pytest

from ostro.language.lint import lint
from ostro.language.look import look
from ostro.language.model.definitions import Kind
from ostro.language.parsed import parsed
from tests.cases.reading import RECORDED, ROOT, own, recorded

ORIGINALS = ROOT.parent / "shared" / "conformance"


def cases():
    return [pytest.param(one.said, id=one.name) for one in [*recorded(), *own()]]


@pytest.mark.parametrize("parse", [parsed, look], ids=["parsed", "look"])
@pytest.mark.parametrize("case", cases())
def test_a_definition_is_accepted_or_refused_as_mistral_did(case, parse) -> None:
    for other in case.get("also", ()):
        if other["kind"] != "environment":
            assert lint(other["text"], Kind(other["kind"]), parse=parse).errors == ()
    found = lint(case["definition"], Kind(case.get("kind", "workflows")), parse=parse)
    expected = case["expect"]
    refused = bool(expected.get("invalid")) and expected["kind"] == "definition"
    assert bool(found.errors) == refused, found.problems
    assert (found.document is None) == refused


@pytest.mark.skipif(not ORIGINALS.exists(), reason="the shared cases are not beside this checkout")
def test_the_copies_of_the_cases_are_the_shared_ones() -> None:
    def texts(folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}

    assert texts(RECORDED) == texts(ORIGINALS)
