"""Work that is done again and again beside a process that runs for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from pipeline.errors import DebriefError

CLOSE_S = 3.0


class Rounds:
    """A thread that does `work` at once and then every `every_s` seconds, until `close`; a context manager.

    `work` gets the event that tells it to stop; None: nothing is to be done, and there is no thread. Whatever goes
    wrong is a line for `warn`, said once: the thread goes on, nobody would miss it.
    """

    def __init__(
        self, work: Callable[[threading.Event], None] | None, *, name: str, every_s: float, warn: Callable[[str], None]
    ) -> None:
        self._every_s, self._warn = every_s, warn
        self._stop = threading.Event()
        self._told = ""
        self._thread: threading.Thread | None = None
        if work:
            self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
            self._thread.start()

    def __enter__(self) -> Rounds:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop; the round at work is let end within a few seconds, and left behind if it does not."""
        self._stop.set()
        if self._thread:
            self._thread.join(CLOSE_S)

    def _run(self, work: Callable[[threading.Event], None]) -> None:
        while not self._stop.is_set():
            try:
                work(self._stop)
                self._told = ""
            except Exception as error:
                line = str(error) if isinstance(error, DebriefError) else f"{type(error).__name__}: {error}"
                if line != self._told:
                    self._warn(line)
                self._told = line
            self._stop.wait(self._every_s)
