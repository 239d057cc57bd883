"""Which browser this is: a signed cookie, and the operator's, who holds the key of the server."""

import hmac
import os
import secrets
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

import streamlit as st
from itsdangerous import BadSignature, Signer
from streamlit.runtime.scriptrunner import get_script_run_ctx

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.database import default_home
from paramixer_core.runs.ownership import NOBODY, Actor
from paramixer_core.runs.store_errors import explained

BROWSER = "browser"
OPERATOR = "operator"
SHORTEST_KEY = 16
SESSION = "owner"


def secret_kept(file: Path) -> str:
    """The secret in a file that only this user may read; made at random where there is none."""
    with explained(file):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            file.chmod(0o600)
        else:
            with os.fdopen(handle, "w") as made:
                made.write(secrets.token_urlsafe(32))
        return file.read_text().strip()


@cache
def _signing_key(home: Path) -> str:
    return secret_kept(home / "cookies.key")


def signer(purpose: str) -> Signer:
    """What signs cookies of one kind with this store's own key."""
    return Signer(_signing_key(default_home()), salt=purpose, digest_method=sha256)


def cookie_name(purpose: str) -> str:
    """A name of this store's own: browsers send a host's cookies to all of its ports."""
    mark = sha256(f"name of {_signing_key(default_home())}".encode()).hexdigest()[:8]
    return f"paramixer_{purpose}_{mark}"


def admin_key() -> str:
    """The operator's key: PARAMIXER_ADMIN, else one that is made once and kept in the store."""
    key = os.environ.get("PARAMIXER_ADMIN", "")
    if not key:
        return _kept_admin_key(default_home())
    if len(key) < SHORTEST_KEY:
        raise ParamixerError(
            f"PARAMIXER_ADMIN of {SHORTEST_KEY} characters or more",
            f"{len(key)}",
            "choose a longer one, or leave it out to have one made",
        )
    return key


@cache
def _kept_admin_key(home: Path) -> str:
    return secret_kept(home / "operator.key")


def is_admin_key(text: str) -> bool:
    """Whether a text is the operator's key, compared in constant time."""
    return hmac.compare_digest(text.encode(), admin_key().encode())


def new_browser() -> str:
    """The cookie of a browser that was not here before."""
    return signer(BROWSER).sign(f"b-{secrets.token_urlsafe(12)}").decode()


def operator_cookie() -> str:
    """The operator's cookie; it ends with the key that it was given for."""
    return signer(OPERATOR).sign(_mark()).decode()


def _mark() -> str:
    return sha256(admin_key().encode()).hexdigest()[:32]


def browser_of(cookies: Mapping[str, str]) -> str | None:
    """The name of the browser that sends these cookies; None if it has none that we signed."""
    return _unsigned(BROWSER, cookies)


def is_operator(cookies: Mapping[str, str]) -> bool:
    """Whether these cookies hold the operator's."""
    return _unsigned(OPERATOR, cookies) == _mark()


def _unsigned(purpose: str, cookies: Mapping[str, str]) -> str | None:
    text = cookies.get(cookie_name(purpose))
    if not text:
        return None
    try:
        return signer(purpose).unsign(text.encode("latin-1", "replace")).decode()
    except (BadSignature, UnicodeDecodeError):
        return None


def actor() -> Actor:
    """Who uses the page that is being drawn; nobody outside of one.

    A browser that keeps no cookies is another one in every tab.
    """
    if get_script_run_ctx(suppress_warning=True) is None:
        return NOBODY
    cookies = st.context.cookies
    name = browser_of(cookies)
    if name is None:
        name = str(st.session_state.setdefault(SESSION, f"t-{secrets.token_urlsafe(12)}"))
    return Actor(name, is_operator(cookies))
