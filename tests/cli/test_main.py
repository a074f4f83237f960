"""The command line as people and scripts meet it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.client.played import Played, played
from tests.client.test_client import ADDED, AT, TASK, WORKFLOW, W, page

HEAVY = {"asyncio", "httpx2", "msgspec", "rich", "stamina", "structlog", "ssl", "asyncpg", "litestar"}


@pytest.fixture
async def server() -> AsyncIterator[Played]:
    async with played() as running:
        yield running


class Said:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


async def ostro(server: Played | None, *args: str, **environment: str) -> Said:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OSTRO_")}
    known = {} if server is None else {"OSTRO_SERVER": server.url, "OSTRO_TOKEN": "t"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ostro.cli.main", *args),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, "OSTRO_PROFILE": "/nonexistent/profile", **known, **environment},
    )
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


def test_help_loads_next_to_nothing_and_is_instant() -> None:
    program = (
        "import sys; from ostro.cli.main import run; run(['--help']);"
        "print(*{m.partition('.')[0] for m in sys.modules}, *sys.modules, file=sys.stderr)"
    )
    took = []
    for _ in range(3):
        start = time.monotonic()
        answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        took.append(time.monotonic() - start)
    loaded = set(answer.stderr.split())
    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith("ostro.")} == {"ostro.cli", "ostro.cli.main"}
    assert min(took) < 0.5  # 0.12 s on an idle machine; tests run beside others


@pytest.mark.parametrize(
    ("status", "code"), [(401, 4), (403, 4), (404, 5), (410, 5), (409, 6), (422, 1), (413, 1), (500, 1)]
)
async def test_each_refusal_has_its_exit_code(server: Played, status: int, code: int) -> None:
    server.will_refuse(
        status, "k", detail="Because.", hint="Do this.", fields=[{"path": "$.a", "what": "bad"}]
    )
    said = await ostro(server, "workflow", "show", W)
    assert said.code == code
    assert said.out == ""
    assert "Because." in said.err
    assert "Do this." in said.err


async def test_usage_no_server_and_nobody_there_have_theirs() -> None:
    assert (await ostro(None, "nonsense")).code == 2
    assert (await ostro(None, "workflow", "show", "no-id", OSTRO_SERVER="http://127.0.0.1:9")).code == 2
    assert (await ostro(None, "workflow", "list")).code == 1
    assert (await ostro(None, "workflow", "list", "--server", "http://127.0.0.1:9")).code == 8


async def test_create_prints_the_id_alone(server: Played) -> None:
    server.will({"id": W})
    said = await ostro(
        server, "workflow", "create", "deploy", "--tag", "x", "--done-when", '[{"task": "end"}]'
    )
    assert (said.code, said.out) == (0, W + "\n")
    assert server.asked[0].json == {"name": "deploy", "tags": ["x"], "done_when": [{"task": "end"}]}


async def test_inside_a_job_a_task_is_added_without_naming_the_workflow(server: Played) -> None:
    server.will(ADDED)
    more = ["--run", "echo", "--tag", "D", "--target", "server=w", "--requires", "b", "--requires-tag", "T"]
    said = await ostro(server, "task", "add", "a", *more, "--interpreter", "python3 -I", OSTRO_WORKFLOW=W)
    assert said.code == 0, said.err
    assert server.asked[0].path == f"/v1/workflows/{W}/tasks"
    (task,) = server.asked[0].json["tasks"]
    assert task["input"] == {"run": "echo", "interpreter": ["python3", "-I"]}
    assert task["requires"] == ["b", {"tags": ["T"]}]
    assert task["target"] == {"server": "w"}


async def test_an_input_is_sent_as_it_was_written(server: Played) -> None:
    server.will(ADDED)
    said = await ostro(
        server, "task", "add", "a", "-w", W, "--action", "std.echo", "--input", '{"output": 1.50}'
    )
    assert said.code == 0, said.err
    assert b'"input":{"output": 1.50}' in server.asked[0].body


async def test_a_file_of_tasks_is_one_request(server: Played, tmp_path: Path) -> None:
    server.will(ADDED)
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([{"name": "a", "action": "std.noop"}, {"name": "b", "action": "std.noop"}]))
    assert (await ostro(server, "task", "add", "-w", W, "-f", str(file))).code == 0
    assert len(server.asked[0].json["tasks"]) == 2


async def test_watch_gives_up_with_7(server: Played) -> None:
    server.will({**WORKFLOW, "state": "RUNNING"})
    server.will(page("RUNNING", 1))
    assert (await ostro(server, "workflow", "watch", W, "-q", "--timeout", "0.2")).code == 7


async def test_show_says_what_it_waits_for(server: Played) -> None:
    because = {"kind": "open", "says": "It is open.", "command": f"ostro workflow seal {W}"}
    server.will({**WORKFLOW, "state": "RUNNING", "why": {"says": "It is not sealed.", "because": [because]}})
    server.will({"tasks": [{**TASK, "state": "WAITING"}], "next": None})
    said = await ostro(server, "workflow", "show", W)
    assert said.code == 0, said.err
    assert "It is not sealed.\n  ostro workflow seal" in said.out
    assert "WAITING" in said.out


async def test_show_says_of_each_task_named_why_it_has_not_ended(server: Played) -> None:
    because = {"kind": "task", "says": "waits: `build` is RUNNING", "task": TASK["name"]}
    why = {"says": "1 task waits for what it requires", "because": [because]}
    server.will({**WORKFLOW, "state": "RUNNING", "why": why})
    server.will({"tasks": [{**TASK, "state": "WAITING"}], "next": None})
    said = await ostro(server, "workflow", "show", W)
    assert f"{TASK['name']}     WAITING  `build` is RUNNING" in said.out


async def test_a_task_says_once_what_it_requires_and_why_it_waits(server: Played) -> None:
    one = {"kind": "term", "says": "`build` is RUNNING"}
    why = {"says": one["says"], "because": [one]}
    server.will({**TASK, "state": "WAITING", "requires": [{"task": "build"}, {"tags": ["D"]}], "why": why})
    said = await ostro(server, "task", "show", str(TASK["name"]), "-w", W)
    assert 'requires  build; {"tags":["D"]}' in said.out
    assert said.out.count("`build` is RUNNING") == 1


@pytest.mark.parametrize(
    "args",
    [
        ("workflow", "create", "--deadline", "tomorrow"),
        ("workflow", "create", "--done-when", '[{"tasks": 1}]'),
        ("workflow", "create", "--file", "/nonexistent/tasks.json"),
        ("workflow", "list", "--state", "NOPE"),
        ("task", "list", "-w", W, "--state", "NOPE"),
        ("task", "add", "a", "-w", W, "--run", "true", "--may-spawn", '{"most": 1}'),
    ],
)
async def test_an_option_that_cannot_be_meant_is_a_mistake_of_usage(args: tuple[str, ...]) -> None:
    said = await ostro(None, *args, OSTRO_SERVER="http://127.0.0.1:9")
    assert said.code == 2
    assert said.err.startswith("Usage: ") or "Error: " in said.err


async def test_a_state_is_taken_in_any_case_of_letters(server: Played) -> None:
    server.will({"workflows": [], "next": None})
    assert (await ostro(server, "workflow", "list", "--state", "running")).code == 0
    assert "state=RUNNING" in server.asked[0].query


async def test_run_prints_what_the_script_wrote(server: Played) -> None:
    result = {"exit_code": 7, "stdout": "hi\n", "stderr": "oh\n", "result": None}
    ended = {**TASK, "state": "ERROR", "error": "exit code 7", "result": result}
    server.will({"workflow": W, "task": ended})
    said = await ostro(server, "task", "run", "a", "--run", "x")
    assert (said.code, said.out) == (3, "hi\n")
    assert "oh\n" in said.err


async def test_a_token_is_printed_alone(server: Played) -> None:
    about: dict[str, Any] = {"id": "i", "kind": "worker", "created_at": AT}
    server.will({"token": "ostro_worker_i_s", "about": about}, 201)
    said = await ostro(server, "token", "create", "--kind", "worker", "--bind", "server=w", "--pool")
    assert (said.code, said.out) == (0, "ostro_worker_i_s\n")
    assert server.asked[0].json == {"kind": "worker", "binding": {"server": "w"}, "pool": True}


async def test_tokens_that_count_no_more_are_listed_when_asked(server: Played) -> None:
    join = {"id": "j", "kind": "join", "binding": {"server": "web-*"}, "uses_left": 2, "created_at": AT}
    server.will({"tokens": [{**join, "revoked_at": AT}], "next": None})
    row = (await ostro(server, "token", "list", "--dead")).out.splitlines()[1]
    assert row.split()[:4] == ["j", "join", "server=web-*", "2"]
    await ostro(server, "token", "list")
    assert ["dead" in asked.query for asked in server.asked] == [True, False]


async def test_lists_are_json_when_asked(server: Played) -> None:
    server.will({"workflows": [WORKFLOW], "next": None})
    said = await ostro(server, "workflow", "list", "-o", "json")
    assert json.loads(said.out)[0]["id"] == W
