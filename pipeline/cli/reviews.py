"""People's word on scores: `review`, `dispute`, `calibrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.reports import rubric_of
from pipeline.cli.shared import Data, Json, console, emit, one_line, open_store, record_of, settings_of, spaced

if TYPE_CHECKING:
    from pipeline.reviews import Review, ReviewKind
    from pipeline.settings import Settings

Call = Annotated[str, typer.Argument(metavar="CALL", help="The call's id; its first 4 characters are enough.")]
CriterionId = Annotated[str, typer.Argument(metavar="CRITERION", help="The criterion, by title or id.")]
Who = Annotated[str, typer.Option("--who", metavar="NAME", help="Who says so.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, read beside the score.")]

_AGREEMENT = {
    "criterion": "Criterion",
    "period": "Period",
    "n": "n",
    "qwk": "QWK",
    "interval": "90 %",
    "exact": "Exact",
    "within_one": "Within 1",
    "na_agreement": "n/a",
    "bias": "Machine +",
}
_TITLES = {
    "blind": "Blind reviews: the machine against people who did not see its scores",
    "people": "Two people on the same call, each blind: as much as the machine can be held to",
    "override": "Overrides: only where somebody disagreed, so not a fair sample",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("review")(review)
    app.command("dispute")(dispute)
    app.command("calibrate")(calibrate)


def review(
    call: Call,
    criterion: CriterionId,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="0 to 4, or na.")],
    who: Who,
    why: Why = "",
    blind: Annotated[
        bool, typer.Option("--blind", help="Given without seeing the machine's score: measures, changes nothing.")
    ] = False,
    data: Data = None,
) -> None:
    """Override a criterion of a call (it wins in every report), or rate it blind (--blind)."""
    made = _put(data, call, criterion, "blind" if blind else "override", who=who, why=why, level=level)
    said = "n/a" if made.na else str(made.level)
    console().print(one_line(f"{made.call_id} {made.criterion}: {said} by {made.who}{' (blind)' if blind else ''}"))


def dispute(
    call: Call,
    criterion: CriterionId,
    who: Who,
    why: Why,
    level: Annotated[
        str | None, typer.Option("--level", metavar="LEVEL", help="What would be right: 0-4 or na.")
    ] = None,
    data: Data = None,
) -> None:
    """Dispute a criterion of a call; it stays open until somebody reviews that criterion."""
    made = _put(data, call, criterion, "dispute", who=who, why=why, level=level)
    console().print(one_line(f"{made.call_id} {made.criterion}: disputed by {made.who}"))


def calibrate(
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, metavar="N", help="Name N calls to rate blind instead.")
    ] = None,
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="With --sample: who will rate.")] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Machine against people, two people against one another, per criterion and month; open disputes; calls to rate
    blind (--sample)."""
    from pipeline.calibration import calibration_rows, disputes_in, reviews_in, to_review_blind

    if who and not sample:
        raise typer.BadParameter("says who will rate the calls of --sample", param_hint="--who")
    with open_store(settings_of(data)) as store:
        if sample:
            _print_sample(to_review_blind(store, count=sample, who=who), as_json=as_json)
            return
        found, waiting = calibration_rows(reviews_in(store)), disputes_in(store)
    if as_json:
        for row in found:
            emit(row)
        for dispute_row in waiting:
            emit(dispute_row)
        return
    _print_agreement(found)
    for item in waiting:
        console().print(
            one_line(f"open dispute: {item['call_id']} {item['criterion']} by {item['who']}: {item['why']}"),
            soft_wrap=True,
        )


def _put(data: Any, call: str, criterion: str, kind: ReviewKind, *, who: str, why: str, level: str | None) -> Review:
    from pipeline.reviews import review_of

    settings = settings_of(data)
    with open_store(settings) as store:
        made = review_of(record_of(store, call), _criterion(criterion, settings), kind, who=who, why=why, level=level)
        store.put_fact("reviews", made.to_row())
    return made


def _criterion(said: str, settings: Settings) -> str:
    """The id of the criterion that scorecards show under that title; else what was said."""
    rubric = rubric_of(settings)
    titles = {item.title.lower(): item.id for item in (rubric.criteria if rubric else ())}
    return titles.get(said.lower(), said)


def _print_sample(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            emit(row)
        return
    if not rows:
        console().print("no call is left to rate: scored calls with their words and no blind rating yet are named here")
        return
    for row in rows:
        who = " · ".join(one_line(row[key]) for key in ("call_date", "rep", "account") if row[key])
        console().print(spaced(row["call_id"], who, row["path"]), soft_wrap=True)
    console().print(
        "rate each with `debrief review CALL CRITERION LEVEL --who NAME --blind`, before you look at scores"
    )


def _print_agreement(rows: list[dict[str, Any]]) -> None:
    from pipeline.cli.render import rows_table

    if not rows:
        console().print(
            "no review yet of what the judge scored; `debrief calibrate --sample 10` names calls to rate blind"
        )
    for kind, title in _TITLES.items():
        mine = [{**row, **_two_decimals(row), "interval": _interval(row)} for row in rows if row["kind"] == kind]
        if mine:
            console().print(rows_table(title, _AGREEMENT, mine))


def _two_decimals(row: dict[str, Any]) -> dict[str, str]:
    keys = ("qwk", "exact", "within_one", "na_agreement", "bias")
    return {key: f"{row[key]:.2f}" for key in keys if row[key] is not None}


def _interval(row: dict[str, Any]) -> str | None:
    return None if row["low"] is None else f"{row['low']:.2f}-{row['high']:.2f}"
