"""One rep's scorecard, and the calls behind one of its standings."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.access.people import EVERYONE
from pipeline.coach.gaps import MIN_CALLS, not_heard
from pipeline.coach.load import load_calls, load_support
from pipeline.coach.rows import CallRow
from pipeline.coach.standings import Standing
from pipeline.coach.support import PERIOD_DAYS, support_row
from pipeline.coach.targets import MIN_PEERS, mix_of
from pipeline.coach.team import Picture
from pipeline.days import latest
from pipeline.errors import NotThere
from pipeline.metrics import EXPLAINED
from pipeline.rubric import Rubric
from pipeline.web.ask import Ask, File, Go, Html, get
from pipeline.web.call_view import unseen
from pipeline.web.jobs import PromisesJob
from pipeline.web.pages.team import PERIODS, stretch
from pipeline.web.render import path_part

if TYPE_CHECKING:
    from pipeline.store import Store

TREND_WEEKS = 26
TREND_FEWEST = 6
BEHIND = 40
LATEST = 12
GAPS = 3
STRENGTHS = 2
MOMENTS = 2
HEARD = 150
"""Calls, the newest ones, whose words are read for what was promised on them."""
UNITS = {
    "talk_share": "%",
    "longest_monologue_s": "s",
    "questions": "",
    "switches_per_min": "",
    "patience_s": "s",
    "wpm": "",
    "fillers_per_min": "",
}
"""In what a rep's page gives each metric."""

Row = dict[str, Any]

_CALLS = """
SELECT call_id, call_date, account, call_type, duration_s, status, reason, overall FROM calls c
WHERE rep = $rep AND ({where}) ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit
"""
_WEEKS = """
SELECT rep, criterion, week, sum(n)::INTEGER AS n, sum(n * mean_level) / sum(n) AS mean_level FROM rep_criterion_weeks
WHERE week > $since AND week <= $newest GROUP BY rep, criterion, week ORDER BY rep, criterion, week
"""
_SCORES = """
WITH wanted AS (
    SELECT unnest($reps::VARCHAR[]) AS rep, unnest($criteria::VARCHAR[]) AS criterion, unnest($signs::INTEGER[]) AS sign
)
SELECT w.rep, s.criterion, w.sign, s.level, c.call_id, c.call_date, c.account
FROM wanted w JOIN calls c USING (rep) JOIN criterion_scores s ON s.call_id = c.call_id AND s.criterion = w.criterion
WHERE c.status = 'scored' AND s.status = 'scored'
QUALIFY row_number() OVER (
    PARTITION BY w.rep, s.criterion, w.sign ORDER BY w.sign * s.level, c.call_date DESC NULLS LAST, c.call_id
) <= $limit
ORDER BY w.rep, s.criterion, w.sign * s.level, c.call_date DESC NULLS LAST, c.call_id
"""
_EVIDENCE = """
WITH wanted AS (SELECT unnest($calls::VARCHAR[]) AS call_id, unnest($criteria::VARCHAR[]) AS criterion)
SELECT call_id, criterion, turn, t0, speaker, quote, why, 'evidence' AS kind FROM evidence
SEMI JOIN wanted USING (call_id, criterion)
UNION ALL
SELECT call_id, criterion, turn, NULL, NULL, NULL, why, 'missed' FROM missed SEMI JOIN wanted USING (call_id, criterion)
ORDER BY call_id, criterion, kind, turn
"""
_METRICS = f"""
SELECT c.rep, count(*) AS calls, count(*) FILTER (c.call_date IS NULL OR c.call_date > $latest) AS undated,
       {", ".join(f"avg(m.{name}) AS {name}, count(m.{name}) AS n_{name}" for name in UNITS)}
FROM metrics m JOIN calls c USING (call_id)
WHERE c.rep IS NOT NULL AND c.status = 'scored' AND (c.call_date > $since OR c.call_date IS NULL) GROUP BY c.rep
"""
_MIXES = """
SELECT rep, call_type, count(*) AS n, count(*) FILTER (call_date > $since AND call_date <= $today) AS recent
FROM calls WHERE rep IS NOT NULL GROUP BY rep, call_type ORDER BY rep, call_type
"""
_OTHERS = """
SELECT call_id FROM calls
WHERE account IN (SELECT unnest($accounts::VARCHAR[])) AND rep IS DISTINCT FROM $rep
  AND call_date >= $since AND call_date <= $latest
ORDER BY call_date DESC, call_id LIMIT $limit
"""
_STILL = "SELECT call_id FROM calls WHERE rep = $rep AND call_id IN (SELECT unnest($ids::VARCHAR[]))"
_BEHIND = """
SELECT c.call_id, c.call_date, c.account, c.call_type, s.level, s.status, s.confidence, s.reason, s.overridden_by,
       s.machine_level
FROM criterion_scores s JOIN calls c USING (call_id)
WHERE c.rep = $rep AND s.criterion = $criterion AND c.status = 'scored'
  AND ($since IS NULL OR (c.call_date > $since AND c.call_date <= $latest))
  AND ($call_type = '' OR c.call_type = $call_type) AND ({where})
ORDER BY c.call_date DESC NULLS LAST, c.call_id LIMIT $limit
"""


