"""One rep's scorecard, and the calls behind one of its standings."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from pipeline.access.people import EVERYONE
from pipeline.coach.commitments import commitments
from pipeline.coach.load import load_support, rows_of_calls
from pipeline.coach.standings import Standing
from pipeline.coach.support import PERIOD_DAYS, support_row
from pipeline.coach.targets import MIN_PEERS, mix_of
from pipeline.coach.team import Picture
from pipeline.errors import NotThere
from pipeline.web.ask import Ask, File, Go, Html, get
from pipeline.web.pages.team import PERIODS
from pipeline.web.render import path_part

TREND_WEEKS = 26
TREND_FEWEST = 6
BEHIND = 60
LATEST = 12
GAPS = 3
MOMENTS = 2
HEARD = 150
"""Calls, the newest ones, whose words are read for what was promised on them."""
METRICS: dict[str, tuple[str, str]] = {
    "talk_share": ("Talk share", "%"),
    "longest_monologue_s": ("Longest monologue", "s"),
    "questions": ("Questions a call", ""),
    "switches_per_min": ("Turns a minute", ""),
    "patience_s": ("Pause before answering", "s"),
    "wpm": ("Words a minute", ""),
    "fillers_per_min": ("Fillers a minute", ""),
}
"""How a rep talks, by the column of `metrics`: words and unit."""

Row = dict[str, Any]

_CALLS = """
SELECT call_id, call_date, account, call_type, duration_s, status, reason, overall FROM calls c
WHERE rep = $rep AND ({where}) ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit
"""
_WEEKS = """
SELECT criterion, week, sum(n)::INTEGER AS n, sum(n * mean_level) / sum(n) AS mean_level FROM rep_criterion_weeks
WHERE rep = $rep AND week > $since GROUP BY criterion, week ORDER BY criterion, week
"""
_SCORES = """
SELECT s.criterion, s.level, c.call_id, c.call_date, c.account FROM criterion_scores s JOIN calls c USING (call_id)
WHERE c.rep = $rep AND c.status = 'scored' AND s.status = 'scored'
  AND s.criterion IN (SELECT unnest($criteria::VARCHAR[]))
QUALIFY row_number() OVER (
    PARTITION BY s.criterion ORDER BY $sign * s.level, c.call_date DESC NULLS LAST, c.call_id
) <= $limit
"""
_EVIDENCE = """
SELECT call_id, criterion, turn, t0, speaker, quote, why, 'evidence' AS kind FROM evidence
WHERE call_id IN (SELECT unnest($calls::VARCHAR[]))
UNION ALL
SELECT call_id, criterion, turn, NULL, NULL, NULL, why, 'missed' FROM missed
WHERE call_id IN (SELECT unnest($calls::VARCHAR[]))
ORDER BY call_id, criterion, kind DESC, turn
"""
_METRICS = f"""
SELECT c.rep, count(*) AS n, {", ".join(f"avg(m.{name}) AS {name}" for name in METRICS)}
FROM metrics m JOIN calls c USING (call_id)
WHERE c.rep IS NOT NULL AND c.status = 'scored' AND (c.call_date > $since OR c.call_date IS NULL) GROUP BY c.rep
"""
_MIXES = "SELECT rep, call_type, count(*) AS n FROM calls WHERE rep IS NOT NULL GROUP BY ALL ORDER BY ALL"
_RECENT = """
SELECT call_id FROM calls WHERE rep = $rep AND call_date >= $since
ORDER BY call_date DESC, call_id LIMIT $limit
"""
_BEHIND = """
SELECT c.call_id, c.call_date, c.account, c.call_type, s.level, s.status, s.confidence, s.reason, s.overridden_by,
       s.machine_level
FROM criterion_scores s JOIN calls c USING (call_id)
WHERE c.rep = $rep AND s.criterion = $criterion AND c.status = 'scored'
  AND ($since IS NULL OR c.call_date > $since) AND ($call_type = '' OR c.call_type = $call_type) AND ({where})
ORDER BY c.call_date DESC NULLS LAST, c.call_id LIMIT $limit
"""


def listing(ask: Ask) -> Html | Go:
    """All reps are on the team's page; a rep's own page is their scorecard."""
    return Go(f"/reps/{path_part(ask.user.rep)}" if ask.user.role == "rep" else "/team", ask.said)


def one(ask: Ask, *, rep: str) -> Html:
    """One rep: where they stand, on what grounds, what was done about it, and what support they had."""
    ask.scope.require_rep(rep)
    card = next((card for card in ask.desk.scorecards() if card["rep"] == rep), None)
    if card is None:
        if ask.user.rep == rep:
            return ask.show("rep_empty.html", rep=rep)
        raise NotThere(f"{rep}: no rep of that name has calls")
    return ask.show("rep.html", support=support_of(ask, rep), **scorecard(ask, card))


def one_to_one(ask: Ask, *, rep: str) -> File:
    """The rep's scorecard as a PDF for the talk about it."""
    from pipeline.web.sheet import sheet

    ask.scope.require_rep(rep)
    card = next((card for card in ask.desk.scorecards() if card["rep"] == rep), None)
    if card is None:
        raise NotThere(f"{rep}: no rep of that name has calls")
    shown = scorecard(ask, card)
    today = ask.desk.today()
    pdf = sheet(shown, support_of(ask, rep, wait_s=2.0), on=today, names=shown["titles"])
    return File(pdf, "application/pdf", name=f"{rep} {today.isoformat()}.pdf")


