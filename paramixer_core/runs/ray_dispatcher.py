"""The process that holds the Ray cluster for a server: it is the driver, the server never is.

A driver whose cluster ends is ended by Ray, and a cluster that a thread started ends with that
thread: neither may be the server's. `python -m paramixer_core.runs.ray_dispatcher STORE` starts it;
it ends when its input closes.

| to it | |
|---|---|
| `train RUN LEASE GPUS` | start an actor for the run |
| `wake RUN` | have its actor look for commands |
| `leave` | have every actor keep what it has, and end |

| from it | |
|---|---|
| `waits WHY` | no cluster answers yet |
| `cluster JSON` | what the cluster has: when it is joined, and when it has changed |
| `ended RUN LEASE HOW` | an actor is done |
| `lost WHY` | the cluster does not answer any more; it ends |
"""

import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

from paramixer_core.runs.worker import lines_of

LOOK_SECONDS = 0.1  # between two looks at the actors
CHECK_SECONDS = 1.0  # between two questions whether the cluster is there
ANSWER_SECONDS = 2.0  # that the cluster's head gets to answer
MAX_SILENT = 3  # questions in a row without an answer, before the cluster counts as lost
LEAVE_SECONDS = 20.0  # that actors get to send a last snapshot
DRIVER_LOST = 4


class Dispatcher:
    """Starts an actor for each run that the server names, and tells what becomes of it."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._channel = os.dup(1)
        os.dup2(2, 1)  # whatever Ray prints must not be taken for our words
        self._orders: Queue[list[str] | None] = Queue()
        self._actors: dict[str, tuple[str, Any, Any]] = {}
        self._known: dict[str, float] = {}
        Thread(target=self._listen, daemon=True).start()

    def run(self) -> None:
        """Serve until the server has gone or the cluster has."""
        address = self._found()
        if address is None:
            return
        import ray

        from paramixer_core.runs import ray_actors

        try:
            ray_actors.join(address)
        except Exception as error:  # whatever Ray says is the reason, and the server tries again
            self._say("waits", f"it could not be joined: {first_line(error)}")
            raise
        self._keeper = ray_actors.new_keeper(self._store)
        Thread(
            target=self._watch, args=(ray.get_runtime_context().gcs_address,), daemon=True
        ).start()
        checked = 0.0
        while self._carry_out(ray):
            self._look(ray)
            if time.monotonic() - checked > CHECK_SECONDS:
                checked = time.monotonic()
                self._describe(ray)
        self._leave(ray)

    def _found(self) -> str | None:
        """The address of a cluster that answers, or "local" to start one; None if told to leave.

        One that RAY_ADDRESS names is waited for.
        """
        named = os.environ.get("RAY_ADDRESS", "")
        said = ""
        while True:
            if named in ("", "auto", "local"):
                running = running_cluster()
                join = named != "local" and running and answers(running)
                return running if join else "local"
            if answers(named):
                return named
            why = (
                f"none answers at {named}; start it there with `ray start --head`, or unset "
                "RAY_ADDRESS"
            )
            if not is_address(named):
                why = (
                    f"RAY_ADDRESS is {named!r}, expected host:port of a cluster that this machine "
                    "is a node of"
                )
            if why != said:
                said = why
                self._say("waits", why)
            try:
                order = self._orders.get(timeout=CHECK_SECONDS)
            except Empty:
                continue
            if order is None or order == ["leave"]:
                return None

    def _listen(self) -> None:
        for line in lines_of(sys.stdin.fileno()):
            self._orders.put(line.split())
        self._orders.put(None)

    def _say(self, *words: str) -> None:
        line = " ".join(words).replace("\n", " ")
        try:
            os.write(self._channel, line.encode() + b"\n")
        except BrokenPipeError:
            os._exit(DRIVER_LOST)

    def _carry_out(self, ray: Any) -> bool:
        """Do what the server says next, if it says something; False once it wants the end."""
        try:
            order = self._orders.get(timeout=LOOK_SECONDS)
        except Empty:
            return True
        match order:
            case ["train", run_id, lease, gpus]:
                from paramixer_core.runs.ray_actors import new_trainee

                actor = new_trainee(float(gpus))
                self._actors[run_id] = lease, actor, actor.train.remote(self._keeper, run_id, lease)
            case ["wake", run_id] if run_id in self._actors:
                self._actors[run_id][1].wake.remote()
            case ["leave"] | None:
                return False
            case _:
                pass
        return True

    def _look(self, ray: Any) -> None:
        """Tell of the actors that have ended."""
        for run_id, (lease, actor, done) in list(self._actors.items()):
            ended, _ = ray.wait([done], timeout=0)
            if ended:
                del self._actors[run_id]
                ray.kill(actor)
                self._say("ended", run_id, lease, farewell(ray, done))

    def _describe(self, ray: Any) -> None:
        """Tell what the cluster has, when that has changed."""
        total = ray.cluster_resources()
        memory = [node["Resources"].get("memory", 0) for node in ray.nodes() if node["Alive"]]
        known = {
            "cpus": total.get("CPU", 0),
            "gpus": total.get("GPU", 0),
            "memory": max(memory, default=0),
        }
        if known != self._known:
            self._known = known
            self._say("cluster", json.dumps(known))

    def _watch(self, address: str) -> None:
        """Notice the end of the cluster's head, long before Ray ends this process for it."""
        silent = 0
        while silent < MAX_SILENT:
            time.sleep(CHECK_SECONDS)
            silent = 0 if answers(address) else silent + 1
        self._say("lost", f"its head at {address} does not answer any more")
        os._exit(DRIVER_LOST)

    def _leave(self, ray: Any) -> None:
        """Have every actor keep what it has, and leave the cluster."""
        for _, actor, _ in self._actors.values():
            actor.leave.remote()
        waiting = [done for _, _, done in self._actors.values()]
        if waiting:
            ray.wait(waiting, num_returns=len(waiting), timeout=LEAVE_SECONDS)
        ray.shutdown()


def farewell(ray: Any, done: Any) -> str:
    """How an actor ended, as the end of a sentence."""
    try:
        ray.get(done, timeout=0)
    except Exception as error:  # noqa: BLE001 whatever Ray says is the reason
        return first_line(error)
    return "though its actor ended in order"


def first_line(error: Exception) -> str:
    """What an error says, without the stack of another process that Ray adds."""
    return str(error).strip().partition("\n")[0].rstrip(".")


def running_cluster() -> str:
    """The address of the cluster that was last started on this machine; it may be gone."""
    folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    try:
        return (Path(folder) / "ray" / "ray_current_cluster").read_text().strip()
    except OSError:
        return ""


def is_address(text: str) -> bool:
    """Whether it reads host:port. (`ray://` is Ray's client, whose store would be elsewhere.)"""
    host, colon, port = text.rpartition(":")
    return bool(host and colon and port.isdigit() and "/" not in host)


def answers(address: str) -> bool:
    """Whether something listens at host:port."""
    if not is_address(address):
        return False
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS):
            return True
    except (OSError, OverflowError):
        return False


if __name__ == "__main__":
    Dispatcher(Path(sys.argv[1])).run()
