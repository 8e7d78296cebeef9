"""How many promises are found, and how many of those found are promises: eight calls labelled by hand, line by line.

    python benchmarks/commitments.py

Four are sample calls, on which the rules were written; four are test calls that were read only after. A promise counts
as found where a rule finds one of the same side at most one turn away (of an agreed day, of either side).
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from pipeline.coach.commitments import commitments_of  # noqa: E402
from pipeline.coach.rows import CallRow, TurnRow  # noqa: E402

SAMPLES = ROOT / "sample_calls" / "dialogues"
TESTS = ROOT / "benchmarks" / "judge" / "test"
DAY = dt.date(2026, 9, 1)

LABELS: dict[str, dict[Path, tuple[tuple[int, str], ...]]] = {
    "rules written on them": {
        SAMPLES / "tr-01.txt": ((31, "day"), (32, "day"), (37, "rep")),
        SAMPLES / "tr-32.txt": ((39, "rep"), (40, "buyer"), (41, "rep")),
        SAMPLES / "tr-33.txt": ((39, "rep"), (41, "rep")),
        SAMPLES / "tr-34.txt": ((19, "buyer"), (29, "day"), (32, "rep"), (33, "buyer")),
    },
    "not seen before": {
        TESTS / "w7-02.txt": (),
        TESTS / "w7-09.txt": ((46, "day"), (50, "buyer")),
        TESTS / "w7-16.txt": ((42, "rep"), (43, "buyer")),
        TESTS / "w7-23.txt": (),
    },
}
"""Per call the turns (0-based) that hold a promise, and whose it is; `day` is a day to meet or start."""


def turns_of(path: Path) -> list[TurnRow]:
    rows: list[TurnRow] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        who, mark, text = line.partition(": ")
        if mark and not line.startswith(("@", "=", "#")):
            side = "rep" if who.split("+")[0] == "R" else "buyer"
            text = re.sub(r"\s*\{[^}]*\}\s*$", "", text)
            rows.append(TurnRow(path.stem, len(rows), 0.0, 0.0, side, side if side == "rep" else who, text))
    return rows


def main() -> None:
    for title, calls in LABELS.items():
        hits = told = right = found_all = 0
        for path, labels in calls.items():
            made = commitments_of(CallRow(path.stem, rep="Rep", date=DAY), turns_of(path))
            found = [(c.turn, "day" if c.kind == "meeting" else c.side) for c in made]

            def fits(label: tuple[int, str], one: tuple[int, str]) -> bool:
                return abs(label[0] - one[0]) <= 1 and ("day" in (label[1], one[1]) or label[1] == one[1])

            hits += sum(any(fits(label, one) for one in found) for label in labels)
            right += sum(any(fits(label, one) for label in labels) for one in found)
            told, found_all = told + len(labels), found_all + len(found)
        print(f"{title}: {hits} of {told} promises found; {right} of {found_all} found are promises")


if __name__ == "__main__":
    main()
