"""Serving the app: the socket, the settings that hold from any folder, and uvicorn with them."""

import errno
import os
import socket
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from paramixer_core.errors import ParamixerError

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "app" / ".streamlit" / "config.toml"
HANDED_OVER = ("server.port", "server.address", "server.baseUrlPath")
"""Options of `streamlit run` that the entry has under these names too."""

TOLD = ("command-line argument or environment variable", "environment variable")
"""What Streamlit calls the places of options that somebody gave for this start alone."""

FIRST_PORT = 8501
PORTS_TRIED = 100
LOOPBACK = "127.0.0.1"
ENTRY = "PARAMIXER_ENTRY"
"""Set by the entry for its own process: the app is not served without it."""

SOCKET_PING_SECONDS = 30
LAST_SECONDS = 5
"""What is under way has so long to end once the server is told to."""

MEBI = 2**20


@dataclass(frozen=True)
class Options:
    """How the app is served. `port` None: the first free one. `proxies`: whose headers count."""

    address: str = LOOPBACK
    port: int | None = None
    base_path: str = ""
    certificate: str = ""
    key: str = ""
    proxies: str = ""
    headless: bool | None = None


def hand_over() -> None:
    """In a process that `streamlit run` started: start the lab's own entry in its place.

    `streamlit run` reads its settings from the folder that it is started in: elsewhere it listens
    on every interface. It also waits for ever for requests that are half sent. What was told to it
    on its command line is told on.
    """
    if os.environ.get(ENTRY) == str(os.getpid()):
        return
    from streamlit import config as streamlit_config

    command = [sys.executable, str(ROOT / "app" / "__main__.py")]
    for option in HANDED_OVER:
        if streamlit_config.get_where_defined(option) in TOLD:
            command += [f"--{option}", str(streamlit_config.get_option(option))]
    if streamlit_config.get_option("server.headless"):
        command.append("--no-browser")
    os.execv(command[0], command)


def settings(options: Options, port: int) -> dict[str, object]:
    """Streamlit's settings: those of our file, which lies beside the app, and the given ones."""
    with SETTINGS.open("rb") as file:
        told = dict(flattened(tomllib.load(file)))
    told |= {
        "server.address": options.address,
        "server.port": port,
        "server.baseUrlPath": options.base_path.strip("/"),
        "server.sslCertFile": options.certificate or None,
        "server.sslKeyFile": options.key or None,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "global.developmentMode": False,
    }
    if options.headless is not None:
        told["server.headless"] = options.headless
    return {name: value for name, value in told.items() if value is not None}


def flattened(tables: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """The entries of nested tables by their dotted names.

    >>> dict(flattened({"theme": {"light": {"textColor": "#000"}}}))
    {'theme.light.textColor': '#000'}
    """
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def listen(options: Options) -> socket.socket:
    """The socket to serve on. Raises ParamixerError where none can be had."""
    ports = range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)
    for port in ports if options.port is None else (options.port,):
        try:
            return bound(options.address, port)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES) and options.port is None:
                continue
            raise ParamixerError(
                f"an address and a port to serve on, {options.address} port {port}",
                error.strerror or str(error),
                "choose others with --address and --port",
            ) from error
    raise ParamixerError(
        f"a free port from {ports[0]} to {ports[-1]}", "none", "choose another one with --port"
    )


def bound(address: str, port: int) -> socket.socket:
    """A socket bound to an address of either kind."""
    family, kind, protocol, _, place = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":  # there it would share a port with another server
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
    except OSError:
        found.close()
        raise
    return found


def serve(options: Options) -> None:
    """Serve the app until it is told to end. Raises ParamixerError for what cannot be served."""
    listening = listen(options)
    port = listening.getsockname()[1]
    os.environ[ENTRY] = str(os.getpid())
    import uvicorn
    from streamlit import config as streamlit_config

    # Given as the command line's, these hold over every file of settings on this machine.
    streamlit_config.get_config_options(
        force_reparse=True, options_from_flags=settings(options, port)
    )
    from app.main import app  # it asks for settings as it is imported
    from app.navigation import home_address, operator_address

    if options.port is None and port != FIRST_PORT:
        sys.stdout.write(f"\n  Port {FIRST_PORT} is taken: serving on {port}.\n")
    sys.stdout.write(
        f"\n  Paramixer Lab:   {home_address()}\n"
        f"  As its operator: {operator_address()}\n"
        "  The operator may stop and delete every run: keep that link to yourself.\n\n"
    )
    sys.stdout.flush()
    with listening:
        server = uvicorn.Server(web_server(app, options))
        server.run(sockets=[listening])
        if not server.started:
            raise ParamixerError("a server that starts", "an early end", "read the lines above")


def web_server(app: "ASGIApp", options: Options) -> "uvicorn.Config":
    """uvicorn's configuration, for the lab or for another app in its place."""
    import uvicorn

    from app.patience import PatientProtocol

    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="websockets-sansio",
        ws_ping_interval=SOCKET_PING_SECONDS,
        ws_ping_timeout=SOCKET_PING_SECONDS,
        ws_max_size=64 * MEBI,
        proxy_headers=bool(options.proxies),
        forwarded_allow_ips=options.proxies or None,
        ssl_certfile=options.certificate or None,
        ssl_keyfile=options.key or None,
        # It waits for ever else, for one who does not take what was sent or stops in mid-sentence.
        timeout_graceful_shutdown=LAST_SECONDS,
        server_header=False,
        access_log=False,
        use_colors=False,
        log_level="warning",
    )
