"""`std.http` against real servers."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostro.actions.context import Outcome
from ostro.actions.egress import egress
from tests.actions.runs import Run, result_of
from tests.actions.web import Web

HERE = egress(["127.0.0.0/8"])
JSON = {"content-type": "application/json"}


def request(folder: Path, url: str, **options: Any) -> Run:
    limits = {name: options.pop(name) for name in ("egress", "result_bytes") if name in options}
    return Run(folder, {"url": url, **options}, **{"egress": HERE, **limits})


async def test_it_answers_what_mistrals_users_know(tmp_path: Path) -> None:
    cookies = {"set-cookie": "a=1; Path=/"}
    async with Web({"/x": ("200 Fine", JSON | cookies, b'{"n": 1.50}')}) as web:
        outcome = await request(tmp_path, f"{web.url}/x").act("std.http")
    assert outcome.error is None
    assert b'"content":{"n": 1.50}' in (outcome.result or b"")
    answer = result_of(outcome)
    assert answer.pop("elapsed") >= 0
    assert answer.pop("headers")["content-type"] == "application/json"
    assert answer == {
        "content": {"n": 1.5},
        "status": 200,
        "url": f"{web.url}/x",
        "history": [],
        "encoding": None,
        "reason": "Fine",
        "cookies": {"a": "1"},
    }


async def test_all_its_options_reach_the_server(tmp_path: Path) -> None:
    async with Web({"/": ("204 None", {}, b"")}) as web:
        run = request(
            tmp_path,
            f"{web.url}/?z=0",
            method="POST",
            params={"a": [1, 2]},
            json={"b": True},
            headers={"x-number": 5},
            cookies={"c": "1"},
            auth="me:se:cret",
        )
        assert (await run.act("std.http")).error is None
    (asked,) = web.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/?z=0&a=1&a=2", b'{"b":true}')
    assert asked.headers["x-number"] == "5"
    assert asked.headers["cookie"] == "c=1"
    assert asked.headers["authorization"] == "Basic bWU6c2U6Y3JldA=="
    assert asked.headers["host"] == f"127.0.0.1:{web.port}"


@pytest.mark.parametrize(("body", "sent"), [("plain ä", "plain ä".encode()), ({"a": 1}, b'{"a":1}')])
async def test_a_body_is_a_text_or_json(tmp_path: Path, body: Any, sent: bytes) -> None:
    async with Web({"/": ("200 OK", {}, b"")}) as web:
        assert (await request(tmp_path, web.url, method="PUT", body=body).act("std.http")).error is None
    assert web.asked[0].body == sent


async def test_another_status_is_an_error_with_the_same_result(tmp_path: Path) -> None:
    async with Web({"/": ("404 Not Found", {}, b"nothing\0 here \xff")}) as web:
        outcome = await request(tmp_path, web.url).act("std.http")
    assert outcome.error == "HTTP 404 Not Found"
    assert result_of(outcome)["content"] == "nothing\ufffd here \ufffd"


async def test_redirects_are_followed_where_it_is_asked_for(tmp_path: Path) -> None:
    answers = {"/old": ("302 Found", {"location": "/new"}, b"old"), "/new": ("200 OK", {}, b'"new"')}
    async with Web(answers) as web:
        stays = result_of(await request(tmp_path, f"{web.url}/old").act("std.http"))
        goes = result_of(await request(tmp_path, f"{web.url}/old", allow_redirects=True).act("std.http"))
    assert (stays["status"], stays["content"]) == (302, "old")
    assert (goes["status"], goes["content"], goes["url"]) == (200, "new", f"{web.url}/new")
    assert goes["history"] == [{"status": 302, "url": f"{web.url}/old"}]


async def test_each_redirect_is_checked_anew(tmp_path: Path) -> None:
    async with Web({"/secret": ("200 OK", {}, b"")}) as inside:
        to_inside = ("302 Found", {"location": f"{inside.url}/secret"}, b"")
        async with Web({"/": to_inside}) as web:
            by_name = f"http://localhost:{web.port}/"
            run = request(tmp_path, by_name, allow_redirects=True, egress=egress(["localhost"]))
            outcome = await run.act("std.http")
    assert "does not connect to 127.0.0.1: see OSTRO_EGRESS_ALLOW" in (outcome.error or "")
    assert len(web.asked) == 1
    assert inside.asked == []


async def test_a_password_is_not_carried_to_another_server(tmp_path: Path) -> None:
    async with Web({"/": ("200 OK", {}, b"")}, host="127.0.0.2") as other, Web({}) as web:
        web.answers["/"] = ("302 Found", {"location": f"{other.url}/"}, b"")
        run = request(tmp_path, f"{web.url}/", allow_redirects=True, auth="a:b")
        assert (await run.act("std.http")).error is None
    assert "authorization" in web.asked[0].headers
    assert "authorization" not in other.asked[0].headers


async def test_a_ring_of_redirects_ends(tmp_path: Path) -> None:
    async with Web({"/": ("302 Found", {"location": "/"}, b"")}) as web:
        outcome = await request(tmp_path, f"{web.url}/", allow_redirects=True).act("std.http")
    assert "more than 20 redirects" in (outcome.error or "")


async def test_what_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    async with Web({"/": ("200 OK", {}, b"x" * 5_000_000)}) as web:
        outcome = await request(tmp_path, web.url, result_bytes=1000).act("std.http")
    assert "larger than the 1000 bytes" in (outcome.error or "")


async def test_a_server_that_does_not_answer_is_given_up_in_time(tmp_path: Path) -> None:
    async with Web({}) as web:
        outcome = await request(tmp_path, web.url, timeout=0.05).act("std.http")
    assert outcome.error == f"no answer from {web.url} within 0.05 s"


async def test_a_cancel_stops_the_request_at_once(tmp_path: Path) -> None:
    async with Web({}) as web, asyncio.TaskGroup() as group:
        run = request(tmp_path, web.url)
        ended = group.create_task(run.act("std.http"))
        await web.hung.wait()
        run.context.stopping.set()
        assert (await ended).error == "stopped"
        async with asyncio.timeout(5):
            await web.hung_up.wait()


async def test_a_proxy_is_asked_and_is_under_the_policy_too(tmp_path: Path) -> None:
    async with Web({"http://db.invalid/x": ("200 OK", {}, b"1")}) as proxy:
        through = {"proxies": {"http": proxy.url}}
        outcome = await request(tmp_path, "http://db.invalid/x", **through).act("std.http")
        assert (outcome.error, result_of(outcome)["content"]) == (None, 1)
        refused = await request(tmp_path, "http://db.invalid/x", **through, egress=egress()).act("std.http")
        assert "does not connect to 127.0.0.1" in (refused.error or "")
        inside = await request(tmp_path, "http://169.254.169.254/", **through).act("std.http")
        assert "does not connect to 169.254.169.254" in (inside.error or "")


async def test_mistral_http_tells_whom_to_answer_and_goes_on(tmp_path: Path) -> None:
    async with Web({"/": ("202 Accepted", {}, b"later"), "/no": ("503 Busy", {}, b"no")}) as web:
        ids: dict[str, Any] = {"workflow": "w-1", "task": "t-1"}
        run = Run(tmp_path, {"url": f"{web.url}/", "headers": {"x-a": "1"}}, egress=HERE, **ids)
        assert await run.act("std.mistral_http") == Outcome(goes_on=True)
        refused = await request(tmp_path, f"{web.url}/no").act("std.mistral_http")
    assert (refused.error, refused.goes_on) == ("HTTP 503 Busy", False)
    assert result_of(refused)["content"] == "no"
    said = {name: value for name, value in web.asked[0].headers.items() if name.startswith(("x-", "mistral"))}
    assert said == {
        "x-a": "1",
        "mistral-workflow-execution-id": "w-1",
        "mistral-task-id": "t-1",
        "mistral-action-execution-id": run.context.job,
        "mistral-callback-url": f"/v2/action_executions/{run.context.job}",
    }


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "ftp://example.net/"}, "begins with http:// or https://"),
        ({"url": "http://no-such-host.invalid/"}, "no-such-host.invalid"),
        ({"url": "http://[::1"}, "failed"),
        ({"url": "http://127.0.0.1/", "proxies": {"http": "socks5://127.0.0.1:1"}}, "begins with http://"),
        ({"url": "https://127.0.0.1/", "verify": "/no/such/file"}, "No such file"),
        ({"url": "http://127.0.0.1/", "header": {}}, "unknown field `header`"),
        ({}, "missing required field `url`"),
    ],
)
async def test_what_cannot_be_sent_is_said(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    outcome = await Run(tmp_path, given, egress=HERE).act("std.http")
    assert says in (outcome.error or "")


def certificate(folder: Path) -> ssl.SSLContext:
    """For the name `localhost` alone; its file is `ca.pem`."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]),
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


async def test_certificates_are_checked_for_the_name_though_the_address_is_pinned(tmp_path: Path) -> None:
    async with Web({"/": ("200 OK", {}, b"1")}, ssl=certificate(tmp_path)) as web:
        by_name = f"https://localhost:{web.port}/"
        known = str(tmp_path / "ca.pem")
        outcome = await request(tmp_path, by_name, verify=known).act("std.http")
        assert outcome.error is None
        assert web.asked[0].headers["host"] == f"localhost:{web.port}"
        by_address = await request(tmp_path, f"https://127.0.0.1:{web.port}/", verify=known).act("std.http")
        assert "certificate" in (by_address.error or "").lower()
        unknown = await request(tmp_path, by_name).act("std.http")
        assert "certificate" in (unknown.error or "").lower()
        assert (await request(tmp_path, by_name, verify=False).act("std.http")).error is None


async def test_ipv6_addresses_are_reached_as_well(tmp_path: Path) -> None:
    async with Web({"/": ("200 OK", {}, b"1")}, host="::1") as web:
        run = request(tmp_path, f"{web.url}/", egress=egress(["::1"]))
        assert (await run.act("std.http")).error is None
