"""What a page sets going and does not wait for: files tried again, calls scored again, previews. One at a time.

The work itself happens in worker processes (`pipeline.batch`); here is only the thread that waits for them, and how far
it is, so that pages can say so.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pipeline.errors import DebriefError

log = logging.getLogger("debrief.web")

KEPT = 100
"""Finished errands that are remembered."""

State = Literal["waiting", "running", "done", "failed"]


@dataclass(slots=True)
class Errand:
    """One piece of work: its `key`, what it is in words, who asked, and how far it is.

    `done` of `total` steps; `line` says what came of it or why it failed; `about` is what it was given, `result` what
    it found.
    """

    key: str
    title: str
    who: str
    state: State = "waiting"
    done: int = 0
    total: int = 0
    line: str = ""
    about: Any = None
    result: Any = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def under_way(self) -> bool:
        """Whether it is not over yet."""
        return self.state in ("waiting", "running")

    def told(self, *, everything: bool) -> Errand:
        """The errand as it is shown to somebody: what came of it names files of all teams, which only those who see
        everything may read."""
        return self if everything else replace(self, line="")

    def step(self, done: int, total: int) -> None:
        """Say how far it is."""
        self.done, self.total = done, total


Work = Callable[[Errand], str]
"""Does an errand, sets its `result` and gives the line that says what came of it; heeds `stop`."""


class Errands:
    """The errands of one running app; its methods may be called from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: OrderedDict[str, Errand] = OrderedDict()
        self._waiting: queue.SimpleQueue[tuple[Errand, Work] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._numbers = itertools.count(1)

    def send(self, title: str, work: Work, *, who: str, key: str = "", about: Any = None) -> Errand:
        """Do `work` soon. What is under way under the same `key` already is not begun twice."""
        with self._guard:
            name = key or f"errand-{next(self._numbers)}"
            known = self._known.get(name)
            if known and known.under_way:
                return known
            errand = Errand(name, title, who, about=about)
            self._known[name] = errand
            self._known.move_to_end(name)
            self._forget()
            if self._closed:
                errand.state, errand.line = "failed", "the app is being stopped"
                return errand
            self._waiting.put((errand, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="errands", daemon=True)
                self._thread.start()
        return errand

    def get(self, key: str) -> Errand | None:
        """The errand of that key, None for one that nobody sent since the app started."""
        with self._guard:
            return self._known.get(key)

    def all(self) -> list[Errand]:
        """Every errand that is remembered, the newest first."""
        with self._guard:
            return list(reversed(self._known.values()))

    def close(self) -> None:
        """Stop what runs and drop what waits; calls are done whole or not at all."""
        with self._guard:
            self._closed = True
            for errand in self._known.values():
                errand.stop.set()
            thread = self._thread
        self._waiting.put(None)
        if thread:
            thread.join()

    def _forget(self) -> None:
        over = [key for key, errand in self._known.items() if not errand.under_way]
        for key in over[: max(0, len(self._known) - KEPT)]:
            del self._known[key]

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            errand, work = item
            if errand.stop.is_set():
                errand.state, errand.line = "failed", "stopped before it began"
                continue
            errand.state = "running"
            try:
                errand.line = work(errand)
                errand.state = "done"
            except DebriefError as error:
                errand.line, errand.state = str(error), "failed"
            except Exception as error:
                log.exception("errand failed: %s", errand.title)
                errand.line, errand.state = f"something went wrong ({type(error).__name__}: {error})", "failed"
