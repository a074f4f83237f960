"""What each door is shown first: the cases of the corpus and of Mistral, and texts that were made to hurt."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ostro.language.marks import has_expression
from tests.cases.reading import RECORDED, kept_cases, own, recorded
from tests.fuzz.doors import BODIES
from tests.language.expressions.test_hostile import GROWING, JSON, YAML
from tests.language.expressions.test_limits import DEEP, JINJA, YAQL

LONGEST = 4_096
"""Bytes: a longer text teaches nothing that is not in a shorter one, and takes longer."""

_TASK = b"""{"name": "a", "action": "script", "input": {"run": "echo"}, "tags": ["D"], "target": {"server": "x"},
 "requires": ["b", {"task": "c", "state": "COMPLETE"}, {"tags": ["D"], "enough": "90%"}, {"all_tags": ["D", "E"],
 "at_least": 3, "optional": true}], "retry": {"count": 3, "delay": 1.5}, "timeout": 60, "priority": -7,
 "may_spawn": {"tags": ["D"], "targets": [{"server": "x"}], "actions": ["script"], "max": 2}, "safe_rerun": true}"""
_BODIES = [
    b"{}",
    b'{"tasks": [' + _TASK + b"]}",
    b'{"name": "w", "tags": ["x"], "tasks": [' + _TASK + b'], "seal": true, "done_when": [{"task": "a"}], '
    b'"deadline": "2030-01-01T00:00:00Z", "idle_timeout": 5, "output": {"k": {"task": "a"}}}',
    b'{"definition": {"name": "w", "version": 2}, "input": {"n": 1.50}, "env": {"a": null}, "keep": 60}',
    b'{"definition": {"text": "version: \'2.0\'", "also": [{"text": "x", "kind": "actions"}]}}',
    b'{"texts": [{"text": "version: \'2.0\'", "kind": "workflows"}], "labels": {"team": "shop"}, "check": true}',
    b'{"state": "SUCCESS", "result": {"a": [1e308, "\\ud83d\\ude00"]}, "error": null, "seen": 3}',
    b'{"reset": false, "from_here": true, "env": {}, "seen": 9223372036854775807}',
    b'{"kind": "worker", "label": "x", "binding": {"server": "x"}, "grant": ["role"], "pool": true, "expires_in": 60}',
    b'{"protocol": 1, "name": "x", "instance": "01a20e1e-7950-7279-a384-3303c585d925", "capabilities": {"server": ["x"]}}',
    b'{"session": "01a20e1e-7950-7279-a384-3303c585d925", "counter": 1, "free": 5, "wait": 1.0, "held": [], "tags": ["D"]}',
    _TASK,
]  # fmt: skip


@cache
def seeds_of(door: str) -> list[bytes]:
    """None longer than a few kilobytes."""
    return [seed for seed in _SEEDS[door]() if len(seed) <= LONGEST]


def write(door: str, folder: Path) -> None:
    """A file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds_of(door)):
        (folder / f"{number:05}").write_bytes(seed)


def _definitions() -> Iterator[bytes]:
    for case in (*recorded(), *own()):
        yield b"\0" + case.said["definition"].encode()
        for other in case.said.get("also", ()):
            if other["kind"] != "environment":
                yield b"\0" + other["text"].encode()


def _expressions() -> Iterator[bytes]:
    for case in kept_cases(RECORDED):
        if case.is_expression:
            yield case.said["expr"].encode()
    for case in own():
        yield from (text.encode() for text in _strings(case.said["definition"].splitlines()))
    for text in (*JINJA, *DEEP, *GROWING):
        yield text.encode()


def _strings(lines: list[str]) -> Iterator[str]:
    return (line.partition(":")[2].strip(" '\"") for line in lines if has_expression(line))


def _yaql() -> Iterator[bytes]:
    yield from (text.encode() for text in YAQL)
    for text in _expressions():
        if text.startswith(b"<%") and text.endswith(b"%>"):
            yield text[2:-2].strip()


def _json_texts() -> Iterator[bytes]:
    yield from (text.encode(errors="surrogatepass") for text in (*JSON.values(), *YAML.values()))
    yield from (text[1:] for text in _definitions())


def _bodies() -> Iterator[bytes]:
    for number in range(len(BODIES)):
        yield from (bytes([number]) + body for body in _BODIES)


def _queries() -> Iterator[bytes]:
    for number in range(64):
        for query in (
            b"limit=2&cursor=x",
            b"state=ERROR,SUCCESS&tag=a&tag=b",
            b"wait=%31&q=%c3%a9&n=1e9",
            b"force=true",
        ):
            yield bytes([number]) + query


_SEEDS: dict[str, Any] = {
    "definition": _definitions,
    "yaql": _yaql,
    "jinja": _expressions,
    "parsed-text": _json_texts,
    "body": _bodies,
    "query": _queries,
}
