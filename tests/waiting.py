"""Waiting for what another thread or process does, and a clock for what waits itself.

A limit here is for what hangs, never for what is slow: a busy machine passes every test that an idle one passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HANGS_S = 300.0
"""What has not come by then hangs."""


class Clock:
    """A clock that stands at `now` seconds until a test moves it."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def wait_for(found: Callable[[], T | None], what: str) -> T:
    """The first true result of `found`, which is asked again and again; raises AssertionError naming `what`."""
    until = time.monotonic() + HANGS_S
    while not (result := found()):
        if time.monotonic() > until:
            raise AssertionError(f"{what} never came")
        time.sleep(0.02)
    return result
