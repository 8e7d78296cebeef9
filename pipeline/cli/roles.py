"""The `roles` command: calls whose rep nobody could tell, and a person's word on who is who."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import keep
from pipeline.cli.shared import Data, Json, console, emit, one_line, open_store, record_of, settings_of, spaced
from pipeline.errors import StoreError

if TYPE_CHECKING:
    from pipeline.store import Store
    from pipeline.types import Transcript

_WAITING = """
SELECT call_id, sha256, path, rep, account, call_date, roles_confidence, reason FROM calls
WHERE status = 'review' ORDER BY call_date DESC NULLS LAST, call_id
"""
_LISTED = "`debrief roles` lists those that wait"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("roles")(roles)


def roles(
    call: Annotated[
        str | None, typer.Argument(metavar="[CALL]", help="A call's id; its first 4 characters are enough.")
    ] = None,
    rep: Annotated[
        list[str] | None,
        typer.Option("--rep", metavar="SPEAKER", help="Who sells; again for colleagues. All others are buyers."),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", metavar="SPEAKER=NAME", help="A speaker's name; as often as needed.")
    ] = None,
    swap: Annotated[bool, typer.Option("--swap", help="Exchange rep and buyers.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Calls that wait for a word on who sells, and their speakers; with --rep or --swap, say it: the call is scored."""
    settings = settings_of(data)
    if (rep or swap or name) and call is None:
        raise typer.BadParameter("name the call", param_hint="CALL")
    if bool(rep) == swap and (rep or name):
        raise typer.BadParameter("either --rep SPEAKER or --swap", param_hint="--rep")
    with open_store(settings) as store:
        if call is None or not (rep or swap):
            _show(_rows(store, call), as_json=as_json)
            return
        row = _assign(store, settings, call, rep or [], dict(map(_pair, name or ())))
    if as_json:
        emit(row)
    else:
        reason = f": {row['reason']}" if row["reason"] else f", overall {row['overall']}"
        console().print(one_line(f"{row['call_id']}: {row['status']}{reason}"), soft_wrap=True)


def _pair(text: str) -> tuple[str, str]:
    label, found, name = text.rpartition("=")
    if not found or not name.strip():
        raise typer.BadParameter(f"{text}: SPEAKER=NAME", param_hint="--name")
    return label, name.strip()


def _rows(store: Store, call: str | None) -> list[dict[str, Any]]:
    """The calls that wait, or the one asked for, with their speakers."""
    if call is None:
        waiting = store.query(_WAITING)
        return [_row(keep.latest_record(store.data, row["sha256"]), row) for row in waiting]
    record = record_of(store, call, listed=_LISTED)
    found = store.query("SELECT * FROM calls WHERE sha256 = ?", [record["source"]["sha256"]])
    return [_row(record, found[0] if found else {})]


def _row(record: dict[str, Any] | None, row: dict[str, Any]) -> dict[str, Any]:
    from pipeline.assigned_roles import speakers_of

    keys = ("call_id", "path", "rep", "account", "call_date", "roles_confidence", "reason")
    return {key: row.get(key) for key in keys} | {"speakers": speakers_of(_transcript(record)) if record else []}


def _transcript(record: dict[str, Any]) -> Transcript:
    from pipeline.types import Transcript

    return Transcript.from_json(record["transcript"], where=record["source"]["path"])


def _assign(store: Store, settings: Any, call: str, reps: list[str], names: dict[str, str]) -> dict[str, Any]:
    from pipeline.assigned_roles import roles_by_rep, swapped
    from pipeline.process import correct_roles

    record = record_of(store, call, listed=_LISTED)
    transcript = _transcript(record)
    if not transcript.turns:
        raise StoreError(f"{call}: the words of this call are no longer kept, so nobody can be named in it")
    said = roles_by_rep(transcript, reps, names) if reps else swapped(transcript, names)
    made = correct_roles(record, said, settings)
    store.ingest()
    return {
        "call_id": made["call_id"],
        "status": made["status"],
        "reason": made["reason"],
        "overall": (made["scorecard"] or {}).get("overall"),
        "speakers": said,
    }


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            emit(row)
        return
    from pipeline.cli.render import quoted

    out = console()
    if not rows:
        out.print("no call waits for a word on who sells")
    for row in rows:
        out.print(spaced(row["call_id"], row["call_date"], row["account"], row["path"]), soft_wrap=True)
        if row["reason"]:
            out.print(spaced(row["reason"], indent=2), soft_wrap=True)
        for speaker in row["speakers"]:
            share = f"{speaker['share']:.0%} of the words"
            out.print(spaced(speaker["speaker"], share, quoted(speaker["says"][:90]), indent=2), soft_wrap=True)
