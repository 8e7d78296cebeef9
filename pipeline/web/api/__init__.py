"""The JSON API under `/api/v1`: the same rules as the pages, described by `/api/v1/openapi.json`."""

from __future__ import annotations

from pipeline.access.people import EVERYONE
from pipeline.web.api import calls, coaching, judge, reps, running, shared, words
from pipeline.web.ask import Route, get

API_ROUTES: tuple[Route, ...] = (
    get("/api/v1/openapi.json", shared.openapi, who=EVERYONE),
    *shared.ROUTES,
    *reps.ROUTES,
    *calls.ROUTES,
    *words.ROUTES,
    *coaching.ROUTES,
    *judge.ROUTES,
    *running.ROUTES,
)
