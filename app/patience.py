"""The HTTP protocol of the server: who sends half a request is waited for, but not for long."""

import asyncio
from collections import OrderedDict
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long a connection may take for the head of its request, from its first moment on."""

BODY_SECONDS = 20.0
SLOWEST_BODY = 2048
"""A body that comes slower than this many bytes a second, after its first BODY_SECONDS, is cut."""

MOST_HALF_SENT = 256
"""Connections that may owe a part of their request at one time; the oldest goes first."""

_half_sent: OrderedDict["PatientProtocol", None] = OrderedDict()


class PatientProtocol(H11Protocol):
    """uvicorn's h11 protocol with a time limit on heads and bodies, and on how many are half sent.

    uvicorn itself waits for ever: 600 such connections cost it every file that it may open.
    """

    _limit: asyncio.TimerHandle | None = None
    _owes: str = ""
    _received = 0
    _upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await("head", HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._upgraded = True  # h11 goes on to wait for a body, of a line that is no longer its own
        super().handle_websocket_upgrade(event)

    def _look(self) -> None:
        """Set or lift the limit, by what the client still owes."""
        state = self.conn.their_state
        if self._upgraded:
            self._settle()
        elif state is h11.SEND_BODY:
            if self._owes != "body":
                self._received = 0
                self._await("body", BODY_SECONDS)
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            if self._owes != "head":
                self._await("head", HEAD_SECONDS)
        elif not (state is h11.IDLE and self._owes == "head"):
            self._settle()

    def _await(self, owed: str, seconds: float) -> None:
        self._settle()
        self._owes = owed
        self._limit = self.loop.call_later(seconds, self._overdue)
        _half_sent[self] = None
        if len(_half_sent) > MOST_HALF_SENT:
            next(iter(_half_sent))._cut()

    def _settle(self) -> None:
        self._owes = ""
        _half_sent.pop(self, None)
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _overdue(self) -> None:
        # A body that the app itself has not read yet is not the client's delay.
        waits = self._owes == "body" and self.flow.read_paused
        if waits or (self._owes == "body" and self._received > SLOWEST_BODY * BODY_SECONDS):
            self._received = 0
            self._limit = self.loop.call_later(BODY_SECONDS, self._overdue)
            return
        self._cut()

    def _cut(self) -> None:
        self._settle()
        if not self.transport.is_closing():
            self.transport.abort()
