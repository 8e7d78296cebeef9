"""From what a route gives to a response: HTML, JSON, files, redirects, and errors in words."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import traceback
from typing import TYPE_CHECKING, Any

from pipeline.access.people import EVERYONE
from pipeline.access.scope import Scope
from pipeline.errors import AccessError, DebriefError, NotAllowed, NotThere, NotYet, StoreLocked, TooManyAttempts
from pipeline.web import gate
from pipeline.web.ask import Ask, Away, File, Go, Html, Kept, Page, Route
from pipeline.web.desk import Desk
from pipeline.web.pages import PAGES
from pipeline.web.render import environment

if TYPE_CHECKING:
    from fastapi import Request, Response

STATUS: dict[type[Exception], tuple[int, str]] = {
    gate.SignInFirst: (401, "Sign in first"),
    NotAllowed: (403, "Not open to you"),
    NotThere: (404, "Nothing here"),
    TooManyAttempts: (429, "Too many tries"),
    AccessError: (400, "That did not work"),
    NotYet: (503, "One moment"),
    StoreLocked: (503, "Busy"),
    DebriefError: (400, "That did not work"),
    Exception: (500, "Something went wrong"),
}
"""What an error is on the wire and as a heading; the first that fits."""

WANTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a day such as 2026-11-30",
    "less_than": "a smaller number",
    "greater_than": "a larger number",
}
"""What a value of an address ought to have been, by the start of the kind of its error."""

HEAVY = 150_000
"""Bytes from which a page goes compressed, as a call of hours does. Lighter ones do not: a page that repeats what it
was asked for would tell by its length, also under TLS, what else it holds."""


class Answers:
    """Answers a route's request, and logs it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def answer(self, route: Route, request: gate.Incoming, ask: Ask, values: dict[str, Any]) -> Any:
        """What the route gives: a response, or for the API a value that FastAPI turns into JSON by its return type."""
        try:
            given = route.answer(ask, **values)
            response = _json(given) if route.gives else self._shown(request, ask, given)
        except Exception as error:
            gate.log_answer(route, ask, error)
            return self._problem(route, request, ask, error)
        gate.log_answer(route, ask, None)
        return response

    def _shown(self, request: gate.Incoming, ask: Ask, given: Any) -> Any:
        if isinstance(given, Html):
            return self._html(request, ask, given)
        if isinstance(given, Go):
            return self._go(request, ask, given)
        if isinstance(given, Away):
            return _away(request, ask, given)
        if isinstance(given, File):
            return _file(given, request)
        if isinstance(given, Kept):
            return _kept(given)
        return given

    def refused(self, request: Request, refusal: Any) -> Response:
        """The gate's refusal: the sign-in page, or why not."""
        ask = Ask(self.desk, refusal.incoming.method, refusal.incoming.path, gate.NOBODY, Scope(), False)
        try:
            ask.user = self.desk.book.session_user(refusal.incoming.cookies.get(gate.SESSION, "")) or gate.NOBODY
        except AccessError:
            ask.user = gate.NOBODY
        ask.signed_in = bool(ask.user.user_id)
        ask.csrf = gate.csrf_token(refusal.incoming.cookies.get(gate.SESSION, ""))
        return self._problem(refusal.route, refusal.incoming, ask, refusal.error)

    def misread(self, request: Request, error: Any) -> Response:
        """Values that are not what the route takes, which only those who may be here are told."""
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:])
        wanted = next((words for kind, words in WANTED.items() if first["type"].startswith(kind)), "")
        given = str(first.get("input", ""))[:40]
        line = f"the address says {name}={given}; {wanted} belongs there" if wanted else f"{name}: {first['msg']}"
        route = request.scope["endpoint"].rule
        return self._problem(route, request.state.incoming, request.state.ask, DebriefError(line))

    def _problem(self, route: Route, request: gate.Incoming, ask: Ask, error: Exception) -> Response:
        from starlette.responses import JSONResponse, RedirectResponse

        status, heading = next(found for kind, found in STATUS.items() if isinstance(error, kind))
        line = str(error)
        if status == 500:
            line = "The details are in the data folder's logs/web.log."
            self._log(request, error)
        if route.is_api:
            return JSONResponse({"error": line}, status_code=status)
        if isinstance(error, gate.SignInFirst):
            return RedirectResponse(gate.sign_in_path(request), status_code=303)
        return self._html(
            request, ask, Html("problem.html", {"heading": heading, "line": line, "code": status}, status)
        )

    def _html(self, request: gate.Incoming, ask: Ask, page: Html) -> Response:
        from starlette.responses import HTMLResponse

        common = {"ask": ask, "user": ask.user, "csrf": ask.csrf, "said": ask.said, "nav": navigation(ask)}
        text = environment().get_template(page.template).render(**common, **page.values)
        return _lighter(_with_cookies(HTMLResponse(text, status_code=page.status), request, ask), request)

    def _go(self, request: gate.Incoming, ask: Ask, go: Go) -> Response:
        from starlette.responses import RedirectResponse

        if go.said:
            ask.cookies[gate.SAID] = go.said
        return _with_cookies(RedirectResponse(gate.inside(go.path), status_code=303), request, ask)

    def _log(self, request: gate.Incoming, error: Exception) -> None:
        place = self.desk.settings.data / "logs" / "web.log"
        stamp = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        text = f"{stamp} {request.method} {request.path}\n{''.join(traceback.format_exception(error))}\n"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError:
            return