def listing(ask: Ask) -> Html | Go:
    """All reps are on the team's page; a rep's own page is their scorecard."""
    return Go(f"/reps/{path_part(ask.user.rep)}" if ask.user.role == "rep" else "/team", ask.said)


def one(ask: Ask, *, rep: str) -> Html:
    """One rep: where they stand, on what grounds, what was done about it, and what support they had."""
    ask.scope.require_rep(rep)
    card = ask.desk.scorecard(rep)
    if card is None:
        if ask.user.rep == rep:
            return ask.show("rep_empty.html", rep=rep)
        raise NotThere(f"{rep}: no rep of that name has calls")
    return ask.show("rep.html", support=support_of(ask, rep), **scorecard(ask, card))


def one_to_one(ask: Ask, *, rep: str) -> File:
    """The rep's scorecard as a PDF for the talk about it."""
    from pipeline.web.sheet import sheet

    ask.scope.require_rep(rep)
    card = ask.desk.scorecard(rep)
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
    grounds = _grounds(ask)
    good = strengths(mine)
    low = {gap.criterion: grounds["low"].get((rep, gap.criterion), []) for gap in gaps}
    high = {s.criterion: grounds["high"].get((rep, s.criterion), []) for s in good}
    own = still_of(ask, rep, (call["call_id"] for calls in (*low.values(), *high.values()) for call in calls))
    return {
        "rep": rep,
        "card": card,
        "as_of": known,
        "standings": mine,
        "titles": ask.desk.rubric.titles,
        "goals": goals_of(ask.desk.rubric),
        "gaps": gaps,
        "since": whole.since,
        "peers": peers_of(whole, rep),
        "next": {item.criterion: item for item in whole.fair if item.rep == rep},
        "trends": {s.criterion: grounds["trends"].get((rep, s.criterion), []) for s in mine},
        "low": {name: [call for call in calls if call["call_id"] in own] for name, calls in low.items()},
        "strengths": good,
        "high": {name: [call for call in calls if call["call_id"] in own] for name, calls in high.items()},
        "training": latest_first(ask.desk.training(rep)),
        "metrics": _metrics(ask, rep, whole.newest),
        "calls": ask.store.query(
            _CALLS.format(where=ask.scope.where("c")), {"rep": rep, "limit": LATEST, **ask.scope.params}
        ),
    }


def still_of(ask: Ask, rep: str, call_ids: Iterable[str]) -> set[str]:
    """Those of the calls that are the rep's now: what was worked out before shows nothing of one that was given to
    somebody else or erased since."""
    return {row["call_id"] for row in ask.desk.store.query(_STILL, {"rep": rep, "ids": sorted(set(call_ids))})}


def latest_first(training: list[Row]) -> list[Row]:
    """A rep's training: what is open as it comes, then what was ended, the latest first, where lists are cut short."""
    ended = sorted((row for row in training if row["status"] != "open"), key=ended_on, reverse=True)
    return [*(row for row in training if row["status"] == "open"), *ended]


def ended_on(row: Row) -> str:
    """The day on which training was done or taken back, as ISO text."""
    return str(row["completed_on"] or row["due_on"])


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


def goals_of(rubric: Rubric) -> dict[str, str]:
    """What each criterion's target level is, in the rubric's words."""
    return {item.id: item.levels[min(4, math.ceil(item.target))] for item in rubric.criteria}


