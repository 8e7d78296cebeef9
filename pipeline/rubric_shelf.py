"""Every rubric that was saved here or that a call was scored by, one file each, never changed again.

    rubrics/<id>-<version>.yaml    in the data folder; the version is the hash of the content

Which one counts is the setting `rubric`; saving another version changes no score until it is chosen and calls are
scored again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.errors import DebriefError, RubricError
from pipeline.keep import write_atomically
from pipeline.rubric import RUBRICS, Rubric, check_text, load_rubric, rubric_of_text, shipped_rubrics
from pipeline.settings import Settings

FOLDER = "rubrics"
MAX_CHARACTERS = 400_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A rubric on the shelf: `id`, `version`, `title`, number of `criteria`, the `file`, when it was put there (UTC,
    None for one that came with debrief)."""

    id: str
    version: str
    title: str
    criteria: int
    file: Path
    saved_at: dt.datetime | None


def shelf(data: Path) -> list[Kept]:
    """The rubrics kept in a data folder and those that came with debrief, the newest first; damaged files are left
    out, and one that is in both places is the kept one."""
    found: dict[tuple[str, str], Kept] = {}
    for file in [*(data / FOLDER).glob("*-*.yaml"), *(RUBRICS / f"{name}.yaml" for name in shipped_rubrics())]:
        with contextlib.suppress(DebriefError, OSError):
            state = file.stat()
            rubric = _loaded(file, state.st_mtime_ns, state.st_size)
            shipped = file.parent == RUBRICS
            at = None if shipped else dt.datetime.fromtimestamp(state.st_mtime, dt.UTC)
            kept = Kept(rubric.id, rubric.version, rubric.title, len(rubric.criteria), file, at)
            found.setdefault((rubric.id, rubric.version), kept)
    old = dt.datetime.min.replace(tzinfo=dt.UTC)
    return sorted(found.values(), key=lambda kept: (kept.saved_at or old, kept.id), reverse=True)


@lru_cache(maxsize=200)
def _loaded(file: Path, mtime_ns: int, size: int) -> Rubric:
    return load_rubric(file)


def take_down(data: Path, version: str) -> Kept:
    """The rubric of a version. Raises `RubricError` where it is not kept."""
    for kept in shelf(data):
        if kept.version == version:
            return kept
    raise RubricError(f"{version}: no rubric of this version is kept here")


def checked_text(text: str) -> list[str]:
    """`check_text`, for a text of any size and ending of lines."""
    if len(text) > MAX_CHARACTERS:
        return [f"line 1: longer than {MAX_CHARACTERS:,} characters; shorten it"]
    return check_text(as_lines(text))


def as_lines(text: str) -> str:
    """A form's text with the ends of lines that files have."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"


def put_up(data: Path, text: str) -> tuple[Rubric, Path]:
    """Keep a rubric's text as a file of its own and never change it; the same rubric again changes nothing.

    Raises `RubricError` for one that does not hold together, `StoreError` where it cannot be written.
    """
    mistakes = checked_text(text)
    if mistakes:
        raise RubricError("; ".join(mistakes))
    rubric = rubric_of_text(as_lines(text))
    slug = re.sub(r"[^A-Za-z0-9._]+", "_", rubric.id).strip("._")[:60] or "rubric"
    path = data / FOLDER / f"{slug}-{rubric.version}.yaml"
    if not path.is_file():
        write_atomically(path, as_lines(text).encode("utf-8"))
        with contextlib.suppress(OSError):
            os.chmod(path, 0o444)
    return rubric, path


def keep_current(settings: Settings) -> None:
    """Keep the rubric that scores now, so that what earlier scores rest on can still be read when its file changes.

    Raises `RubricError` for one that does not hold together, `StoreError` where it cannot be written.
    """
    put_up(settings.data, text_of(settings.rubric))


def text_of(name_or_path: str | Path) -> str:
    """The YAML of a rubric as `load_rubric` finds it. Raises `RubricError`."""
    path = Path(name_or_path)
    if not path.suffix:
        path = RUBRICS / f"{name_or_path}.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RubricError(f"{name_or_path}: cannot be read; name a rubric in YAML") from error
