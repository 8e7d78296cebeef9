"""A server on this machine for a test, and the ways in which any server can keep somebody waiting."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from waiting import HANGS_S


@dataclass
class Served:
    """What a test and the handlers of its server share; `over` is set when the test is."""

    port: int = field(default=0, kw_only=True)
    over: threading.Event = field(default_factory=threading.Event, kw_only=True)


S = TypeVar("S", bound=Served)


class Quiet:
    """A handler's first base: it says nothing on the terminal, and `shared` is the `Served` of its server."""

    shared: Any

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], shared: S, *, tls: ssl.SSLContext | None = None) -> Iterator[S]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (handler,), {"shared": shared}))
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    shared.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield shared
    finally:
        shared.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def no_thread_is_left(name: str) -> None:
    """What was given up is over, not only forgotten."""
    for left in [each for each in threading.enumerate() if each.name == name]:
        left.join(HANGS_S)
        assert not left.is_alive()


def hangs(handler: Any) -> None:
    handler.shared.over.wait(2 * HANGS_S)
    handler.close_connection = True


def drips(handler: Any) -> None:
    """A head without an end, a byte at a time: no single read ever takes long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.shared.over.wait(0.02):
        try:
            handler.wfile.write(b"x")
            handler.wfile.flush()
        except OSError:
            return


def floods(handler: Any) -> None:
    """200, and then a body without an end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.shared.over.is_set():
        try:
            handler.wfile.write(b"[" * 65536)
        except OSError:
            return


def breaks_off(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200")
    handler.close_connection = True
