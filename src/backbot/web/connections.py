"""Connections held to time and size: uvicorn itself waits for the rest of a request as long as a client likes."""

import asyncio
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

REQUEST_SECONDS = 20.0
"""How long a client may take over one request, from its first byte (or from connecting) to its last."""

MAX_HEAD_BYTES = 64_000
"""The most that the request line and the headers may come to; whoever sends more is cut off."""

UNREAD_SECONDS = 60
"""How long the system keeps a connection whose other end neither takes nor acknowledges what was sent."""


class HeldConnection(HttpToolsProtocol):
    """uvicorn's protocol with an end to waiting: a slow or endless request loses its connection and its memory."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = False
    _head_bytes = 0
    _unanswered: tuple[RequestResponseCycle, ...] = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request is waited for from here."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more, and no answer is written."""
        self._stop_waiting()
        # uvicorn tells the newest request only; of several that came at once, another one is being answered.
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came; those of a head that is not whole yet are counted."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.abort()
        elif self.cycle is None or self.cycle.response_complete:
            # Empty lines between requests end uvicorn's own wait for the next one.
            self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._wait()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()
        self._unanswered = tuple(cycle for cycle in (*self._unanswered, self.cycle) if not cycle.response_complete)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._stop_waiting()
        super().on_message_complete()

    def _wait(self) -> None:
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def drop_dead_peers(listener: socket.socket) -> None:
    """Let the system end connections of the listener whose other end is gone or reads nothing."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