def _grounds(ask: Ask) -> Row:
    """Of all reps, by (rep, criterion): `low` and `high` moments of the first gaps and strengths, and `trends`: made
    once for each picture, since the tables of a hundred thousand calls are not looked through for each page."""

    def make(whole: Picture) -> Row:
        weak: dict[str, list[str]] = defaultdict(list)
        for gap in whole.gaps:
            weak[gap.rep].append(gap.criterion)
        wanted = [(rep, criterion, 1) for rep, found in weak.items() for criterion in found[:GAPS]]
        by_rep: dict[str, list[Standing]] = defaultdict(list)
        for standing in whole.standings:
            by_rep[standing.rep].append(standing)
        wanted += [(rep, s.criterion, -1) for rep, found in by_rep.items() for s in strengths(found)]
        return {**_moments(ask, wanted), "trends": _trends(ask, whole.newest)}

    found: Row = ask.desk.of_picture("grounds", make)
    return found


def strengths(mine: list[Standing]) -> list[Standing]:
    """The surest of a rep's standings at target: two at most.

    As with a gap the rep's own calls must say so: a standing over one or two is mostly that of the others.
    """
    own = (s for s in mine if s.n >= MIN_CALLS and s.p_below_alone <= 0.5)
    good = [s for s in own if s.low >= s.target - 0.5 and s.estimate >= s.target]
    return sorted(good, key=lambda s: -s.low)[:STRENGTHS]


def _trends(ask: Ask, newest: dt.date | None) -> dict[tuple[str, str], list[Row]]:
    """Weekly mean levels of the last half year, each with its `x` on a drawing 160 wide."""
    if newest is None:
        return {}
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in ask.store.query(_WEEKS, {"since": newest - dt.timedelta(weeks=TREND_WEEKS), "newest": newest}):
        found[row.pop("rep"), row.pop("criterion")].append(row)
    for points in found.values():
        days = max((newest - points[0]["week"]).days, 7 * TREND_FEWEST)
        for row in points:
            row["x"] = 4 + 152 * (1 - (newest - row["week"]).days / days)
    return found


def _moments(ask: Ask, wanted: list[tuple[str, str, int]]) -> dict[str, dict[tuple[str, str], list[Row]]]:
    """For each rep, criterion and sign the lowest (1) or highest (-1) of the newest calls, each with the words that
    earned its level (`quote`, of the rep where the level is high) and where it should have been better (`missed`)."""
    made: dict[str, dict[tuple[str, str], list[Row]]] = {"low": defaultdict(list), "high": defaultdict(list)}
    if not wanted:
        return made
    reps, criteria, signs = (list(part) for part in zip(*wanted, strict=True))
    calls = ask.store.query(_SCORES, {"reps": reps, "criteria": criteria, "signs": signs, "limit": MOMENTS})
    first: dict[tuple[str, str, str], Row] = {}
    pairs = sorted({(call["call_id"], call["criterion"]) for call in calls})
    ids, names = ([pair[place] for pair in pairs] for place in (0, 1))
    for row in ask.store.query(_EVIDENCE, {"calls": ids, "criteria": names}):
        key = (row["call_id"], row["criterion"])
        first.setdefault((*key, row["kind"]), row)
        if str(row["speaker"]).startswith("rep"):
            first.setdefault((*key, "by rep"), row)
    for call in calls:
        key = (call["call_id"], call["criterion"])
        low = call["sign"] > 0
        shown = {"quote": first.get((*key, "evidence" if low else "by rep"))}
        made["low" if low else "high"][call["rep"], call["criterion"]].append(
            {**call, **shown, "missed": first.get((*key, "missed")) if low else None}
        )
    return made


def _metrics(ask: Ask, rep: str, newest: dt.date | None) -> list[Row]:
    """How the rep talks, over the last 90 days and the undated calls, beside the middle half of the others.

    `n` calls have the metric, of `calls` in all: where nobody timed the turns there are no pauses and no pace.
    """
    since = (newest or dt.date.today()) - dt.timedelta(PERIOD_DAYS)
    every = ask.desk.rows(_METRICS, {"since": since, "latest": latest()})
    mine = next((row for row in every if row["rep"] == rep), None)
    if mine is None:
        return []
    found = []
    for name, unit in UNITS.items():
        others = [row[name] for row in every if row["rep"] != rep and row[name] is not None]
        if mine[name] is not None:
            scale = 100 if name == "talk_share" else 1
            found.append(
                {
                    "title": EXPLAINED[name].title,
                    "formula": EXPLAINED[name].formula,
                    "unit": unit,
                    "value": mine[name] * scale,
                    "n": mine[f"n_{name}"],
                    "calls": mine["calls"],
                    "undated": mine["undated"],
                    "since": since + dt.timedelta(1),
                    "peers": len(others),
                    "low": _quantile(others, 0.25) * scale if len(others) >= MIN_PEERS else None,
                    "high": _quantile(others, 0.75) * scale if len(others) >= MIN_PEERS else None,
                }
            )
    return found


