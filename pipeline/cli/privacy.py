"""Commands about whose data is kept: erase, consent, tidy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, one_line, open_store, settings_of, spaced
from pipeline.wording import counted

if TYPE_CHECKING:
    from pipeline.erase import Erasure, Report
    from pipeline.retention import Due
    from pipeline.settings import Settings

WHO, ROLE = "command line", "admin"
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("erase")(erase)
    app.command("consent")(consent)
    app.command("tidy")(tidy)


def erase(
    call: Annotated[str | None, typer.Option("--call", metavar="ID", help="One call.")] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="NAME", help="One person, by the whole name.")
    ] = None,
    recordings: Annotated[bool, typer.Option("--recordings", help="Delete the recordings themselves too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Erase a call, or a person with every call they took part in, so that no byte is left in the data folder.

    Works while the web app or a watcher runs. What lies elsewhere and may hold copies is named.
    """
    from pipeline.erase import erase as do
    from pipeline.erase import note, of_call, of_person

    if (call is None) == (person is None):
        raise typer.BadParameter("name a call or a person", param_hint="--call / --person")
    settings = settings_of(data)
    with open_store(settings) as store:
        what = of_person(settings, store, person) if person is not None else of_call(settings, store, str(call))
        if not as_json:
            _say_what(what, recordings=recordings)
        if dry_run:
            if as_json:
                emit({"calls": [item.call_id for item in what.calls], "mentions": what.mentions, "dry_run": True})
            return
        if not yes and not _agreed():
            raise typer.Exit(1)
        report = do(settings, store, what, recordings=recordings)
    kind = "a person" if what.person else "a call"
    note(settings.data, WHO, ROLE, "erased", kind, f"{report.calls} calls, {len(report.recordings)} recordings")
    if as_json:
        emit(report.to_json())
    else:
        _say_done(report)
    if report.left:
        raise typer.Exit(1)


def _agreed() -> bool:
    """Whether the user says yes. Raises `StoreError` where there is nobody to ask."""
    from pipeline.errors import StoreError

    try:
        return typer.confirm("erase it? it cannot be brought back", err=True)
    except typer.Abort:
        print(file=sys.stderr)  # the question's line is still open
        if sys.stdin.isatty():
            raise
        raise StoreError("nothing was erased, since nobody is there to ask; --yes erases without asking") from None


def _say_what(what: Erasure, *, recordings: bool) -> None:
    out = console()
    one, many = "call is erased with all that is kept of it:", "calls are erased with all that is kept of them:"
    out.print(counted(len(what.calls), one, many) if what.calls else "no call of theirs")
    for item in what.calls[:_SHOWN]:
        out.print(spaced(item.call_id, item.path, indent=2), soft_wrap=True)
    if len(what.calls) > _SHOWN:
        out.print(f"  and {len(what.calls) - _SHOWN} more")
    if what.mentions:
        out.print(f"the name goes from the text of {counted(what.mentions, 'other call')}")
    if what.calls:
        out.print(
            "their recordings are deleted too" if recordings else "their recordings stay (--recordings deletes them)"
        )


def _say_done(report: Report) -> None:
    out = console()
    gone = counted(len(report.recordings), "recording")
    out.print(
        f"erased: {counted(report.calls, 'call')}; {counted(report.deleted, 'file')} deleted, "
        f"{report.changed} changed, {gone} deleted; the database is built anew"
    )
    for line in report.left:
        out.print(one_line(f"FIX {line}: something is still found in it; look at it and erase again"), soft_wrap=True)
    if report.elsewhere:
        out.print("outside of debrief's reach, or not to be touched unless told:")
    for line in report.elsewhere:
        out.print(spaced(line, indent=2), soft_wrap=True)


