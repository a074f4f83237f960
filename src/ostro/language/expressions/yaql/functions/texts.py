"""Functions on texts, numbers and types."""

from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.expressions.yaql.operators import greater
from ostro.language.expressions.yaql.signatures import (
    ANY,
    BOOL,
    DICT,
    INT,
    NUMBER,
    ROWS,
    TEXT,
    TEXT_OR_NULL,
    both,
    function,
    method,
)
from ostro.language.expressions.yaql.values import ROWS as ROW_TYPES
from ostro.language.expressions.yaql.values import text_of


@both("len", TEXT)
def length(run: Run, text: str) -> int:
    """How many characters."""
    return len(text)


@method("toUpper", TEXT)
def to_upper(run: Run, text: str) -> str:
    """In capitals."""
    run.meter.grow(3 * len(text))
    return text.upper()


@method("toLower", TEXT)
def to_lower(run: Run, text: str) -> str:
    """Without capitals."""
    run.meter.grow(3 * len(text))
    return text.lower()


@method("split", TEXT, TEXT_OR_NULL, INT, optional=2)
def split(run: Run, text: str, separator: str | None = None, most: int = -1) -> tuple[str, ...]:
    """The parts between separators."""
    run.meter.grow(8 * len(text))
    run.meter.scan(8 * len(text))
    return tuple(text.split(separator, most))


@method("rightSplit", TEXT, TEXT_OR_NULL, INT, optional=2)
def right_split(run: Run, text: str, separator: str | None = None, most: int = -1) -> tuple[str, ...]:
    """The parts between separators, the last ones first to be found."""
    run.meter.grow(8 * len(text))
    run.meter.scan(8 * len(text))
    return tuple(text.rsplit(separator, most))


