"""What is checked of users' JSON, and its canonical form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostro.api.checked import canonical, check_depth, check_text, hash_of
from ostro.errors import Invalid

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_canonical_form_says_the_same_and_is_its_own(value: object) -> None:
    text = canonical(json.dumps(value).encode("utf-8", "surrogatepass"))
    assert json.loads(text) == value
    assert canonical(text) == text


def test_numbers_stay_as_written_and_layout_does_not_count() -> None:
    assert canonical(b'{ "b": 1.50, "a": 123456789012345678901234567890 }') == (
        b'{"a":123456789012345678901234567890,"b":1.50}'
    )
    assert hash_of(b'{"a":1,"b":[2]}') == hash_of(b'{"b" : [2],\n"a":1}')
    assert hash_of(b'{"a":1.5}') != hash_of(b'{"a":1.50}')


@pytest.mark.parametrize(
    "fine",
    [
        rb'"\\u0000"',
        rb'"\ud83d\ude00"',
        b"1e308",
        b"1e-999",
        b"1e0000000005",
        b"9" * 300,
        b'"1e999"',
        '"é"'.encode(),
    ],
)
def test_what_only_looks_suspicious_passes(fine: bytes) -> None:
    check_text(fine)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (rb'{"a\u0000":1}', "nul"),
        (rb'["\udc00\ud83d"]', "lone_surrogate"),
        (b'"\xed\xa0\x80"', "not_utf8"),
        (b"[-1e309]", "number_too_large"),
        (b"9" * 400, "number_too_large"),
        (b"9" * 250 + b"e90", "number_too_large"),
    ],
)
def test_what_cannot_be_kept_is_refused(wrong: bytes, kind: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_text(wrong)
    assert refused.value.kind == kind


def test_depth_counts_what_stands_within_each_other() -> None:
    check_depth(b"[" * 64 + b"]" * 64, 64)
    check_depth(b"[" + b"[]," * 500 + b"[]]", 2)
    check_depth(b'["' + b"[" * 100 + rb'\"[["]', 1)
    with pytest.raises(Invalid):
        check_depth(b'{"a":' * 65 + b"1" + b"}" * 65, 64)
