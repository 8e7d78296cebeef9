"""Support during the call: turns come in as they are spoken, cue cards come out.

The judge reads the last turns again with every new one; rules over its moves, a buyer's plain words and the clock make
the cards. A push-back that is only likely gets its card at once, marked `early`: waiting until it is sure takes one to
three turns, and by then the rep has answered. Each kind of card is shown once, an objection's once per objection, so
that a rep is not distracted by what they know already.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.coach.pushback import asks_price, pushed_back
from pipeline.types import ObjectionKind, Turn
from pipeline.wording import counted

WINDOW_TURNS = 24
"""Turns that are read again with each new one: enough to know what an answer belongs to, and half a second of work."""
SAME_TURNS = 2
"""Push-backs at most this many turns apart are one."""
SETTLE_TURNS = 3
"""An objection is still new this many turns later: some become clear only by what follows."""
LIKELY = 0.15
"""Chance of a push-back in the turn just said from which its card is shown early."""
CLEAR = 0.6
"""Chance from which a push-back counts once others have spoken after it."""
PLANNED_MINUTES = 30.0
LAST_MINUTES = 10.0
DECIDER_MINUTES = 10.0
MONOLOGUE_WORDS = 170
SURE = 0.5

VALUE = frozenset({"quantify", "link_value", "payback", "state_impact", "give_number", "tell_impact"})
DECISION = frozenset({"ask_decider", "ask_process", "name_decider", "tell_process", "involve"})
STEP = frozenset({"dated_step", "ask_commitment", "ask_step", "commit"})
PITCH = frozenset({"boilerplate", "recommend", "menu", "state_value", "differentiate", "price"})
PROBLEM = frozenset({"ask_problem", "ask_impact", "tell_problem", "tell_impact", "follow_up"})

PLAYS: Mapping[str, tuple[str, str]] = {
    "stall": (
        "They put it off",
        "Agree that it may wait, then ask: what has to be true for this to be worth a day next week? What does "
        "waiting cost?",
    ),
    "competition": (
        "Another option is named",
        "No word against it. Ask what they like there and what must not go wrong; then one difference on that "
        "point, with "
        "a customer who weighed the same.",
    ),
    "price_terms": (
        "They push on price or terms",
        "Breathe. Ask: compared with what, the budget or another offer? Back to their own number. Give nothing "
        "without "
        "a commitment for it.",
    ),
    "other": (
        "A concern",
        "Show that you heard it, ask what is behind it, answer that reason only, ask if it is settled.",
    ),
}
"""Per kind of objection: what the card is headed, and the play."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A card: `kind` from `RULES` or `objection`, at `t` seconds into the call, about turn `turn` (0-based).

    `early`: likely, not sure yet. `worked` is an answer that settled such an objection before.
    """

    kind: str
    t: float
    turn: int
    title: str
    say: str
    heard: str
    worked: str | None = None
    early: bool = False

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return dataclasses.asdict(self)


class Reading(Protocol):
    """What the judge gives for a list of turns; `models.live_judge.LiveReading`."""

    @property
    def moves(self) -> Sequence[Mapping[str, float]]:
        """Per turn: moves with their probabilities."""

    @property
    def chances(self) -> Sequence[float]:
        """Per turn: the chance that it is a push-back."""

    @property
    def kinds(self) -> Sequence[ObjectionKind]:
        """Per turn: the kind of push-back it would be."""


@dataclass(slots=True)
class Live:
    """The call so far and what was shown; `add` takes the next turn, `tick` the clock.

    `read` is the judge; `worked` gives, per kind of objection, an answer that worked before (kind -> words); `planned`
    is the length of the meeting in minutes. `name` says who a speaker's label is, and may learn better as more is said.
    `rivals` are competitors to listen for by name.
    """

    read: Callable[[Sequence[Turn]], Reading]
    worked: Mapping[str, str] = field(default_factory=dict)
    planned: float = PLANNED_MINUTES
    name: Callable[[str], str] = str
    rivals: Sequence[str] = ()
    turns: list[Turn] = field(default_factory=list)
    labelled: list[Turn] = field(default_factory=list)
    moves: dict[int, dict[str, float]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    objected: list[int] = field(default_factory=list)

    def add(self, *turns: Turn) -> list[Cue]:
        """The cards that these turns give rise to, read once together; turns of one speaker in a row are one."""
        if not turns:
            return []
        before = len(self.labelled)
        for turn in turns:
            if self.labelled and self.labelled[-1].speaker == turn.speaker:
                last = self.labelled[-1]
                self.labelled[-1] = dataclasses.replace(last, t1=max(last.t1, turn.t1), text=f"{last.text} {turn.text}")
            else:
                self.labelled.append(turn)
        self.turns = [dataclasses.replace(said, speaker=self.name(said.speaker)) for said in self.labelled]
        start = max(0, len(self.turns) - WINDOW_TURNS)
        window = self.turns[start:]
        if {said.side for said in window} == {"unknown"}:
            return []
        reading = self.read(window)
        for place, found in enumerate(reading.moves):
            known = self.moves.setdefault(start + place, {})
            for move, p in found.items():
                known[move] = max(p, known.get(move, 0.0))
        new = max(0, before - SETTLE_TURNS)
        return [*self._objections(reading, start, new), *self._rules(self.turns[-1].t1)]

    def tick(self, t: float) -> list[Cue]:
        """Cards that the clock alone gives rise to, `t` seconds into the call."""
        return self._rules(t) if self.turns else []

    def seen(self, moves: frozenset[str], *, before: int | None = None) -> bool:
        """Whether any of these moves was made, in a turn before number `before`."""
        return any(
            p >= SURE and name in moves
            for turn, found in self.moves.items()
            if before is None or turn < before
            for name, p in found.items()
        )

    def made(self, turn: int, moves: frozenset[str]) -> bool:
        """Whether turn number `turn` makes any of these moves."""
        return any(p >= SURE for name, p in self.moves.get(turn, {}).items() if name in moves)

    def _objections(self, reading: Reading, start: int, new: int) -> list[Cue]:
        cues = []
        last = len(self.turns) - 1
        for turn in range(max(start, new), last + 1):
            said, chance = self.turns[turn], reading.chances[turn - start]
            if said.side != "buyer" or any(abs(turn - other) <= SAME_TURNS for other in self.objected):
                continue
            plain = pushed_back(said.text, rivals=self.rivals)
            if plain or chance >= CLEAR or (turn == last and chance >= LIKELY):
                self.objected.append(turn)
                kind = plain or reading.kinds[turn - start]
                title, say = PLAYS[kind]
                early = not plain and chance < CLEAR
                cues.append(Cue("objection", said.t1, turn, title, say, said.text[-200:], self.worked.get(kind), early))
        return cues

    def _rules(self, t: float) -> list[Cue]:
        cues = []
        for kind, rule in RULES.items():
            if kind in self.shown:
                continue
            hit = rule(self, t)
            if hit:
                self.shown.add(kind)
                turn = len(self.turns) - 1
                cues.append(Cue(kind, t, turn, hit[0], hit[1], self.turns[turn].text[-200:]))
        return cues


Hit = tuple[str, str] | None


def _price_before_value(call: Live, t: float) -> Hit:
    last = len(call.turns) - 1
    said = call.turns[last]
    if (
        said.side == "buyer"
        and asks_price(said.text, offer=call.made(last, frozenset({"ask_offer"})))
        and not call.seen(VALUE, before=last)
    ):
        return (
            "Price asked before value",
            "Do not dodge: give a range if pressed. First: so that I quote the right thing, what does it cost you "
            "today "
            "as it is?",
        )
    return None


def _pitch_before_problem(call: Live, t: float) -> Hit:
    last = len(call.turns) - 1
    if call.turns[last].side == "rep" and call.made(last, PITCH) and not call.seen(PROBLEM, before=last):
        return "You pitch and no problem is known yet", "Stop at the next full stop. Ask: what made you take this call?"
    return None


def _no_decider(call: Live, t: float) -> Hit:
    if t >= 60 * min(DECIDER_MINUTES, call.planned / 2) and not call.seen(DECISION):
        return (
            "No decision maker yet",
            "Ask: when you last bought something like this, who had to be happy with it, and what happened first?",
        )
    return None


def _no_next_step(call: Live, t: float) -> Hit:
    left = call.planned - t / 60
    if left <= min(LAST_MINUTES, call.planned / 3) and not call.seen(STEP):
        minutes = max(0, round(left))
        return (
            f"{counted(minutes, 'minute')} left, no next step",
            "Ask now, with a day: what would you need to see to decide, and can we do that on ...?",
        )
    return None


def _vague_step(call: Live, t: float) -> Hit:
    last = len(call.turns) - 1
    vague = call.made(last, frozenset({"vague_next"})) and not call.made(last, frozenset({"dated_step"}))
    if call.turns[last].side == "rep" and vague:
        return "The next step is vague", "Put a day and a name on it before you hang up."
    return None


def _monologue(call: Live, t: float) -> Hit:
    said = call.turns[-1]
    if said.side == "rep" and len(said.text.split()) >= MONOLOGUE_WORDS and "?" not in said.text[-200:]:
        return "You have talked for a while", "Ask a question: how does that sit with what you do today?"
    return None


RULES: Mapping[str, Callable[[Live, float], Hit]] = {
    "price before value": _price_before_value,
    "pitch before problem": _pitch_before_problem,
    "vague next step": _vague_step,
    "no next step": _no_next_step,
    "no decision maker": _no_decider,
    "monologue": _monologue,
}
"""Cards besides objections: each rule gives heading and play, or None; each is shown once a call."""

ESTABLISHED: Mapping[str, tuple[str, ...]] = {
    "impact": ("pitch before problem", "price before value"),
    "numbers": ("price before value",),
    "decides": ("no decision maker",),
}
"""Per fact that earlier calls with an account established: the cards that say it is not known yet."""


def not_needed(facts: Mapping[str, Any]) -> set[str]:
    """The kinds of cards that an account's facts make needless, to begin `Live.shown` with."""
    return {kind for fact, kinds in ESTABLISHED.items() if facts.get(fact) for kind in kinds}
