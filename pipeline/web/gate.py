"""The gate that every request passes: who asks, may they, did they mean it; and the log of who saw and changed what.

Nothing is open unless its route says so. A page's route is answered only after a session (cookie) or, for the API, a
token was found, the user's role is one of the route's, and an unsafe request carries the session's CSRF token and comes
from this site (OWASP Cross-Site Request Forgery Prevention Cheat Sheet: token derived from the session by HMAC, and
`Sec-Fetch-Site`/`Origin` beside it).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from pipeline.access.people import User
from pipeline.access.scope import Scope
from pipeline.errors import AccessError, NotAllowed
from pipeline.web.ask import ANYBODY, SAFE, Ask, Route
from pipeline.web.desk import Desk

SESSION = "debrief_session"
SAID = "debrief_said"
VISIT = "debrief_visit"
THEMES = ("light", "dark")
MAX_BODY = 2_000_000
LARGEST = 2**53
"""The largest number that is taken, in a body, a path or a query: JSON has them exactly up to here, and what is
reckoned with them still fits the databases."""
NOBODY = User("", "", "")
WHOSE = ("rep", "account", "team")
"""What pages and API are narrowed to by their query: the log's line of a look at Ann's day names Ann."""

_UNSHOWN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of a character: kept, they would make every page that shows them fail."""

