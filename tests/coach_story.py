"""A small team whose calls are made by hand: what the tests of snippets, accounts, plans and reports read."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

from pipeline import keep
from pipeline.coach.rows import CallRow, Moment, ObjectionRow, Rows, ScoredCall, TurnRow
from pipeline.rubric import load_rubric
from pipeline.types import CallMeta, CriterionScore, Evidence, Metrics, Missed, Objection, Scorecard, Transcript, Turn

DAY = dt.date(2026, 11, 2)
RUBRIC = load_rubric("sales_call")


def means(*moves: str) -> str:
    """What the judge writes for these moves of one side."""
    side = RUBRIC.moves[moves[0]].side
    return f"the {side} " + " and ".join(RUBRIC.moves[move].means for move in moves)


TURNS = (
    ("rep", "Morning Owen. How do you plan the rounds today?"),
    ("buyer:Owen", "On paper. We lose about forty orders a month to it."),
    ("rep", "What does one of those cost you?"),
    ("buyer:Owen", "Eighty pounds, so three thousand two hundred a month."),
    ("rep", "Who decides on something like this?"),
    ("buyer:Mia", "I sign it, after Raj in finance has seen the payback."),
    ("rep", "It is nine thousand a year for the two depots."),
    ("buyer:Owen", "That is too much for us this year."),
    ("rep", "Most pay it from the orders saved. Too much compared with what, the budget or another offer?"),
    ("buyer:Owen", "The budget."),
    ("rep", "I will send you something and we speak soon."),
)


def moment(call_id: str, criterion: str, turn: int, *moves: str, kind: str = "evidence") -> Moment:
    speaker, text = TURNS[turn]
    why = means(*moves) if moves else "the moment to ask, and it passes"
    return Moment(call_id, criterion, turn, 10.0 * turn, 10.0 * turn + 8, speaker, text, why, kind)


def call(call_id: str, rep: str, day: int, account: str, levels: dict[str, int], team: str = "North") -> Rows:
    """One scored call of the story: its turns and the moments that its levels rest on."""
    date = DAY + dt.timedelta(day)
    turns = tuple(
        TurnRow(call_id, n, 10.0 * n, 10.0 * n + 8, s.partition(":")[0], s.partition(":")[2] or s, text)
        for n, (s, text) in enumerate(TURNS)
    )
    cited = {
        "discovery": moment(call_id, "discovery", 2, "ask_impact"),
        "decision_makers": moment(call_id, "decision_makers", 5, "name_decider", "tell_process"),
        "business_case": moment(call_id, "business_case", 3, "give_number"),
        "proposal": moment(call_id, "proposal", 6, "price", "scope"),
        "objection_handling": moment(call_id, "objection_handling", 8, "explore"),
        "ask_for_sale": moment(call_id, "ask_for_sale", 10, "vague_next"),
    }
    moments = [cited[name] for name in levels if name in cited]
    moments += [moment(call_id, name, 2, kind="missed") for name, level in levels.items() if level <= 1]
    handled = {0: "no", 1: "no", 2: "partly"}.get(levels.get("objection_handling", 9), "yes")
    return Rows(
        calls=(CallRow(call_id, "scored", "", rep, team, account, date, "first call", 50.0, 110.0, "test"),),
        scores=tuple(
            ScoredCall(call_id, rep, name, level, team, date, "first call", account, 0.9, 50.0)
            for name, level in levels.items()
        ),
        moments=tuple(moments),
        objections=(ObjectionRow(call_id, 7, "price_terms", handled),) if "objection_handling" in levels else (),  # type: ignore[arg-type]
        turns=turns,
    )


def merged(*parts: Rows) -> Rows:
    names = ("calls", "scores", "moments", "objections", "turns", "assignments")
    return Rows(*(tuple(item for part in parts for item in getattr(part, name)) for name in names))


def story() -> Rows:
    """Ann asks vaguely and discovers well; Bob is the other way round; Cid is good at both and handles objections."""
    ann = {"discovery": 4, "decision_makers": 3, "business_case": 2, "ask_for_sale": 1, "objection_handling": 1}
    bob = {"discovery": 1, "decision_makers": 1, "ask_for_sale": 4, "proposal": 2}
    cid = {"discovery": 4, "ask_for_sale": 3, "objection_handling": 4, "business_case": 3, "decision_makers": 3}
    parts = []
    for week in range(6):
        parts.append(call(f"a{week}", "Ann", 7 * week - 40, "Acme" if week % 2 else "Birch", ann))
        parts.append(call(f"b{week}", "Bob", 7 * week - 39, "Cedar", bob))
        parts.append(call(f"c{week}", "Cid", 7 * week - 38, "Dale", cid, "South"))
    return merged(*parts)


def record(call_row: CallRow, rows: Rows) -> dict[str, Any]:
    """The record of one call of the story, as the pipeline keeps it."""
    sha256 = hashlib.sha256(call_row.call_id.encode()).hexdigest()
    mine = [m for m in rows.moments if m.call_id == call_row.call_id]
    criteria = {}
    for score in rows.scores:
        if score.call_id == call_row.call_id:
            of = [m for m in mine if m.criterion == score.criterion]
            criteria[score.criterion] = CriterionScore(
                score.level,
                "scored",
                score.confidence,
                tuple(Evidence(m.turn, m.t0, m.t1, m.speaker, m.quote, m.why) for m in of if m.kind == "evidence"),
                tuple(Missed(m.turn, m.why) for m in of if m.kind == "missed"),
            )
    criteria["recommendation"] = CriterionScore(None, "abstained", 0.2, reason="not sure enough")
    meta = CallMeta(call_row.rep, call_row.team, call_row.account, call_row.date, call_row.call_type)
    turns = tuple(Turn(10.0 * n, 10.0 * n + 8, speaker, text) for n, (speaker, text) in enumerate(TURNS))
    raised = (o for o in rows.objections if o.call_id == call_row.call_id)
    objections = tuple(Objection(o.turn, o.kind, o.handled, o.kind_p) for o in raised)
    card = Scorecard(sha256[:16], "sales_call", "v", "test", "1", 50.0, criteria, objections, Metrics())
    source = {"path": f"{call_row.call_id}.json", "sha256": sha256, "kind": "transcript", "size": 1, "mtime_ns": 1}
    return {
        "call_id": sha256[:16],
        "status": "scored",
        "reason": "",
        "source": source | {"known": {}},
        "provenance": {
            "debrief": "0",
            "engine": "test",
            "engine_revision": "1",
            "diarizer": "none",
            "rubric": {"id": "sales_call", "version": "v"},
            "judge": {"engine": "test", "revision": "1"},
        },
        "transcript": Transcript(sha256[:16], meta, turns).to_json(),
        "scorecard": card.to_json(),
    }


def misheard(made: dict[str, Any]) -> dict[str, Any]:
    """The record of a call that is not scored, because nine words in ten are expected to be wrong."""
    made["transcript"]["hearing"] |= {"engine": "pocketsphinx", "expected_wer": 0.9}
    return made | {"status": "abstained", "reason": "about 90% of the words", "scorecard": None}


def keep_story(data: Path) -> Rows:
    """The story as record files in a data folder; the rows it was made from."""
    rows = story()
    for call_row in rows.calls:
        keep.write_record(data, record(call_row, rows))
    return rows