def scorecard(ask: Ask, card: Row) -> Row:
    """What a rep's page and sheet show, but for the support, which takes longer."""
    rep = card["rep"]
    known = ask.desk.picture()
    whole: Picture = known.value
    order = {item.id: place for place, item in enumerate(ask.desk.rubric.criteria)}
    mine = sorted((s for s in whole.standings if s.rep == rep), key=lambda s: order[s.criterion])
    gaps = [gap for gap in whole.gaps if gap.rep == rep]
    weak = [gap.criterion for gap in gaps[:GAPS]]
    good = [s for s in sorted(mine, key=lambda s: -s.low) if s.low >= s.target - 0.5 and s.estimate >= s.target]
    return {
        "rep": rep,
        "card": card,
        "as_of": known,
        "standings": mine,
        "titles": {item.id: item.title for item in ask.desk.rubric.criteria},
        "means": {item.id: item.levels for item in ask.desk.rubric.criteria},
        "gaps": gaps,
        "since": whole.since,
        "peers": peers_of(whole, rep),
        "next": {item.criterion: item for item in whole.fair if item.rep == rep},
        "trends": _trends(ask, rep, whole.newest),
        "low": _moments(ask, rep, weak, sign=1),
        "strengths": good[:2],
        "high": _moments(ask, rep, [s.criterion for s in good[:2]], sign=-1),
        "training": ask.desk.training(rep),
        "metrics": _metrics(ask, rep, whole.newest),
        "calls": ask.store.query(
            _CALLS.format(where=ask.scope.where("c")), {"rep": rep, "limit": LATEST, **ask.scope.params}
        ),
    }


def peers_of(picture: Picture, rep: str) -> dict[str, Row]:
    """Per criterion, between what the middle 80 % of the other reps stand: `low`, `high`, `n`; from three on."""
    others: dict[str, list[float]] = defaultdict(list)
    for standing in picture.standings:
        if standing.rep != rep and standing.n >= MIN_PEERS:
            others[standing.criterion].append(standing.estimate)
    return {
        criterion: {"low": _quantile(values, 0.1), "high": _quantile(values, 0.9), "n": len(values)}
        for criterion, values in others.items()
        if len(values) >= MIN_PEERS
    }


def _quantile(values: list[float], p: float) -> float:
    ordered = sorted(values)
    place = p * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _trends(ask: Ask, rep: str, newest: dt.date | None) -> dict[str, list[Row]]:
    """Weekly mean levels of the last half year by criterion, each with its `x` on a drawing 160 wide."""
    if newest is None:
        return {}
    rows = ask.store.query(_WEEKS, {"rep": rep, "since": newest - dt.timedelta(weeks=TREND_WEEKS)})
    first = min((row["week"] for row in rows), default=newest)
    days = max((newest - first).days, 7 * TREND_FEWEST)
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["criterion"]].append({**row, "x": 4 + 152 * (1 - (newest - row["week"]).days / days)})
    return found


def _moments(ask: Ask, rep: str, criteria: list[str], *, sign: int) -> dict[str, list[Row]]:
    """Per criterion, the lowest (`sign` 1) or highest (-1) of the newest calls, each with the words that earned its
    level (`quote`, of the rep where the level is high) and where it should have been better (`missed`)."""
    if not criteria:
        return {}
    calls = ask.store.query(_SCORES, {"rep": rep, "criteria": criteria, "sign": sign, "limit": MOMENTS})
    first: dict[tuple[str, str, str], Row] = {}
    for row in ask.store.query(_EVIDENCE, {"calls": sorted({call["call_id"] for call in calls})}):
        if row["kind"] == "missed" or sign > 0 or str(row["speaker"]).startswith("rep"):
            first.setdefault((row["call_id"], row["criterion"], row["kind"]), row)
    found: dict[str, list[Row]] = defaultdict(list)
    for call in calls:
        key = (call["call_id"], call["criterion"])
        found[call["criterion"]].append(
            {
                **call,
                "quote": first.get((*key, "evidence")),
                "missed": first.get((*key, "missed")) if sign > 0 else None,
            }
        )
    return found


