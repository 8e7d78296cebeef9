"""Commands of the coaching part: gaps, training, snippets, account, plan.

Each is one entry of `REPORTS`: the function that makes its rows from the store, and the columns shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, open_store, settings_of

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store


@dataclass(frozen=True, slots=True)
class Report:
    """`pipeline.coach.commands.function(store, *, settings, name) -> list[dict]`.

    `columns` maps keys to headings, in order; none means prose.
    """

    function: str
    title: str
    columns: Mapping[str, str]
    none: str


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
    ),
    "training": Report(
        "training_rows",
        "Training",
        {"rep": "Rep", "title": "Module", "criterion_title": "For", "due_on": "Due", "effect": "Effect"},
        "no training assigned yet; `debrief nightly` assigns it where there are gaps",
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
        {"account": "Account", "rep": "Rep", "calls": "Calls", "last": "Last call", "open": "Open objections"},
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
    for name, command in {
        "gaps": gaps, "training": training, "snippets": snippets, "account": account, "plan": plan,
    }.items():  # fmt: skip
        app.command(name)(command)


def gaps(
    rep: Annotated[str | None, typer.Option("--rep", metavar="R", help="One rep's gaps.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Where a rep stands credibly below the target, and on how many calls that rests."""
    _show("gaps", rep, data=data, as_json=as_json)


def training(
    rep: Annotated[str | None, typer.Option("--rep", metavar="R", help="One rep's training.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Training assigned for the gaps, and what came of it."""
    _show("training", rep, data=data, as_json=as_json)


def snippets(
    criterion: Annotated[str | None, typer.Argument(metavar="[CRITERION]", help="Only this criterion.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Moments of the team's own calls that show how it is done."""
    _show("snippets", criterion, data=data, as_json=as_json)


def account(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The account; without it, the list.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """One account's history: calls, people, objections, commitments."""
    _show("account", name, data=data, as_json=as_json)


def plan(
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="The account; without it, the list.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """What to do next on an account, from what was said."""
    _show("plan", account, data=data, as_json=as_json)


def report_rows(name: str, store: Store, settings: Settings, what: str | None = None) -> list[dict[str, Any]]:
    """The rows of one of `REPORTS`, about `what` (a rep, a criterion, an account) or all. Raises `StoreError`."""
    from pipeline.coach import commands

    rows: list[dict[str, Any]] = getattr(commands, REPORTS[name].function)(store, settings=settings, name=what)
    return rows


def _show(name: str, what: str | None, *, data: Any, as_json: bool) -> None:
    from pipeline.cli.render import nested_text, rows_table, snippet_text

    report = REPORTS[name]
    settings = settings_of(data)
    with open_store(settings) as store:
        rows = report_rows(name, store, settings, what)
    if as_json:
        for row in rows:
            emit(row)
        return
    out = console()
    if not rows:
        out.print(report.none)
    elif name == "snippets":
        for row in rows:
            out.print(snippet_text(row))
    elif name in ("account", "plan") and what is not None:
        for row in rows:
            out.print(nested_text(row))
    else:
        out.print(rows_table(report.title, report.columns, rows))
