"""Work that is done again and again beside a process that runs for long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.errors import DebriefError

CLOSE_S = 3.0


@contextmanager
def rounds(
    work: Callable[[threading.Event], None], *, name: str, every_s: float, warn: Callable[[str], None]
) -> Iterator[None]:
    """Do `work` in a thread at once and then every `every_s` seconds, as long as the context lasts.

    `work` gets the event that tells it to stop. Whatever goes wrong is a line for `warn`, said once: the thread goes
    on, nobody would miss it. At the end the round at work is let end within a few seconds, and left behind if it does
    not.
    """
    stop = threading.Event()

    def run() -> None:
        told = ""
        while not stop.is_set():
            line = _faults(work, stop)
            if line not in ("", told):
                warn(line)
            told = line
            stop.wait(every_s)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(CLOSE_S)


def _faults(work: Callable[[threading.Event], None], stop: threading.Event) -> str:
    """Do a round; what went wrong, in a line."""
    try:
        work(stop)
    except DebriefError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
