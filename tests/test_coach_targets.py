from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
from coach_story import DAY, RUBRIC, call, merged, story
from test_coach_standings import calls

from pipeline.coach.commitments import Commitment
from pipeline.coach.rows import ActivityRow, Assignment, CallRow, QuotaRow, Rows, ScoredCall, SessionRow
from pipeline.coach.support import coached_words, support_report
from pipeline.coach.targets import check_quota, fair_targets, mix_of, overlap, type_effects


def typed(rows: list[ScoredCall], call_type: str) -> list[ScoredCall]:
    return [dataclasses.replace(row, call_type=call_type, call_id=f"{row.call_id}-{call_type}") for row in rows]


def team(levels: dict[str, int]) -> list[ScoredCall]:
    return [row for name, level in levels.items() for row in calls(name, [level] * 8)]


def test_a_target_that_peers_reach_is_fair_and_one_nobody_reaches_is_not() -> None:
    (fair,) = fair_targets(team({"Ann": 1, "Bob": 3, "Cid": 3, "Dee": 2}), {"discovery": 3.0}, rep="Ann")
    assert (fair.verdict, fair.peers, fair.reached_by, fair.n) == ("fair", 3, 2, 8)
    assert fair.standing < fair.next < 3.0  # a step at a time
    (hard,) = fair_targets(team({"Ann": 1, "Bob": 2, "Cid": 2, "Dee": 2}), {"discovery": 4.0}, rep="Ann")
    assert (hard.verdict, hard.reached_by) == ("out of reach", 0)
    assert hard.next < 2.5
    assert json.loads(json.dumps(hard.to_json()))["call_ids"] == list(hard.call_ids)


def test_two_peers_are_too_few_to_say() -> None:
    (found,) = fair_targets(team({"Ann": 1, "Bob": 3, "Cid": 3}), {"discovery": 3.0}, rep="Ann")
    assert found.verdict == "too few peers"


def test_peers_are_seen_over_the_same_mix_of_calls() -> None:
    rows: list[ScoredCall] = typed(calls("Ann", [2] * 10), "cold call")
    for name in ("Bob", "Cid", "Dee"):
        rows += typed(calls(name, [2] * 4), "cold call") + typed(calls(name, [4] * 12), "renewal")
    (ann,) = fair_targets(rows, {"discovery": 3.5}, rep="Ann")
    plain = sorted(
        s.peer_best or 0
        for s in fair_targets([dataclasses.replace(r, call_type=None) for r in rows], {"discovery": 3.5}, rep="Ann")
    )
    assert ann.verdict == "out of reach"  # on cold calls the peers are no better
    assert (ann.peer_best or 0) < plain[0] - 0.5


def test_a_rep_at_target_keeps_it_and_is_not_asked_for_less() -> None:
    found = {t.rep: t for t in fair_targets(team({"Ann": 4, "Bob": 2, "Cid": 2, "Dee": 2}), {"discovery": 3.0})}
    assert found["Ann"].next == pytest.approx(3.0)


def test_what_a_rep_has_reached_alone_is_not_out_of_reach() -> None:
    scores = team({"Ann": 4, "Bob": 2, "Cid": 2, "Dee": 2})
    found = {t.rep: t for t in fair_targets(scores, {"discovery": 3.0})}
    assert (found["Ann"].verdict, found["Ann"].reached_by) == ("fair", 0)
    rows = Rows(calls=tuple(CallRow(s.call_id, rep=s.rep, date=s.date) for s in scores), scores=tuple(scores))
    row = next(
        r for r in support_report(rows, RUBRIC, (), as_of=max(s.date for s in scores if s.date)) if r["rep"] == "Ann"
    )
    assert "target out of reach" not in warned(row)
    others = [quota("Bob", 100, 20), quota("Cid", 100, 20), quota("Dee", 100, 30)]
    mixes = {name: {"cold call": 1.0} for name in ("Ann", "Bob", "Cid", "Dee")}
    over = check_quota(quota("Ann", 100, 120), others, mixes, elapsed=0.8)
    assert (over.pace, over.reached_by, over.fair) == (1.5, 0, True)
    assert check_quota(quota("Ann", 100, 60), others, mixes, elapsed=0.8).fair is False
    # who is not behind, or a peer who would not be, has what is asked for in reach
    assert check_quota(quota("Ann", 100, 66), others, mixes, elapsed=0.8).fair is True
    near = check_quota(quota("Ann", 100, 10), [*others[:2], quota("Dee", 100, 66)], mixes, elapsed=0.8)
    assert (near.reached_by, near.fair) == (0, True)


