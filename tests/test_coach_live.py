from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import numpy as np
import pytest

from models.live_judge import LiveJudge, LiveReading
from pipeline.coach.live import CLEAR, LIKELY, PLAYS, Cue, Live, not_needed
from pipeline.coach.pushback import asks_price
from pipeline.types import ObjectionKind, Turn


def judge(
    by_word: Mapping[str, str], objections: Mapping[str, ObjectionKind] | None = None, *, chance: float = 0.9
) -> Callable[[Sequence[Turn]], LiveReading]:
    """A judge that hears a move wherever its word is said, and an objection of a kind likewise."""

    def read(turns: Sequence[Turn]) -> LiveReading:
        moves = tuple({move: 0.9 for word, move in by_word.items() if word in turn.text} for turn in turns)
        found = [next((kind for word, kind in (objections or {}).items() if word in t.text), None) for t in turns]
        return LiveReading(moves, tuple(chance if kind else 0.0 for kind in found), tuple(k or "other" for k in found))

    return read


def kinds(cues: Sequence[Cue]) -> list[str]:
    return [cue.kind for cue in cues]


def say(call: Live, *lines: str, step: float = 5.0) -> list[Cue]:
    """Say lines one after another (`R: ...` is the rep); all cards that came."""
    found: list[Cue] = []
    for line in lines:
        who, _, text = line.partition(": ")
        t0 = call.turns[-1].t1 if call.turns else 0.0
        found += call.add(Turn(t0, t0 + step, "rep" if who == "R" else f"buyer:{who}", text))
    return found


def test_an_objection_gets_its_play_once_and_what_worked_before() -> None:
    call = Live(
        judge({}, {"dear": "price_terms", "Zenith": "competition"}), worked={"price_terms": "Compared with what?"}
    )
    (cue,) = say(call, "R: Hello.", "Mia: That is dear for us.")
    assert (cue.kind, cue.turn, cue.title, cue.say) == ("objection", 1, *PLAYS["price_terms"])
    assert cue.worked == "Compared with what?"
    assert "dear" in cue.heard
    assert say(call, "R: I see.", "Mia: Hm.") == []  # the same one, read again
    (other,) = say(call, "R: Right.", "Mia: Zenith was here on Monday.")
    assert (other.title, other.worked) == (PLAYS["competition"][0], None)


def test_an_objection_that_becomes_clear_by_what_follows_is_still_shown_but_not_an_old_one() -> None:
    heard = {"later": False}

    def read(turns: Sequence[Turn]) -> LiveReading:
        chances = tuple(0.9 if "hm" in turn.text and heard["later"] else 0.1 for turn in turns)
        return LiveReading(tuple({} for _ in turns), chances, ("stall",) * len(turns))

    call = Live(read)
    assert say(call, "R: So?", "Mia: hm", "R: Yes?") == []
    heard["later"] = True
    (cue,) = say(call, "Mia: Not this year.")
    assert cue.turn == 1
    late = Live(read)
    heard["later"] = False
    say(late, "R: So?", "Mia: hm", *[f"{who}: talk" for who in "RMRMRM"])
    heard["later"] = True
    assert say(late, "R: Anyway.") == []