def _metrics(ask: Ask, rep: str, newest: dt.date | None) -> list[Row]:
    """How the rep talks, over the last 90 days, beside the middle half of the others."""
    since = (newest or dt.date.today()) - dt.timedelta(PERIOD_DAYS)
    every: list[Row] = ask.desk.remember(
        ("metrics", since), lambda: ask.store.query(_METRICS, {"since": since}), of=("calls",)
    )
    mine = next((row for row in every if row["rep"] == rep), None)
    if mine is None:
        return []
    found = []
    for name, (title, unit) in METRICS.items():
        others = [row[name] for row in every if row["rep"] != rep and row[name] is not None]
        if mine[name] is not None:
            scale = 100 if name == "talk_share" else 1
            found.append(
                {
                    "title": title,
                    "unit": unit,
                    "value": mine[name] * scale,
                    "n": mine["n"],
                    "peers": len(others),
                    "low": _quantile(others, 0.25) * scale if len(others) >= MIN_PEERS else None,
                    "high": _quantile(others, 0.75) * scale if len(others) >= MIN_PEERS else None,
                }
            )
    return found


def support_of(ask: Ask, rep: str, *, wait_s: float = 0.05) -> Row | None:
    """`{"row": support_row, "made": [commitments, the newest first]}` of the last 90 days; None while it is read."""
    desk = ask.desk
    today, whole = desk.today(), desk.picture().value

    def make() -> Row:
        asked = {"rep": rep, "since": today - dt.timedelta(PERIOD_DAYS), "limit": HEARD}
        heard = rows_of_calls(desk.store, [row["call_id"] for row in desk.store.query(_RECENT, asked)])
        types: dict[str, list[str | None]] = defaultdict(list)
        for row in desk.store.query(_MIXES):
            types[row["rep"]] += [row["call_type"]] * row["n"]
        made = commitments(heard, as_of=today)
        kept = load_support(desk.store)
        row = support_row(
            # the calls from their records, the rest from its tables
            type(heard)(**{**_fields(kept), "calls": heard.calls}),
            rep,
            desk.rubric,
            made,
            gaps=[gap for gap in whole.gaps if gap.rep == rep],
            fair=[item for item in whole.fair if item.rep == rep],
            mixes={name: mix_of(found) for name, found in types.items()},
            as_of=today,
        )
        ordered = sorted(made, key=lambda c: (c.due or c.made_on or dt.date.min, c.call_id, c.turn), reverse=True)
        return {"row": row, "made": [c.to_json() for c in ordered]}

    known = desk.glimpse(("support", rep, today), make, wait_s=wait_s)
    return known.value if known else None


def _fields(rows: Any) -> Row:
    return {name: getattr(rows, name) for name in ("assignments", "sessions", "quotas", "activities")}


def behind(ask: Ask, *, rep: str, criterion: str, period: str = "", call_type: str = "") -> Html:
    """The calls behind one standing, newest first, each with the words that earned its level."""
    ask.scope.require_rep(rep)
    item = next((item for item in ask.desk.rubric.criteria if item.id == criterion), None)
    if item is None:
        raise NotThere(f"{criterion}: the rubric has no such criterion")
    words, days = PERIODS.get(period, PERIODS[""])
    known = ask.desk.picture(days=days, call_type=call_type or None)
    whole: Picture = known.value
    newest = ask.desk.picture().value.newest
    calls = ask.store.query(
        _BEHIND.format(where=ask.scope.where("c")),
        {
            "rep": rep,
            "criterion": criterion,
            "since": newest - dt.timedelta(days) if newest and days is not None else None,
            "call_type": call_type,
            "limit": BEHIND + 1,
            **ask.scope.params,
        },
    )
    shown: dict[tuple[str, str], Row] = {}
    for row in ask.store.query(_EVIDENCE, {"calls": [call["call_id"] for call in calls]}):
        if row["criterion"] == criterion:
            shown.setdefault((row["call_id"], row["kind"]), row)
    standing: Standing | None = next((s for s in whole.standings if (s.rep, s.criterion) == (rep, criterion)), None)
    return ask.show(
        "behind.html",
        rep=rep,
        item=item,
        standing=standing,
        gap=next((gap for gap in whole.gaps if (gap.rep, gap.criterion) == (rep, criterion)), None),
        since=whole.since.get((rep, criterion)),
        peers=peers_of(whole, rep).get(criterion),
        calls=calls[:BEHIND],
        more=len(calls) > BEHIND,
        shown=shown,
        narrowed=", ".join(part for part in (words if days is not None else "", call_type) if part),
        as_of=known,
    )


ROUTES: tuple[Any, ...] = (
    get("/reps", listing, who=EVERYONE),
    get("/reps/{rep}", one, who=EVERYONE, logged=True),
    get("/reps/{rep}/one-to-one.pdf", one_to_one, who=EVERYONE, logged=True),
    get("/reps/{rep}/criteria/{criterion}", behind, who=EVERYONE, logged=True),
)
