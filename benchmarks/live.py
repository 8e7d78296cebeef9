"""Cue cards on replayed calls: which come, which are missing, which nobody needed, and how late they are.

    python benchmarks/live.py [N]               # N (20) of the labelled test calls as transcripts, a line per turn
    python benchmarks/live.py recordings        # the sample recordings, growing as they were spoken

Time is the call's own: each look at the file moves the clock on by the CPU time that it took and at least by the pause
between looks, so that other work on the machine does not count. Lateness counts from the moment the last word of a
card's turn was said. Transcripts are compared with their labels: objections on which half of the labellers agree, and
the other cards that the same rules give on the labelled moves. Recordings are compared with the objections listed here.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks.judge.data import read_test  # noqa: E402
from models.judge_model import load_judge  # noqa: E402
from models.live_judge import LiveJudge, LiveReading  # noqa: E402
from models.training.corpus import LabelledCall, agreed_objections  # noqa: E402
from pipeline.cli.live import POLL_S  # noqa: E402
from pipeline.coach.live import SAME_TURNS, Cue, Live  # noqa: E402
from pipeline.follow import Roles, follow  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from pipeline.types import Turn  # noqa: E402

PROMPT_S = 3.0
NEAR_TURNS = 3
SAMPLES = ROOT / "sample_calls"
RECORDINGS: dict[str, tuple[str, ...]] = {
    "rec-01": ("could build that himself",),
    "rec-02": ("a lot more than I expected", "nobody used it after the first summer"),
    "rec-03": ("I do not like thirty six", "What if it does not work?"),
    "rec-04": ("it is a bad time", "like to think about it after the move"),
    "rec-06": ("I do not want a new box", "My budget was twenty", "Some time in December"),
}
"""The objections of the recordings that can be understood, by words of their turn."""


class Script:
    """Reads labels instead of listening."""

    def __init__(self, call: LabelledCall, turns: Sequence[Turn], place: Sequence[int]) -> None:
        self.moves: dict[int, dict[str, float]] = defaultdict(dict)
        for index, turn in enumerate(place):
            count = Counter(move for label in call.labels for move in label.moves.get(index, ()))
            self.moves[turn] |= {move: 1.0 for move, n in count.items() if 2 * n >= len(call.labels)}
        self.at = {turn.text: n for n, turn in enumerate(turns)}

    def read(self, turns: Sequence[Turn]) -> LiveReading:
        return LiveReading(
            tuple(self.moves[self.at.get(turn.text, -1)] for turn in turns),
            tuple(0.0 for _ in turns),
            tuple("other" for _ in turns),
        )


def merged(turns: Iterable[Turn]) -> tuple[list[Turn], list[int]]:
    """Turns of one speaker in a row as one, and the place each went to."""
    made: list[Turn] = []
    place = []
    for turn in turns:
        if made and made[-1].speaker == turn.speaker:
            made[-1] = Turn(made[-1].t0, turn.t1, turn.speaker, f"{made[-1].text} {turn.text}")
        else:
            made.append(turn)
        place.append(len(made) - 1)
    return made, place


def played(turns: Sequence[Turn], call: Live) -> tuple[list[Cue], list[float], list[int]]:
    """The cards of a call whose turns come as they end; their lateness in seconds and in turns."""
    found: list[Cue] = []
    late: list[float] = []
    turns_late: list[int] = []
    for number, turn in enumerate(turns):
        began = time.process_time()
        cues = call.add(turn)
        took = time.process_time() - began + POLL_S
        for cue in cues:
            found.append(cue)
            behind = number - cue.turn
            turns_late.append(behind)
            late.append(took + turn.t1 - turns[cue.turn].t1)
    return found, late, turns_late


def expected(call: LabelledCall, turns: list[Turn], place: list[int], planned: float) -> list[tuple[str, int]]:
    """(kind, turn) of the cards that the labels ask for; `objection:KIND` for push-backs."""
    rules = played(turns, Live(Script(call, turns, place).read, planned=planned))[0]
    wanted = [(cue.kind, cue.turn) for cue in rules if cue.kind != "objection"]
    last = -SAME_TURNS - 1
    for index, kind in agreed_objections(call).items():
        if place[index] - last > SAME_TURNS:
            wanted.append((f"objection:{kind}", place[index]))
            last = place[index]
    return wanted


def on_transcripts(count: int) -> None:
    judge = LiveJudge(load_judge())
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    late: list[float] = []
    behind: list[int] = []
    calls = read_test()[:count]
    for call in calls:
        turns, place = merged(call.transcript.turns)
        planned = max(4.0, math.ceil(turns[-1].t1 / 60))
        wanted = expected(call, turns, place, planned)
        shown, seconds, after = played(turns, Live(judge.read, planned=planned))
        late, behind = late + seconds, behind + after
        count_cards(tally, wanted, shown)
    print(f"{len(calls)} test calls as transcripts\n")
    report(tally)
    in_time = sum(s <= PROMPT_S for s in late)
    print(f"\n{len(late)} cards, {sum(n == 0 for n in behind)} of them before the next turn, {in_time} within 3 s")
    spread(late)


def count_cards(tally: dict[str, Counter[str]], wanted: list[tuple[str, int]], shown: list[Cue]) -> None:
    """Add a call's cards: `wanted` by the labels, `hit`, `right` (kind of objection), `shown`, `extra`."""
    free = list(shown)
    for kind, turn in wanted:
        name, _, which = kind.partition(":")
        row = tally[name]
        row["wanted"] += 1
        near = [cue for cue in free if cue.kind == name and abs(cue.turn - turn) <= NEAR_TURNS]
        if near:
            best = min(near, key=lambda cue: abs(cue.turn - turn))
            free.remove(best)
            row["hit"] += 1
            row["early"] += best.early
            if name == "objection":
                tally[f"  {which}"]["hit"] += 1
        if name == "objection":
            tally[f"  {which}"]["wanted"] += 1
    for cue in shown:
        tally[cue.kind]["shown"] += 1
    for cue in free:
        tally[cue.kind]["extra"] += 1


