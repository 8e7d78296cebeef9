"""What is installed here and whether it works, each problem with its remedy."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pipeline import erased, keep, process
from pipeline.claims import Claims
from pipeline.days import CORRECT, latest
from pipeline.errors import DebriefError, SettingsError
from pipeline.settings import HIDDEN, Settings, public_address
from pipeline.status import watchers
from pipeline.store import Store
from pipeline.wording import counted, tallied

LIBRARIES = ("torch", "faster-whisper", "pocketsphinx", "pyannote.audio", "duckdb", "prefect")
LOW_DISK_GB = 2.0
STUCK_S = 600.0
"""A claim is renewed every 15 s; one that was not for so long is stuck, whoever holds it."""

NAMED = 20
"""Failed files of a kind that are named."""

DATE_IT = "begin the name with it (2026-10-06_Account), or write `date: 2026-10-06` into a file beside it"
"""What to do about calls without a date, which no week shows."""

ALIKE = "write the name alike in folders, file names and sidecars, then `debrief process` the folder again"

Row = dict[str, Any]


def checkup(
    settings: Settings, *, problems: Sequence[SettingsError] = (), unread: Callable[[Store], int | None] | None = None
) -> list[Row]:
    """Rows `{"what", "found", "ok", "remedy"}`, in reading order; a remedy of what is ok is advice. Never raises
    `DebriefError`.

    `problems` are settings that could not be read; the defaults count for them. `unread` is asked how many calls were
    never read, instead of `never_read`; None is an answer that is still to come.
    """
    one = (_folder, _disk, _rubric, _training, _judge, _people, _mail, _webhooks, _provider)
    return [
        _python(),
        *_libraries(),
        *_settings(settings),
        *(_row("setting", error, "correct it; until then other commands refuse to start") for error in problems),
        *(look(settings) for look in one),
        *_models(settings),
        *_store(settings, unread or never_read),
        *_watchers(settings),
        *_failures(settings),
        _claims(settings),
    ]


def _row(what: str, found: object, remedy: str = "") -> Row:
    return {"what": what, "found": str(found), "ok": not remedy, "remedy": remedy}


def _python() -> Row:
    found = f"debrief {process.debrief_version()} on Python {sys.version.split()[0]}"
    return _row("version", found, "" if sys.version_info >= (3, 11) else "use Python 3.11 or newer")


def _libraries() -> list[Row]:
    rows = []
    for name in LIBRARIES:
        try:
            rows.append(_row(name, _version(name)))
        except PackageNotFoundError:
            rows.append(_row(name, "not installed", "install debrief again"))
    return rows


@lru_cache
def _version(name: str) -> str:
    """The version that this process runs with."""
    return version(name)


def _settings(settings: Settings) -> list[Row]:
    default = Settings()
    rows = [_row("data folder", settings.data.absolute()), _inbox(settings)]
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if f.name not in ("data", "inbox") and value != getattr(default, f.name):
            rows.append(_row(f"setting {f.name}", "set" if f.name in HIDDEN else value))
    return rows


def _inbox(settings: Settings) -> Row:
    """Whether the night can look into the inbox; one that nobody set is made by the watcher, and need not be there."""
    inbox = settings.inbox_folder.absolute()
    try:
        with os.scandir(inbox) as entries:
            next(entries, None)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not settings.inbox:
            return _row("inbox", f"{inbox}: not made yet")
        shut = isinstance(error, PermissionError)
        remedy = "let this user read the folder" if shut else "make it, or correct the setting `inbox`"
        return _row("inbox", f"{inbox}: {error.strerror or error}", f"{remedy}; until then no night takes a call")
    return _row("inbox", inbox)


def _folder(settings: Settings) -> Row:
    """Whether the data folder can be written, tried rather than asked: network drives and root answer wrongly."""
    folder = settings.data.absolute()
    while not folder.exists():
        folder = folder.parent
    probe = folder / f".doctor-{os.getpid()}.tmp"
    try:
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        remedy = f"give this user write permission to {folder}, and see that the disk is not full"
        return _row("writing", f"{folder}: no ({error.strerror or error})", remedy)
    loose = settings.data.is_dir() and settings.data.stat().st_mode & 0o007
    advice = f"other users of this machine may look in; chmod o-rwx {folder} shuts them out" if loose else ""
    # works as it is, and is how most machines make folders: nothing that a script should stop for
    return _row("writing", f"{folder}: yes", advice) | {"ok": True}


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


def _training(settings: Settings) -> Row:
    from pipeline.coach.commands import library_of

    try:
        return _row("training library", f"{len(library_of(settings).modules)} modules")
    except DebriefError as error:
        return _row("training library", error, "correct the file; until then the night assigns no training")


def _judge(settings: Settings) -> Row:
    """Whether the settings say enough about the judge; it is not asked anything."""
    from models.judge_card import judge_identity

    try:
        return _row("judge", " ".join(judge_identity(settings)))
    except DebriefError as error:
        return _row("judge", error, "correct the judge settings; until then nothing is scored")


def _mail(settings: Settings) -> Row:
    if not settings.digest_to:
        return _row("mail of the digest", "off")
    remedy = "" if settings.smtp_host else "set `smtp_host`, or leave `digest_to` out"
    return _row("mail of the digest", f"to {settings.digest_to} by {settings.smtp_host or 'no server'}", remedy)


def _people(settings: Settings) -> Row:
    """The criteria that the judge is not good enough at, by its published agreement."""
    from pipeline.human_review import human_review

    try:
        names = sorted(human_review(settings))
    except DebriefError as error:
        return _row("human review", error, "install debrief again, or run make evaluate")
    if settings.judge != "embedded":
        found = f"not known for judge {settings.judge}: nothing is published; `debrief calibrate` measures it"
        return _row("human review", found)
    low = f"published agreement may be below {settings.quality_floor:g}: no standing, no training follows from them"
    return _row("human review", f"{', '.join(names)}; {low}" if names else "no criterion")


def _webhooks(settings: Settings) -> Row:
    from pipeline.webhooks.outbox import FILE, Outbox
    from pipeline.webhooks.send import addresses, secret

    try:
        urls = addresses(settings)
        if not urls:
            return _row("webhooks", "off")
        secret()
        counts = {}
        if (settings.data / FILE).is_file():
            with Outbox(settings.data) as outbox:
                counts = outbox.counts()
    except DebriefError as error:
        return _row("webhooks", error, "correct it; until then nothing is sent")
    said = tallied(counts, "nothing told yet")
    found = f"{len(urls)} address{'es' if len(urls) > 1 else ''}; {said}"
    return _row("webhooks", found, "`debrief webhooks list` says why" if counts.get("failed") else "")


def _provider(settings: Settings) -> Row:
    """Whether the sign-in provider answers, asked now; and what the last sign-in with it failed of."""
    from pipeline.oidc.plan import is_on, plan_of, secret_file
    from pipeline.oidc.provider import Provider

    what = "sign-in provider"
    if not is_on(settings):
        return _row(what, "off")
    last = _last_refusal(settings)
    try:
        plan = plan_of(settings)
        found = Provider(plan).check()
    except DebriefError as error:
        return _row(what, f"{error}{last}", "correct the oidc_ settings, or see to the provider")
    found += f"; {'with a' if plan.secret else 'without any'} client secret"
    found += f"; it sends people back to {public_address(settings)}/sign-in/back{last}"
    file = secret_file(settings)
    loose = settings.oidc_client_secret_file and file.is_file() and file.stat().st_mode & 0o077
    return _row(what, found, f"others may read the secret: chmod 600 {file}" if loose else "")


def _last_refusal(settings: Settings) -> str:
    from pipeline.access.book import AccessBook
    from pipeline.access.schema import FILE

    if not (settings.data / FILE).is_file():
        return ""
    try:
        with AccessBook(settings.data) as book:
            lines = book.log(kind="failed sign-in", words="/sign-in/", limit=1)
    except DebriefError:
        return ""
    when = dt.datetime.fromtimestamp(lines[0].at, dt.UTC).isoformat(timespec="minutes") if lines else ""
    return f"; last failed at {when}: {lines[0].detail}" if lines else ""


def _models(settings: Settings) -> list[Row]:
    from models.catalogue import catalogue_rows
    from pipeline.hear import choose_engine

    try:
        engine, model, notes = choose_engine(settings)
        first = _row("recogniser", "; ".join([" ".join(part for part in (engine, model) if part), *notes]))
    except DebriefError as error:
        first = _row("recogniser", error, "do that, or correct the setting `engine`, `whisper_model` or `language`")
    here = [row for row in catalogue_rows() if row.state != "not here"]
    return [first, *(_row(f"model {m.name}", m.state, "" if m.state == "ready" else "see there") for m in here)]


def _store(settings: Settings, count_unread: Callable[[Store], int | None]) -> list[Row]:
    if not settings.data.is_dir():
        return [_row("database", "none yet")]
    try:
        with Store(settings.data, wait_s=1.0) as store:
            row = store.query("SELECT count(*) AS n, count(*) FILTER (status = 'scored') AS scored FROM calls")[0]
            damaged = store.query(
                "SELECT file, c.call_id FROM records r LEFT JOIN calls c ON c.sha256 = r.sha256 "
                "WHERE problem IS NOT NULL ORDER BY file"
            )
            waiting = len(keep.pending(settings.data))
            unread = count_unread(store)
            review = store.query(
                "SELECT call_id, path, reason FROM calls WHERE status = 'review' ORDER BY kept_at DESC"
            )
            unknown = store.query("SELECT call_id, path, reason FROM unknown_reps ORDER BY call_date DESC NULLS LAST")
            future = store.query(
                "SELECT call_id, path, call_date::VARCHAR AS reason FROM calls WHERE call_date > $latest ORDER BY path",
                {"latest": latest()},
            )
            undated = store.query(
                "SELECT call_id, path, $do AS reason FROM calls WHERE call_date IS NULL ORDER BY kept_at DESC",
                {"do": DATE_IT},
            )
            alike = {who: _spelt_twice(store, who) for who in ("rep", "account")}
            through = "" if store.owner else ", through the process that serves it"
    except DebriefError as error:
        return [_row("database", error, "wait for the other debrief, or `debrief rebuild`")]
    except OSError as error:
        return [_row("database", f"{error.filename}: {error.strerror or error}", "let this user read it")]
    found = (
        f"{counted(row['n'], 'call')}, {row['scored']} scored, {counted(len(damaged), 'damaged result file')}{through}"
    )
    if waiting:
        found += f", {counted(waiting, 'result')} not taken in yet"
    if unread is None:
        found += "; results that were never read are being counted, look again in a moment"
    elif unread:
        found += f", {unread} never read"
    return [
        _row("database", found, _mended(damaged, unread or 0)),
        _listed("calls to review", review),
        _listed("unknown rep", unknown),
        _listed("calls without a date", undated),
        _listed("dated in the future", future, CORRECT),
        *(_row(f"{who}s written in two ways", "; ".join(names), ALIKE) for who, names in alike.items() if names),
    ]


def _spelt_twice(store: Store, who: Literal["rep", "account"]) -> list[str]:
    """Names of reps or accounts that differ in case and spaces only: each counts as somebody of its own."""
    rows = store.query(
        f"SELECT list({who} ORDER BY {who}) AS names FROM (SELECT DISTINCT {who} FROM calls WHERE {who} IS NOT NULL) "
        f"GROUP BY replace(lower({who}), ' ', '') HAVING count(*) > 1 ORDER BY 1"
    )
    return [" and ".join(row["names"]) for row in rows[:NAMED]]


def never_read(store: Store) -> int:
    """Calls whose results lie in the folder and in no table, as after a backup was unpacked; what was erased since
    stays away. Takes a second for a hundred thousand calls."""
    # listed first: what a watcher has kept by now is noted, or in a table, when those are asked
    lying = _names(keep.results_folder(store.data))
    noted = keep.pending(store.data).keys()
    # one text of ids: whoever serves the store would look at each of a hundred thousand values
    said = store.query("SELECT string_agg(DISTINCT left(sha256, 16), ' ') AS ids FROM records")[0]["ids"]
    known = set((said or "").split())
    strange = (name for name in lying - noted - _names(erased.folder(store.data)) if name[:16] not in known)
    return sum(bool(keep.record_files(store.data, name)) for name in strange)


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()


def _mended(damaged: list[Row], unread: int) -> str:
    """What to do about results that are damaged (of a call that another file gives, no run ever writes them anew) or
    `unread`."""
    lost = [str(row["file"]) for row in damaged if row["call_id"] is None]
    spare = [str(row["file"]) for row in damaged if row["call_id"] is not None]
    remedies = ["`debrief rebuild` takes all results in"] if unread else []
    if lost:
        remedies.append(f"`debrief process` your folder of calls again, which makes these anew: {', '.join(lost[:3])}")
    if spare:
        remedies.append(f"their calls have other results: delete {', '.join(spare[:3])}, then `debrief rebuild`")
    return "; ".join(remedies)


def _listed(what: str, rows: list[Row], remedy: str = "") -> Row:
    """How many calls wait for a person, the first ones by name; with a `remedy` they are a problem."""
    why = f"; {rows[0]['reason']}" if rows else ""
    some = ", ".join(f"{Path(row['path']).name} ({row['call_id'][:8]})" for row in rows[:3])
    return _row(what, f"{len(rows)}{f': {some}' if some else ''}{why}", remedy if rows else "")


def _claims(settings: Settings) -> Row:
    folder = settings.data / "claims"
    held = len(list(folder.glob("*.claim"))) if folder.is_dir() else 0
    try:
        swept = Claims(folder).sweep() if held else 0
    except DebriefError as error:
        return _row("claims", error, "give this user write permission")
    stuck = [path for path in folder.glob("*.claim") if _age_s(path) > STUCK_S] if held else []
    found = counted(held - swept, "call is being worked on", "calls are being worked on")
    found += f", {counted(swept, 'stale claim')} removed" if swept else ""
    remedy = f"delete {stuck[0]} if no other machine is at it" if stuck else ""
    return _row("claims", found, remedy)


def _age_s(path: Path) -> float:
    """Seconds since a claim's last heartbeat; 0 for one that was released while all were looked at."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _watchers(settings: Settings) -> list[Row]:
    rows = []
    for item in watchers(settings.data):
        counts = tallied(item["counts"], "nothing yet")
        found = f"{item['inbox']} by process {item['pid']} on {item['host']} since {item['since']}: {counts}"
        # a look that waits for a drive whose server does not answer is told by nothing else
        found += f"; last look at {item['looked']}" if item.get("looked") else ""
        remedy = str(item["problem"]) if item["problem"] else ""
        rows.append(
            _row("watcher", found, remedy or ("" if item["alive"] else "it has said nothing for minutes: look"))
        )
    return rows or [_row("watcher", "none runs")]


def _failures(settings: Settings) -> list[Row]:
    """Which files failed, the latest first, by what follows from it, with the latest reason."""
    rows = []
    failures = keep.read_failures(settings.data)
    for status, words, advice in (
        ("refused", "refused files", ""),
        ("retry", "files to be tried again", ""),
        ("quarantined", "quarantined files", "`debrief process FILE` tries one again"),
    ):
        mine = [row for row in failures if row["status"] == status]
        mine.sort(key=lambda row: str(row["last_at"]), reverse=True)
        found = str(len(mine))
        if mine:
            more = f" and {len(mine) - NAMED} more" if len(mine) > NAMED else ""
            found += f": {', '.join(str(row['path']) for row in mine[:NAMED])}{more}; the latest: {mine[0]['reason']}"
        # nothing that a script should stop for: such files are part of any large inbox
        rows.append(_row(words, found, advice if mine else "") | {"ok": True})
    return rows
