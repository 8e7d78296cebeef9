"""Commands that process calls: process, watch, nightly, rescore."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, given_path, one_line, require_data, settings_of
from pipeline.errors import StoreError
from pipeline.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.cli.progress import Board
    from pipeline.cli.watching import Watching
    from pipeline.ingest import Found
    from pipeline.plan import Outcome, Plan
    from pipeline.settings import Settings

Rubric = Annotated[
    str | None, typer.Option("--rubric", metavar="NAME|FILE", help="Rubric to score by.", show_default=False)
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Worker processes; else one per core.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("process")(process)
    app.command("watch")(watch)
    app.command("nightly")(nightly)
    app.command("rescore")(rescore)


def process(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Recordings, transcripts, or folders of them.", parser=given_path),
    ],
    rubric: Rubric = None,
    workers: Workers = None,
    consent: Annotated[
        str | None,
        typer.Option(
            "--consent", metavar="yes|no|unknown", help="The consent to all of them, where nothing is said of one."
        ),
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Process files or folders once; skips what is done. Exits with 1 when a file failed, and says which and why."""
    from pipeline.ingest import discover
    from pipeline.plan import plan

    settings = settings_of(data, rubric=rubric, workers=workers)
    found = discover(paths)
    if consent is not None:
        _state_consent(found, settings, consent)
    made = plan(found, settings)
    outcomes = perform(made, settings)
    finish(outcomes, settings, as_json=as_json)


def _state_consent(found: list[Found], settings: Settings, answer: str) -> None:
    """Put what the user says about all of these files on record; what is said about a single one stands above it."""
    import contextlib

    from pipeline import consent
    from pipeline.ingest import hash_file

    if answer not in consent.CHOICES:
        raise typer.BadParameter(f"{answer}: one of {', '.join(consent.CHOICES)}", param_hint="--consent")
    for item in found:
        with contextlib.suppress(OSError):
            consent.state_of_many(settings.data, hash_file(item.path), answer)


def perform(plan: Plan, settings: Settings) -> list[Outcome]:
    """A plan's jobs without Prefect, with progress on stderr; every outcome, settled ones first."""
    from pipeline.batch import run, worker_count
    from pipeline.cli.progress import Board

    with Board(console(stderr=True), workers=worker_count(settings)) as board:
        board.plan(plan)
        run(plan.jobs, settings, on_start=board.start, on_outcome=board.outcome)
    return board.outcomes


def finish(outcomes: list[Outcome], settings: Settings, *, as_json: bool) -> None:
    """Bring the store up to date, say what became of the files, and exit with 1 when something is not fine."""
    from pipeline.batch import update_store
    from pipeline.cli.progress import tally
    from pipeline.errors import StoreLocked
    from pipeline.plan import NOT_FINE

    try:
        damaged = update_store(settings).damaged
    except StoreLocked as locked:
        damaged = (("", f"{locked} (the results are kept, and will be taken in then)"),)
    err = console(stderr=True)
    for _, reason in damaged:
        err.print(one_line(reason), soft_wrap=True)
    if not damaged and (line := _undated(outcomes, settings)):
        err.print(one_line(line), soft_wrap=True)
    if as_json:
        for outcome in outcomes:
            emit(_row(outcome))
    else:
        console().print(tally(outcomes))
    if any(outcome.status in NOT_FINE for outcome in outcomes):
        raise typer.Exit(1)


def _undated(outcomes: list[Outcome], settings: Settings) -> str:
    """How many of these calls nobody dated and what to do, as a line; empty where all have a date."""
    from pipeline.doctor import DATE_IT
    from pipeline.store import Store

    kept = [outcome.sha256 for outcome in outcomes if outcome.status in ("scored", "abstained", "review", "done")]
    if not kept:
        return ""
    with Store(settings.data) as store:
        (row,) = store.query(
            "SELECT count(*) AS n, min(path) AS path FROM calls "
            "WHERE call_date IS NULL AND list_contains($kept, sha256)",
            {"kept": kept},
        )
    if not row["n"]:
        return ""
    what = counted(row["n"], "call has", "calls have")
    return f"{what} no date ({Path(row['path']).name}{' and others' if row['n'] > 1 else ''}); {DATE_IT}"


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "path": str(outcome.path),
        "call_id": outcome.call_id or None,
        "status": outcome.status,
        "reason": outcome.reason,
    }


