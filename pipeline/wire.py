"""A request to somebody else's server that is over in time, however slowly the answer drips in."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Wire:
    """The connection under a request, so that it can be cut from outside: the request's own thread then ends, too."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._socket: socket.socket | None = None
        self._over = False

    @property
    def extensions(self) -> dict[str, Any]:
        """For httpx: it tells of its connection by these."""
        return {"trace": self._trace}

    def cut(self) -> None:
        """End the connection, now or as soon as there is one."""
        with self._guard:
            self._over = True
            self._shut()

    def close(self) -> None:
        """Give the handle back."""
        with self._guard:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            with self._guard:
                # a handle of its own: TLS takes the first one away
                self._socket = info["return_value"].get_extra_info("socket").dup()
                if self._over:
                    self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def within(deadline_s: float, ask: Callable[[Wire], T], *, name: str) -> T | None:
    """What `ask` gives, in a thread called `name`; None where it is not there after `deadline_s` seconds: its
    connection is cut then. `ask` raises nothing, and makes its request with the wire's `extensions`.

    httpx limits each read and not their sum: a head that drips in byte by byte would hold whoever asks for ever.
    """
    wire = Wire()
    answers: list[T] = []

    def work() -> None:
        try:
            answers.append(ask(wire))
        finally:
            wire.close()

    thread = threading.Thread(target=work, daemon=True, name=name)
    thread.start()
    thread.join(deadline_s)
    if answers:
        return answers[0]
    wire.cut()
    return None