def report(tally: dict[str, Counter[str]]) -> None:
    print(f"{'card':24s} {'wanted':>7s} {'came':>5s} {'nobody needed':>14s}")
    order = ["objection", *sorted(k for k in tally if k.startswith("  "))]
    for kind in [*[k for k in order if k in tally], *sorted(k for k in tally if k not in order)]:
        row = tally[kind]
        extra = f"{row['extra']:14d}" if not kind.startswith("  ") else ""
        print(f"{kind:24s} {row['wanted']:7d} {row['hit']:5d} {extra}")


def spread(late: list[float]) -> None:
    if late:
        ordered = sorted(late)
        print(
            f"late by {ordered[len(ordered) // 2]:.2f} s (median), {ordered[int(0.9 * len(ordered))]:.2f} s (90 %), "
            f"{ordered[-1]:.2f} s at most"
        )


def recording(path: Path) -> tuple[np.ndarray, int]:
    """(samples, channels) int16 interleaved at 16 kHz."""
    import av

    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        channels = min(2, stream.channels)
        resampler = av.AudioResampler("s16", "stereo" if channels == 2 else "mono", 16_000)
        parts = [part.to_ndarray().reshape(-1) for frame in file.decode(stream) for part in resampler.resample(frame)]
    return np.concatenate(parts).astype("<i2"), channels


def grown(
    samples: np.ndarray, channels: int, target: Path, *, rep: str | None
) -> tuple[list[tuple[float, Cue]], float]:
    """(time, card) of each card of a WAV that grows as it was spoken, and CPU seconds per second of the call."""
    data, rate = samples.tobytes(), 32_000 * channels
    target.write_bytes(header(channels))
    follower, roles = follow(target, Settings(data=target.parent / "none")), Roles(rep)
    call = Live(LiveJudge(load_judge()).read, name=roles.name, planned=math.ceil(len(data) / rate / 60))
    now, at, found, spent = 0.0, 0, [], time.process_time()
    while now < len(data) / rate + 6:
        end = min(len(data), int(now * rate) // 4 * 4)
        with target.open("ab") as file:
            file.write(data[at:end])
        at, began = end, time.process_time()
        turns = follower.poll()
        for turn in turns:
            roles.hear(turn)
        cues = call.add(*turns) if turns else call.tick(now)
        now += max(POLL_S, time.process_time() - began)
        found += [(now, cue) for cue in cues]
    return found, (time.process_time() - spent) / (len(data) / rate)


def header(channels: int) -> bytes:
    """A WAV header as a recorder leaves it while it records: without lengths."""
    width = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, channels, 16_000, 16_000 * width, width, 16,
        b"data", 0,
    )  # fmt: skip


def on_recordings() -> None:
    late: list[float] = []
    hits = wanted = extra = 0
    with tempfile.TemporaryDirectory() as name:
        for rec, phrases in RECORDINGS.items():
            truth = json.loads((SAMPLES / "reference" / f"{rec}.json").read_text(encoding="utf-8"))
            samples, channels = recording(SAMPLES / "inbox" / truth["meta"]["file"])
            cards, load = grown(
                samples, channels, Path(name) / f"{rec}.wav", rep="channel 0" if channels == 2 else None
            )
            print(f"{rec}: {channels} channel(s), {load:.2f} CPU seconds per second")
            free = [(at, cue) for at, cue in cards if cue.kind == "objection"]
            for at, cue in cards:
                print(f"  {at:6.1f} s  {'early ' if cue.early else ''}{cue.title}: {cue.heard[-80:]}", flush=True)
            for phrase in phrases:
                turn = next(turn for turn in truth["turns"] if phrase in turn["text"])
                near = [c for c in free if turn["t0"] <= c[0] <= turn["t1"] + 20 and c[1].t >= turn["t0"]]
                wanted += 1
                if near:
                    free.remove(near[0])
                    hits += 1
                    late.append(near[0][0] - turn["t1"])
                    print(f"    {phrase}: {late[-1]:+.1f} s")
                else:
                    print(f"    {phrase}: no card")
            extra += len(free)
    in_time = sum(seconds <= PROMPT_S for seconds in late)
    print(f"\n{hits} of {wanted} objections got a card, {in_time} within 3 s; {extra} cards more")
    spread(late)


def main() -> None:
    if sys.argv[1:] == ["recordings"]:
        on_recordings()
    else:
        on_transcripts(int(sys.argv[1]) if sys.argv[1:] else 20)


if __name__ == "__main__":
    main()
