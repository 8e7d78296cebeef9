"""Calls that other processes keep while the app runs: taken into its database beside the requests.

A batch brings the database up to date at its end. One of thousands of calls takes hours, and one that is killed never
comes to its end: whoever reads the pages meanwhile would see nothing of what is done.
"""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import TYPE_CHECKING

from pipeline import keep
from pipeline.errors import DebriefError

if TYPE_CHECKING:
    from pipeline.store import Store

EVERY_S = 30.0
"""As often as a watched folder is looked at. Each time something came, pages work out anew what rests on calls."""
CLOSE_S = 3.0

log = logging.getLogger("debrief.web")


class Newcomers:
    """A thread that takes in the records noted as new, until `close`; what goes wrong is a line in the log, said
    once."""

    def __init__(self, store: Store, *, every_s: float = EVERY_S) -> None:
        self._store, self._every_s = store, every_s
        self._stop = threading.Event()
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="newcomers", daemon=True)
        self._thread.start()

    def __enter__(self) -> Newcomers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop; what is being taken in is let end within a few seconds, unless another keeps the database busy."""
        self._stop.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                if keep.pending(self._store.data):
                    self._store.catch_up()
                self._told = ""
            except Exception as error:  # the thread goes on, nobody would miss it
                line = str(error) if isinstance(error, DebriefError) else f"{type(error).__name__}: {error}"
                if line != self._told:
                    log.warning("new calls are not taken in: %s", line)
                self._told = line
