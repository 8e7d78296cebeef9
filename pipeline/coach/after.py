"""The post-call debrief: what a rep reads after one call, before anybody else says anything about it.

What worked (kept, with the words), one or two things to do differently (the moment, the level's next step, a
colleague's words that worked, the module's own example), what was committed to, and the next ask.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.coach.accounts import account_view, told
from pipeline.coach.commitments import Commitment, commitments_of
from pipeline.coach.ended import days_agreed
from pipeline.coach.moves import moves_of, strength
from pipeline.coach.plans import next_ask, on_what_was_said, trouble_of, with_the_day
from pipeline.coach.rows import CallRow, Moment, ObjectionRow, Rows, ScoredCall
from pipeline.coach.snippets import best_moments
from pipeline.coach.standings import Standing, standings
from pipeline.coach.training import Library
from pipeline.rubric import Criterion, Rubric
from pipeline.types import NEUTRAL, ObjectionKind

GOOD_LEVEL = 3
KEEP = 2
CHANGE = 2
LATE = 2 / 3
"""From which part of a call on what is said is near its end."""

Row = dict[str, Any]


def call_debrief(
    rows: Rows,
    call_id: str,
    rubric: Rubric,
    library: Library,
    *,
    usual: Iterable[Standing] | None = None,
    customers: Sequence[str] = (),
) -> Row | None:
    """One call's debrief, JSON-ready; None for a call that is not there.

    `rows.turns` holds the turns of the call; without them no commitments are listed. A call that was not scored says
    why and debriefs nothing. `usual` are the rep's standings before the call where they were worked out already; then
    `rows` need hold no more than the calls of the rep and the account that may be shown. `customers` are accounts that
    are known to buy.
    """
    call = next((c for c in rows.calls if c.call_id == call_id), None)
    if call is None:
        return None
    head: Row = {
        "call": call.call_id,
        "date": call.date.isoformat() if call.date else None,
        "rep": call.rep,
        "account": call.account,
        "overall": call.overall,
        "status": call.status,
    }
    if call.status != "scored":
        return {**head, "reason": call.reason}
    scores = {s.criterion: s for s in rows.scores if s.call_id == call_id}
    moments = [m for m in rows.moments if m.call_id == call_id]
    before = {s.criterion: s for s in (_before(rows, call) if usual is None else usual)}
    objections = sorted((o for o in rows.objections if o.call_id == call_id), key=lambda o: o.turn)
    known = [c for c in rubric.criteria if c.id in scores and (objections or not _about_objections(c))]
    turns = sorted((t for t in rows.turns if t.call_id == call_id), key=lambda t: t.turn)
    here = Rows(moves=tuple(m for m in rows.moves if m.call_id == call_id), objections=tuple(objections))
    made = commitments_of(call, turns, here.moves)
    return {
        **head,
        "worked": [_kept(c, scores[c.id], moments, before, here, rubric) for c in _best(known, scores)],
        "next_time": [
            _change(c, scores[c.id], moments, before, rows, library, rubric) for c in _weakest(known, scores)
        ],
        "commitments": [c.to_json() for c in made],
        "objections": [{"kind": o.kind, "handled": o.handled, "turn": o.turn, "kind_p": o.kind_p} for o in objections],
        "next_call": _next(rows, call, rubric, made, customers),
        "not_scored": [c.title for c in rubric.criteria if c.id not in scores],
    }


def _before(rows: Rows, call: CallRow) -> Sequence[Standing]:
    """The rep's standings from earlier calls only."""
    if call.date is None:
        return ()
    earlier = [s for s in rows.scores if s.date and s.date < call.date]
    return [s for s in standings(earlier) if s.rep == call.rep]


def _best(known: Sequence[Criterion], scores: Mapping[str, ScoredCall]) -> list[Criterion]:
    good = [c for c in known if scores[c.id].level >= GOOD_LEVEL]
    return sorted(good, key=lambda c: (-scores[c.id].level, -c.weight))[:KEEP]


def _weakest(known: Sequence[Criterion], scores: Mapping[str, ScoredCall]) -> list[Criterion]:
    """What is furthest below target, the heavier first: one or two things, since nobody changes five at once."""
    low = [c for c in known if scores[c.id].level < c.target]
    return sorted(low, key=lambda c: (-(c.target - scores[c.id].level) * c.weight, c.id))[:CHANGE]


