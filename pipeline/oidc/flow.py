"""What ties a sign-in at the provider to the browser that began it, without keeping anything here.

The browser's own secret (the visit's cookie) signs the state that travels over the provider and back: where to go
afterwards and until when it counts. PKCE's verifier (RFC 7636) and the nonce (OpenID Connect Core 1.0, 3.1.2.1) follow
from that secret and the state, so nobody without the cookie can finish a sign-in, or finish somebody else's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from pipeline.errors import SignInRefused

FLOW_S = 600.0
"""Time to sign in at the provider."""
_LONGEST_GOAL = 500
_LONGEST_STATE = 2000


def new_state(visit: str, goal: str, *, now: float) -> str:
    """A state for one sign-in by the browser with this secret, which goes on to the path `goal`; `now` in Unix s."""
    kept = goal if len(goal) <= _LONGEST_GOAL else "/"
    body = f"{secrets.token_urlsafe(16)}.{int(now + FLOW_S)}.{_text(kept.encode())}"
    return f"{body}.{_mac(visit, 'state', body)}"


def goal_of(visit: str, state: str, *, now: float) -> str:
    """Where the sign-in of this state leads. Raises `SignInRefused` for one that is over, or another browser's."""
    body, _, mac = state[:_LONGEST_STATE].rpartition(".")
    if not visit or not hmac.compare_digest(mac.encode(), _mac(visit, "state", body).encode()):
        raise SignInRefused("it was begun in another browser, or is finished already")
    _, until, goal = body.split(".")
    if now > int(until):
        raise SignInRefused("it took too long")
    try:
        return base64.urlsafe_b64decode(goal + "=" * (-len(goal) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "/"


def nonce_of(visit: str, state: str) -> str:
    """What the ID token must repeat."""
    return _mac(visit, "nonce", state)


def verifier_of(visit: str, state: str) -> str:
    """PKCE's verifier: 43 characters, 256 bits."""
    return _mac(visit, "pkce", state)


def _mac(visit: str, use: str, text: str) -> str:
    return _text(hmac.new(visit.encode(), f"{use} {text}".encode("utf-8", "replace"), hashlib.sha256).digest())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
