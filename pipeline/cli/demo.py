"""The `demo` command: the whole pipeline on the sample calls, and what comes out of it."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.shared import console, given_path, one_line, open_store, settings_of
from pipeline.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.plan import Outcome, Plan
    from pipeline.settings import Settings
    from pipeline.store import Store

DATA = Path("debrief-demo")
SAMPLES = Path(__file__).resolve().parents[2] / "sample_calls" / "inbox"


TRAINED_ON, TRAINED_BY = dt.date(2026, 10, 5), dt.date(2026, 10, 10)
"""When the reps of the samples had their first training."""

PARTS = ("gaps", "training")
"""Reports shown after the team tables."""

SHOWN = 8
"""Rows of a report that are shown; its own command shows all."""

DemoData = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Data folder; else debrief-demo/.", show_default=False, parser=given_path
    ),
]

_NAMED = re.compile(r"\bdebrief (roles|process|consent|models)\b")
"""Commands that reasons name."""

_NOT_SCORED = """
SELECT path, status, reason FROM calls WHERE status <> 'scored'
UNION ALL SELECT path, 'failed', reason FROM failures WHERE path NOT IN (SELECT path FROM calls)
ORDER BY status, path
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("demo")(demo)


def demo(data: DemoData = None) -> None:
    """Run the whole pipeline on the sample calls, into debrief-demo/, and print what a sales manager gets."""
    from rich.text import Text

    from pipeline.cli.progress import tally

    if not SAMPLES.is_dir():
        raise InputError(f"{SAMPLES}: the sample calls are not here; run the demo in a clone of the repository")
    settings = settings_of(data, default=DATA)
    out = console()
    out.print(f"debrief demo: the calls of sample_calls/ into {one_line(settings.data)}/\n")
    outcomes = process_samples(settings, out)
    with open_store(settings) as store:
        assign(store, settings)
        show(store, settings, out)
        out.print(Text("Files", style="bold"))
        out.print(f"  {tally(outcomes)}")
        _say_what_was_not_scored(store, settings, out)
        _next(store, settings, out)


def process_samples(settings: Settings, out: Console) -> list[Outcome]:
    """The sample calls through the Prefect flow; nothing of Prefect is started when all of them are done."""
    from pipeline.ingest import discover
    from pipeline.plan import plan as make_plan

    with out.status("looking at the files"):
        plan = make_plan(discover([SAMPLES]), settings)
    if not plan.jobs:
        out.print(f"all {len(plan.settled)} files are done; nothing to process\n")
        return list(plan.settled)
    recordings = sum(job.source is not None and job.source.kind == "audio" for job in plan.jobs)
    out.print(f"{len(plan.jobs)} files to process, {recordings} of them recordings")
    outcomes = _run(plan, settings, out)
    out.print("")
    return outcomes


def _run(plan: Plan, settings: Settings, out: Console) -> list[Outcome]:
    from flows.local import use_data_folder
    from pipeline.batch import worker_count
    from pipeline.cli.progress import Board

    use_data_folder(settings.data)
    with out.status("starting Prefect on this machine (about 15 s)") as status:
        from flows.process import Caller, run_process

        board = Board(out, workers=worker_count(settings), quiet=True)

        def begin(plan: Plan) -> None:
            status.stop()
            board.__enter__()
            board.plan(plan)

        caller = Caller(settings=settings, plan=plan, on_plan=begin, on_start=board.start, on_outcome=board.outcome)
        try:
            run_process([SAMPLES], caller)
        finally:
            board.__exit__(None, None, None)
    return board.outcomes


def assign(store: Store, settings: Settings) -> None:
    """Training for the gaps; and for those of the first month, done since, so that what training did can be seen.

    That somebody took it is part of the samples' story; what it did is measured on their calls.
    """
    from pipeline.coach.commands import assign_training

    if not store.query("SELECT 1 AS one FROM assignments LIMIT 1"):
        assign_training(store, settings=settings, as_of=TRAINED_ON, done_on=TRAINED_BY)
    assign_training(store, settings=settings)


def show(store: Store, settings: Settings, out: Console) -> None:
    """Team scorecards, gaps and training."""
    from pipeline.cli.coaching import REPORTS, report_rows
    from pipeline.cli.render import rows_table
    from pipeline.cli.reports import teams

    for table in teams(store, settings):
        out.print(table)
        out.print("")
    for name in PARTS:
        report, rows = REPORTS[name], report_rows(name, store, settings)
        out.print(rows_table(report.title, report.columns, rows[:SHOWN]) if rows else report.none)
        if len(rows) > SHOWN:
            out.print(f"and {len(rows) - SHOWN} more: {_program()} {name}{_data(settings)}")
        out.print("")


def _say_what_was_not_scored(store: Store, settings: Settings, out: Console) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from pipeline.cli.progress import WORDS

    for row in store.query(_NOT_SCORED):
        path = Path(row["path"])
        place = path.relative_to(SAMPLES) if path.is_relative_to(SAMPLES) else path
        reason = row["reason"].removeprefix(f"{path}: ")
        out.print(Text(f"  {WORDS.get(row['status'], row['status'])}: {one_line(place)}", style="bold"))
        out.print(Padding(Text(one_line(typed(reason, settings))), (0, 0, 0, 4)))
    out.print("")


def typed(reason: str, settings: Settings) -> str:
    """A reason whose commands can be typed as they stand: for this data folder, which is not the usual one."""
    return _NAMED.sub(lambda match: f"{_program()} {match[1]}{_data(settings, match[1])}", reason)


def _data(settings: Settings, command: str = "") -> str:
    """The option that names this data folder, for a command that takes it."""
    return "" if command == "models" else f" --data {shlex.quote(one_line(settings.data))}"


def _next(store: Store, settings: Settings, out: Console) -> None:
    from rich.text import Text

    rows = store.query("SELECT call_id FROM calls WHERE status = 'scored' ORDER BY overall DESC, call_id LIMIT 1")
    me = _program()
    out.print(Text("Next", style="bold"))
    if rows:
        out.print(f"  {me} scorecard --call {rows[0]['call_id'][:8]}{_data(settings)}")
        out.print("      one call, with its evidence")
    out.print(f"  {me} serve{_data(settings)}")
    out.print("      the pages: the team, scorecards, accounts, what was said")
    out.print(f"  {me} process YOUR-FOLDER")
    out.print("      your own calls")


def _program() -> str:
    """How debrief was called, so that a line that is printed can be typed: the environment may not be on the path."""
    called = Path(sys.argv[0])
    return shlex.quote(str(called)) if called.name == "debrief" and called.is_file() else "debrief"