def test_a_likely_objection_gets_its_card_at_once_and_only_as_long_as_it_is_new() -> None:
    likely = judge({}, {"hm": "stall"}, chance=LIKELY + 0.01)
    (cue,) = say(Live(likely), "R: So?", "Mia: hm")
    assert (cue.early, cue.title) == (True, PLAYS["stall"][0])
    assert say(Live(judge({}, {"hm": "stall"}, chance=LIKELY - 0.01)), "R: So?", "Mia: hm") == []
    both = Live(likely)
    assert both.add(Turn(0, 1, "buyer:Mia", "hm"), Turn(1, 2, "rep", "I see.")) == []  # answered already
    (sure,) = say(Live(judge({}, {"hm": "stall"}, chance=CLEAR)), "R: So?", "Mia: hm")
    assert not sure.early


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("That's too expensive for us.", "price_terms"),
        ("Ninety? That is too much.", "price_terms"),
        ("It's too much, we paid Optiload half of it.", "price_terms"),
        ("It's more than we had in mind.", "price_terms"),
        ("Can you do any better on the price?", "price_terms"),
        ("I'd need to think about it.", "stall"),
        ("Just send me some information and I'll have a look.", "stall"),
        ("It's not a good time, maybe next quarter.", "stall"),
        ("I'll have to run it past my boss.", "stall"),
        ("We already have a system for that.", "competition"),
        ("We had a quote from somebody in Leeds.", "competition"),
        ("We're happy with what we have.", "competition"),
        ("Optiload were in on Monday.", "competition"),
        ("I'm a bit worried about the night shift.", "other"),
        ("We can’t afford it.", "price_terms"),
        ("My lads won't use another app.", "other"),
    ],
)
def test_plain_words_need_no_judge(words: str, kind: ObjectionKind) -> None:
    (cue,) = say(Live(judge({}), rivals=["Optiload"]), "R: So.", f"Mia: {words}")
    assert (cue.title, cue.early) == (PLAYS[kind][0], False)


@pytest.mark.parametrize(
    "words",
    ["It stops twice a week.", "How long does the fitting take?", "That sounds good.", "We've four lines, all old.",
     "It's too much work for two men.", "I think about three hundred a day.", "Next year we open the second hall."],
)  # fmt: skip
def test_other_words_are_no_push_back(words: str) -> None:
    assert say(Live(judge({}), rivals=["Optiload"]), "R: So.", f"Mia: {words}") == []


def test_a_reps_words_are_no_push_back() -> None:
    assert say(Live(judge({})), "Mia: Go on.", "R: You may say that's too expensive.") == []


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("And what does it cost?", True),
        ("How much is it?", True),
        ("What's that gonna run us?", True),
        ("What’s that gonna run us?", True),
        ("Just give me a number.", True),
        ("It costs us four thousand a week.", False),
        ("How much time does it take?", False),
        ("How long is the contract?", False),
    ],
)
def test_price_is_asked_in_plain_words(words: str, asks: bool) -> None:
    assert asks_price(words) is asks


def test_price_before_value() -> None:
    words = {"cost": "ask_offer", "lose": "tell_impact"}  # the judge need not hear that they ask
    assert kinds(say(Live(judge(words)), "R: Hello.", "Mia: What does it cost?")) == ["price before value"]
    assert say(Live(judge(words)), "R: Hello.", "Mia: We lose ten a day.", "R: Oh.", "Mia: What does it cost?") == []
    terms = Live(judge({"contract": "ask_offer"}))
    assert say(terms, "R: Hello.", "Mia: How long is the contract?") == []


def test_what_earlier_calls_told_needs_no_card() -> None:
    lines = ("R: We are the best.", "Mia: What does it cost?", "R: It depends.", "Mia: Fine.")
    heard = judge({"best": "boilerplate"})
    asked = ["pitch before problem", "price before value", "no decision maker"]
    assert kinds(say(Live(heard, planned=0.6), *lines))[:3] == asked
    known = not_needed({"impact": ["said"], "numbers": [], "decides": ["said"]})
    assert not set(kinds(say(Live(heard, planned=0.6, shown=known), *lines))) & set(asked)
    assert not_needed({"impact": [], "numbers": ["said"]}) == {"price before value"}


def test_pitching_before_a_problem_is_known() -> None:
    words = {"platform": "boilerplate", "wrong": "ask_problem"}
    assert kinds(say(Live(judge(words)), "R: Our platform is great.")) == ["pitch before problem"]
    assert say(Live(judge(words)), "R: What goes wrong?", "Mia: Lots.", "R: Our platform is great.") == []


