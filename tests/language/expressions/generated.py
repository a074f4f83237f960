"""Random YAQL: mostly sensible, sometimes not, so that values and errors are both compared."""

from random import Random

DATA = {
    "n": 7,
    "m": -3,
    "f": 2.5,
    "z": 0,
    "s": "hello world",
    "u": "Grüße, a-b",
    "e": "",
    "yes": True,
    "nil": None,
    "l": [3, 1, 2, 3],
    "t": ["b", "a", "c"],
    "x": [1, "a", None, True, [2, 3], {"k": 1}],
    "none": [],
    "d": {"a": 1, "b": {"c": 2}, "l": [1, 2]},
    "rows": [{"a": 3, "b": "x", "l": [1]}, {"a": 1, "b": "y", "l": []}, {"a": 2, "b": "x", "l": [2, 3]}],
}

NUMBERS = ["0", "1", "2", "-1", "10", "2.5", "0.5", "$.n", "$.m", "$.f", "$.z", "$.d.a"]
TEXTS = ["a", "'hello'", "' x '", '"b,a"', "''", "$.s", "$.u", "$.e", "'1'", "`a\\d`"]
LISTS = [
    "$.l",
    "$.t",
    "$.x",
    "$.none",
    "[]",
    "[1, 2]",
    "[a, b]",
    "range(4)",
    "$.rows.a",
    "$.d.l",
    "$.t.where(true)",
]
DICTS = ["$.d", "{}", "{a => 1}", "$.rows[0]", "{a => {b => 2}, 'c d' => 3}", "$.d.b"]
OTHERS = ["null", "true", "false", "$.nil", "$.yes", "$", "$.missing", "$.d.nope"]
ROW = [
    "$",
    "$.a",
    "$ > 1",
    "$ * 2",
    "$ = 2",
    "$.b = x",
    "str($)",
    "$.l",
    "[$, 1]",
    "$.get(a, 0)",
    "not $",
    "$.len()",
]


