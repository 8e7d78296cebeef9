"""Somebody's browser at the web app of a test."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION, csrf_token


def browser(app: Any, desk: Desk, name: str = "") -> TestClient:
    """A browser in which the user of that name is signed in, without one nobody; it follows no redirects."""
    made = TestClient(app, base_url="http://127.0.0.1:8321", follow_redirects=False)
    if name:
        made.cookies.set(SESSION, desk.book.start_session(desk.book.user(name)))
    return made


class Visitor:
    """A signed-in user's browser: pages, and forms with their token."""

    def __init__(self, app: Any, desk: Desk, name: str) -> None:
        self.at = browser(app, desk, name)

    def get(self, path: str, status: int = 200) -> str:
        return self.whole(path, status).text

    def whole(self, path: str, status: int = 200) -> Any:
        answer = self.at.get(path)
        assert answer.status_code == status, answer.text
        return answer

    def post(self, path: str, status: int = 303, **fields: Any) -> str:
        answer = self.at.post(path, data={"csrf": csrf_token(self.at.cookies[SESSION]), **fields})
        assert answer.status_code == status, answer.text[:500]
        return str(answer.headers.get("location", answer.text))
