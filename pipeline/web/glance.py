"""What lies in the inbox and is no call yet, looked up beside the requests: an inbox may hold years of files."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import DebriefError

if TYPE_CHECKING:
    from pipeline.web.desk import Desk

FRESH_S = 10.0
"""A look is not repeated before it is so old, and ten times as old as it took."""
PATIENCE_S = 0.06
"""How long a request waits for a look: a small inbox is looked through in less."""
NAMED = 50
KEYS = 200
"""Values that `Later` keeps."""

_LEFT = """
SELECT path FROM (SELECT unnest($paths::VARCHAR[]) AS path)
WHERE path NOT IN (SELECT path FROM calls) AND path NOT IN (SELECT path FROM failures)
"""
_KNOWN = "SELECT sha256 FROM calls WHERE sha256 IN (SELECT unnest($hashes::VARCHAR[]))"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Files that wait: how many, the first 50 by name, when that was (monotonic seconds); `problem` where it failed."""

    count: int
    names: tuple[str, ...]
    at: float
    took_s: float
    problem: str = ""


class Later:
    """Values that take longer than a page may, worked out beside the requests and good for a while after.

    One that is too old is still given while it is made anew.
    """

    def __init__(self, *, fresh_s: float = 600.0) -> None:
        self._fresh_s = fresh_s
        self._guard = threading.Lock()
        self._known: dict[Any, tuple[float, Any]] = {}
        self._making: dict[Any, threading.Thread] = {}

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """The value of a key; None while the first one is being made, or where that failed."""
        with self._guard:
            at, _ = self._known.get(key, (-self._fresh_s, None))
            if time.monotonic() - at < self._fresh_s:
                return self._known[key][1]
            thread = self._making.get(key)
            if thread is None or not thread.is_alive():
                if len(self._known) > KEYS:
                    self._known.clear()
                thread = threading.Thread(target=self._make, args=(key, make), name="later", daemon=True)
                self._making = {key: each for key, each in self._making.items() if each.is_alive()} | {key: thread}
                thread.start()
        thread.join(PATIENCE_S)
        return self._known.get(key, (0.0, None))[1]

    def close(self) -> None:
        """Wait for what is being made: it reads the store."""
        for thread in list(self._making.values()):
            thread.join()

    def _make(self, key: Any, make: Callable[[], Any]) -> None:
        with contextlib.suppress(DebriefError):
            value = make()
            with self._guard:
                self._known[key] = (time.monotonic(), value)


class Glance:
    """Looks into the inbox in a thread of its own, one look at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._guard = threading.Lock()
        self._last: Waiting | None = None
        self._thread: threading.Thread | None = None

    def waiting(self) -> Waiting | None:
        """The newest look; None while the first one still runs."""
        with self._guard:
            last = self._last
            old = last is None or time.monotonic() - last.at > max(FRESH_S, 10 * last.took_s)
            if old and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._look, name="inbox", daemon=True)
                self._thread.start()
            thread = self._thread if old else None
        if thread:
            thread.join(PATIENCE_S)
        return self._last

    def forget(self) -> None:
        """Look again for the next who asks."""
        with self._guard:
            self._last = None

    def _look(self) -> None:
        began = time.monotonic()
        try:
            names, problem = self._left(), ""
        except (DebriefError, OSError) as error:
            names, problem = [], str(error)
        now = time.monotonic()
        self._last = Waiting(len(names), tuple(names[:NAMED]), now, now - began, problem)

    def _left(self) -> list[str]:
        from pipeline.ingest import HashCache, discover

        settings, store = self._desk.settings, self._desk.store
        inbox = settings.inbox_folder
        if not inbox.is_dir():
            return []
        found = {str(item.path.absolute()): item.path for item in discover([inbox])}
        left = [row["path"] for row in store.query(_LEFT, {"paths": sorted(found)})]
        # a second copy of a call has another path and the same content
        hashes = HashCache(settings.data / "hashes.jsonl")
        known = {}
        for path in left:
            with contextlib.suppress(OSError):
                known[path] = hashes.get(found[path], found[path].stat())
        calls = {row["sha256"] for row in store.query(_KNOWN, {"hashes": [sha for sha in known.values() if sha]})}
        root = str(inbox.absolute())
        return sorted(path.removeprefix(root).lstrip("/\\") for path, sha in known.items() if sha not in calls)