def test_nobody_who_decides_after_ten_minutes() -> None:
    call = Live(judge({}))
    assert say(call, "R: Hello.", "Mia: Hello.", step=250) == []
    assert kinds(say(call, "R: So.", step=150)) == ["no decision maker"]
    assert say(call, "Mia: Right.") == []  # once a call
    asked = Live(judge({"signs": "ask_decider"}))
    assert say(asked, "R: Who signs?", "Mia: I do.", "R: Good.", step=300) == []


def test_ten_minutes_left_and_no_next_step_by_the_clock_alone() -> None:
    call = Live(judge({"signs": "ask_decider"}), planned=30)
    say(call, "R: Who signs?", "Mia: I do.")
    assert call.tick(19 * 60) == []
    (cue,) = call.tick(21 * 60)
    assert (cue.kind, cue.title) == ("no next step", "9 minutes left, no next step")
    assert call.tick(25 * 60) == []
    booked = Live(judge({"signs": "ask_decider", "Tuesday": "dated_step"}), planned=30)
    say(booked, "R: Who signs?", "Mia: I do.", "R: Tuesday at ten?")
    assert booked.tick(25 * 60) == []
    assert Live(judge({})).tick(3000) == []  # nothing was said yet


def test_a_vague_step_and_a_long_talk() -> None:
    words = {"soon": "vague_next", "Tuesday": "dated_step", "wrong": "ask_problem"}
    assert kinds(say(Live(judge(words)), "R: I will call you soon.")) == ["vague next step"]
    assert say(Live(judge(words)), "R: I will call you soon, Tuesday at ten.") == []
    assert kinds(say(Live(judge(words)), "R: What is wrong?", "Mia: x", "R: " + "word " * 180)) == ["monologue"]
    assert say(Live(judge(words)), "R: What is wrong?", "Mia: x", "R: " + "word " * 180 + "does it fit?") == []


def test_turns_of_one_speaker_in_a_row_are_one_and_may_come_together() -> None:
    call = Live(judge({}, {"dear": "price_terms"}))
    turns = [Turn(0, 1, "rep", "Hello."), Turn(1, 2, "buyer", "It is"), Turn(2, 3, "buyer", "dear.")]
    (cue,) = call.add(*turns)
    assert (cue.turn, cue.heard) == (1, "It is dear.")
    assert len(call.turns) == 2
    assert call.add() == []


def test_who_speaks_may_become_known_later() -> None:
    known: dict[str, str] = {}
    call = Live(judge({"platform": "boilerplate"}), name=lambda label: known.get(label, label))
    assert call.add(Turn(0, 5, "voice 1", "Our platform is great.")) == []
    known.update({"voice 1": "rep", "voice 2": "buyer:voice 2"})
    call.add(Turn(5, 9, "voice 2", "Is it."))
    assert [turn.side for turn in call.turns] == ["rep", "buyer"]
    assert kinds(call.add(Turn(9, 12, "voice 1", "Yes, the platform."))) == ["pitch before problem"]


@pytest.mark.parametrize("kind", ["stall", "competition", "price_terms", "other"])
def test_there_is_a_play_for_every_kind_of_objection(kind: str) -> None:
    title, play = PLAYS[kind]
    assert title
    assert "?" in play or "ask" in play.lower()


@pytest.mark.parametrize(
    ("chances", "kind"),
    [((0.0, 0.05, 0.5, 0.05), "price_terms"), ((0.0, 0.2, 0.3, 0.05), "other")],
)
def test_an_objection_whose_kind_is_not_sure_gets_the_general_play(chances: Sequence[float], kind: str) -> None:
    class Judge:
        config: ClassVar = {"objection_kinds": ["stall", "competition", "price_terms", "other"], "move_threshold": 0.5}
        move_names = ("price",)

        def hear(self, turns: Sequence[Turn]) -> SimpleNamespace:
            return SimpleNamespace(moves=np.zeros((len(turns), 1)), objections=np.array([chances] * len(turns)))

    reading = LiveJudge(cast("Any", Judge())).read([Turn(0.0, 5.0, "buyer:Mia", "Hm, six thousand.")])
    assert reading.kinds == (kind,)
