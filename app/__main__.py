"""Start the lab: python -m app, from any folder."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.serving import LOOPBACK, Options, serve  # noqa: E402  (the root has to be on the path)
from app.web_settings import frame_ancestors, trusted_proxies  # noqa: E402
from paramixer_core.errors import ParamixerError  # noqa: E402
from paramixer_core.runs.database import Database  # noqa: E402
from paramixer_core.runs.private import PRIVATE_MASK  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the lab; returns the exit status."""
    options = parser().parse_args(arguments)
    os.umask(PRIVATE_MASK)  # what people train and send is read by nobody else on this machine
    try:
        frame_ancestors()
        require_both(options.cert, options.key)
        Database().close()
        serve(
            Options(
                address=options.address.strip("[]"),
                port=options.port,
                base_path=options.base_path,
                certificate=options.cert,
                key=options.key,
                proxies=trusted_proxies(options.proxy),
                headless=True if options.no_browser else None,
            )
        )
    except ParamixerError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except socket.gaierror as error:
        sys.stderr.write(f"Expected an address of this machine, got {options.address}: {error}.\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Everything that the command line takes."""
    top = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    top.add_argument(
        "--port",
        "--server.port",
        dest="port",
        type=port,
        help="default: the first free one from 8501 on",
    )
    top.add_argument(
        "--address",
        "--server.address",
        dest="address",
        default=LOOPBACK,
        help=f"to listen on (default: {LOOPBACK})",
    )
    top.add_argument(
        "--base-path",
        "--server.baseUrlPath",
        dest="base_path",
        default="",
        help="what comes before every page's address",
    )
    top.add_argument("--cert", default="", metavar="FILE", help="TLS certificate")
    top.add_argument("--key", default="", metavar="FILE", help="its private key")
    top.add_argument(
        "--proxy",
        metavar="ADDRESSES",
        help="believe X-Forwarded-* of these; 1: of this machine (default: PARAMIXER_PROXY)",
    )
    top.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return top


def port(text: str) -> int:
    """A port's number; 0 has the system choose one."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535, got {text}")
    return int(text)


def require_both(certificate: str, key: str) -> None:
    """Raise ParamixerError unless a certificate and its key are both named and there, or none."""
    if bool(certificate) != bool(key):
        raise ParamixerError("--cert and --key together", "one of them", "name both")
    for file in filter(None, (certificate, key)):
        if not Path(file).is_file():
            raise ParamixerError("a file for --cert and --key", file, "name one that is there")


if __name__ == "__main__":
    sys.exit(main())
