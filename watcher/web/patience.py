"""Connections on which nobody asks are closed: uvicorn waits for a request's head without end, and counts them all.

A hundred silent connections would otherwise keep everybody else out for as long as they like, `/healthz` included.
What a request takes from then on is bounded where it is read and answered.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""So long may the head of a request take from the connection, or from its own first byte, on."""


class PatientProtocol(H11Protocol):
    """As uvicorn's, and closes a connection whose next request is not whole after `HEAD_S`."""

    _given_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Some bytes came: of a head, of a body, or all that was waited for."""
        super().data_received(data)
        if self._answering:
            self._cancel()
        elif self._given_up is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self._cancel()
        super().connection_lost(exc)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._given_up = self.loop.call_later(HEAD_S, self._give_up)

    def _cancel(self) -> None:
        if self._given_up is not None:
            self._given_up.cancel()
            self._given_up = None

    def _give_up(self) -> None:
        self._given_up = None
        if not self._answering:
            self.transport.close()
