"""What is installed here and whether it works, each problem with its remedy."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pipeline import keep, process
from pipeline.claims import Claims
from pipeline.errors import DebriefError
from pipeline.settings import Settings
from pipeline.store import Store

LIBRARIES = ("torch", "faster-whisper", "pocketsphinx", "pyannote.audio", "duckdb", "prefect")
LOW_DISK_GB = 2.0

Row = dict[str, Any]


def checkup(settings: Settings) -> list[Row]:
    """Rows `{"what", "found", "ok", "remedy"}`, in reading order. Never raises `DebriefError`."""
    return [_python(), *_libraries(), *_settings(settings), _folder(settings), _disk(settings), _rubric(settings),
            *_models(settings), _store(settings), _claims(settings), _failures(settings)]  # fmt: skip


def _row(what: str, found: object, remedy: str = "") -> Row:
    return {"what": what, "found": str(found), "ok": not remedy, "remedy": remedy}


def _python() -> Row:
    found = f"debrief {process.debrief_version()} on Python {sys.version.split()[0]}"
    return _row("version", found, "" if sys.version_info >= (3, 11) else "use Python 3.11 or newer")


def _libraries() -> list[Row]:
    rows = []
    for name in LIBRARIES:
        try:
            rows.append(_row(name, version(name)))
        except PackageNotFoundError:
            rows.append(_row(name, "not installed", "install debrief again"))
    return rows


def _settings(settings: Settings) -> list[Row]:
    default = Settings()
    rows = [_row("data folder", settings.data.absolute()), _row("inbox", settings.inbox_folder.absolute())]
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if f.name not in ("data", "inbox") and value != getattr(default, f.name):
            rows.append(_row(f"setting {f.name}", value))
    return rows


def _folder(settings: Settings) -> Row:
    folder = settings.data if settings.data.exists() else settings.data.absolute().parent
    usable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    return _row(
        "writing", f"{folder}: {'yes' if usable else 'no'}", "" if usable else "give this user write permission"
    )


def _disk(settings: Settings) -> Row:
    folder = settings.data.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    return _row("free disk", f"{free:.1f} GB", "" if free >= LOW_DISK_GB else "free some space")


def _rubric(settings: Settings) -> Row:
    try:
        rubric = process.current_rubric(settings)
    except DebriefError as error:
        return _row("rubric", error, "correct the file, or the setting `rubric`")
    return _row("rubric", f"{rubric.id} {rubric.version}, {len(rubric.criteria)} criteria")


def _models(settings: Settings) -> list[Row]:
    from models.catalogue import catalogue_rows
    from pipeline.hear import choose_engine

    try:
        engine, model, notes = choose_engine(settings)
        first = _row("recogniser", " ".join(part for part in (engine, model, *notes) if part))
    except DebriefError as error:
        first = _row("recogniser", error, "correct the setting `engine` or `whisper_model`")
    here = [row for row in catalogue_rows() if row.state != "not here"]
    return [first, *(_row(f"model {m.name}", m.state, "" if m.state == "ready" else "see there") for m in here)]


def _store(settings: Settings) -> Row:
    if not settings.data.is_dir():
        return _row("database", "none yet")
    try:
        with Store(settings.data, wait_s=1.0) as store:
            row = store.query("SELECT count(*) AS n, count(*) FILTER (status = 'scored') AS scored FROM calls")[0]
            damaged = store.query("SELECT file, problem FROM records WHERE problem IS NOT NULL")
    except DebriefError as error:
        return _row("database", error, "wait for the other debrief, or `debrief rebuild`")
    remedy = f"process these again: {', '.join(item['file'] for item in damaged[:3])}" if damaged else ""
    return _row("database", f"{row['n']} calls, {row['scored']} scored, {len(damaged)} damaged result files", remedy)


def _claims(settings: Settings) -> Row:
    folder = settings.data / "claims"
    held = len(list(folder.glob("*.claim"))) if folder.is_dir() else 0
    swept = Claims(folder).sweep() if held else 0
    return _row(
        "claims", f"{held - swept} calls are being worked on" + (f", {swept} stale claims removed" if swept else "")
    )


def _failures(settings: Settings) -> Row:
    failures = keep.read_failures(settings.data)
    latest = f"; the latest: {failures[-1]['reason']}" if failures else ""
    return _row("failed files", f"{len(failures)}{latest}")
