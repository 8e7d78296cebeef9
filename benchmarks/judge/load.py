"""A thousand calls in one process: `python -m benchmarks.judge.load` judges them one after the other and prints calls
a second and the memory at its highest after 50, 100, 250, 500 and 1,000; `load.json` keeps the result for QUALITY.md.

The calls are the test calls over and over, each time cut at another turn, so that no two are the same.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.judge.data import read_test
from models.judge_model import load_judge
from pipeline.judge import scorecard
from pipeline.rubric import load_rubric
from pipeline.types import Transcript
from pipeline.unjudged import MIN_TURNS

RESULT = Path(__file__).with_name("load.json")
MARKS = (50, 100, 250, 500, 1000)


def main() -> None:
    """Judge `--calls` calls and write what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge.load", description=__doc__)
    parser.add_argument("--calls", type=int, default=MARKS[-1])
    wanted = parser.parse_args().calls
    model, rubric = load_judge(), load_rubric("sales_call")
    peaks: dict[int, int] = {}
    turns, start = 0, time.perf_counter()
    for done, transcript in enumerate(transcripts(wanted), start=1):
        scorecard(transcript, rubric, model.read(transcript.turns), revision=model.revision)
        turns += len(transcript.turns)
        if done in MARKS or done == wanted:
            peaks[done] = peak_mb()
            print(f"{done} calls: {done / (time.perf_counter() - start):.2f}/s, at most {peaks[done]} MB")
    seconds = time.perf_counter() - start
    result = {"calls": wanted, "calls_per_s": round(wanted / seconds, 2), "turns_per_s": round(turns / seconds)}
    RESULT.write_text(json.dumps({**result, "peak_mb": peaks}, indent=1) + "\n", encoding="utf-8")


def transcripts(wanted: int) -> Iterator[Transcript]:
    """So many transcripts, made of the test calls without their first 0, 1, 2, ... turns."""
    calls = read_test()
    for index in range(wanted):
        whole = calls[index % len(calls)].transcript
        cut = min(index // len(calls), len(whole.turns) - MIN_TURNS)
        yield Transcript(call_id=f"{whole.call_id}-{cut}", meta=whole.meta, turns=whole.turns[cut:])


def peak_mb() -> int:
    """The most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
