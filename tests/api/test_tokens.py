"""Tokens: shown once, listed without secrets, joined by pattern and count, revoked."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ostro import wiring
from ostro.cli.dev import Dev
from ostro.protocol import paths
from ostro.protocol.workers import PROTOCOL
from ostro.service import tokens
from ostro.service.access import Caller as Known
from ostro.worker.home import kept_token
from tests.api.world import World, both


async def test_a_secret_is_shown_once_and_stored_hashed(world: World) -> None:
    made = await world.admin.post(paths.TOKENS, {"kind": "read", "label": "eyes"})
    secret = made["token"].split("_", 3)[3]
    listed = await world.admin.ask("GET", paths.TOKENS)
    assert made["about"]["id"] in listed.text
    assert secret not in listed.text
    row = await world.desk.database.fetchrow("tokens_get", made["about"]["id"])
    assert row is not None
    assert secret.encode() not in row["secret"]


async def test_a_revoked_token_is_out_and_only_listed_with_the_dead(world: World) -> None:
    reader = await world.token("read")
    identity = str(reader.token).split("_")[2]
    await world.admin.ask("DELETE", paths.at(paths.TOKEN, token=identity))
    assert await reader.refused("GET", paths.WORKFLOWS) == (401, "unknown_token")
    ids = [one["id"] for one in (await world.admin.get(paths.TOKENS))["tokens"]]
    assert identity not in ids
    dead = await world.admin.get(paths.TOKENS, dead="true", kind="read")
    assert [one["id"] for one in dead["tokens"]] == [identity]
    assert await world.admin.refused("DELETE", paths.at(paths.TOKEN, token="no")) == (404, "token_not_found")


async def test_a_join_token_for_one_server_is_used_once(world: World) -> None:
    ticket = await world.token("join", binding={"server": "web-1"}, grants=["role"])
    answers = await both(*(ticket.ask("POST", paths.JOIN, {"name": f"w{n}"}) for n in range(8)))
    made = [one for one in answers if one.status_code == 201]
    assert len(made) == 1
    assert made[0].json()["binding"] == {"server": "web-1"}
    worker = world.caller(made[0].json()["token"])
    assert await worker.refused("GET", paths.WORKFLOWS) == (403, "not_allowed")


async def test_a_pattern_counts_its_uses_and_gives_no_name_twice(world: World) -> None:
    ticket = await world.token("join", binding={"server": "web-*"}, uses=3, expires_in=600)

    def body(name: str, server: str) -> dict[str, Any]:
        return {"name": name, "capabilities": {"server": server}}

    assert (await ticket.ask("POST", paths.JOIN, body("web-1", "web-1"))).status_code == 201
    assert await ticket.refused("POST", paths.JOIN, body("web-1", "web-1")) == (409, "name_held")
    for server in ("db-1", "web-", "web-*", "web-1 2"):
        assert await ticket.refused("POST", paths.JOIN, body("x", server)) == (403, "does_not_fit")
    extra = {"name": "x", "capabilities": {"server": "web-3", "role": "db"}}
    assert await ticket.refused("POST", paths.JOIN, extra) == (403, "does_not_fit")
    assert await ticket.refused("POST", paths.JOIN, {"name": "x"}) == (422, "capability_missing")
    race = await both(*(ticket.ask("POST", paths.JOIN, body("web-9", "web-9")) for _ in range(4)))
    assert sorted(one.status_code for one in race) == [201, 409, 409, 409]
    assert (await ticket.ask("POST", paths.JOIN, body("web-4", "web-4"))).status_code == 201
    assert await ticket.refused("POST", paths.JOIN, body("web-5", "web-5")) == (401, "unknown_token")
    admin = Known(kind="admin", namespace=1, id="test")
    trail = [line.what for line in await tokens.audited(world.desk, admin, 100)]
    assert trail.count("join_refused") == 4
    assert trail.count("joined") == 3


async def test_a_server_that_joins_may_claim_what_its_join_token_grants(world: World) -> None:
    ticket = await world.token("join", binding={"server": "web-*"}, grants=["zone"], uses=9, expires_in=600)
    body = {"name": "web-1", "capabilities": {"server": "web-1", "zone": "a"}}
    assert (await ticket.post(paths.JOIN, body))["binding"] == {"server": "web-1"}
    body = {"name": "web-2", "capabilities": {"server": "web-2", "rack": "7"}}
    assert await ticket.refused("POST", paths.JOIN, body) == (403, "does_not_fit")


async def test_nobody_registers_under_the_name_of_a_server_that_joined(world: World) -> None:
    ticket = await world.token("join", binding={"server": "web-1"})
    pool = await world.token("worker", pool=True)

    def register() -> dict[str, Any]:
        return {"protocol": PROTOCOL, "name": "web-1", "instance": str(uuid4()), "actions": ["script"]}

    await pool.post(paths.REGISTER, register())  # nobody's yet
    joined = world.caller((await ticket.post(paths.JOIN, {"name": "web-1", "capabilities": {}}))["token"])
    assert await pool.refused("POST", paths.REGISTER, register()) == (403, "name_not_yours")
    assert (await joined.post(paths.REGISTER, register()))["worker"] == "web-1", "who came before makes room"
    assert await joined.refused("POST", paths.REGISTER, register()) == (409, "worker_name_taken")


async def test_who_joins_by_a_pattern_bears_the_name_that_the_star_stands_for(world: World) -> None:
    ticket = await world.token("join", binding={"server": "web-*"}, uses=9, expires_in=600)
    body = {"name": "db-1", "capabilities": {"server": "web-1"}}
    told = await ticket.ask("POST", paths.JOIN, body)
    assert (told.status_code, told.json()["type"]) == (403, "urn:ostro:problem:does_not_fit")
    assert "--name web-1" in told.json()["hint"]
    assert (await ticket.post(paths.JOIN, body | {"name": "web-1"}))["binding"] == {"server": "web-1"}


async def test_a_name_that_a_token_binds_is_its_own_while_its_server_is_off_and_before_it_came(
    world: World,
) -> None:
    pool = await world.token("worker", pool=True)
    owner = await world.token("worker", binding={"worker": "web-1"})

    def register() -> dict[str, Any]:
        return {"protocol": PROTOCOL, "name": "web-1", "instance": str(uuid4()), "actions": ["script"]}

    await pool.post(paths.REGISTER, register())
    session = (await owner.post(paths.REGISTER, register()))["session"]
    await owner.ask("POST", paths.LEAVE, {"session": session})
    assert await pool.refused("POST", paths.REGISTER, register()) == (403, "name_not_yours")
    assert (await owner.post(paths.REGISTER, register()))["worker"] == "web-1"
    await world.admin.ask("DELETE", paths.at(paths.TOKEN, token=str(owner.token).split("_")[2]))
    assert (await pool.post(paths.REGISTER, register()))["worker"] == "web-1"


async def test_a_name_whose_token_was_revoked_can_be_taken_again(world: World) -> None:
    ticket = await world.token("join", binding={"server": "web-*"}, uses=9, expires_in=600)
    body = {"name": "web-1", "capabilities": {"server": "web-1"}}
    first = await ticket.post(paths.JOIN, body)
    assert await ticket.refused("POST", paths.JOIN, body) == (409, "name_held")
    await world.admin.ask("DELETE", paths.at(paths.TOKEN, token=first["id"]))
    assert (await ticket.post(paths.JOIN, body))["id"] != first["id"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "read", "binding": {"a": "b"}},
        {"kind": "admin", "pool": True},
        {"kind": "worker", "binding": {"server": "*"}},
        {"kind": "worker", "binding": {"server": "x"}, "pool": True},
        {"kind": "worker", "uses": 2},
        {"kind": "join"},
        {"kind": "join", "binding": {"server": "web-*"}},
        {"kind": "join", "binding": {"server": "web-*"}, "uses": 3},
        {"kind": "join", "binding": {"server": "web-1"}, "uses": 3},
        {"kind": "join", "binding": {"server": "*-*"}, "uses": 3, "expires_in": 1},
    ],
)
async def test_a_token_that_means_nothing_is_refused(world: World, wanted: dict[str, Any]) -> None:
    assert await world.admin.refused("POST", paths.TOKENS, wanted) == (422, "bad_token")


async def test_each_start_of_ostro_dev_goes_on_with_the_tokens_of_the_last(
    world: World, tmp_path: Path
) -> None:
    for _ in range(2):
        await Dev(wiring, tmp_path).prepare(world.desk)
    listed = (await world.admin.get(paths.TOKENS, kind="worker"))["tokens"]
    assert [(one["label"], one["pool"]) for one in listed] == [("ostro dev's worker", True)]
    assert kept_token(tmp_path / "worker").split("_")[2] == listed[0]["id"]
    await world.admin.ask("DELETE", paths.at(paths.TOKEN, token=listed[0]["id"]))
    await Dev(wiring, tmp_path).prepare(world.desk)
    assert kept_token(tmp_path / "worker").split("_")[2] != listed[0]["id"]