def support_of(ask: Ask, rep: str, *, wait_s: float = 0.03) -> Row | None:
    """`{"row": support_row, "made": [commitments, the newest first], "heard": n}` of the last 90 days, with what was
    promised on the newest `heard` calls; None while it is read.

    Whether it was kept is told by colleagues' calls with the same accounts, too; their words are not shown.
    """
    desk = ask.desk
    today, whole = desk.today(), desk.picture().value

    def make() -> Row:
        since = today - dt.timedelta(PERIOD_DAYS)
        calls = load_calls(desk.store, rep=rep, since=since)
        own = calls[-HEARD:]
        mine = tuple(call.call_id for call in own)
        others = tuple(_others(desk.store, rep, own))
        promised, heard = desk.aside.run(PromisesJob(mine, others, today, desk.settings.max_expected_wer))
        types: dict[str, list[str | None]] = defaultdict(list)
        counts = desk.store.query(_MIXES, {"since": since, "today": today})
        for row in counts:
            types[row["rep"]] += [row["call_type"]] * row["n"]
        made = [unseen(one, mine) for one in promised]
        row = support_row(
            dataclasses.replace(load_support(desk.store), calls=calls),
            rep,
            desk.rubric,
            made,
            gaps=[gap for gap in whole.gaps if gap.rep == rep],
            fair=[item for item in whole.fair if item.rep == rep],
            mixes={name: mix_of(found) for name, found in types.items()},
            calling={row["rep"] for row in counts if row["recent"]},
            as_of=today,
        )
        ordered = sorted(made, key=lambda c: (c.due or c.made_on or dt.date.min, c.call_id, c.turn), reverse=True)
        return {
            "row": row,
            "made": [c.to_json() for c in ordered],
            "heard": heard,
        }

    known = desk.glimpse(("support", rep, today), make, wait_s=wait_s)
    if known is None:
        return None
    told: Row = known.value
    behind = [(row, {row["call_id"], row["seen_call"]} - {None}) for row in told["made"]]
    own = still_of(ask, rep, set().union(*(calls for _, calls in behind)))
    return {**told, "made": [row for row, calls in behind if calls <= own]}


def _others(store: Store, rep: str, own: Sequence[CallRow]) -> list[str]:
    """Colleagues' calls with the accounts of a rep's `own` ones, since the first of these: the newest `HEARD`."""
    if not own:
        return []
    accounts = sorted({call.account for call in own if call.account})
    since = min((call.date for call in own if call.date), default=None)
    asked = {"accounts": accounts, "rep": rep, "since": since, "latest": latest(), "limit": HEARD}
    return [row["call_id"] for row in store.query(_OTHERS, asked)]


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
            "latest": latest(),
            "call_type": call_type,
            "limit": BEHIND + 1,
            **ask.scope.params,
        },
    )
    shown: dict[tuple[str, str], Row] = {}
    ids = [call["call_id"] for call in calls]
    for row in ask.store.query(_EVIDENCE, {"calls": ids, "criteria": [criterion] * len(ids)}):
        shown.setdefault((row["call_id"], row["kind"]), row)
    last = max((call["call_date"] for call in calls if call["call_date"]), default=None)
    lately = f"{words}, {stretch(newest, days, last)}" if days and newest else ""
    standing: Standing | None = next((s for s in whole.standings if (s.rep, s.criterion) == (rep, criterion)), None)
    return ask.show(
        "behind.html",
        rep=rep,
        item=item,
        standing=standing,
        gone=rep in not_heard(whole.standings),
        gap=next((gap for gap in whole.gaps if (gap.rep, gap.criterion) == (rep, criterion)), None),
        since=whole.since.get((rep, criterion)),
        peers=peers_of(whole, rep).get(criterion),
        calls=calls[:BEHIND],
        more=len(calls) > BEHIND,
        shown=shown,
        call_type=call_type,
        narrowed=", ".join(part for part in (lately, call_type) if part),
        as_of=known,
    )


ROUTES: tuple[Any, ...] = (
    get("/reps", listing, who=EVERYONE),
    # names may hold a slash, as "Ada Park (she/her)" does: what follows a name is matched first
    get("/reps/{rep:path}/one-to-one.pdf", one_to_one, who=EVERYONE, logged=True),
    get("/reps/{rep:path}/criteria/{criterion}", behind, who=EVERYONE, logged=True),
    get("/reps/{rep:path}", one, who=EVERYONE, logged=True),
)
