"""A Ray cluster of several nodes on this machine, started as its users start one."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.runs.waiting import wait_until

RAY = Path(sys.executable).with_name("ray")
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


class RayNodes:
    """`ray start --head`, and nodes that join it; each is ended by its own process ids.

    `environment` is what a server needs to find this cluster and no other.
    """

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="ray-")  # short: Ray's sockets lie below it
        self.port = free_port()
        self.address = f"{HERE}:{self.port}"
        self.environment = {
            "RAY_TMPDIR": self._folder,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ADDRESS": self.address,
            "RAY_AUTH_MODE": "token",  # nobody else's nodes or drivers
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
        self._nodes: list[subprocess.Popen[bytes]] = []

    def start(self, count: int) -> None:
        """Have this many nodes with one CPU each: the head, which listens on return, and others."""
        if not self._nodes:
            head = ("--head", f"--port={self.port}", "--include-dashboard=false")
            self._start(*head, f"--node-ip-address={HERE}")
            wait_until(self.answers)
        while len(self._nodes) < count:
            # An address of its own, as another machine has: a driver joins the node at its address.
            self._start(f"--address={self.address}", f"--node-ip-address={ELSEWHERE}")

    def kill_node(self) -> None:
        """End the node that was started last, at once, as a power cut does."""
        self._kill(self._nodes.pop())

    def kill_head(self) -> None:
        """End the whole cluster that way, its head first."""
        while self._nodes:
            self._kill(self._nodes.pop(0))

    def close(self) -> None:
        """End what is left."""
        self.kill_head()
        shutil.rmtree(self._folder, ignore_errors=True)

    def answers(self) -> bool:
        """Whether the head listens."""
        with suppress(OSError), socket.create_connection((HERE, self.port), timeout=1):
            return True
        return False

    def _start(self, *options: str) -> None:
        command = [str(RAY), "start", "--block", "--num-cpus=1", "--num-gpus=0", *options]
        environment = {**os.environ, **self.environment}
        del environment["RAY_ADDRESS"]
        self._nodes.append(
            subprocess.Popen(
                [*command, "--disable-usage-stats"],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    def _kill(self, node: subprocess.Popen[bytes]) -> None:
        for pid in [node.pid, *descendants(node.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        node.wait()


def descendants(pid: int) -> list[int]:
    """The processes below one, the nearest first."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [child for child, parent in parents if parent == pid]
    return found + [below for child in found for below in descendants(child)]


def drivers() -> list[int]:
    """The Ray drivers that this process started itself: a server that it started has its own."""
    command = ["ps", "--ppid", str(os.getpid()), "-o", "pid=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "runs.ray_driver" in line]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port
