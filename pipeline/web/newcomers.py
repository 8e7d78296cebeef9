"""Calls that other processes keep while the app runs: taken into its database beside the requests.

A batch brings the database up to date at its end. One of thousands of calls takes hours, and one that is killed never
comes to its end: whoever reads the pages meanwhile would see nothing of what is done.
"""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from pipeline import keep
from pipeline.rounds import rounds

if TYPE_CHECKING:
    from pipeline.store import Store

EVERY_S = 30.0
"""As often as a watched folder is looked at. Each time something came, pages work out anew what rests on calls."""

log = logging.getLogger("debrief.web")


def newcomers(store: Store, *, every_s: float = EVERY_S) -> AbstractContextManager[None]:
    """Rounds that take in the records noted as new, as long as the context lasts."""

    def take_in(stop: threading.Event) -> None:
        if keep.pending(store.data):
            store.catch_up()

    def warn(line: str) -> None:
        log.warning("new calls are not taken in: %s", line)

    return rounds(take_in, name="newcomers", every_s=every_s, warn=warn)
