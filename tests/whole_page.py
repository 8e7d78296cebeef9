"""A page of the app with its late parts in place."""

from __future__ import annotations

import time

from fastapi.testclient import TestClient


def whole(at: TestClient, path: str) -> str:
    """A page with its late parts in place."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        answer = at.get(path)
        if "data-again" not in answer.text:
            assert answer.status_code == 200, answer.text
            return answer.text
        time.sleep(0.05)
    raise AssertionError(f"{path}: parts of it never came")