def watch(
    inbox: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Folder to watch; else the inbox of the settings.", parser=given_path),
    ] = None,
    rubric: Rubric = None,
    workers: Workers = None,
    data: Data = None,
) -> None:
    """Process whatever lands in a folder, until stopped (Ctrl-C or SIGTERM). Files in it are never moved or changed."""
    from flows.local import use_data_folder

    def read() -> Settings:
        return settings_of(data, inbox=inbox and str(inbox), rubric=rubric, workers=workers)

    settings = read()
    if settings.inbox_folder.is_file():
        raise StoreError(
            f"{settings.inbox_folder}: is a file, not a folder; watch its folder, or `debrief process` it once"
        )
    use_data_folder(settings.data)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    out = console()
    # a folder of a mistyped name is as empty as one that waits for its first call
    new = "" if settings.inbox_folder.exists() else " (no such folder yet: it is made)"
    out.print(
        f"watching {one_line(settings.inbox_folder)}{new}; results in {one_line(settings.data)}; stop with Ctrl-C"
    )
    _watch(settings, stop, read)
    out.print("stopped; nothing is left half-done")


def _watch(settings: Settings, stop: threading.Event, read: Callable[[], Settings]) -> None:
    from flows.process import Caller, run_process
    from flows.watch import watch as watch_folder
    from pipeline.cli.watching import Watching
    from pipeline.webhooks.courier import courier

    with Watching(console(), settings) as board, courier(settings):

        def process_batch(inbox: Path, caller: Caller) -> None:
            run_process([inbox], _told_to(board, caller))
            board.batch_done()

        watch_folder(
            settings,
            stop=stop,
            caller=Caller(settings=settings, on_plan=board.plan, stop=stop),
            on_look=board.look,
            on_problem=board.problem,
            process=process_batch,
            read_settings=read,
        )


def _told_to(board: Board | Watching, caller: Any) -> Any:
    """The same caller, its news shown on the board as well."""
    import dataclasses

    def outcome(item: Outcome) -> None:
        board.outcome(item)
        caller.on_outcome(item)

    return dataclasses.replace(caller, on_plan=board.plan, on_start=board.start, on_outcome=outcome)


def nightly(data: Data = None, as_json: Json = False) -> None:
    """What the schedule runs: backlog, retries, re-scoring, standings, training, and one summary.

    Exits with 1 where a part of it or an engine failed or a folder cannot be read; a file that cannot become a call is
    named and fails no night.
    """
    settings = settings_of(data)
    from flows.local import use_data_folder

    use_data_folder(settings.data)
    from flows.nightly import run_nightly
    from flows.process import Caller
    from pipeline.batch import worker_count
    from pipeline.cli.progress import Board

    with Board(console(stderr=True), workers=worker_count(settings), known=False) as board:
        report = run_nightly(_told_to(board, Caller(settings=settings)), settings)
    if as_json:
        emit(report)
    else:
        _print_night(report)
    failed = [row for part in ("backlog", "rescored") for row in report[part]["failed"] if row["kind"] != "input"]
    if failed or report["problems"]:
        raise typer.Exit(1)


def _print_night(report: dict[str, Any]) -> None:
    from pipeline.digest import part_of_night

    out = console()
    for part, words in (("backlog", "new calls"), ("rescored", "scored again")):
        out.print(f"{words}: {part_of_night(report[part])}")
    out.print(f"training assigned: {len(report['assigned'])}")
    for text in (report["store"], *report["problems"]):
        if text:
            out.print(one_line(text), soft_wrap=True)
    if "digest" in report:
        out.print(one_line(f"digest: {report['digest']['file']}"), soft_wrap=True)


def rescore(
    every: Annotated[bool, typer.Option("--all", help="All calls, also those that are up to date.")] = False,
    rubric: Rubric = None,
    workers: Workers = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Score kept calls again where rubric or judge have changed. Nothing is heard again."""
    from pipeline.plan import plan_rescore

    settings = settings_of(data, rubric=rubric, workers=workers)
    require_data(settings)
    finish(perform(plan_rescore(settings, every=every), settings), settings, as_json=as_json)
