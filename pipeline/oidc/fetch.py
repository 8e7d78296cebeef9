"""One request to the provider: over in time however slowly it drips, never larger than it may be, no redirects."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from pipeline.errors import ProviderError
from pipeline.wire import Wire, within

if TYPE_CHECKING:
    import ssl

STEP_S = 5.0
"""Limit for connecting and for each piece of an answer."""
DEADLINE_S = 10.0
"""Limit for one request in all."""
LARGEST = 1_000_000
"""Bytes of an answer."""
_TURN = threading.BoundedSemaphore(4)
"""A provider that answers slowly must not take all threads of the app."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from `host`."""

    host: str
    status_code: int
    content: bytes

    def json(self) -> Any:
        """The body as JSON. Raises `ProviderError`."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise ProviderError(f"{self.host}: answered {self.status_code} with something that is not JSON") from None

    def raise_for_status(self) -> None:
        """Raises `ProviderError` unless the answer is a good one."""
        if not 200 <= self.status_code < 300:
            why = "; redirects are not followed" if 300 <= self.status_code < 400 else ""
            raise ProviderError(f"{self.host}: answered {self.status_code}{why}")


class Line:
    """Sends requests; `deadline_s` bounds each."""

    def __init__(self, *, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at an address. Raises `ProviderError`."""
        answer = self._send("GET", url, {"Accept": "application/json", **(headers or {})}, b"")
        answer.raise_for_status()
        return _object(answer)

    def post(self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> Answer:
        """What Authlib's client asks of its session: `auth` signs the request. Raises `ProviderError`."""
        url, signed, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        answer = self._send("POST", url, signed, str(body).encode())
        if 300 <= answer.status_code < 400:
            answer.raise_for_status()
        _object(answer) if answer.status_code < 500 else answer.raise_for_status()
        return answer

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        host = urlsplit(url).hostname or "?"
        if not _TURN.acquire(timeout=self.deadline_s):
            raise ProviderError(f"{host}: too many sign-ins wait for its answer")

        def ask(wire: Wire) -> Answer | ProviderError:
            try:
                return _ask(method, url, headers, body, host, wire)
            except ProviderError as error:
                return error
            finally:
                _TURN.release()

        answer = within(self.deadline_s, ask, name="oidc")
        if answer is None:
            raise ProviderError(f"{host}: no answer within {self.deadline_s:g} s")
        if isinstance(answer, ProviderError):
            raise answer
        return answer


def _ask(method: str, url: str, headers: Mapping[str, str], body: bytes, host: str, wire: Wire) -> Answer:
    import httpx

    sent = {"User-Agent": "debrief", "Accept-Encoding": "identity", **headers}
    try:
        with (
            httpx.Client(timeout=STEP_S, follow_redirects=False, verify=_trusted()) as client,
            client.stream(method, url, content=body or None, headers=sent, extensions=wire.extensions) as response,
        ):
            content = b""
            for piece in response.iter_raw():
                content += piece
                if len(content) > LARGEST:
                    raise ProviderError(f"{host}: its answer is longer than {LARGEST} bytes")
            return Answer(host, response.status_code, content)
    except ProviderError:
        raise
    except httpx.TimeoutException:
        raise ProviderError(f"{host}: no answer within {STEP_S:g} s") from None
    except httpx.ConnectError as error:
        # what the system says: refused, no such name, a certificate that nobody vouches for
        raise ProviderError(f"{host}: not reached ({plain(error)})") from None
    except Exception as error:
        # the error's own text may hold the address, and that a secret
        raise ProviderError(f"{host}: broken off ({type(error).__name__})") from None


@cache
def _trusted() -> ssl.SSLContext:
    """Whom to believe that they are who they are; read once, it takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def _object(answer: Answer) -> dict[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise ProviderError(f"{answer.host}: answered {answer.status_code} with JSON that is no object")
    return found


def plain(said: object, *, longest: int = 200) -> str:
    """What somebody else said, fit for a line of a log: printable, not long."""
    text = " ".join(str(said).split())
    return "".join(c if c.isprintable() else "?" for c in text[:longest])