HEADERS: dict[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer; a static file sets its own `Cache-Control`."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request taken apart: lower-case header names, the raw body, and what its path and query held."""

    method: str
    path: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    address: str
    secure: bool


class SignInFirst(AccessError):
    """Nobody is signed in."""


@dataclass(slots=True)
class _Who:
    user: User = NOBODY
    secret: str = ""
    by_token: bool = False
    writes: bool = True
    visit: str = ""
    new_visit: bool = False


def admit(route: Route, request: Incoming, desk: Desk) -> Ask:
    """The request as its page sees it. Raises `SignInFirst`, `NotAllowed` or `AccessError` where it goes no further."""
    who = _who(route, request, desk)
    ask = Ask(
        desk=desk,
        method=request.method,
        path=request.path,
        user=who.user,
        scope=Scope(),
        signed_in=bool(who.user.user_id),
        secret=who.secret,
        visit=who.visit,
        csrf=csrf_token(who.secret or who.visit),
        address=request.address,
        theme=request.cookies.get("debrief_theme", "") if request.cookies.get("debrief_theme") in THEMES else "",
        said=_said(request),
        query=request.query,
    )
    if who.new_visit:
        ask.cookies[VISIT] = who.visit
    if ask.said:
        ask.cookies[SAID] = None
    if route.who is not ANYBODY:
        if not ask.signed_in:
            raise SignInFirst("sign in first")
        if who.user.role not in route.who:
            _deny(ask, "your role does not reach this page; ask an admin if it should")
    if request.method not in SAFE:
        if who.by_token and not who.writes:
            _deny(ask, "this token may only read")
        _read_body(ask, request)
        if not who.by_token:
            _require_meant(ask, request)
    if ask.signed_in:
        ask.scope = desk.scope_of(who.user)
    return ask


def log_answer(route: Route, ask: Ask, error: Exception | None) -> None:
    """A line in the log for what was seen, changed or denied.

    Who changed something says what (`Ask.detail`): a form that was refused, or only checked, was a look at its page.
    """
    if not ask.signed_in or not (route.logged or isinstance(error, NotAllowed)):
        return
    changed = ask.method not in SAFE and bool(ask.detail)
    kind = "denied" if isinstance(error, NotAllowed) else "changed" if changed else "saw"
    if error is None or isinstance(error, NotAllowed) or changed:
        ask.book.note(ask.user.name, ask.user.role, kind, ask.path, ask.detail or _whose(ask))


def _whose(ask: Ask) -> str:
    return ", ".join(f"{name} {ask.query[name]}" for name in WHOSE if ask.query.get(name))


def csrf_token(secret: str) -> str:
    """The token that a form must carry: derived from the session's secret, so nothing else need be kept."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest() if secret else ""


def inside(path: str) -> str:
    """A path of this site to go to next; `/` for anything that leads elsewhere."""
    ok = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if ok and not urlsplit(path).netloc else "/"


def sign_in_path(request: Incoming) -> str:
    """Where to sign in, coming back to the page asked for, narrowed as it was; what a form was to change is lost, and
    said to be: one comes back to the page that the form was on."""
    if request.path == "/sign-out":
        return "/sign-in"
    if request.method not in SAFE:
        return f"/sign-in?next={quote(_form_page(request))}&lost=1"
    page = f"{request.path}?{urlencode(request.query)}" if request.query else request.path
    return "/sign-in" + (f"?next={quote(page)}" if page != "/" else "")


def _form_page(request: Incoming) -> str:
    """The path of the page of this site that a form was on; `/` where the browser does not say."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    return inside(page.path) if page.netloc == request.headers.get("host", "") else "/"


def _who(route: Route, request: Incoming, desk: Desk) -> _Who:
    given = request.headers.get("authorization", "")
    if route.is_api and given:
        scheme, _, secret = given.partition(" ")
        found = desk.book.token_user(secret.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise SignInFirst("this token is not valid, or no longer")
        return _Who(user=found[0], by_token=True, writes=found[1])
    secret = request.cookies.get(SESSION, "")
    user = desk.book.session_user(secret) if secret else None
    if user is not None:
        return _Who(user=user, secret=secret)
    # a visitor's own secret, so that nobody can be signed in to somebody else's account by a foreign form
    visit = request.cookies.get(VISIT, "")
    if len(visit) >= 32:
        return _Who(visit=visit)
    from pipeline.access.passwords import new_secret

    return _Who(visit=new_secret(), new_visit=True)


def _deny(ask: Ask, line: str) -> None:
    if ask.signed_in:
        ask.book.note(ask.user.name, ask.user.role, "denied", ask.path, line)
    raise NotAllowed(line)


def _read_body(ask: Ask, request: Incoming) -> None:
    if len(request.body) > MAX_BODY:
        raise AccessError(f"more than {MAX_BODY // 1_000_000} MB at once; send less")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json" and request.body:
            ask.json = json.loads(request.body, parse_int=_number, parse_float=_number, parse_constant=_number)
        elif kind == "application/x-www-form-urlencoded":
            ask.forms = parse_qs(request.body.decode(), keep_blank_values=True, max_num_fields=1000)
            ask.form = {name: values[-1] for name, values in ask.forms.items()}
        if any(_UNSHOWN.search(text) for text in (*_texts(ask.json), *_texts(ask.forms))):
            raise ValueError("it holds characters that cannot be shown; write it without them")
    except (ValueError, RecursionError) as error:
        raise AccessError(f"the request could not be read ({error})") from None


def _number(text: str) -> int | float:
    """A number of JSON, which is none beyond `LARGEST`. Raises `ValueError`."""
    value = float(text)
    # NaN is neither less nor more
    if not abs(value) <= LARGEST:
        raise ValueError(f"numbers go to {LARGEST}")
    return int(text) if text.lstrip("-").isdigit() else value


def _texts(value: Any) -> Iterator[str]:
    """All text in what was sent, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(part)


def _require_meant(ask: Ask, request: Incoming) -> None:
    """Raises `NotAllowed` for an unsafe request that this site's own pages did not make."""
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    foreign = site not in ("", "same-origin", "none") or (
        not site and origin and urlsplit(origin).netloc != request.headers.get("host", "")
    )
    given = request.headers.get("x-csrf-token") or ask.form.get("csrf", "")
    if foreign or not ask.csrf or not hmac.compare_digest(given.encode(), ask.csrf.encode()):
        _deny(ask, "this form is out of date; load the page again and send it once more")


def _said(request: Incoming) -> str:
    return unquote(request.cookies.get(SAID, ""))[:200] if request.method in SAFE else ""


def show_cookie(name: str, value: Any, *, secure: bool) -> dict[str, Any]:
    """The arguments of `set_cookie`: kept from scripts and from other sites' requests."""
    return {
        "key": name,
        "value": quote(value) if name == SAID else value,
        "httponly": True,
        "samesite": "lax",
        "secure": secure,
        "path": "/",
        "max_age": 60 if name == SAID else 7 * 86400 if name == SESSION else None,
    }
