"""What every answer of the server passes: cookies that cannot be forged, headers, limits."""

import asyncio
import json
import re
import socket
import threading
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app import identity
from app.limits import Allowance, Limited, Places
from app.navigation import live_path
from app.serving import Options, web_server
from app.web_settings import trusted_proxies
from tests.app.served import SOCKET, Served, served, wait_for_port

SECURE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory):
    with served(tmp_path_factory.mktemp("gate")) as running:
        yield running


def cookies_of(headers) -> dict[str, str]:
    """Name -> value and attributes of the cookies of ours that an answer sets."""
    lines = [value for name, value in headers if name.lower() == "set-cookie"]
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines if "paramixer" in line}


def visit(app: Served, **headers) -> dict[str, str]:
    return cookies_of(app.get(page=True, **headers)[1])


def test_a_browser_gets_one_cookie_which_scripts_cannot_read_and_keeps_it(app: Served) -> None:
    ((name, text),) = visit(app).items()
    value, *attributes = text.split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes
    assert visit(app, Cookie=f"{name}={value}") == {}


@pytest.mark.parametrize("forge", ["b-somebody", "{0}x", "x{0}", "", "b-somebody.{1}", "é"])
def test_a_forged_cookie_makes_a_new_browser(app: Served, forge: str) -> None:
    ((name, text),) = visit(app).items()
    value = text.split("; ")[0]
    forged = forge.format(value, value.rpartition(".")[2])
    ((_, anew),) = visit(app, Cookie=f"{name}={forged}").items()
    assert anew.split(".")[0] not in (value.split(".")[0], "b-somebody")


def test_only_a_page_gives_a_cookie(app: Served) -> None:
    assert cookies_of(app.get("_stcore/health")[1]) == {}


def test_the_operators_link_gives_a_cookie_and_takes_its_key_out_of_the_address(
    app: Served,
) -> None:
    key = app.operator.partition("?admin=")[2]
    status, headers, _ = app.get(f"train?n=16&admin={key}", page=True)
    assert status == 303
    assert dict(headers)["location"] == "/train?n=16"
    assert any("operator" in name for name in cookies_of(headers))


@pytest.mark.parametrize("key", ["", "wrong", "%00", "é"])
def test_a_wrong_key_gives_nothing(app: Served, key: str) -> None:
    status, headers, text = app.get(f"?admin={key.encode('latin-1').hex() if key == 'é' else key}",
                                    page=True)  # fmt: skip
    assert status == 403
    assert cookies_of(headers) == {}
    assert "key" in text


def test_no_address_sends_the_operator_to_another_server(app: Served) -> None:
    key = app.operator.partition("?admin=")[2]
    for path in ("/evil.example/", "\\evil.example/", "/%5Cevil.example"):
        status, headers, _ = app.get(f"{path}?admin={key}", page=True)
        where = dict(headers).get("location", "/")
        assert status in (303, 400, 403)
        assert urlsplit(where).netloc == ""
        assert not where.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("", 200),
        ("train", 200),
        ("_stcore/health", 200),
        ("_stcore/host-config", 200),
        ("static/nothing.js", 200),
        ("media/nothing.png", 404),
        ("live?runs=nosuchrun&over=steps&curve=loss", 404),
        ("live", 404),
        ("?admin=wrong", 403),
    ],
)
def test_every_answer_has_the_security_headers(app: Served, path: str, status: int) -> None:
    got, headers, _ = app.get(path, page=path.startswith("?") or path in ("", "train"))
    assert got == status
    told = {name.lower(): value for name, value in headers}
    assert SECURE.items() <= told.items()
    rules = dict(rule.split(" ", 1) for rule in told["content-security-policy"].split("; "))
    assert rules["default-src"] == "'self'"
    assert rules["frame-ancestors"] == "'self'"
    scripts = rules["script-src"].split()
    assert {"'unsafe-inline'", "'unsafe-eval'", "*", "data:", "http:", "https:"} & set(scripts) == (
        set()
    )
    assert re.search(r"\*|https?:", told["content-security-policy"]) is None


