"""Commands that look after an installation: serve, export, backup, rebuild, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, given_path, one_line, open_store, settings_of
from pipeline.errors import SettingsError
from pipeline.wording import counted, size_text

WHO, ROLE = "command line", "admin"
FORMATS = ("jsonl", "csv", "parquet", "duckdb")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("serve")(serve)
    app.command("export")(export)
    app.command("backup")(backup)
    app.command("rebuild")(rebuild)
    app.command("doctor")(doctor)


def serve(
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, metavar="N", help="Port.")] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on, if not 127.0.0.1.")
    ] = None,
    data: Data = None,
) -> None:
    """The web app, on this machine only unless told otherwise."""
    from pipeline.settings_check import problem_of

    if host is not None and (problem := problem_of("host", host)):
        raise typer.BadParameter(problem, param_hint="--host")
    from pipeline.web.app import serve as run

    run(settings_of(data, port=port, host=host), say=lambda line: console().print(line, soft_wrap=True))


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write; made if it is not there.", parser=given_path)
    ] = Path("debrief-export"),
    form: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(FORMATS)}.")] = "jsonl",
    redact: Annotated[
        str | None,
        typer.Option("--redact", metavar="KINDS", help="What to take out: all, none, or some of the setting's kinds."),
    ] = None,
    data: Data = None,
) -> None:
    """Write calls, turns, scores and training as files: JSON Lines, CSV or Parquet, or one DuckDB file for analysts.

    Works while the web app or a watcher runs.
    """
    if form not in FORMATS:
        raise typer.BadParameter(f"{form}: one of {', '.join(FORMATS)}", param_hint="--format")
    from pipeline.erase import note
    from pipeline.redact import chosen_kinds
    from pipeline.register import wrote

    settings = settings_of(data, redact=redact)
    kinds = chosen_kinds(settings.redact)
    with open_store(settings) as store:
        rows = store.export(folder, form=form, kinds=kinds)
    made = [folder / "debrief.duckdb"] if form == "duckdb" else [folder / f"{table}.{form}" for table in rows]
    wrote(settings.data, "export", folder, made)
    note(settings.data, WHO, ROLE, "exported", form, f"to {folder}, {'redacted' if kinds else 'not redacted'}")
    console().print(one_line(f"{counted(sum(rows.values()), 'row')} of {len(rows)} tables in {folder}"))


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Archive to write; else debrief-backup-<time>.tar.gz.", parser=given_path
        ),
    ] = None,
    recordings: Annotated[bool, typer.Option("--recordings", help="The inbox too.")] = False,
    data: Data = None,
) -> None:
    """Write one archive of all that cannot be made again. Works while debrief runs."""
    from pipeline.backup import back_up, default_target
    from pipeline.erase import note
    from pipeline.register import wrote

    settings = settings_of(data)
    target = file or default_target()
    count, size = back_up(settings.data, target, inbox=settings.inbox_folder if recordings else None)
    wrote(settings.data, "backup", target, [target])
    note(settings.data, WHO, ROLE, "exported", "backup", f"to {target}")
    console().print(one_line(f"{counted(count, 'file')}, {size_text(size)} in {target}"), soft_wrap=True)
    console().print("unpack it into an empty data folder and run `debrief rebuild` there to restore it")


def rebuild(data: Data = None) -> None:
    """Build the database again from the kept result files."""
    with open_store(settings_of(data)) as store:
        done = store.rebuild()
    out = console()
    out.print(f"{counted(done.calls, 'call')} taken in")
    for _, reason in done.damaged:
        out.print(one_line(reason), soft_wrap=True)


def doctor(as_json: Json = False, data: Data = None) -> None:
    """What is here and whether it works: versions, settings, engines, disk, locks; each problem with its remedy."""
    from pipeline.doctor import checkup

    problems: list[SettingsError] = []
    rows = checkup(settings_of(data, on_problem=problems.append), problems=problems)
    if as_json:
        for row in rows:
            emit(row)
    else:
        _print_checkup(rows)
    if any(not row["ok"] for row in rows):
        raise typer.Exit(1)


def _print_checkup(rows: list[dict[str, Any]]) -> None:
    out = console()
    for row in rows:
        mark = "ok   " if row["ok"] else "FIX  "
        remedy = f"; {row['remedy']}" if row["remedy"] else ""
        out.print(mark + one_line(f"{row['what']}: {row['found']}{remedy}"), soft_wrap=True)