def _kept(
    c: Criterion,
    score: ScoredCall,
    moments: Sequence[Moment],
    before: Mapping[str, Standing],
    rows: Rows,
    rubric: Rubric,
) -> Row:
    """What worked, with the words of the rep that show most of it: the first ones cited may be the least of it.

    Of objections only an answer to one that was settled.
    """
    ours = [m for m in moments if m.criterion == c.id and m.kind == "evidence" and m.side == "rep"]
    if _about_objections(c):
        ours = [m for m in ours if _answers_settled(m, rows.objections)]
    best = max(ours, key=lambda m: (strength(m, rows, rubric), -m.turn), default=None)
    return {**_level(c, score, before), "moment": best.to_json() if best else None}


def _about_objections(c: Criterion) -> bool:
    """Whether a criterion is about objections: a call on which none was heard says nothing of it."""
    return "objection_handling" in (c.id, c.same_as)


def _answers_settled(moment: Moment, objections: Sequence[ObjectionRow]) -> bool:
    last = max((o for o in objections if o.turn < moment.turn), key=lambda o: o.turn, default=None)
    return last is not None and last.handled == "yes"


def _level(c: Criterion, score: ScoredCall, before: Mapping[str, Standing]) -> Row:
    standing = before.get(c.id)
    usual = None
    if standing:
        usual = {
            "standing": round(standing.estimate, 1),
            "low": round(standing.low, 1),
            "high": round(standing.high, 1),
            "calls": standing.n,
            "call_ids": list(standing.call_ids),
        }
    return {
        "criterion": c.id,
        "title": c.title,
        "level": score.level,
        "confidence": round(score.confidence, 2),
        "means": c.levels[score.level],
        "before_this_call": usual,
    }


def _change(
    c: Criterion,
    score: ScoredCall,
    moments: Sequence[Moment],
    before: Mapping[str, Standing],
    rows: Rows,
    library: Library,
    rubric: Rubric,
) -> Row:
    # what only weighed for a level may be small talk: a moment that was missed is told by its reason
    cited = [m for m in moments if m.criterion == c.id]
    mine = [m for m in told(cited, moves_of(rows, rubric), (score,), rubric) if (m.kind, m.why) != ("missed", NEUTRAL)]
    mine.sort(key=lambda m: (m.kind != "missed", m.turn))
    if not mine and "ask_for_sale" in (c.id, c.same_as):
        # the end of a call is the place to ask, whatever is said there
        end = max((t.turn for t in rows.turns if t.call_id == score.call_id), default=0)
        late = [m for m in cited if m.kind == "missed" or m.turn >= end * LATE]
        mine = sorted(late, key=lambda m: (m.kind != "missed", -m.turn))
    kind = _kind(mine[0] if mine else None, score.call_id, rows) if _about_objections(c) else None
    module = library.pick(c.same_as or c.id, score.level, kind=kind)
    known = Rows(
        calls=rows.calls,
        scores=tuple(s for s in rows.scores if s.criterion == c.id),
        moments=tuple(m for m in rows.moments if m.criterion == c.id and m.call_id != score.call_id),
        objections=rows.objections,
    )
    shown = best_moments(known, score.rep, c.id, kind=kind, limit=1, rubric=rubric)
    return {
        **_level(c, score, before),
        "moment": mine[0].to_json() if mine else None,
        "next_level": c.levels[min(score.level + 1, len(c.levels) - 1)],
        "how_it_sounds": [{"who": who, "says": says} for who, says in module.good] if module else [],
        "module": module.id if module else None,
        "worked_elsewhere": shown[0].to_json() if shown else None,
    }


def _kind(shown: Moment | None, call_id: str, rows: Rows) -> ObjectionKind | None:
    """The kind of the objection that a moment is about; without a moment, of the first that was not handled."""
    mine = sorted((o for o in rows.objections if o.call_id == call_id), key=lambda o: o.turn)
    before = [o for o in mine if shown and o.turn <= shown.turn]
    open_ = [o for o in mine if o.handled != "yes"]
    return before[-1].kind if before else open_[0].kind if open_ else None


def _next(
    rows: Rows, call: CallRow, rubric: Rubric, made: Sequence[Commitment], customers: Sequence[str]
) -> Row | None:
    """What to ask this account for next, seen from this call."""
    if call.account is None:
        return None
    view = account_view(rows, call.account, rubric, as_of=call.date or dt.date.max)
    if view is None:
        return None
    ask, because, statement = next_ask(on_what_was_said(view, rows, rubric), trouble_of(view, rows, customers))
    because = with_the_day(because, days_agreed(made, call.date))
    return {"ask": ask, "because": because, "rests_on": statement.to_json() if statement else None}
