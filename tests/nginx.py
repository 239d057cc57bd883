"""The reverse proxy of the tests: nginx, found on this machine or installed where that is allowed.

`python -m tests.nginx` makes sure that there is one, or says why its test is going to be skipped.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chromium import apt_packages, succeeds

NO_NGINX = "needs nginx and openssl, and this machine has them not"
PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])

needs_nginx = pytest.mark.needs_nginx

SETTINGS = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        client_max_body_size 60m;
        location {path} {{
            proxy_pass {behind};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 1h;
        }}
    }}
}}
"""


def find_nginx() -> str | None:
    """Where nginx is; None without it, or without what makes it a certificate."""
    return shutil.which("nginx", path=PLACES) if shutil.which("openssl") else None


def provide_nginx() -> str | None:
    """Find nginx or install it: Debian's package, as root."""
    if found := find_nginx():
        return found
    all(succeeds(command) for command in apt_packages("nginx-light", "openssl"))
    return find_nginx()


def skip_without_nginx(item: pytest.Item) -> None:
    """Skip a test that is marked as needing nginx on a machine without it."""
    if item.get_closest_marker(needs_nginx.name) and not find_nginx():
        pytest.skip(NO_NGINX)


@contextmanager
def nginx_before(behind: str, path: str, port: int, folder: Path) -> Iterator[subprocess.Popen]:
    """nginx with TLS at `port`, which hands on all below `path` to the server at `behind`."""
    subject = ("-subj", "/CN=lab.localhost", "-addext", "subjectAltName=DNS:lab.localhost")
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/key.pem")
    subprocess.run(
        ("openssl", "req", "-x509", "-days", "2", *key, "-out", f"{folder}/cert.pem", *subject),
        check=True,
        capture_output=True,
    )
    user = "user root;" if os.geteuid() == 0 else ""  # else its worker cannot read our folders
    settings = folder / "nginx.conf"
    settings.write_text(
        SETTINGS.format(user=user, folder=folder, port=port, path=path, behind=behind)
    )
    process = subprocess.Popen(
        (str(find_nginx()), "-p", str(folder), "-c", str(settings), "-e", "stderr")
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


if __name__ == "__main__":
    found = provide_nginx()
    sys.stdout.write(f"The test of a proxy uses {found}\n" if found else f"A test {NO_NGINX}.\n")