def test_a_school_may_frame_it_in_its_own_pages(tmp_path: Path) -> None:
    with served(tmp_path, PARAMIXER_FRAMES="https://lms.school.example") as app:
        told = {name.lower(): value for name, value in app.get(page=True)[1]}
    assert "frame-ancestors 'self' https://lms.school.example" in told["content-security-policy"]
    assert "x-frame-options" not in told


def asked_of(limited: Limited, cookie: str) -> tuple[int, dict[str, str], str]:
    """One question to the feed of live runs, asked of the limits alone."""
    sent: list[dict] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": live_path(),
        "headers": [(b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 1),
    }

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(limited(scope, None, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"].decode()


def test_a_browser_that_asks_too_often_gets_429_and_a_sentence() -> None:
    limited = Limited(PlainTextResponse("runs"), by_browser=Allowance(0.25, 2, clock=lambda: 0.0))
    name = identity.cookie_name(identity.BROWSER)
    cookie, other = (f"{name}={identity.new_browser()}" for _ in range(2))
    assert [asked_of(limited, cookie)[0] for _ in range(2)] == [200, 200]
    status, headers, body = asked_of(limited, cookie)
    assert status == 429
    assert headers["retry-after"] == "4"
    assert body.startswith("More questions from this browser")
    assert asked_of(limited, other)[0] == 200


def test_an_allowance_refills_with_time_and_is_each_askers_own() -> None:
    now = [0.0]
    allowance = Allowance(each_second=2, at_once=3, clock=lambda: now[0])
    assert [allowance.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert allowance.wait("b") == 0
    now[0] = 0.5
    assert [allowance.wait("a"), allowance.wait("a")] == [0, 0.5]
    now[0] = 100.0
    assert [allowance.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_places_are_limited_for_each_and_for_all() -> None:
    places = Places(each=2, in_all=3)
    with places.taking("a"), places.taking("a"):
        assert places.full("a")
        assert not places.full("b")
        with places.taking("b"):
            assert places.full("c")
    assert places.taken == {}


def test_forwarded_headers_count_only_from_a_proxy_that_was_named(tmp_path: Path) -> None:
    for number, (options, secure) in enumerate([((), False), (("--proxy", "1"), True)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with served(folder, *options) as app:
            (text,) = visit(app, X_Forwarded_Proto="https").values()
        assert ("Secure" in text.split("; ")) is secure


@pytest.mark.parametrize(("proxies", "seen"), [("", "127.0.0.1 http"), ("1", "9.8.7.6 https")])
def test_who_asks_is_told_by_a_proxy_only_if_it_was_named(proxies: str, seen: str) -> None:
    async def who(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{request.client.host} {request.url.scheme}")

    options = Options(proxies=trusted_proxies(proxies))
    server = uvicorn.Server(web_server(Starlette(routes=[Route("/", who)]), options))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_for_port(listening.getsockname()[1])
            asked = urllib.request.Request(
                f"http://127.0.0.1:{listening.getsockname()[1]}/",
                headers={"X-Forwarded-For": "9.8.7.6", "X-Forwarded-Proto": "https"},
            )
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as answer:
                assert answer.read().decode() == seen
        finally:
            server.should_exit = True
            thread.join()


def test_no_other_sites_page_connects_to_it_whatever_address_it_has(app: Served) -> None:
    host = urlsplit(app.url).netloc
    for origin, status in (
        (f"http://{host}", 101),
        ("https://evil.example", 403),
        ("http://localhost:1", 403),
        ("null", 403),
    ):
        got, _, text = app.get("_stcore/stream", Origin=origin, unread=status == 101, **SOCKET)
        assert got == status
        assert status == 101 or text.startswith("Expected a page of this server")


def test_a_policy_cannot_be_changed_by_the_name_that_one_calls_the_server_by(app: Served) -> None:
    where = urlsplit(app.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x; script-src *\r\nConnection: close\r\n\r\n")
        answer = line.makefile("rb").read().decode(errors="replace")
    assert "script-src *" not in answer.partition("\r\n\r\n")[0]


def test_the_key_of_the_cookies_is_private(app: Served) -> None:
    home = app.log.parent / "home"
    for name in ("cookies.key", "operator.key"):
        assert (home / name).stat().st_mode & 0o077 == 0
    assert json.dumps((home / "cookies.key").read_text()) not in app.log.read_text()
