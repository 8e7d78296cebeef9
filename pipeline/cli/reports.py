"""The `scorecard` command: the list of calls, a rep's calls, or one call in full."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import keep
from pipeline.cli.shared import Data, Json, console, emit, open_store, record_of, settings_of
from pipeline.errors import RubricError, StoreError
from pipeline.reviews import card_row, reviewed

if TYPE_CHECKING:
    from pipeline.rubric import Rubric
    from pipeline.settings import Settings
    from pipeline.store import Store

Row = dict[str, Any]

_CALLS = """
SELECT call_id, call_date, team, rep, account, path, status, overall, reason, record_file FROM calls
WHERE $rep IS NULL OR lower(rep) = lower($rep)
ORDER BY call_date DESC NULLS LAST, call_id
"""
_NAMELESS = """
SELECT team, NULL AS rep, count(*) AS calls, avg(overall) AS overall FROM calls
WHERE rep IS NULL AND status = 'scored' GROUP BY team
"""
_COLUMNS = {
    "call": "Call",
    "call_date": "Date",
    "rep": "Rep",
    "account": "Account",
    "overall": "Overall",
    "status": "Status",
}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("scorecard")(scorecard)


def scorecard(
    rep: Annotated[str | None, typer.Option("--rep", metavar="R", help="One rep's scorecard and calls.")] = None,
    call: Annotated[
        str | None, typer.Option("--call", metavar="ID", help="One call in full; its first 4 characters are enough.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Calls in the list (text only).")] = 20,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Scorecards of the teams and the latest calls; of one rep (--rep); of one call (--call)."""
    settings = settings_of(data)
    with open_store(settings) as store:
        if call is not None:
            _one(store, settings, call, as_json=as_json)
            return
        rows = store.query(_CALLS, {"rep": rep})
        if rep is not None and not rows:
            raise StoreError(f"{rep}: no such rep; known: {', '.join(store.reps()) or 'none yet'}")
        if as_json:
            said = keep.reviews_by_call(settings.data, (row["call_id"] for row in rows))
            for row in rows:
                record = keep.read_json(settings.data / row["record_file"])
                emit(card_row(reviewed(record, said.get(row["call_id"], []))))
            return
        out = console()
        for table in teams(store, settings, rep=rep):
            out.print(table)
            out.print("")
        out.print(_list(rows, limit))


def _list(rows: list[Row], limit: int) -> Any:
    from pipeline.cli.render import rows_table

    if not rows:
        return "no calls yet; `debrief process PATH` makes some"
    more = f" (latest {limit} of {len(rows)})" if len(rows) > limit else ""
    shown = [
        {**row, "call": row["call_id"][:8], "account": row["account"] or Path(row["path"]).name} for row in rows[:limit]
    ]
    return rows_table(f"Calls{more}", _COLUMNS, shown)


def _one(store: Store, settings: Settings, call: str, *, as_json: bool) -> None:
    from pipeline.cli.render import scorecard_text

    record = record_of(store, call)
    if as_json:
        emit(card_row(record))
        return
    card = record["scorecard"] or {"call_id": record["call_id"], "overall": None}
    status, reason = record["status"], record["reason"]
    console().print(
        scorecard_text(card, rubric_of(settings), transcript=record["transcript"], status=status, reason=reason)
    )


def rubric_of(settings: Settings) -> Rubric | None:
    """The rubric, for titles and their order; None where it cannot be read (the scores can be shown all the same)."""
    from pipeline.process import current_rubric

    try:
        return current_rubric(settings)
    except RubricError:
        return None


def team_rows(store: Store, settings: Settings, *, rep: str | None = None) -> list[Row]:
    """`{"team", "rep", "calls", "overall", "levels": {criterion: standing}}` of what was scored, a rep in the team of
    their newest call, as on the pages; calls whose rep nobody named stand by team.

    A standing is `{"standing", "low", "high", "calls"}`: the estimate over the rep's calls with its 90 % interval, or a
    plain mean without one where there are more than `LIVE_CALLS` calls. What is for people to review has none.
    """
    from pipeline.coach.load import load_heads, load_scores
    from pipeline.coach.snapshot import LIVE_CALLS
    from pipeline.coach.standings import standings
    from pipeline.human_review import human_review

    without = human_review(settings)
    levels: dict[str, dict[str, Row]] = {}
    if store.query("SELECT coalesce(sum(scored), 0) AS n FROM rep_totals")[0]["n"] > LIVE_CALLS:
        # standings over so many calls take minutes: plain means, shown without an interval
        for row in store.query(
            "SELECT rep, criterion, sum(n) AS n, sum(n * mean_level) / sum(n) AS mean "
            "FROM team_criteria WHERE rep IS NOT NULL AND criterion NOT IN (SELECT unnest($without::VARCHAR[])) "
            "GROUP BY rep, criterion",
            {"without": sorted(without)},
        ):
            mean = {"standing": row["mean"], "low": None, "high": None, "calls": int(row["n"])}
            levels.setdefault(row["rep"], {})[row["criterion"]] = mean
    else:
        for s in standings(load_scores(store, without=without)):
            found = {"standing": s.estimate, "low": s.low, "high": s.high, "calls": s.n}
            levels.setdefault(s.rep, {})[s.criterion] = found
    rows = [] if rep else store.query(_NAMELESS)
    for head in load_heads(store):
        scored = head["calls"].get("scored", 0)
        if scored and (rep is None or head["rep"].lower() == rep.lower()):
            rows.append({"team": head["team"], "rep": head["rep"], "calls": scored, "overall": head["overall"]})
    rows.sort(key=lambda row: [(name is None, name or "") for name in (row["team"], row["rep"])])
    return [{**row, "levels": levels.get(row["rep"], {})} for row in rows]


def teams(store: Store, settings: Settings, *, rep: str | None = None) -> Iterable[Any]:
    """The team tables, ready to print."""
    from pipeline.cli.render import team_tables

    return team_tables(team_rows(store, settings, rep=rep), rubric_of(settings))
