"""`python -m benchmarks.hearing [PART...]`: measure, keep the rows in `hearing.json`, write HEARING.md from them.

Parts: words, whisper, speakers, roles, scaling, long; without one, all. A part not run keeps its rows of the last time.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.hearing.cases import ROOT
from benchmarks.hearing.report import written
from pipeline.settings import Settings

KEPT = ROOT / "benchmarks" / "hearing" / "hearing.json"
REPORT = ROOT / "HEARING.md"


def parts(settings: Settings, asked: argparse.Namespace) -> dict[str, Callable[[], Iterable[dict[str, Any]]]]:
    """What can be measured, by name."""
    from benchmarks.hearing import cost, speakers, words
    from benchmarks.hearing.roles import role_rows

    return {
        "words": lambda: words.word_rows(settings, seconds=asked.seconds, calls=asked.calls),
        "whisper": lambda: cost.whisper_rows(settings, calls=asked.calls),
        "speakers": lambda: speakers.speaker_rows(asked.folder),
        "roles": role_rows,
        "scaling": lambda: [cost.scaling_row(settings, seconds=min(60.0, asked.seconds))],
        "long": lambda: cost.long_rows(settings, hours=asked.hours),
    }


def main() -> None:
    """Measure the parts asked for and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--seconds", type=float, default=100.0, help="of each call, where it is made worse")
    parser.add_argument("--calls", nargs="+", default=[], help="words, whisper: only these; the others keep their rows")
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--folder", type=Path, action="append", default=[], help="more recordings with an RTTM")
    asked = parser.parse_args()
    settings = Settings(max_hours=12)
    known = parts(settings, asked)
    for part in asked.parts or known:
        rows = []
        for row in known[part]():
            rows.append(row)
            print(part, json.dumps(row), flush=True)
        # read again: another run may have kept its own part meanwhile
        kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
        if part in ("words", "whisper") and asked.calls:
            rows += [row for row in kept.get(part, []) if row["call"] not in asked.calls]
            rows.sort(key=lambda row: row["call"])
        kept[part] = rows
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        REPORT.write_text(written(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
