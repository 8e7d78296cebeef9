"""A server on this machine that receives webhooks and answers, or misbehaves, as a test tells it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hooks:
    """`behaviours` are played in order, the last one for ever; `bodies` and `headers` are what arrived."""

    behaviours: list[Callable[[Handler], None]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


class Handler(BaseHTTPRequestHandler):
    hooks: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = len(self.hooks.bodies)
        self.hooks.bodies.append(body)
        self.hooks.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.hooks.behaviours[min(number, len(self.hooks.behaviours) - 1)](self)

    def log_message(self, *_: object) -> None:
        return


def answers(status: int, **headers: str) -> Callable[[Handler], None]:
    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


def hangs(handler: Handler) -> None:
    handler.hooks.over.wait(20)
    handler.close_connection = True


def drips(handler: Handler) -> None:
    """A head without an end, a byte at a time: no single read ever takes long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.hooks.over.wait(0.02):
        try:
            handler.wfile.write(b"x")
            handler.wfile.flush()
        except OSError:
            return


def breaks_off(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200")
    handler.close_connection = True


def talks_nonsense(handler: Handler) -> None:
    handler.wfile.write(b"\x00\xffnonsense\r\n\r\n")
    handler.close_connection = True


def floods(handler: Handler) -> None:
    """200, and then a body without an end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.hooks.over.is_set():
        try:
            handler.wfile.write(b"x" * 65536)
        except OSError:
            return


@contextmanager
def hook_server(*behaviours: Callable[[Handler], None]) -> Iterator[Hooks]:
    hooks = Hooks(list(behaviours))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Handler,), {"hooks": hooks}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    hooks.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield hooks
    finally:
        hooks.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
