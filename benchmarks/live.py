"""Cue cards on replayed calls: how late they are, and how many objections get one.

    python benchmarks/live.py [RECORDING.wav ...]

Without arguments the sample calls' dialogues are written line by line into a file that `debrief live` follows, a line
every 2 s. With WAV files each grows as it was spoken. Lateness counts
from the moment the last words of a card's turn are in the file to the card. Cards are compared with what the judge
hears in the whole call afterwards.
"""

from __future__ import annotations

import struct
import sys
import tempfile
import threading
import time
import wave
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from models.judge_model import load_judge  # noqa: E402
from pipeline.cli.live import POLL_S, cues  # noqa: E402
from pipeline.coach.live import Live  # noqa: E402
from pipeline.follow import Roles, follow  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from pipeline.types import Turn  # noqa: E402

GAP_S = 2.0
IDLE_S = 6.0
CALLS = 6


def dialogue(path: Path) -> list[tuple[str, str]]:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        who, mark, text = line.partition(": ")
        if mark and not line.startswith(("@", "=", "#")):
            rows.append(("rep" if who == "R" else who, text))
    return rows


def replay_lines(path: Path, folder: Path) -> dict[str, Any]:
    rows = dialogue(path)
    target = folder / f"{path.stem}.txt"
    target.write_text("")
    written: list[float] = []

    def write() -> None:
        time.sleep(1.0)
        for who, text in rows:
            with target.open("a", encoding="utf-8") as file:
                file.write(f"{who}: {text}\n")
            written.append(time.monotonic())
            time.sleep(GAP_S)

    thread = threading.Thread(target=write, daemon=True)
    found, late, waited = [], [], []
    settings = Settings(data=folder / "none")
    place = numbered(rows)
    load_judge()
    thread.start()
    for cue in cues(target, settings, rep=None, minutes=30, idle=IDLE_S):
        now, count = time.monotonic(), len(written)
        found.append(cue)
        own = [written[line] for line in range(count) if place[line] == cue.turn]
        late.append(now - own[-1])
        waited.append(place[count - 1] - cue.turn)
    thread.join()
    turns = merged([Turn(5.0 * n, 5.0 * n + 4, side_of(who), text) for n, (who, text) in enumerate(rows)])
    heard = load_judge().read(turns).objections
    shown = [cue.turn for cue in found if cue.kind == "objection"]
    hit = sum(any(abs(o.turn - turn) <= 2 for turn in shown) for o in heard)
    extra = sum(all(abs(o.turn - turn) > 2 for o in heard) for turn in shown)
    kinds = sorted({cue.kind for cue in found if cue.kind != "objection"})
    return {"late": late, "objections": len(heard), "hit": hit, "extra": extra, "kinds": kinds, "waited": waited}


def side_of(who: str) -> str:
    return who if who == "rep" else f"buyer:{who}"


def numbered(rows: list[tuple[str, str]]) -> list[int]:
    """The turn that each line belongs to."""
    place: list[int] = []
    for line, (who, _) in enumerate(rows):
        place.append(place[-1] + (who != rows[line - 1][0]) if place else 0)
    return place


def merged(turns: list[Turn]) -> list[Turn]:
    made: list[Turn] = []
    for turn in turns:
        if made and made[-1].speaker == turn.speaker:
            made[-1] = Turn(made[-1].t0, turn.t1, turn.speaker, f"{made[-1].text} {turn.text}")
        else:
            made.append(turn)
    return made


def replay_recording(path: Path, folder: Path) -> list[float]:
    """Lateness in seconds of each card of a WAV that grows as it was spoken, on a core of its own.

    The clock is the recording's, moved on by the CPU time that each look took, so that other work on the machine does
    not count.
    """
    target = folder / path.name
    with wave.open(str(path)) as file:
        params, frames = file.getparams(), file.readframes(file.getnframes())
    rate = params.framerate * params.nchannels * params.sampwidth
    target.write_bytes(header(params))
    settings = Settings(data=folder / "none")
    follower, roles = follow(target, settings), Roles()
    call = Live(load_judge().read, name=roles.name)
    now, at = 0.0, 0
    late: list[float] = []
    while now < len(frames) / rate + 8:
        end = min(len(frames), int(now * rate) // 4 * 4)
        with target.open("ab") as file:
            file.write(frames[at:end])
        at, began = end, time.process_time()
        turns = follower.poll()
        for turn in turns:
            roles.hear(turn)
        found = call.add(*turns)
        now += max(POLL_S, time.process_time() - began)
        for cue in found:
            late.append(now - cue.t)
            print(f"    {cue.t:6.1f} s  {late[-1]:5.2f} s late  {cue.title}: {cue.heard[-70:]}", flush=True)
    return late


def header(params: Any) -> bytes:
    """A WAV header as a recorder leaves it while it records: without lengths."""
    width = params.nchannels * params.sampwidth
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, params.nchannels, params.framerate,
        params.framerate * width, width, 8 * params.sampwidth, b"data", 0,
    )  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if sys.argv[1:]:
            for path in sys.argv[1:]:
                print(path)
                late = sorted(replay_recording(Path(path), folder))
                if late:
                    print(
                        f"  {len(late)} cards, late by {late[len(late) // 2]:.2f} s (median), {late[-1]:.2f} s at most"
                    )
            return
        late: list[float] = []
        waited: list[int] = []
        objections = hit = extra = 0
        for path in sorted((ROOT / "sample_calls" / "dialogues").glob("tr-*.txt"))[:: 38 // CALLS][:CALLS]:
            row = replay_lines(path, folder)
            late, waited = late + row["late"], waited + row["waited"]
            objections, hit, extra = objections + row["objections"], hit + row["hit"], extra + row["extra"]
            print(
                f"{path.stem}: {row['hit']} of {row['objections']} objections, {row['extra']} more, {row['kinds']}",
                flush=True,
            )
        at_once = sum(n == 0 for n in waited)
        print(f"{at_once} of {len(waited)} cards came before the next turn, the others after up to {max(waited)} turns")
        late = sorted(seconds for seconds, n in zip(late, waited, strict=True) if n == 0)
        print(f"{hit} of {objections} objections got a card, {extra} cards more; {len(late)} cards in all")
        middle, most = late[len(late) // 2], late[int(0.95 * len(late))]
        print(f"late by {middle:.2f} s (median), {most:.2f} s (95 %), {late[-1]:.2f} s at most")


if __name__ == "__main__":
    main()
