"""Commands of the coaching part: standings, gaps, snippets, account, plan, coach.

Each is one entry of `REPORTS`: the function that makes its rows from the store, and the columns shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from pipeline.cli.shared import Data, Json, console, emit, one_line, open_store, settings_of, show_table

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store


@dataclass(frozen=True, slots=True)
class Report:
    """`pipeline.coach.commands.function(store, *, settings, name) -> list[dict]`.

    `columns` maps keys to headings, in order; none means prose. `behind` stands under the table: how to reach the calls
    that its numbers rest on.
    """

    function: str
    title: str
    columns: Mapping[str, str]
    none: str
    behind: str = ""


BEHIND = "The calls behind each line: `call_ids` with `--json`; `debrief scorecard --call ID` shows one."


REPORTS: dict[str, Report] = {
    "gaps": Report(
        "gap_rows",
        "Gaps: standings credibly below the target",
        {
            "rep": "Rep",
            "title": "Criterion",
            "standing": "Now",
            "low": "From",
            "high": "To",
            "target": "Target",
            "calls": "Calls",
        },
        "no gaps: no standing is credibly below its target yet",
        BEHIND,
    ),
    "training": Report(
        "training_rows",
        "Training",
        {
            "id": "Id",
            "rep": "Rep",
            "title": "Module",
            "criterion_title": "For",
            "state": "State",
            "effect": "Effect",
        },
        "no training assigned yet; `debrief nightly` assigns it where there are gaps",
        "n: calls before and after. Which they are: `measured` with `--json`; `debrief scorecard --call ID` shows one.",
    ),
    "snippets": Report(
        "snippet_rows",
        "Snippets",
        {},
        "no snippets yet: they come from calls that earned the best level",
    ),
    "account": Report(
        "account_rows",
        "Accounts",
        {"account": "Account", "rep": "Rep", "calls": "Calls", "last": "Last call", "play": "Play", "due": "Next step"},
        "no accounts yet",
    ),
    "plan": Report(
        "plan_rows",
        "Plans",
        {"account": "Account", "rep": "Rep", "last": "Last call", "next": "Ask for"},
        "no plans yet",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    commands: dict[str, Callable[..., None]] = {
        "standings": standings,
        "gaps": gaps,
        "snippets": snippets,
        "account": account,
        "plan": plan,
        "coach": coach,
    }
    for name, command in commands.items():
        app.command(name)(command)


STANDINGS = {
    "criterion": {"rep": "Rep", "title": "Criterion"},
    "stage": {"rep": "Rep", "title": "Stage"},
    "call_type": {"rep": "Rep", "call_type": "Type of call", "title": "Criterion"},
}
"""What standings can be shown by, with the columns that say whose and what."""
_NUMBERS = {"standing": "Now", "low": "From", "high": "To", "target": "Target", "calls": "Calls", "moving": "Trend"}


def standings(
    rep: Annotated[str | None, typer.Option("--rep", metavar="R", help="One rep's standings.")] = None,
    by: Annotated[str, typer.Option("--by", help=f"One of: {', '.join(STANDINGS)}.")] = "criterion",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Where each rep stands, with 90 % intervals: by criterion, stage of the deal, or type of call."""
    from pipeline.coach.commands import standing_rows

    if by not in STANDINGS:
        raise typer.BadParameter(f"{by}: one of {', '.join(STANDINGS)}", param_hint="--by")
    settings = settings_of(data)
    with open_store(settings) as store:
        rows = standing_rows(store, settings=settings, name=rep, by=by)
    shown = [{**row, "moving": row["trend"]["word"] if row["trend"] else ""} for row in rows]
    columns = {**STANDINGS[by], **_NUMBERS}
    show_table("Standings", columns, rows if as_json else shown, "no standings yet", as_json=as_json, behind=BEHIND)


def coach(
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call; its first 4 characters are enough.")],
    as_json: Json = False,
    data: Data = None,
) -> None:
    """The debrief after a call, for the rep: what worked, what to do next time, what was promised, the next ask."""
    from pipeline.cli.render import call_debrief_text
    from pipeline.coach.commands import debrief_rows

    settings = settings_of(data)
    with open_store(settings) as store:
        rows = debrief_rows(store, settings=settings, name=call)
    for row in rows:
        emit(row) if as_json else console().print(call_debrief_text(row))


def gaps(
    rep: Annotated[str | None, typer.Option("--rep", metavar="R", help="One rep's gaps.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Where a rep stands credibly below the target, and on how many calls that rests."""
    show("gaps", rep, data=data, as_json=as_json)


def snippets(
    criterion: Annotated[
        str | None,
        typer.Argument(metavar="[CRITERION]", help="Only this criterion or kind of objection, or with these words."),
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Moments of the team's own calls that show how it is done."""
    show("snippets", criterion, data=data, as_json=as_json)


def account(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The account; without it, the list.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """One account's history: calls, people, objections, commitments."""
    show("account", name, data=data, as_json=as_json)


def plan(
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="The account; without it, the list.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """What to do next on an account, from what was said."""
    show("plan", account, data=data, as_json=as_json)


def report_rows(name: str, store: Store, settings: Settings, what: str | None = None) -> list[dict[str, Any]]:
    """The rows of one of `REPORTS`, about `what` (a rep, a criterion, an account) or all. Raises `StoreError`."""
    from pipeline.coach import commands

    rows: list[dict[str, Any]] = getattr(commands, REPORTS[name].function)(store, settings=settings, name=what)
    return rows


def _no_snippets(what: str, settings: Settings) -> str:
    """That there are none on `what`, and what could be asked for instead."""
    from pipeline.rubric import load_rubric
    from pipeline.types import ObjectionKind

    names = ", ".join([*(item.id for item in load_rubric(settings.rubric).criteria), *get_args(ObjectionKind)])
    return one_line(f"{what}: nothing at the best level is about that or has these words; there are {names}")


def show(name: str, what: str | None, *, data: Any, as_json: bool) -> None:
    """Print one of `REPORTS` about `what` (a rep, a criterion, an account) or all."""
    from pipeline.cli.account_text import account_text, plan_text
    from pipeline.cli.render import snippet_text

    report = REPORTS[name]
    settings = settings_of(data)
    with open_store(settings) as store:
        rows = report_rows(name, store, settings, what)
    prose = not report.columns or (name in ("account", "plan") and what is not None)
    if as_json or (rows and not prose):
        show_table(report.title, report.columns, rows, report.none, as_json=as_json, behind=report.behind)
        return
    out = console()
    if not rows and name == "snippets" and what:
        out.print(_no_snippets(what, settings), soft_wrap=True)
    elif not rows:
        out.print(report.none)
    elif name == "snippets":
        for row in rows:
            out.print(snippet_text(row))
    else:
        for row in rows:
            out.print(account_text(row) if name == "account" else plan_text(row))