def test_type_effects_are_drawn_to_nothing_with_few_calls() -> None:
    rows = typed(calls("Ann", [4]), "renewal") + typed(calls("Ann", [2] * 9), "cold call")
    effects = type_effects(rows, {"Ann": 2.2})
    assert effects["renewal"] == pytest.approx(1.8 / 5)
    assert -0.2 < effects["cold call"] < 0


def test_mixes_overlap_by_what_they_share() -> None:
    assert mix_of(["a", "a", None, "b"]) == {"a": 0.5, None: 0.25, "b": 0.25}
    assert overlap({"a": 0.5, "b": 0.5}, {"a": 1.0}) == 0.5
    assert overlap({}, {"a": 1.0}) == 0


START, END = dt.date(2026, 10, 1), dt.date(2026, 12, 31)


def quota(rep: str, target: float, result: float | None) -> QuotaRow:
    return QuotaRow(rep, rep, "revenue", START, END, target, result)


def test_a_quota_is_fair_where_a_peer_with_such_calls_keeps_its_pace() -> None:
    others = [quota("Bob", 100, 60), quota("Cid", 100, 20), quota("Dee", 100, 30)]
    mixes = {name: {"cold call": 1.0} for name in ("Ann", "Bob", "Cid", "Dee")}
    fair = check_quota(quota("Ann", 100, 25), others, mixes, elapsed=0.5)
    assert (fair.pace, fair.peers, fair.reached_by, fair.fair) == (0.5, 3, 1, True)
    hard = check_quota(quota("Ann", 400, 25), others, mixes, elapsed=0.5)
    assert (hard.reached_by, hard.fair) == (0, False)
    unlike = {**mixes, "Bob": {"renewal": 1.0}}
    assert check_quota(quota("Ann", 100, None), others, unlike, elapsed=0.5).fair is None
    assert check_quota(quota("Ann", 100, None), others, mixes, elapsed=0.5).pace is None
    # somebody on leave: nothing is due, so no result is a share of it
    assert check_quota(quota("Ann", 0, 5), others, mixes, elapsed=0.5).pace is None


def test_nobody_is_behind_in_the_first_days_of_a_quota() -> None:
    others = [quota(name, 100, 0) for name in ("Bob", "Cid", "Dee")]
    mixes = {name: {"cold call": 1.0} for name in ("Ann", "Bob", "Cid", "Dee")}
    first = check_quota(quota("Ann", 100, 0), others, mixes, elapsed=1 / 92)
    assert (first.early, first.pace, first.fair) == (True, None, None)
    later = check_quota(quota("Ann", 100, 0), others, mixes, elapsed=20 / 92)
    assert (later.early, later.pace, later.fair) == (False, 0.0, False)
    done = check_quota(quota("Ann", 100, 100), others, mixes, elapsed=1 / 92)
    assert (done.early, done.fair) == (False, True)


def report(rows: Rows, rep: str = "Ann", made: tuple[Commitment, ...] = ()) -> dict[str, object]:
    (row,) = support_report(rows, RUBRIC, made, as_of=DAY, rep=rep)
    return row


def warned(row: dict[str, object]) -> set[str]:
    return {warning["kind"] for warning in row["warnings"]}  # type: ignore[attr-defined]


def held(rep: str, days_ago: int, minutes: int = 30, status: str = "held") -> SessionRow:
    return SessionRow(
        f"{rep}{days_ago}", rep, DAY - dt.timedelta(days_ago), minutes=minutes, coach="Kim", status=status
    )