@method("join", ROWS, TEXT)
def join(run: Run, rows: Any, separator: str) -> str:
    """The texts of all elements, with a separator between them."""
    texts = []
    for row in rows:
        run.meter.spend()
        texts.append(text_of(run, row))
    run.meter.grow(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


@method("join", TEXT, ROWS)
def join_with(run: Run, separator: str, rows: Any) -> str:
    """The same, called on the separator."""
    return str(join(run, rows, separator))


@function("str", ANY)
def as_text(run: Run, value: Any) -> str:
    """The value as text."""
    return text_of(run, value)


@function("concat", rest=TEXT)
def concat(run: Run, *texts: str) -> str:
    """The texts, one after the other."""
    run.meter.grow(sum(map(len, texts)))
    return "".join(texts)


@method("trim", TEXT, TEXT_OR_NULL, optional=1)
def trim(run: Run, text: str, characters: str | None = None) -> str:
    """Without spaces, or those characters, at both ends."""
    run.meter.scan(len(text))
    return text.strip(characters)


@method("trimLeft", TEXT, TEXT_OR_NULL, optional=1)
def trim_left(run: Run, text: str, characters: str | None = None) -> str:
    """Without spaces, or those characters, at the start."""
    run.meter.scan(len(text))
    return text.lstrip(characters)


@method("trimRight", TEXT, TEXT_OR_NULL, optional=1)
def trim_right(run: Run, text: str, characters: str | None = None) -> str:
    """Without spaces, or those characters, at the end."""
    run.meter.scan(len(text))
    return text.rstrip(characters)


@both("norm", TEXT_OR_NULL, TEXT_OR_NULL, optional=1)
def norm(run: Run, text: str | None, characters: str | None = None) -> str | None:
    """Trimmed, and null if nothing is left."""
    return None if text is None else trim(run, text, characters) or None


@both("isEmpty", TEXT_OR_NULL, BOOL, TEXT_OR_NULL, optional=2)
def is_empty(run: Run, text: str | None, trimmed: bool = True, characters: str | None = None) -> bool:
    """Null, or nothing but spaces."""
    if text is None:
        return True
    return not (trim(run, text, characters) if trimmed else text)


@method("replace", TEXT, TEXT, TEXT, INT, optional=1)
def replace(run: Run, text: str, old: str, new: str, most: int = -1) -> str:
    """With each `old`, or the first ones, replaced."""
    run.meter.scan(len(text))
    found = text.count(old)
    run.meter.grow(len(text) + len(new) * (min(found, most) if most >= 0 else found))
    return text.replace(old, new, most)


@method("replace", TEXT, DICT, INT, optional=1)
def replace_all(run: Run, text: str, replacements: dict[Any, Any], most: int = -1) -> str:
    """With each key replaced by its value, one after the other."""
    for old, new in replacements.items():
        run.meter.spend()
        text = replace(run, text, text_of(run, old), text_of(run, new), most)
    return text


@method("substring", TEXT, INT, INT, optional=1)
def substring(run: Run, text: str, start: int, size: int = -1) -> str:
    """So many characters from there."""
    size = len(text) if size < 0 else size
    start = start + len(text) if start < 0 else start
    run.meter.grow(len(text))
    return text[start : start + size]


@method("indexOf", TEXT, TEXT, INT, INT, optional=2)
def index_of(run: Run, text: str, part: str, start: int = 0, size: int | None = None) -> int:
    """Where the part first stands, or -1."""
    run.meter.scan(len(text))
    return text.find(part, *_window(text, start, size))


@method("lastIndexOf", TEXT, TEXT, INT, INT, optional=2)
def last_index_of(run: Run, text: str, part: str, start: int = 0, size: int | None = None) -> int:
    """Where the part last stands, or -1."""
    run.meter.scan(len(text))
    return text.rfind(part, *_window(text, start, size))


def _window(text: str, start: int, size: int | None) -> tuple[int, ...]:
    if size is None:
        return (start,)
    start = start + len(text) if start < 0 else start
    return start, start + (len(text) - start if size < 0 else size)


@method("toCharArray", TEXT)
def characters(run: Run, text: str) -> list[str]:
    """The characters as a list."""
    run.meter.grow(8 * len(text))
    run.meter.spend(len(text) >> 3)
    return list(text)


@method("startsWith", TEXT, rest=TEXT)
def starts_with(run: Run, text: str, *starts: str) -> bool:
    """Whether it starts with one of these."""
    run.meter.scan(sum(map(len, starts)))
    return text.startswith(starts)


@method("endsWith", TEXT, rest=TEXT)
def ends_with(run: Run, text: str, *ends: str) -> bool:
    """Whether it ends with one of these."""
    run.meter.scan(sum(map(len, ends)))
    return text.endswith(ends)


@function("int", ANY)
def as_int(run: Run, value: Any) -> int:
    """The value as a whole number; null is 0."""
    _parsed(run, value)
    return 0 if value is None else run.meter.whole(int(value))


@function("float", ANY)
def as_float(run: Run, value: Any) -> float:
    """The value as a number with a fraction; null is 0."""
    _parsed(run, value)
    return 0.0 if value is None else float(value)


def _parsed(run: Run, value: Any) -> None:
    if type(value) is str:
        run.meter.spend(len(value) >> 2)


@function("bool", ANY)
def as_bool(run: Run, value: Any) -> bool:
    """Whether it is not empty."""
    return bool(value)


@function("abs", NUMBER)
def absolute(run: Run, number: float) -> float:
    """Without its sign."""
    return abs(number)


@function("sign", NUMBER)
def sign(run: Run, number: float) -> int:
    """1, 0 or -1."""
    return 1 if number > 0 else -1 if number < 0 else 0


@function("round", NUMBER, INT, optional=1)
def rounded(run: Run, number: float, digits: int = 0) -> float:
    """To so many digits after the point."""
    if abs(digits) > run.limits.integer_bits:
        raise ExpressionError(Kind.LIMIT, "`round` cannot round to that many digits.")
    return round(number, digits)


@function("pow", NUMBER, NUMBER, ANY, optional=1)
def power(run: Run, base: float, exponent: float, modulus: Any = None) -> Any:
    """The power, or what is left of its division by a third number."""
    if isinstance(base, int) and isinstance(exponent, int) and modulus is None and exponent > 0:
        if abs(base) > 1 and base.bit_length() * exponent > 2 * run.limits.integer_bits:
            raise ExpressionError(Kind.LIMIT, f"A number has more than {run.limits.integer_bits} bits.")
        return run.meter.whole(base**exponent)
    run.meter.spend(1000)
    return pow(base, exponent, modulus)


@function("shiftBitsLeft", INT, INT)
def shift_left(run: Run, number: int, bits: int) -> int:
    """Times two, so many times."""
    if bits > run.limits.integer_bits:
        raise ExpressionError(Kind.LIMIT, f"A number has more than {run.limits.integer_bits} bits.")
    return run.meter.whole(number << bits)


@function("shiftBitsRight", INT, INT)
def shift_right(run: Run, number: int, bits: int) -> int:
    """Halved, so many times."""
    return number >> bits


@function("bitwiseAnd", INT, INT)
def bits_and(run: Run, left: int, right: int) -> int:
    """The bits of both."""
    return left & right


@function("bitwiseOr", INT, INT)
def bits_or(run: Run, left: int, right: int) -> int:
    """The bits of either."""
    return left | right


@function("bitwiseXor", INT, INT)
def bits_xor(run: Run, left: int, right: int) -> int:
    """The bits of one alone."""
    return left ^ right


@function("bitwiseNot", INT)
def bits_not(run: Run, number: int) -> int:
    """All other bits."""
    return ~number


@function("max", ANY, ANY)
def larger(run: Run, left: Any, right: Any) -> Any:
    """The larger one."""
    return right if greater(run, right, left) else left


@function("min", ANY, ANY)
def smaller(run: Run, left: Any, right: Any) -> Any:
    """The smaller one."""
    return left if greater(run, right, left) else right


@function("isInteger", ANY)
def is_integer(run: Run, value: Any) -> bool:
    """A whole number."""
    return type(value) is int


@function("isNumber", ANY)
def is_number(run: Run, value: Any) -> bool:
    """A number."""
    return type(value) in (int, float)


@function("isBoolean", ANY)
def is_boolean(run: Run, value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


@function("isString", ANY)
def is_string(run: Run, value: Any) -> bool:
    """A text."""
    return isinstance(value, str)


@function("isList", ANY)
def is_list(run: Run, value: Any) -> bool:
    """A list."""
    return type(value) in (list, tuple)


@function("isDict", ANY)
def is_dict(run: Run, value: Any) -> bool:
    """A map."""
    return isinstance(value, dict)


@function("isIterable", ANY)
def is_iterable(run: Run, value: Any) -> bool:
    """A sequence."""
    return type(value) in ROW_TYPES
