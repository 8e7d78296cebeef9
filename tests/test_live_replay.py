"""A call replayed into a growing file, as a transcript and as a recording: the four cards that the product promises."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import recognisers
from models.live_judge import LiveReading
from pipeline import hear
from pipeline.coach.live import Cue, Live
from pipeline.follow import Roles, follow
from pipeline.settings import Settings
from pipeline.types import Turn, Word

SAMPLE = Path(__file__).parents[1] / "sample_calls/inbox/North/Alice Moreau/2026-10-14_Lakeside Linen.wav"
CALL = (
    ("rep", "Hello Mia, how is the hall?"),
    ("buyer", "Busy as ever. What does your kit cost?"),
    ("rep", "That depends on how many machines you have."),
    ("buyer", "There are six in the hall."),
    ("rep", "For six it would be four hundred a month."),
    ("buyer", "That's too expensive for us."),
    ("rep", "I see."),
    ("buyer", "It is how it is."),
    ("rep", "The weather is nice at least."),
    ("buyer", "It is, it is."),
    ("rep", "And the garden?"),
    ("buyer", "Full of slugs."),
)
SPOKEN_S, PAUSE_S = 3.0, 1.0
WANTED = ["price before value", "objection", "no decision maker", "no next step"]


def unheard(turns: Sequence[Turn]) -> LiveReading:
    """A judge that hears no move: the words and the clock must do."""
    return LiveReading(tuple({} for _ in turns), (0.0,) * len(turns), ("other",) * len(turns))


def live(roles: Roles) -> Live:
    return Live(unheard, name=roles.name, planned=len(CALL) * (SPOKEN_S + PAUSE_S) / 60)


def at_most(found: Sequence[tuple[float, Cue]], seconds: float) -> None:
    """Each card came once, at the words or on the minute."""
    assert [cue.kind for _, cue in found] == WANTED
    whole = len(CALL) * (SPOKEN_S + PAUSE_S)
    for (at, _), due in zip(found, (1 * 4 + SPOKEN_S, 5 * 4 + SPOKEN_S, whole / 2, whole * 2 / 3), strict=True):
        assert -SPOKEN_S <= at - due <= seconds


def test_the_four_cards_on_a_transcript_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text("")
    follower, roles = follow(path, Settings()), Roles("Ann")
    call, found = live(roles), []
    for number, (side, text) in enumerate(CALL):
        end = number * (SPOKEN_S + PAUSE_S) + SPOKEN_S
        with path.open("a", encoding="utf-8") as file:
            file.write(f"00:{int(end - SPOKEN_S):02d} {'Ann' if side == 'rep' else 'Mia'}: {text}\n")
        found += [(end, cue) for cue in (*call.add(*follower.poll()), *call.tick(end))]
    at_most(found, SPOKEN_S + PAUSE_S)


class Script:
    """Hears, on each channel in turn, the next thing that its person says in `CALL`."""

    made = 0

    def __init__(self, language: str) -> None:
        side = ("rep", "buyer")[Script.made % 2]
        Script.made += 1
        self.lines = iter([text for who, text in CALL if who == side])
        self.text, self.seconds = "", 0.0

    def begin(self) -> None:
        self.text, self.seconds = next(self.lines, ""), 0.0

    def feed(self, samples: Any) -> None:
        self.seconds += len(samples) / 16_000

    def words(self) -> list[Word]:
        parts = self.text.split()
        step = SPOKEN_S / max(1, len(parts))
        return [Word(n * step, (n + 1) * step, w) for n, w in enumerate(parts) if (n + 1) * step <= self.seconds]

    def end(self) -> list[Word]:
        return [Word(0.0, min(SPOKEN_S, self.seconds), self.text)] if not self.words() else self.words()


def test_the_four_cards_on_a_recording_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = recognisers.Recogniser(lambda *a, **k: [], lambda m: "1", lambda w: None, punctuated=True, stream=Script)
    monkeypatch.setitem(recognisers.RECOGNISERS, "fake", engine)
    monkeypatch.setattr(hear, "choose_engine", lambda settings: ("fake", "", ()))
    Script.made = 0
    whole = SAMPLE.read_bytes()
    speech = np.frombuffer(whole[whole.index(b"data") + 8 :], "<i2")[int(1.0 * 16_000) : int(4.0 * 16_000)]
    step = int((SPOKEN_S + PAUSE_S) * 16_000)
    both = np.zeros((len(CALL) * step, 2), "<i2")
    for number, (side, _) in enumerate(CALL):
        both[number * step : number * step + len(speech), int(side == "buyer")] = speech
    data, rate = both.tobytes(), 64_000
    path = tmp_path / "call.wav"
    head = struct.pack("<HHIIHH", 1, 2, 16_000, rate, 4, 16)
    path.write_bytes(b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + head + b"data\0\0\0\0")
    follower, roles = follow(path, Settings()), Roles("channel 0")
    call, found = live(roles), []
    for second in range(len(data) // rate + 1):
        with path.open("ab") as file:
            file.write(data[second * rate : (second + 1) * rate])
        found += [(second + 1.0, cue) for cue in (*call.add(*follower.poll()), *call.tick(second + 1.0))]
    at_most(found, 3.0)
