"""`ostro definition`, `ostro environment` and `ostro run NAME`, typed against a whole server."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from tests.api.world import World, a_world
from tests.cli.test_main import Said, ostro
from tests.client.played import Played

TEXT = """\
version: '2.0'

# Says something to somebody.
tell:
  description: Tells it.
  tags: [talk]
  input: [to, loud: {type: boolean, default: false}]
  output: {said: '<% env().greeting %>, <% $.to %>'}
  tasks:
    a: {action: std.noop}
"""
BAD = TEXT.replace("action", "acton")

Type = Callable[..., Awaitable[Said]]


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[str]:
    """The world's app on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        config = uvicorn.Config(world.app, lifespan="off", log_level="error", access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.get_running_loop().create_task(server._serve([door]))
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await task


@pytest.fixture
async def typed(database_url: str, tmp_path: Path) -> AsyncIterator[Type]:
    """Types a command as an admin, with `tell.yaml` and `bad.yaml` in hand."""
    (tmp_path / "tell.yaml").write_text(TEXT)
    (tmp_path / "bad.yaml").write_text(BAD)
    async with a_world(database_url, tmp_path / "data") as world, listening(world) as url:

        async def type_(*words: str) -> Said:
            placed = [str(tmp_path / word) if word.endswith(".yaml") else word for word in words]
            server = Played()
            server.url = url
            return await ostro(server, *placed, OSTRO_TOKEN=str(world.admin.token))

        yield type_


async def test_definitions_are_uploaded_shown_labelled_and_deleted(typed: Type, tmp_path: Path) -> None:
    said = await typed("definition", "upload", "tell.yaml", "--label", "team=talk")
    assert (said.code, said.out.split()) == (
        0,
        ["NAME", "KIND", "VERSION", "OUTCOME", "tell", "workflow", "1", "created"],
    )
    assert "unchanged" in (await typed("definition", "upload", "tell.yaml")).out
    shown = (await typed("definition", "show", "tell")).out
    for line in ("kind         direct workflow", "to, loud: boolean (default False)", "team=talk", "# Says"):
        assert line in shown
    assert (await typed("definition", "show", "tell", "--text")).out == TEXT
    assert "tell" in (await typed("definition", "list", "--label", "team=talk")).out
    assert (await typed("definition", "list", "--label", "team=x", "-o", "json")).out == "[]\n"
    assert (await typed("definition", "label", "tell", "stage=test", "team-")).out == "stage=test\n"
    assert (await typed("definition", "label", "tell", "stage")).code == 2
    assert (await typed("definition", "delete", "tell")).out == "It is gone.\n"
    assert (await typed("definition", "show", "tell")).code == 5


async def test_versions_are_compared_with_each_other_and_with_a_file(typed: Type, tmp_path: Path) -> None:
    await typed("definition", "upload", "tell.yaml")
    same = await typed("definition", "diff", "tell", "tell.yaml")
    assert (same.code, same.out) == (0, "Nothing differs.\n")
    (tmp_path / "tell.yaml").write_text(TEXT.replace("[talk]", "[talk, loud]"))
    differs = await typed("definition", "diff", "tell", "tell.yaml")
    assert differs.code == 1
    assert "-  tags: [talk]\n+  tags: [talk, loud]" in differs.out
    guarded = await typed("definition", "upload", "tell.yaml", "--if-version", "tell=7")
    assert (guarded.code, "at version 1" in guarded.err) == (6, True)
    await typed("definition", "upload", "tell.yaml", "--if-version", "tell=1")
    assert "+  tags: [talk, loud]" in (await typed("definition", "diff", "tell", "1", "2")).out
    versions = json.loads((await typed("definition", "versions", "tell", "-o", "json")).out)
    assert [one["version"] for one in versions] == [2, 1]
    assert (await typed("definition", "show", "tell", "--text", "--version", "1")).out == TEXT
    assert (await typed("definition", "diff", "tell", "1", "2", "3")).code == 2


async def test_a_file_is_validated_by_the_server(typed: Type) -> None:
    assert (await typed("definition", "validate", "tell.yaml")).code == 0
    said = await typed("definition", "validate", "tell.yaml", "bad.yaml")
    assert said.code == 1
    assert "bad.yaml:10:9: error: `acton` is not a key of a task. [unknown-key]" in said.out
    assert "   10 |     a: {acton: std.noop}" in said.out
    told = json.loads((await typed("definition", "validate", "bad.yaml", "-o", "json")).out)
    local = json.loads((await typed("lint", "bad.yaml", "-o", "json")).out)
    assert told[0]["problems"] == local[0]["problems"]
    refused = await typed("definition", "upload", "tell.yaml", "bad.yaml")
    assert (refused.code, "line 10, column 9" in refused.err) == (1, True)
    assert (await typed("definition", "list", "-o", "json")).out == "[]\n"


async def test_a_stored_definition_is_run_by_its_name_with_an_environment_by_its(typed: Type) -> None:
    await typed("definition", "upload", "tell.yaml")
    made = await typed("environment", "create", "polite", "--set", "greeting=Good day", "--set", "n=1.50")
    assert made.out == "polite is at version 1.\n"
    ran = await typed("run", "tell", "-i", "to=Kim", "--env", "polite", "--watch", "-o", "json")
    assert json.loads(ran.out)["output"] == {"said": "Good day, Kim"}
    listed = await typed("workflow", "list", "--definition", "tell")
    assert "tell:1" in listed.out
    changed = await typed(
        "environment", "update", "polite", "--set", "greeting=Hi", "--description", "Short."
    )
    assert changed.out == "polite is at version 2.\n"
    shown = await typed("environment", "show", "polite")
    assert shown.out.startswith("polite, version 2: Short.\n")
    assert '"n": 1.50' in shown.out
    assert "Short." in (await typed("environment", "list")).out
    assert (await typed("environment", "delete", "polite", "--if-version", "1")).code == 6
    assert (await typed("environment", "delete", "polite")).code == 0
    gone = await typed("run", "tell", "-i", "to=Kim", "--env", "polite")
    assert (gone.code, "no environment 'polite'" in gone.err) == (1, True)
    given = await typed(
        "run", "tell.yaml", "-i", "to=Kim", "--env", '{"greeting": "Hey"}', "-w", "-o", "json"
    )
    assert json.loads(given.out)["output"] == {"said": "Hey, Kim"}


async def test_what_is_neither_a_file_nor_stored_is_told_as_both(typed: Type) -> None:
    said = await typed("run", "nothing")
    assert (said.code, said.err.splitlines()[0]) == (
        5,
        "Error: There is no file 'nothing', and no stored workflow of that name.",
    )
    for words in (("run", "nothing", "w"), ("run", "tell.yaml", "--version", "1")):
        assert (await typed(*words)).code == 2
