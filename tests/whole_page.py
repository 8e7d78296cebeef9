"""A page of the app with its late parts in place."""

from __future__ import annotations

from fastapi.testclient import TestClient
from waiting import wait_for


def whole(at: TestClient, path: str) -> str:
    """A page with its late parts in place."""

    def found() -> str | None:
        answer = at.get(path)
        if "data-again" in answer.text:
            return None
        assert answer.status_code == 200, answer.text
        return answer.text

    return wait_for(found, f"{path} with all its parts")
