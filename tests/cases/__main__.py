"""`./dev conformance DIR…`: the cases of these folders on the whole stack.

Prints each that differs with both outcomes, a table by topic, and how many hold. Exit status 0 if all do, 1 if one
does not or cannot be read. The folders need not be this project's: any of the format of tests/conformance/README.md.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections import Counter
from itertools import repeat
from pathlib import Path

import msgspec
import structlog

from tests.api.world import a_world
from tests.cases.playing import Ended, play_all, working
from tests.cases.reading import Case, Unreadable, read_cases
from tests.postgres import TestPostgres


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    about, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="./dev conformance", description=f"{about} {rest}")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="holds <topic>/<name>.yaml")
    asked = parser.parse_args(arguments)
    try:
        cases = [case for folder in asked.folders for case in read_cases(folder)]
    except Unreadable as wrong:
        print(f"conformance: {wrong}", file=sys.stderr)
        return 1
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet, logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    ended = asyncio.run(_play(cases))
    _tell(ended)
    return 1 if any(one.differs for one in ended) else 0


async def _play(cases: list[Case]) -> list[Ended]:
    with tempfile.TemporaryDirectory(prefix="ostro-conformance-") as place:
        folder = Path(place)
        with TestPostgres(folder / "postgres") as postgres:
            postgres.make_template()
            async with a_world(postgres.clone(), folder / "data") as world, working(world):
                return await play_all(repeat(world.caller(world.admin.token)), cases)


def _tell(ended: list[Ended]) -> None:
    for one in ended:
        if one.differs:
            print(f"{one.case.name}: {one.case.said.get('about', '')}".rstrip(": "))
            print(*(f"  {sentence}" for sentence in one.differs), sep="\n")
            expected = one.case.said.get("expect", one.case.said.get("result", "an error"))
            print(f"  expected: {_json(expected)}\n  got:      {_json(one.got)}\n")
        elif one.remark:
            print(f"{one.case.name} ends otherwise on purpose: {one.remark}\n")
    topics = Counter(one.case.topic for one in ended)
    hold = Counter(one.case.topic for one in ended if not one.differs)
    width = max(map(len, [*topics, "topic"]))
    print(f"{'topic':{width}}  cases  hold")
    for topic, count in sorted(topics.items()):
        print(f"{topic:{width}}  {count:5}  {hold[topic]:4}")
    print(f"{hold.total()} of {topics.total()} cases hold")


def _json(outcome: object) -> str:
    return msgspec.json.encode(outcome, enc_hook=str).decode()


if __name__ == "__main__":
    sys.exit(main())
