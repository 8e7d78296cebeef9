"""The load test's own parts: calls that differ, and a report that does not hide what is lost, doubled or slow."""

from __future__ import annotations

from pathlib import Path

from benchmarks.load_calls import SHORT_TURNS, WHOLE_OF_FIVE, WHOLE_TURNS, is_short, write_calls
from benchmarks.load_reader import Read
from benchmarks.load_report import Run, held_against, rates, reading_lines, report
from pipeline.formats import read_transcript


def test_calls_differ_and_are_the_same_each_time(tmp_path: Path) -> None:
    dropped = write_calls(tmp_path, 40)
    assert len(dropped) == len(set(dropped.values())) == 40
    assert write_calls(tmp_path, 40) == dropped
    read = [read_transcript(tmp_path / name) for name in dropped.values()]
    short = [len(made.turns) for n, made in enumerate(read) if is_short(n, WHOLE_OF_FIVE)]
    assert len(short) == 8
    assert max(short) <= SHORT_TURNS[1]
    assert min(len(made.turns) for n, made in enumerate(read) if not is_short(n, WHOLE_OF_FIVE)) >= WHOLE_TURNS - 1
    assert len({turn.text for made in read for turn in made.turns[:1]}) > 30
    assert all(Path(name).parent.name in {turn.speaker for turn in made.turns}
               for name, made in zip(dropped.values(), read, strict=True))  # fmt: skip


def test_what_is_lost_doubled_or_failed_is_a_problem() -> None:
    dropped = {"a": "a.vtt", "b": "b.vtt", "c": "c.vtt"}
    rows = [{"sha256": sha256, "status": "scored"} for sha256 in "abbd"]
    line, problems = held_against(dropped, rows, [{"path": "c.vtt", "reason": "cut off"}])
    assert line == (
        "3 distinct calls dropped, 4 kept (4 scored): 1 missing, 1 more than once, 1 that nobody dropped; 1 failed."
    )
    assert problems == [
        "missing: c.vtt", "more than once: b.vtt", "that nobody dropped: d", "failed: c.vtt: cut off",
    ]  # fmt: skip
    assert held_against({"a": "a.vtt"}, rows[:1], [])[1] == []


def test_a_report_can_be_written_at_any_moment() -> None:
    run = Run(calls=10, pace=2.0)
    assert "**Not finished: what follows is how far it is.**" in report(run)
    run.hear('{"jobs": 10, "settled": 0}', 1.0)
    run.hear("no JSON", 2.0)
    run.hear('{"done": 1}', 10.0)
    assert any("1 of 10 calls in 10 s" in line for line in report(run))
    run.hear('{"done": 10, "counts": {"scored": 10}}', 20.0)
    assert "**Not finished: what follows is how far it is.**" not in report(run, over=True)


def test_reads_are_counted_by_page_and_rates_by_quarter() -> None:
    reads = [Read(n, "Ada", "/team", 10.0 * n, 200, 1) for n in range(1, 100)] + [
        Read(100, "Mo", "/calls", 5.0, 503, 1)
    ]
    lines = reading_lines(reads, 1)
    assert "| `/team` | 99 | 500 | 950 | 990 | 0 |" in lines
    assert "| `/calls` | 1 | 5 | 5 | 5 | 1 |" in lines
    assert rates([(10.0, 0), (20.0, 10), (30.0, 30), (40.0, 30), (50.0, 31)]) == [1.0, 2.0, 0.0, 0.1]
