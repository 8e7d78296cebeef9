"""One post to one address: signed, with a deadline, and with what came of it in a line that repeats no secret.

Signature by Standard Webhooks 1.0 (standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` (Unix seconds) and
`webhook-signature: v1,<base64>`, the HMAC-SHA256 of `id.timestamp.body`. A secret that begins with `whsec_` is base64
behind that; any other is taken as it is, in UTF-8. Whoever receives it checks the signature, refuses old timestamps,
and takes an id once: a delivery whose answer was lost comes again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.errors import SettingsError
from pipeline.wire import Wire, within

if TYPE_CHECKING:
    from pipeline.settings import Settings

SECRET_NAME = "DEBRIEF_WEBHOOK_SECRET"
SHORTEST_SECRET = 16
STEP_S = 10.0
"""Limit for connecting and for each piece of the answer's head."""
DEADLINE_S = 20.0
"""Limit for one post in all, however slowly an answer drips in."""
LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a post: `ok`, else whether to try `again` and after how many seconds the receiver asks; `line` says
    it in words."""

    ok: bool
    again: bool
    line: str
    after_s: float = 0.0


def addresses(settings: Settings) -> tuple[str, ...]:
    """The addresses of the settings; none where webhooks are off. Raises `SettingsError` for one that is none."""
    found = []
    for part in settings.webhook_urls.split(","):
        if not part.strip():
            continue
        url = part.strip()
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            sound = False
        if not sound or parts.username or parts.password or parts.fragment or not url.isprintable():
            raise SettingsError("webhook_urls: expected addresses such as https://example.com/hooks, with commas")
        found.append(url)
    return tuple(dict.fromkeys(found))


def secret(environ: dict[str, str] | None = None) -> bytes:
    """The signing key. Raises `SettingsError` where there is none, or one that is too short to keep anybody out."""
    text = (os.environ if environ is None else environ).get(SECRET_NAME, "").strip()
    encoded = text.startswith("whsec_")
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True) if encoded else text.encode()
    except (binascii.Error, ValueError):
        raise SettingsError(f"{SECRET_NAME}: what follows whsec_ is not base64") from None
    if len(key) < SHORTEST_SECRET:
        raise SettingsError(f"{SECRET_NAME}: set at least {SHORTEST_SECRET} characters; nothing is sent unsigned")
    return key


def signature(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """`v1,<base64>` of Standard Webhooks."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def host_of(url: str) -> str:
    """The part of an address that may be shown: the path may hold a secret."""
    return urlsplit(url).hostname or "?"


def send(
    url: str,
    event_id: str,
    body: bytes,
    *,
    key: bytes,
    deadline_s: float = DEADLINE_S,
    clock: Callable[[], float] = time.time,
) -> Sent:
    """Post once. Never raises for what the receiver does, and is over within the deadline whatever that is."""
    stamp = int(clock())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "debrief-webhooks",
        "Accept-Encoding": "identity",
        "webhook-id": event_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(key, event_id, stamp, body),
    }
    sent = within(deadline_s, lambda wire: _post(url, body, headers, wire), name="webhook")
    return sent or Sent(False, True, f"no answer within {deadline_s:g} s")


def _post(url: str, body: bytes, headers: dict[str, str], wire: Wire) -> Sent:
    import httpx

    try:
        with (
            httpx.Client(timeout=STEP_S, follow_redirects=False) as client,
            client.stream("POST", url, content=body, headers=headers, extensions=wire.extensions) as response,
        ):
            # the answer's body is never read: only the status counts
            return _outcome(response.status_code, response.headers.get("Retry-After", ""))
    except httpx.TimeoutException:
        return Sent(False, True, f"no answer within {STEP_S:g} s")
    except httpx.HTTPError as error:
        # the error's own text may hold the address
        return Sent(False, True, f"not reached, or broken off ({type(error).__name__})")
    except Exception as error:
        return Sent(False, True, f"no request could be made ({type(error).__name__})")


def _outcome(status: int, retry_after: str) -> Sent:
    if 200 <= status < 300:
        return Sent(True, False, f"answered {status}")
    if status == 410:
        return Sent(False, False, "answered 410: it wants no more")
    why = ": redirects are not followed, correct the address" if 300 <= status < 400 else ""
    after = float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 7 else 0.0
    return Sent(False, True, f"answered {status}{why}", min(after, LONGEST_WAIT_S))
