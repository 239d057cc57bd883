"""What every answer passes: security headers, the browser's cookie, and the operator's link."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import identity
from app.navigation import base_path
from app.web_settings import frame_ancestors
from paramixer_core.errors import ParamixerError

ADMIN = "admin"
YEAR = 365 * 24 * 3600
HOST = re.compile(r"[\w.:\[\]-]{1,255}$")
INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
PRIVATE = "The address of this page is for the operator alone, and its key is not right."


@cache
def inline_hashes() -> str:
    """The scripts that Streamlit's one HTML page holds itself, as a policy names them."""
    scripts = INLINE.findall(INDEX.read_text(encoding="utf-8"))
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


@cache
def policy(host: str) -> str:
    """A content security policy that allows only this server.

    Views are modules that the page makes from data (`blob:`); Streamlit's whole numbers of 64 bits
    are WebAssembly of its own script, which is no way in for text (`wasm-unsafe-eval`); it writes
    its styles into the page; the socket is named for browsers whose 'self' does not cover it.
    """
    sockets = f" ws://{host} wss://{host}" if HOST.match(host) else ""
    ancestors = " ".join(("'self'", *frame_ancestors()))
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'wasm-unsafe-eval' blob: {inline_hashes()}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' blob:{sockets}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors {ancestors}",
        )
    )


class SecureAnswers:
    """Puts the security headers on every answer, an unforeseen error's too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        started = False

        async def secured(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                started = True
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                if not frame_ancestors():
                    headers["X-Frame-Options"] = "SAMEORIGIN"
                headers["Content-Security-Policy"] = policy(Headers(scope=scope).get("host", ""))
            await send(message)

        try:
            await self.app(scope, receive, secured)
        except Exception:
            if scope["type"] == "http" and not started:
                answer = PlainTextResponse("The server met an unforeseen error.", 500)
                await answer(scope, receive, secured)
            raise


class Identified:
    """Gives every browser a signed cookie, and the operator, who comes by the link, another.

    What goes on from here carries cookies of ours only if we signed them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        page = scope["type"] == "websocket" or "text/html" in request.headers.get("accept", "")
        try:
            if scope["type"] == "http" and page and ADMIN in request.query_params:
                await admit(request)(scope, receive, send)
                return
            made = None if identity.browser_of(request.cookies) else identity.new_browser()
        except ParamixerError as error:  # the store is gone: pages say so where they need it
            await PlainTextResponse(str(error), 503)(scope, receive, send)
            return
        if made is None or not page:
            await self.app(scope, receive, send)
            return
        name = identity.cookie_name(identity.BROWSER)
        cookies = {**request.cookies, name: made}
        scope = {**scope, "headers": with_cookies(scope["headers"], cookies)}

        async def marked(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers.append("Set-Cookie", cookie(name, made, scope["scheme"]))
            await send(message)

        await self.app(scope, receive, marked)


def admit(request: HTTPConnection) -> PlainTextResponse | RedirectResponse:
    """Make who has the right key the operator, and take the key out of the address."""
    if not identity.is_admin_key(request.query_params[ADMIN]):
        return PlainTextResponse(PRIVATE, 403)
    rest = [pair for pair in parse_qsl(request.url.query) if pair[0] != ADMIN]
    # One slash alone: two would name another host.
    path = "/" + request.url.path.lstrip("/\\") + (f"?{urlencode(rest)}" if rest else "")
    answer = RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})
    name = identity.cookie_name(identity.OPERATOR)
    answer.headers.append(
        "Set-Cookie", cookie(name, identity.operator_cookie(), request.url.scheme)
    )
    return answer


def cookie(name: str, value: str, scheme: str) -> str:
    """A Set-Cookie header; one that also holds in another site's frame, where that is allowed."""
    secure = scheme in ("https", "wss")
    framed = secure and bool(frame_ancestors())
    parts = [f"{name}={value}", f"Path={base_path() or '/'}", f"Max-Age={YEAR}", "HttpOnly"]
    parts += ["SameSite=None", "Partitioned"] if framed else ["SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def with_cookies(
    headers: list[tuple[bytes, bytes]], cookies: Mapping[str, str]
) -> list[tuple[bytes, bytes]]:
    """Request headers with these cookies in place of those that came."""
    line = "; ".join(f"{name}={value}" for name, value in cookies.items())
    rest = [pair for pair in headers if pair[0].lower() != b"cookie"]
    return [*rest, (b"cookie", line.encode("latin-1", "replace"))]
