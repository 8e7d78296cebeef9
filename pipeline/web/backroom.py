"""What takes longer than a page may: worked out in the background once per state of the store, shown with its age.

Stale while it is made anew (RFC 5861): a page gets what is known at once, and a newer value is begun where the store
has moved on. Only where a value is ready in a moment (a small store) does a page wait for it.
"""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import NotYet

FIRST_S = 5.0
"""How long requests wait for a value that was never there, from when it was first asked for; then they are told to
come again."""
QUICK_S = 1.0
"""A value that took no longer is waited for, so that pages of small stores are never behind."""
REST = 5.0
"""A value that took t seconds, longer than `QUICK_S`, is not begun again for 5 t: a sixth of a core goes into it."""
KEPT = 3000
"""Values at most; the one not asked for the longest goes first."""
LEAVE_S = 2.0
SWITCH_S = 0.001
"""How long a thread here may compute on while a request waits for its turn: with Python's own 5 ms, at each of a
request's steps, pages took up to twice as long meanwhile."""


@dataclass(frozen=True, slots=True)
class Known:
    """A value, when it was worked out (UTC), and whether the store still is as it was then."""

    value: Any
    at: dt.datetime
    fresh: bool


@dataclass(slots=True)
class _Entry:
    version: str | None = None
    value: Any = None
    at: dt.datetime | None = None
    took_s: float = 0.0
    rest_until: float = 0.0
    waiting: bool = False
    error: Exception | None = None
    make: Callable[[], Any] | None = None
    born: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)


class Backroom:
    """Values by key, made by `hands` threads of one lane each, until `close`.

    `lanes` name the queues: what takes a minute must not keep what takes a tenth of a second waiting.
    """

    def __init__(self, lanes: tuple[str, ...] = ("quick", "slow")) -> None:
        self._guard = threading.Condition()
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._queues: dict[str, list[tuple[_Entry, str]]] = {lane: [] for lane in lanes}
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(lane,), name=f"backroom-{lane}", daemon=True) for lane in lanes
        ]
        sys.setswitchinterval(SWITCH_S)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Begin nothing more. What is being made is waited for a moment, then left: threads end with the process."""
        with self._guard:
            self._closed = True
            self._guard.notify_all()
        for thread in self._threads:
            thread.join(LEAVE_S)

    def take(
        self, key: Any, version: str, make: Callable[[], Any], *, lane: str = "quick", wait_s: float | None = None
    ) -> Known | None:
        """The value of `key` as of `version`, or the newest there is, or None where there is none after `wait_s`, which
        is `FIRST_S` unless stated.

        `make` runs in a thread of `lane`. Raises what `make` raised where there is no value to show instead.
        """
        if threading.current_thread() in self._threads:
            return self._inside(key, version, make)
        until = time.monotonic() + (FIRST_S if wait_s is None else wait_s)
        asked = False
        while True:
            with self._guard:
                entry = self._entry(key)
                stale = entry.version != version
                failed = asked and entry.error is not None and not entry.waiting
                if (stale or entry.error) and not failed:
                    self._ask(entry, version, make, lane, first=wait_s is None)
                    asked = True
                wait = entry.waiting and (entry.at is None or entry.took_s <= QUICK_S)
                left = (min(until, entry.born + FIRST_S) if entry.at is None else until) - time.monotonic()
                if not wait or left <= 0:
                    if entry.at is not None:
                        return Known(entry.value, entry.at, not stale)
                    if entry.error and not entry.waiting:
                        raise entry.error
                    return None
            entry.done.wait(left)

    def _inside(self, key: Any, version: str, make: Callable[[], Any]) -> Known:
        """`take` in the midst of making something else: nobody else may be there to make it."""
        with self._guard:
            entry = self._entries.get(key)
            if entry and entry.at and (entry.version == version or entry.took_s > QUICK_S):
                return Known(entry.value, entry.at, entry.version == version)
        return Known(make(), dt.datetime.now(dt.UTC), True)

    def _entry(self, key: Any) -> _Entry:
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)
        return entry

    def need(self, key: Any, version: str, make: Callable[[], Any], *, lane: str = "quick") -> Known:
        """`take`, raising `NotYet` where there is no value yet."""
        found = self.take(key, version, make, lane=lane)
        if found is None:
            raise NotYet("this is being worked out for the first time since debrief was started; it takes a moment")
        return found

    def _ask(self, entry: _Entry, version: str, make: Callable[[], Any], lane: str, *, first: bool) -> None:
        """Queue an entry; `first`, where a page can show nothing without it, before the parts that may come later."""
        queue = self._queues[lane]
        if entry.waiting:
            place = next((n for n, (queued, _) in enumerate(queue) if queued is entry), 0)
            if first and place:
                queue.insert(0, queue.pop(place))
            return
        if self._closed or time.monotonic() < entry.rest_until:
            return
        entry.waiting, entry.make = True, make
        entry.done.clear()
        queue.insert(0 if first else len(queue), (entry, version))
        self._guard.notify_all()

    def _work(self, lane: str) -> None:
        queue = self._queues[lane]
        while True:
            with self._guard:
                self._guard.wait_for(lambda: self._closed or queue)
                if self._closed:
                    return
                entry, version = queue.pop(0)
                make = entry.make
            assert make is not None
            began = time.monotonic()
            value, error = None, None
            try:
                value = make()
            except Exception as caught:
                error = caught
            with self._guard:
                took = time.monotonic() - began
                entry.waiting, entry.make, entry.error, entry.took_s = False, None, error, took
                entry.rest_until = time.monotonic() + (REST * took if took > QUICK_S or error else 0.0)
                if error is None:
                    entry.value, entry.version, entry.at = value, version, dt.datetime.now(dt.UTC)
                entry.done.set()
