"""The expressions that Mistral's evaluator was asked, with the values that it gave."""

from pathlib import Path

import pytest
import yaml

from ostro.language.expressions import ExpressionError, parse
from tests.cases.compared import same
from tests.language.expressions.world import with_env

ROOT = Path(__file__).parents[3]
COPIES = ROOT / "tests" / "conformance" / "expressions"
ORIGINALS = ROOT.parent / "shared" / "conformance" / "expressions"


def cases(language):
    listed = yaml.load((COPIES / f"{language}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return [pytest.param(case, id=f"{language}-{index}") for index, case in enumerate(listed)]


@pytest.mark.parametrize("case", [*cases("yaql"), *cases("jinja")])
def test_an_expression_has_the_value_that_mistral_gave(case) -> None:
    if case.get("error"):
        with pytest.raises(ExpressionError):
            parse(case["expr"]).evaluate(case["context"], with_env(case["context"]))
    else:
        found = parse(case["expr"]).evaluate(case["context"], with_env(case["context"]))
        assert same(found, case["result"]), (case["expr"], found, case["result"])


@pytest.mark.skipif(not ORIGINALS.exists(), reason="the shared cases are not beside this checkout")
def test_the_copies_of_the_cases_are_the_shared_ones() -> None:
    copies = {path.name: path.read_bytes() for path in COPIES.glob("*.yaml")}
    assert copies == {path.name: path.read_bytes() for path in ORIGINALS.glob("*.yaml")}
