"""A server on this machine that receives webhooks and answers, or misbehaves, as a test tells it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from local_server import Quiet, Served, serving


@dataclass
class Hooks(Served):
    """`behaviours` are played in order, the last one for ever; `bodies` and `headers` are what arrived."""

    behaviours: list[Callable[[Handler], None]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


class Handler(Quiet, BaseHTTPRequestHandler):
    shared: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = len(self.shared.bodies)
        self.shared.bodies.append(body)
        self.shared.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.shared.behaviours[min(number, len(self.shared.behaviours) - 1)](self)


def answers(status: int, **headers: str) -> Callable[[Handler], None]:
    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


def talks_nonsense(handler: Handler) -> None:
    handler.wfile.write(b"\x00\xffnonsense\r\n\r\n")
    handler.close_connection = True


def hook_server(*behaviours: Callable[[Handler], None]) -> AbstractContextManager[Hooks]:
    return serving(Handler, Hooks(list(behaviours)))