class Generator:
    """Each `text` is one expression; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def text(self) -> str:
        return self.one(self.random.choice([1, 2, 2, 3, 3, 4]))

    def one(self, depth: int) -> str:
        kind = self.random.choice(["number", "text_of", "rows", "dict", "flag", "other"])
        return str(getattr(self, kind)(depth))

    def pick(self, several: list[str]) -> str:
        return self.random.choice(several)

    def strange(self) -> bool:
        return self.random.random() < 0.04

    def number(self, depth: int) -> str:
        if self.strange():
            return self.one(depth - 1) if depth > 0 else self.pick(OTHERS)
        if depth <= 0:
            return self.pick(NUMBERS)
        a, b, rows, text = (
            self.number(depth - 1),
            self.number(depth - 1),
            self.rows(depth - 1),
            self.text_of(depth - 1),
        )
        return self.pick(
            [
                f"{a} + {b}", f"{a} - {b}", f"({a}) * {b}", f"{a} / ({b})", f"({a}) mod {b}", f"-({a})",
                f"abs({a})", f"int({a})", f"float({a})", f"round({a}, 1)", f"round({a})", f"sign({a})",
                f"min({a}, {b})", f"max({a}, {b})", f"pow({self.pick(NUMBERS)}, 2)", f"({rows}).len()", f"len({rows})",
                f"({rows}).count()", f"({rows}).sum()", f"({rows}).sum({a})", f"({rows}).max()", f"({rows}).min(5)",
                f"({rows}).indexOf({a})", f"({rows}).lastIndexOf({a})", f"({text}).len()", f"({text}).indexOf(a)",
                f"({text}).lastIndexOf({self.pick(TEXTS)}, 1)", f"({rows}).indexWhere({self.row()})",
                f"({rows}).first({a})", f"({rows}).last({a})", f"({rows}).aggregate($1 + $2)",
                f"({rows}).aggregate($1 + $2, {a})", f"bitwiseAnd({a}, 6)", f"shiftBitsLeft({a}, 2)",
                f"selectCase({self.flag(depth - 1)}, {self.flag(depth - 1)})", f"({rows})[{a}]",
                f"switch({self.flag(depth - 1)} => {a}, true => {b})", f"coalesce({self.pick(OTHERS)}, {a})",
                f"let({a}) -> $ + {self.pick(['1', '$1', '2'])}", f"let(q => {a}) -> $q * 2 + {b}",
                f"with({a}, {b}) -> $1 - $2", f"({self.dict(depth - 1)}).get(a)", f"({rows}).single()",
            ]
        )  # fmt: skip

    def text_of(self, depth: int) -> str:
        if self.strange():
            return self.one(depth - 1) if depth > 0 else self.pick(OTHERS)
        if depth <= 0:
            return self.pick(TEXTS)
        a, b, rows = self.text_of(depth - 1), self.text_of(depth - 1), self.rows(depth - 1)
        return self.pick(
            [
                f"{a} + {b}", f"({a}) * 2", f"concat({a}, {b})", f"({a}).toUpper()", f"({a}).toLower()",
                f"({a}).trim()", f"({a}).trimLeft(h)", f"({a}).trimRight()", f"norm({a})", f"({a}).norm()",
                f"({a}).replace(l, {b})", f"({a}).replace({b}, X, 1)", f"({a}).replace({{a => 1, l => null}})",
                f"({a}).substring(1)", f"({a}).substring({self.number(depth - 1)}, 2)", f"str({self.one(depth - 1)})",
                f"({rows}).join(',')", f"',' .join({rows})", f"({rows}).first({a})", f"({rows}).last()",
                f"switchCase({self.number(depth - 1)}, {a})", f"({self.number(depth - 1)}).switchCase({a}, {b})",
                f"regex('l+').replace({a}, '<\\\\0>')", f"regex('[aeiou]').replace({a}, '*')",
                f"regex('(.)o').search({a})", f"regex('(.)o').search({a}, $2.value)", f"({a}).replaceBy(regex(l), str($.start))",
            ]
        )  # fmt: skip

    def rows(self, depth: int) -> str:
        if self.strange():
            return self.one(depth - 1) if depth > 0 else self.pick(OTHERS)
        if depth <= 0:
            return self.pick(LISTS)
        a, b, text, row = self.rows(depth - 1), self.rows(depth - 1), self.text_of(depth - 1), self.row()
        number, one = self.number(depth - 1), self.one(depth - 1)
        return self.pick(
            [
                f"{a} + {b}", f"({a}).where({row})", f"({a}).select({row})", f"({a}).selectMany({row})", f"({a}).take(2)",
                f"({a}).limit({number})", f"({a}).skip(1)", f"({a}).append({one})", f"append({a}, 1, {one})",
                f"({a}).distinct()", f"({a}).distinct({row})", f"({a}).enumerate()", f"concat({a}, {b})",
                f"({a}).toList()", f"list({a}, {one})", f"[{one}, {number}]", f"({a}).orderBy({row})",
                f"({a}).orderByDescending({row})", f"({a}).orderBy({row}).thenBy($)", f"({a}).groupBy({row})",
                f"({a}).groupBy({row}, $)", f"({a}).zip({b})", f"({a}).reverse()", f"({a}).slice(2)",
                f"({a}).splitWhere({row})", f"({a}).takeWhile({row})", f"({a}).skipWhile({row})", f"({a}).insert(1, {one})",
                f"({a}).insertMany(1, {b})", f"({a}).delete({number})", f"({a}).delete(0, 2)", f"({a}).replace(1, {one})",
                f"({a}).defaultIfEmpty({b})", f"({a}).flatten()", f"({text}).split()", f"({text}).split(l)",
                f"({text}).toCharArray()", f"({self.dict(depth - 1)}).keys()", f"({self.dict(depth - 1)}).values()",
                f"({self.dict(depth - 1)}).items()", f"range(1, {self.pick(NUMBERS)})", f"range(5, 0, {self.pick(NUMBERS)})",
                f"({a}).cycle().take(5)", f"({one}).repeat(2)", f"({a}) * 2", f"({a}).a", f"({a}).first()",
                f"regex('[, ]+').split({text})", f"regex('[a-l]').searchAll({text})", f"({a}).where({row}).select({row})",
                f"({a}).select(let(k => $) -> [$k, $])", f"$.rows.where({row}).b",
            ]
        )  # fmt: skip

    def row(self) -> str:
        if self.random.random() < 0.3:
            return self.pick(["$.a + 1", "$.b + '!'", "$ in [1, 2]", "$ and true", "$.l.len()", "switch($ = 1 => a, true => $)",
                              "$.where($ > 1)", "isString($)", "coalesce($, 0)", "-$", "$.a > 1 and $.b = x", "[$].len()"])  # fmt: skip
        return self.pick(ROW)

    def dict(self, depth: int) -> str:
        if self.strange():
            return self.one(depth - 1) if depth > 0 else self.pick(OTHERS)
        if depth <= 0:
            return self.pick(DICTS)
        a, b, one, text = (
            self.dict(depth - 1),
            self.dict(depth - 1),
            self.one(depth - 1),
            self.text_of(depth - 1),
        )
        return self.pick(
            [
                f"{a} + {b}", f"{{k => {one}, {text} => 1}}", f"({a}).set(a, {one})", f"({a}).set({b})",
                f"({a}).delete(a)", f"({a}).deleteAll([a, {text}])", f"({a}).mergeWith({b})", f"dict({a})",
                f"dict(({self.rows(depth - 1)}).select([$, 1]))", f"({self.rows(depth - 1)}).toDict($, {self.row()})",
                f"dict(q => {one})", f"({a}).get(b)", f"({a}).b", f"({a})[b]", f"({a})?.b", f"dict(({a}).items())",
            ]
        )  # fmt: skip

    def flag(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(["true", "false", "$.yes", "$.n > 3", "$.nil"])
        a, b, one = self.flag(depth - 1), self.flag(depth - 1), self.one(depth - 1)
        number, text, rows = self.number(depth - 1), self.text_of(depth - 1), self.rows(depth - 1)
        compare = self.pick(["<", "<=", ">", ">=", "=", "!="])
        return self.pick(
            [
                f"{a} and {b}", f"{a} or {b}", f"not {a}", f"{number} {compare} {self.number(depth - 1)}",
                f"({one}) {compare} {self.one(depth - 1)}", f"{text} {compare} {self.text_of(depth - 1)}",
                f"({one}) in {rows}", f"{text} in {self.text_of(depth - 1)}", f"({rows}).contains({one})",
                f"({rows}).any({self.row()})", f"({rows}).all({self.row()})", f"({rows}).any()", f"all({rows})",
                f"isEmpty({text})", f"({text}).startsWith(h, a)", f"({text}).endsWith(d)", f"bool({one})",
                f"isString({one})", f"isList({one})", f"isDict({one})", f"isInteger({one})", f"isNumber({one})",
                f"isBoolean({one})", f"isIterable({one})", f"({self.dict(depth - 1)}).containsKey(a)",
                f"({self.dict(depth - 1)}).containsValue({one})", f"{text} =~ 'l+'", f"{text} !~ '^a'",
                f"({text}).matches('o$')", f"regex('^[a-z ]+$', true).matches({text})", f"({rows}) = {self.rows(depth - 1)}",
                f"({self.dict(depth - 1)}) = {self.dict(depth - 1)}",
            ]
        )  # fmt: skip

    def other(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.5:
            return self.pick(OTHERS)
        a = self.one(depth - 1)
        return self.pick(
            [
                f"({a})?.a",
                f"({a})?.len()",
                f"{a}.a",
                f"({a})[0]",
                f"({a})[a]",
                f"coalesce({a}, 1)",
                f"({a}).b.c",
            ]
        )
