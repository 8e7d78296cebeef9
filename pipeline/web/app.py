"""The web app put together: the routes of `pages` and `api` behind the gate, and the server that runs them."""

from __future__ import annotations

import gc
import inspect
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from pipeline.access.people import EVERYONE
from pipeline.errors import NotThere, SettingsError, StoreError
from pipeline.oidc.plan import anyone_can_sign_in, is_on, plan_of
from pipeline.settings import LOOPBACK, Settings, local_address, public_address
from pipeline.web import gate
from pipeline.web.answers import Answers
from pipeline.web.api import API_ROUTES
from pipeline.web.ask import Ask, Route
from pipeline.web.desk import Desk
from pipeline.web.newcomers import newcomers
from pipeline.web.pages import OTHER_ROUTES, PAGES
from pipeline.web.render import compile_templates
from pipeline.webhooks.courier import courier

if TYPE_CHECKING:
    from fastapi import FastAPI, Request


def all_routes() -> list[Route]:
    """Every route of the app; the last ones answer whatever path is left, to those who are signed in."""
    pages = [route for page in PAGES.values() for route in page.routes]
    nowhere = [Route(m, p, _nowhere, EVERYONE) for p in ("/api/{rest:path}", "/{rest:path}") for m in ("GET", "POST")]
    return [*OTHER_ROUTES, *pages, *API_ROUTES, *nowhere]


def build_app(desk: Desk) -> FastAPI:
    """The application over an open desk, which the caller closes."""
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError

    from pipeline.process import debrief_version

    app = FastAPI(
        title="debrief",
        version=debrief_version(),
        description="The same rules as the pages: a session's cookie, or `Authorization: Bearer dbf_...`.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    desk.openapi = lambda: _with_security(app.openapi())
    answers = Answers(desk)
    app.add_exception_handler(_Refused, answers.refused)
    app.add_exception_handler(RequestValidationError, answers.misread)
    app.add_middleware(_SecureHeaders, hosts=allowed_hosts(desk.settings))
    for route in all_routes():
        _add(app, route, answers)
    return app


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": words,
        "content": {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}},
    }
    for status, words in (
        (400, "What was asked for makes no sense; `error` says why"),
        (401, "No session or token, or one that is no longer valid"),
        (403, "Not open to this user"),
        (404, "Not here"),
        (503, "Being worked out for the first time, or busy: ask again in a moment"),
    )
}
"""What the API answers beside the schema of each route."""


def _with_security(found: dict[str, Any]) -> dict[str, Any]:
    """The API's description with the two ways in, and without what FastAPI would answer: `Answers.misread` says 400."""
    for described in [one for path in found["paths"].values() for one in path.values()]:
        described["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        found.get("components", {}).get("schemas", {}).pop(name, None)
    schemes = {
        "token": {"type": "http", "scheme": "bearer", "description": "`debrief users token`, or the Users page"},
        "session": {"type": "apiKey", "in": "cookie", "name": gate.SESSION},
    }
    found.setdefault("components", {})["securitySchemes"] = schemes
    return {**found, "security": [{"token": []}, {"session": []}]}


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Names that a request may be addressed to, against DNS rebinding; empty means any.

    On loopback only this machine's names and the public address; else the public address where one is set.
    """
    from urllib.parse import urlsplit

    public = {name} if (name := urlsplit(settings.public_url).hostname) else set()
    if settings.host not in LOOPBACK and not public:
        return frozenset()
    return frozenset({*LOOPBACK, settings.host, *public})


class _Refused(Exception):
    """The gate's answer to a request that goes no further."""

    def __init__(self, route: Route, request: gate.Incoming, error: Exception) -> None:
        self.route, self.incoming, self.error = route, request, error


def _add(app: FastAPI, route: Route, answers: Answers) -> None:
    """Register a route: the gate first, then its answer with the values that its signature asks for."""
    from fastapi import Depends, Request
    from fastapi.concurrency import run_in_threadpool

    async def admit(request: Request) -> None:
        request.state.incoming = incoming = await _incoming(request)
        try:
            request.state.ask = await run_in_threadpool(gate.admit, route, incoming, answers.desk)
        except Exception as error:
            raise _Refused(route, incoming, error) from error

    async def endpoint(**values: Any) -> Any:
        request: Request = values.pop("request")
        return await run_in_threadpool(answers.answer, route, request.state.incoming, request.state.ask, values)

    wanted = inspect.signature(route.answer, eval_str=True)
    values = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=_bounded(p.annotation))
        for p in list(wanted.parameters.values())[1:]
    ]
    first = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    # set here because the name cannot be looked up at module level, where FastAPI is not loaded
    admit.__signature__ = inspect.Signature([first])  # type: ignore[attr-defined]
    # Depends comes before the values: whoever may not be here is not told what is wrong with the values
    endpoint.__signature__ = inspect.Signature([first, *values])  # type: ignore[attr-defined]
    endpoint.rule = route  # type: ignore[attr-defined]
    documented = route.is_api and bool(route.title)
    app.add_api_route(
        route.path,
        endpoint,
        methods=["GET", "HEAD"] if route.method == "GET" and not route.is_api else [route.method],
        dependencies=[Depends(admit)],
        include_in_schema=documented,
        summary=route.title or None,
        description=inspect.getdoc(route.answer) or "",
        response_model=wanted.return_annotation if documented and not route.gives else None,
        responses=_answers(route) if documented else None,
        openapi_extra=_body(route.takes) if route.takes else None,
        name=f"{route.method} {route.path}",
    )


