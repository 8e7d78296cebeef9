"""What lies beside a file by its name: `call.yaml`, `call.wav.json`, `calls.csv`; `call.YAML` and `Calls.csv` as well.

Cameras, Windows programs and people write names in capitals. Passed over, a refusal of consent in such a file would be
one that nobody read.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

FRESH_S = 2.0
"""After so long a folder is listed again: what lands later than that is seen."""

Names = dict[str, list[str]]


class Beside:
    """Finds files beside others; for one pass over many of them, as each folder is listed once in a while.

    Asked for one by one, thirty names per file are thirty round trips to a network drive, nearly all for nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._folders: dict[str, tuple[float, Names | None]] = {}

    def find(self, path: Path, suffixes: Iterable[str], tables: Iterable[str] = ()) -> list[Path]:
        """What there is of `call.wav.SUFFIX` and `call.SUFFIX`, suffix by suffix, then of `tables`, in any case; never
        `path` itself, and each file once."""
        folder = str(path.parent)
        listed = self._listed(folder)
        names: dict[str, None] = {}
        for suffix in suffixes:
            for head in (path.name, path.stem):
                names |= dict.fromkeys(_named(folder, listed, head, suffix))
        for table in tables:
            names |= dict.fromkeys(_named(folder, listed, "", table))
        return [path.with_name(name) for name in names if name != path.name]

    def _listed(self, folder: str) -> Names | None:
        """The folder's names by how they are compared; None where it may not be listed."""
        now = self._clock()
        at, names = self._folders.get(folder, (now - FRESH_S, None))
        if now - at < FRESH_S:
            return names
        try:
            names = {}
            for name in sorted(os.listdir(folder)):
                names.setdefault(compared(name), []).append(name)
        except (OSError, ValueError):
            names = None
        self._folders[folder] = (now, names)
        return names


def compared(name: str) -> str:
    """macOS takes accents apart in the names that it lists."""
    return unicodedata.normalize("NFC", name).lower()


def _named(folder: str, listed: Names | None, head: str, end: str) -> Iterator[str]:
    """Names that begin with `head`, as it is written, and end with `end`, in any case; in lower case first."""
    if listed is None:
        if os.path.exists(os.path.join(folder, head + end)):
            yield head + end
        return
    for name in sorted(listed.get(compared(head) + end, ()), key=lambda name: (not name.endswith(end), name)):
        mine = head + name[-len(end) :]
        # `CALL.yaml` is of `call.wav` only where the disk says so, as one that knows no capitals does
        if mine == name or os.path.exists(os.path.join(folder, mine)):
            yield mine