def consent(
    answer: Annotated[str, typer.Argument(metavar="yes|no|unknown", help="What the people on the call said.")],
    calls: Annotated[list[str], typer.Argument(metavar="CALL...", help="Calls by id, or files.")],
    data: Data = None,
) -> None:
    """Put the consent to calls on record, above what the file beside a recording says. `no` erases what is kept.

    What lies elsewhere and may hold copies is named. Exits with 1 where something is still found.
    """
    from pipeline import consent as kept
    from pipeline.erase import Erasure, calls_to_erase, note
    from pipeline.erase import erase as do

    if answer not in kept.CHOICES:
        raise typer.BadParameter(f"{answer}: one of {', '.join(kept.CHOICES)}", param_hint="yes|no|unknown")
    settings = settings_of(data)
    out = console()
    report, kept_before = None, False
    with open_store(settings) as store:
        shas = {item: _sha256(settings, store, item) for item in calls}
        beside = {item: _transcripts(settings, item, sha256) for item, sha256 in shas.items()}
        if answer == "no":
            # before as well, so that an end in the midst of it does not let the call in again
            for sha256 in (*shas.values(), *(found for each in beside.values() for found in each)):
                kept.state(settings.data, sha256, answer)
            what = Erasure(tuple(calls_to_erase(settings.data, list(shas.values()))))
            kept_before = any(call.path for call in what.calls)
            report = do(settings, store, what, again=True)
        for item, sha256 in shas.items():
            for found in (sha256, *beside[item]):
                kept.state(settings.data, found, answer)
            note(settings.data, WHO, ROLE, "changed", "consent", f"{sha256[:16]}: {answer}")
            out.print(one_line(f"{item}: consent {answer}"), soft_wrap=True)
    if report and kept_before:
        _say_done(report)
    if report and report.left:
        raise typer.Exit(1)


def _sha256(settings: Settings, store: Any, item: str) -> str:
    """The hash of a call or a file, of a transcript that of the recording whose words it is. Raises `NotThere`."""
    from pipeline.errors import NotThere
    from pipeline.ingest import hash_file
    from pipeline.superseded import call_of_words

    if Path(item).is_file():
        sha256 = hash_file(Path(item))
        call = call_of_words(settings.data, sha256)
        return str(call["source"]["sha256"]) if call else sha256
    record = store.record(item)
    if record is None:
        raise NotThere(f"{item}: no such call or file; `debrief scorecard` lists the calls")
    return str(record["source"]["sha256"])


def _transcripts(settings: Settings, item: str, sha256: str) -> set[str]:
    """Hashes of the transcripts beside a call's recording, as it was kept and as it lies there, and of its other
    recordings: alone each would be a call that nobody was asked about."""
    from pipeline.erase import calls_to_erase
    from pipeline.ingest import companions_of, hash_file

    found = {own for call in calls_to_erase(settings.data, [sha256]) for own in call.hashes}
    return {*found, *map(hash_file, companions_of(Path(item)))} - {sha256}


def tidy(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Housekeeping and retention, as the night does them: what is kept longer than the settings allow goes."""
    from pipeline.erase import note
    from pipeline.retention import due, retain
    from pipeline.tidy import tidy as housekeep

    settings = settings_of(data)
    with open_store(settings) as store:
        rows, problems = due(settings, store)
        done, stuck = ({}, []) if dry_run else retain(settings, store, rows)
    problems += stuck
    if done:
        note(settings.data, WHO, ROLE, "erased", "retention", ", ".join(f"{n} {kind}" for kind, n in done.items()))
    left_over = housekeep(settings, dry_run=dry_run)
    if as_json:
        for row in rows:
            emit({**row.to_json(), "dry_run": dry_run})
    elif dry_run:
        _say_due(rows, left_over)
    else:
        done |= {f"{name} (housekeeping)": count for name, count in left_over.items()}
        console().print(", ".join(f"{count} {name}" for name, count in done.items() if count) or "nothing to do")
    for line in problems:
        print(f"debrief: {one_line(line)}", file=sys.stderr)
    if problems:
        raise typer.Exit(1)


def _say_due(rows: list[Due], left_over: dict[str, int]) -> None:
    out = console()
    for row in rows:
        out.print(one_line(f"{row.kind}: {row.what} ({row.day})"), soft_wrap=True)
    for name, count in left_over.items():
        if count:
            out.print(f"{count} {name} (housekeeping)")
    some = len(rows) + sum(left_over.values())
    out.print(f"{some} would go; nothing was changed" if some else "nothing is due")