def _answers(route: Route) -> dict[int | str, dict[str, Any]]:
    """What a route of the API answers beside its return type."""
    return {**({200: {"model": route.gives}} if route.gives else {}), **REFUSALS}


def _body(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": dict(schema)}}}}


def _bounded(annotation: Any) -> Any:
    """The type of a path's or query's value, its whole numbers within what the databases can reckon with."""
    if annotation not in (int, int | None):
        return annotation
    from annotated_types import Interval

    return Annotated[annotation, Interval(ge=-gate.LARGEST, le=gate.LARGEST)]


async def _incoming(request: Request) -> gate.Incoming:
    body = b""
    if request.method not in ("GET", "HEAD"):
        async for chunk in request.stream():
            body += chunk
            if len(body) > gate.MAX_BODY:
                break
    return gate.Incoming(
        method=request.method,
        path=request.url.path,
        headers={name.lower(): value for name, value in request.headers.items()},
        cookies=request.cookies,
        query=dict(request.query_params),
        body=body,
        address=request.client.host if request.client else "",
        secure=request.url.scheme == "https",
    )


def _nowhere(ask: Ask, *, rest: str) -> Any:
    raise NotThere("there is nothing at this address")


class _SecureHeaders:
    """Adds `gate.HEADERS` to every answer, and refuses hosts that this app is not called by."""

    def __init__(self, app: Any, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in gate.HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        host = Headers(scope=scope).get("host", "")
        name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
        if self._hosts and name.lower() not in self._hosts:
            line = f"debrief does not answer to the name {name!r}; set public_url in debrief.toml\n"
            await PlainTextResponse(line, status_code=400)(scope, receive, sending)
            return
        await self._app(scope, receive, sending)


def ready_app(desk: Desk) -> FastAPI:
    """`build_app` with what every page needs made beforehand: nobody's first page waits for it."""
    app = build_app(desk)
    compile_templates()
    # modules and templates stay for good: looking through them for garbage stopped a page for 80 ms now and then
    gc.collect()
    gc.freeze()
    return app


def serve(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Run the web app until it is stopped. `say` takes the lines for whoever started it.

    Raises `SettingsError` when the port is taken, `StoreError` when the data folder is not there or cannot be used.
    """
    import uvicorn

    if not settings.data.is_dir():
        raise StoreError(
            f"{settings.data}: no such data folder; `debrief process PATH` makes it, or name one with --data"
        )
    listener = _listen(settings)
    desk = Desk(settings)
    try:
        with courier(settings, store=desk.store):
            say(f"debrief: {public_address(settings)}")
            desk.store.ingest()
            app = ready_app(desk)
            # not before: a link works once, and whoever loads its page again while waiting would have used it up
            for line in welcome(desk):
                say(line)
            # requests are logged in the data folder, by person; an access log would only spread secrets from links
            config = uvicorn.Config(
                app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5
            )
            with newcomers(desk.store):
                uvicorn.Server(config).run(sockets=[listener])
    finally:
        desk.close()
        listener.close()


@contextmanager
def running(settings: Settings) -> Iterator[tuple[Desk, str]]:
    """The app in a thread of this process, on a free port of this machine, with its address: for tests and pictures.

    Raises what `serve` raises.
    """
    import uvicorn

    desk = Desk(settings)
    try:
        desk.store.ingest()
        server = uvicorn.Server(uvicorn.Config(build_app(desk), log_level="warning", access_log=False))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                yield desk, f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()
    finally:
        desk.close()


def welcome(desk: Desk) -> list[str]:
    """Lines for the terminal: how to sign in while nobody has a password yet, and a word on listening in the open."""
    lines = []
    if not anyone_can_sign_in(desk.book, desk.settings):
        link = f"{local_address(desk.settings)}/enter?link={desk.book.operator_link()}"
        lines.append(f"sign in once, as the operator: {link}")
        lines.append("lasting users: debrief users add NAME --role admin")
    if desk.settings.host not in LOOPBACK and not desk.settings.public_url.startswith("https:"):
        lines.append("listening beyond this machine without TLS: put a reverse proxy in front and set public_url")
    if is_on(desk.settings):
        try:
            plan_of(desk.settings)
        except SettingsError as error:
            lines.append(f"signing in with {desk.settings.oidc_name} does not work: {error}")
    lines.append("stop with Ctrl-C")
    return lines


def _listen(settings: Settings) -> Any:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        # at once: whoever opens the address while the data is taken in waits for the page, and is not turned away
        listener.listen()
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"port {settings.port} on {settings.host}: cannot be used ({error.strerror or error}); "
            "choose another with --port"
        ) from error
    return listener