def test_accountability_without_support_is_warned_of() -> None:
    row = report(story())
    assert row["results"]["gaps"]  # type: ignore[index]
    assert "no support" in warned(row)
    coached = dataclasses.replace(story(), sessions=(held("Ann", 10),))
    assert "no support" not in warned(report(coached))
    long_ago = dataclasses.replace(story(), sessions=(held("Ann", 60),))
    (text,) = [w["text"] for w in report(long_ago)["warnings"] if w["kind"] == "no support"]  # type: ignore[attr-defined]
    assert "60 days without a coaching session" in text
    trained = dataclasses.replace(
        story(), assignments=(Assignment("i", "Ann", "ask_for_sale", 1, "m", "T", "r", DAY, DAY),)
    )
    assert "no support" not in warned(report(trained))


def test_much_asked_at_once_needs_both_training_and_coaching() -> None:
    quotas = (quota("Ann", 100, 1),)
    late = tuple(
        Commitment("a5", n, "Ann", "rep", "action", "I'll send it.", DAY, made_on=DAY, rep="Ann", status="overdue")
        for n in range(2)
    )
    rows = dataclasses.replace(story(), sessions=(held("Ann", 10),), quotas=quotas)
    row = report(rows, made=late)
    assert row["results"]["commitments"]["overdue"] == {"n": 2, "call_ids": ["a5"]}  # type: ignore[index]
    assert row["results"]["quotas"][0]["pace"] < 0.1  # type: ignore[index]
    (text,) = [w["text"] for w in row["warnings"] if w["kind"] == "piled on"]  # type: ignore[attr-defined]
    assert text == "3 gaps, 1 quota behind and 2 late promises at once, without training"
    trained = (Assignment("i", "Ann", "ask_for_sale", 1, "m", "T", "r", DAY, DAY),)
    for sessions, said in (
        ((held("Ann", 46),), "at once, without a coaching session for 46 days"),  # one of the 90 days shown beside it
        ((), "at once, without a coaching session on record"),
    ):
        row = report(dataclasses.replace(rows, sessions=sessions, assignments=trained), made=late)
        (text,) = [w["text"] for w in row["warnings"] if w["kind"] == "piled on"]  # type: ignore[attr-defined]
        assert text.endswith(said)


def test_a_day_to_meet_that_may_have_been_kept_in_person_is_held_against_nobody() -> None:
    said = {"quote": "Will I ring you Thursday?", "due": DAY, "made_on": DAY, "rep": "New", "status": "overdue"}
    meeting = Commitment("x", 1, "New", "rep", "meeting", **said)  # type: ignore[arg-type]
    few = Rows(calls=(CallRow("x", rep="New", date=DAY),))
    row = report(few, "New", made=(meeting,))
    assert row["results"]["commitments"] == {"not mentioned": {"n": 1, "call_ids": ["x"]}}  # type: ignore[index]
    assert "no support" not in warned(row)
    assert "no support" in warned(report(few, "New", made=(dataclasses.replace(meeting, kind="action"),)))


def test_what_a_colleague_promised_is_held_against_no_rep() -> None:
    late = Commitment("x", 1, "Tom", "rep", "action", "I'll send it.", DAY, made_on=DAY, rep="New", status="overdue")
    few = Rows(calls=(CallRow("x", rep="New", date=DAY),))
    assert "no support" in warned(report(few, "New", made=(late,)))
    row = report(few, "New", made=(dataclasses.replace(late, colleague=True),))
    assert row["results"]["commitments"] == {}  # type: ignore[index]
    assert "no support" not in warned(row)


def test_thin_data_and_unequal_support_are_said() -> None:
    few = Rows(calls=(CallRow("x", rep="New", date=DAY),))
    assert warned(report(few, "New")) == {"thin data"}
    rows = dataclasses.replace(story(), sessions=(held("Bob", 10, 60), held("Cid", 12, 60), held("Ann", 10, 5)))
    assert "less support than peers" in warned(report(rows))
    assert "less support than peers" not in warned(report(rows, "Bob"))


