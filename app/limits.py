"""How much one browser, one address and all together may ask of the server at one time."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import exists, get_instance

from app import identity
from app.navigation import base_path, live_path

FORBIDDEN = 403
ELSEWHERE = (
    "Expected a page of this server to connect to it, got another's: open the server's own "
    "address; a reverse proxy has to pass the Host header on."
)
TOO_MANY = 429
TOO_LARGE = 413
MEBI = 2**20
REMEMBERED = 4096
"""How many askers are remembered; who was longest silent is forgotten first."""


@dataclass
class Allowance:
    """So many questions a second for each asker, and some more at once after a pause."""

    each_second: float
    at_once: float
    clock: Callable[[], float] = time.monotonic
    _held: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, asker: str) -> float:
        """Take one question of an asker; the seconds to wait if it has none left, else 0."""
        now = self.clock()
        left, since = self._held.pop(asker, (self.at_once, now))
        left = min(self.at_once, left + (now - since) * self.each_second)
        self._held[asker] = (left - 1 if left >= 1 else left, now)
        while len(self._held) > REMEMBERED:
            self._held.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / self.each_second


@dataclass
class Places:
    """So many at one time: of one asker, and in all."""

    each: int
    in_all: int
    taken: dict[str, int] = field(default_factory=dict)

    def full(self, asker: str) -> bool:
        """Whether this asker has to wait for a place."""
        return self.taken.get(asker, 0) >= self.each or sum(self.taken.values()) >= self.in_all

    @contextmanager
    def taking(self, asker: str):  # type: ignore[no-untyped-def]
        """Hold a place for this block."""
        self.taken[asker] = self.taken.get(asker, 0) + 1
        try:
            yield
        finally:
            self.taken[asker] -= 1
            if not self.taken[asker]:
                del self.taken[asker]


@dataclass(frozen=True)
class Room:
    """Bytes of files that were sent and not used yet: of one tab, and of all."""

    session: int = 200 * MEBI
    in_all: int = 1000 * MEBI


@dataclass
class Limited:
    """Answers 429 or 413, with a sentence, to who asks for too much.

    A classroom behind one address is thirty browsers or more: the limits of an address are wide,
    those of a browser that is known by its cookie narrow.
    """

    app: ASGIApp
    by_browser: Allowance = field(default_factory=lambda: Allowance(12, 40))
    by_address: Allowance = field(default_factory=lambda: Allowance(250, 500))
    answers: Places = field(default_factory=lambda: Places(each=64, in_all=128))
    sockets: Places = field(default_factory=lambda: Places(each=24, in_all=400))
    room: Room = field(default_factory=Room)
    _coming: dict[str, int] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] == "websocket":
            await self.socket(scope, receive, send)
        elif scope["type"] == "http" and path == live_path():
            await self.live(scope, receive, send)
        elif scope["type"] == "http" and path.startswith(f"{base_path()}/_stcore/upload_file/"):
            await self.upload(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The feed of live runs."""
        address, browser = askers(scope)
        wait = self.by_browser.wait(browser) if browser else 0.0
        wait = max(wait, self.by_address.wait(address))
        if wait or self.answers.full(address):
            whose = "this browser" if browser else "this address"
            await refuse(
                f"More questions from {whose} than the server answers at one time: it shows these "
                "runs again in a moment. Close other tabs that watch runs.",
                max(1, math.ceil(wait)),
            )(scope, receive, send)
            return
        with self.answers.taking(address):
            await self.app(scope, receive, send)

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A tab's connection, for as long as the tab is open."""
        if not same_origin(scope):
            await PlainTextResponse(ELSEWHERE, FORBIDDEN)(scope, receive, send)
            return
        address, browser = askers(scope)
        asker = browser or address
        if self.sockets.full(asker):
            await refuse(
                f"Expected at most {self.sockets.each} open tabs of one browser and "
                f"{self.sockets.in_all} in all, got one more: close some.",
                5,
            )(scope, receive, send)
            return
        with self.sockets.taking(asker):
            await self.app(scope, receive, send)

    async def upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file on its way into a tab."""
        session = scope["path"].rstrip("/").split("/")[-2]
        most = int(st.get_option("server.maxUploadSize")) * MEBI
        told = Headers(scope=scope).get("content-length", "")
        size = int(told) if told.isdecimal() and scope["method"] == "PUT" else most
        size = size if scope["method"] == "PUT" else 0
        held = waiting_files()
        of_session = held.get(session, 0) + self._coming.get(session, 0)
        in_all = sum(held.values()) + sum(self._coming.values())
        if of_session + size > self.room.session or in_all + size > self.room.in_all:
            limit = self.room.session if of_session + size > self.room.session else self.room.in_all
            whose = "one tab" if limit == self.room.session else "all tabs"
            answer = PlainTextResponse(
                f"Expected files of {limit // MEBI} MiB at most that {whose} sent and did not use "
                "yet, got more: remove some from the page, or reload it.",
                TOO_LARGE,
            )
            await answer(scope, receive, send)
            return
        self._coming[session] = self._coming.get(session, 0) + size
        try:
            await self.app(scope, receive, send)
        finally:
            self._coming[session] -= size
            if not self._coming[session]:
                del self._coming[session]


def askers(scope: Scope) -> tuple[str, str]:
    """The address that a request comes from, and the browser if we know it (else empty)."""
    client = scope.get("client")
    return client[0] if client else "", identity.browser_of(HTTPConnection(scope).cookies) or ""


def same_origin(scope: Scope) -> bool:
    """Whether a page of this server opens a connection, or no page does.

    Streamlit would let other origins that are this machine's own addresses in too, and asks a host
    on the internet what those are, while everybody waits.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def refuse(sentence: str, seconds: int) -> PlainTextResponse:
    """The answer to who asks too much."""
    return PlainTextResponse(sentence, TOO_MANY, headers={"Retry-After": str(seconds)})


def waiting_files() -> dict[str, int]:
    """Bytes of the files that each tab has sent; a tab's files go when its session ends."""
    if not exists():
        return {}
    storage = getattr(get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(storage.items())
    }