def navigation(ask: Ask) -> list[dict[str, Any]]:
    """`[{"group", "pages": [{"name", "path", "here"}]}]` of the pages that the user may see."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for page in PAGES.values():
        if ask.signed_in and ask.user.role in (page.who & EVERYONE):
            here = page is _here(ask.path)
            groups.setdefault(page.group, []).append({"name": page.name, "path": page.path, "here": here})
    return [{"group": group, "pages": pages} for group, pages in groups.items()]


def _here(path: str) -> Page | None:
    """The page that a path belongs to: of those it lies under, the one with the longest path of its own."""
    under = [page for page in PAGES.values() if path == page.path or path.startswith(f"{page.path}/")]
    return max(under, key=lambda page: len(page.path), default=None)


def _json(given: Any) -> Response:
    """A value whose JSON only the document describes, not its type. FastAPI would walk through it in Python: half a
    second for the gaps of 200 reps."""
    from pydantic_core import to_json
    from starlette.responses import Response

    return Response(to_json(given), media_type="application/json")


def _away(request: gate.Incoming, ask: Ask, away: Away) -> Response:
    from starlette.responses import RedirectResponse

    return _with_cookies(RedirectResponse(away.url, status_code=303), request, ask)


def _with_cookies(response: Response, request: gate.Incoming, ask: Ask) -> Response:
    for name, value in ask.cookies.items():
        if value is None:
            response.delete_cookie(name, path="/")
        else:
            response.set_cookie(**gate.show_cookie(name, value, secure=request.secure))
    return response


def _lighter(response: Response, request: gate.Incoming) -> Response:
    """The response, compressed where it is a heavy page and the browser takes that."""
    if len(response.body) < HEAVY or "gzip" not in request.headers.get("accept-encoding", ""):
        return response
    response.body = gzip.compress(response.body, compresslevel=5, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _kept(file: Kept) -> Response:
    from starlette.responses import FileResponse

    try:
        state = file.path.stat()
    except OSError:
        raise NotThere("the file has gone; load the page again") from None
    return FileResponse(file.path, media_type=file.media_type, filename=file.name or None, stat_result=state)


def _file(file: File, request: gate.Incoming) -> Response:
    from urllib.parse import quote

    from starlette.responses import Response

    headers = {"Cache-Control": f"public, max-age={file.cache_s}"} if file.cache_s else {}
    if file.name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    headers["ETag"] = tag = f'"{hashlib.sha256(file.content).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