def test_sessions_of_unknown_length_are_not_no_minutes_of_coaching() -> None:
    timed = [held(name, 10, 60) for name in ("Bob", "Cid")]
    untimed = [dataclasses.replace(held("Ann", ago), minutes=None) for ago in (3, 10)]
    row = report(dataclasses.replace(story(), sessions=(*timed, *untimed)))
    assert "less support than peers" not in warned(row)
    assert coached_words(row["support"]) == "2 coaching sessions, minutes not on record"  # type: ignore[arg-type]
    half = report(dataclasses.replace(story(), sessions=(*timed, untimed[0], held("Ann", 20, 5))))
    assert coached_words(half["support"]) == "2 coaching sessions, 5 minutes and 1 without minutes on record"  # type: ignore[arg-type]
    # nor are they none of a peer's
    bob = dataclasses.replace(held("Bob", 10), minutes=None)
    row = report(dataclasses.replace(story(), sessions=(bob, timed[1], held("Ann", 10, 5))))
    (text,) = [w["text"] for w in row["warnings"] if w["kind"] == "less support than peers"]  # type: ignore[attr-defined]
    assert text == "5 minutes of coaching, the median of 1 peer is 60"


def test_who_left_long_ago_is_no_peer_whose_coaching_is_compared() -> None:
    here = [call(name, name, -3, f"{name} Ltd", {"discovery": 3}) for name in ("Ann", "Bob", "Cid")]
    gone = [call(f"g{n}", f"Gone {n}", -400, f"Old {n}", {"discovery": 3}) for n in range(4)]
    sessions = (held("Ann", 9, 5), held("Bob", 9, 60), held("Cid", 9, 60))
    row = report(dataclasses.replace(merged(*here, *gone), sessions=sessions))
    (text,) = [w["text"] for w in row["warnings"] if w["kind"] == "less support than peers"]  # type: ignore[attr-defined]
    assert text == "5 minutes of coaching, the median of 2 peers is 60"


def test_overdue_training_after_missed_sessions_is_not_the_reps_fault_alone() -> None:
    open_ = Assignment("i", "Ann", "ask_for_sale", 1, "m", "T", "r", DAY - dt.timedelta(30), DAY - dt.timedelta(9))
    rows = dataclasses.replace(story(), assignments=(open_,), sessions=(held("Ann", 5, status="missed"),))
    assert "support not given" in warned(report(rows))


def test_ninety_days_are_ninety_days() -> None:
    calls = [call(f"e{ago}", "Ann", -ago, "Acme", {"discovery": 2}) for ago in (0, 89, 90)]
    rows = dataclasses.replace(merged(*calls), sessions=(held("Ann", 89, 30), held("Ann", 90, 60)))
    row = report(rows)
    assert row["results"]["calls"] == 2  # type: ignore[index]
    assert row["support"]["minutes"] == 30  # type: ignore[index]
    # both days count
    assert (row["from"], row["to"]) == ((DAY - dt.timedelta(89)).isoformat(), DAY.isoformat())


def test_activity_stands_beside_the_peers_median() -> None:
    done = [
        ActivityRow(f"{rep}{n}", rep, "dials", DAY - dt.timedelta(n), count)
        for rep, count in (("Ann", 10), ("Bob", 30), ("Cid", 40))
        for n in (3, 10)
    ]
    done.append(ActivityRow("old", "Ann", "dials", DAY - dt.timedelta(200), 999))
    rows = dataclasses.replace(story(), activities=tuple(done))
    (row,) = report(rows)["results"]["activity"]  # type: ignore[index]
    assert row == {"measure": "dials", "count": 20, "peers": 2, "peer_median": 70}


def test_every_number_comes_with_its_calls() -> None:
    row = report(story())
    assert row["results"]["scored"] == len(row["results"]["call_ids"]) == 6  # type: ignore[index]
    assert all(gap["calls"] == len(gap["call_ids"]) for gap in row["results"]["gaps"])  # type: ignore[index]
    assert json.loads(json.dumps(row)) == row
