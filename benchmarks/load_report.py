"""What the load test has seen so far, and its report: written while it runs, so that a fault costs nothing of it."""

from __future__ import annotations

import itertools
import json
import os
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load_calls import CALLS_AN_ACCOUNT, REPS, TEAMS, WHOLE_OF_FIVE
from benchmarks.load_processes import ROLES, Processes, Taken
from benchmarks.load_reader import Read, Reader

SHOWN = 10
"""Problems that are told in full."""


@dataclass
class Run:
    """What is known of the run so far."""

    calls: int
    pace: float
    whole: int = WHOLE_OF_FIVE
    readers: list[Reader] = field(default_factory=list)
    processes: Processes | None = None
    done: list[tuple[float, int]] = field(default_factory=list)
    jobs: int = 0
    settled: int = 0
    ended: dict[str, Any] | None = None
    flow_s: float = 0.0
    load: list[float] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def hear(self, line: str, at: float) -> None:
        """Take in a line of the flow's."""
        try:
            row = json.loads(line)
        except ValueError:
            return
        self.jobs, self.settled = row.get("jobs", self.jobs), row.get("settled", self.settled)
        if "done" in row:
            self.done.append((at, row["done"]))
        if "counts" in row:
            self.ended = row


def progress(run: Run, seconds: float) -> str:
    """Where the run is, in a line."""
    done = run.done[-1][1] if run.done else 0
    reads = all_reads(run)
    bad = sum(read.status != 200 for read in reads)
    left = f", {(run.jobs - done) * seconds / done / 60:.0f} min left" if done else ""
    return f"{seconds / 60:.0f} min: {done:,} of {run.jobs:,} calls, {len(reads):,} pages, {bad} not 200{left}"


def all_reads(run: Run) -> list[Read]:
    """What all readers read; they may be reading on."""
    return [read for reader in run.readers for read in list(reader.reads)]


def write(run: Run, to: Path, *, over: bool = False) -> None:
    """The report into its file, whole or not at all."""
    half = to.with_name(to.name + ".tmp")
    half.write_text("\n".join(report(run, over=over)) + "\n", encoding="utf-8")
    half.replace(to)


def report(run: Run, *, over: bool = False) -> list[str]:
    """The report of what is there; `over`: there is no more to come."""
    reads = all_reads(run)
    bad = [read for read in reads if read.status != 200]
    problems = [*run.problems, *(f"{r.at:.0f} s, {r.who}, `{r.page}`: {r.status} {r.said}" for r in bad[:SHOWN])]
    return [
        "# The flow under load, while the pages are read",
        "",
        f"`python -m benchmarks.load --calls {run.calls} --whole {run.whole}` on {os.cpu_count()} cores: "
        f"transcripts (vtt, srt, txt and json; {run.whole} of five of 60 to 113 turns, the others cut off after 6 to "
        f"30; no two alike; {REPS} reps in {len(TEAMS)} teams, {CALLS_AN_ACCOUNT} calls an account) through the "
        "`process` flow: Prefect, "
        "two workers, the judge as it ships. `debrief serve` runs beside it on the same data folder; an admin and a "
        f"manager of two teams, signed in over HTTP, read {run.pace:g} pages a second between them.",
        "",
        *([] if over and run.ended else ["**Not finished: what follows is how far it is.**", ""]),
        *flow_lines(run),
        *run.kept,
        "",
        *reading_lines(reads, len(bad)),
        *memory_lines(run),
        "",
        f"Problems: {'' if problems else 'none.'}",
        *(f"- {line}" for line in problems),
    ]


def held_against(
    dropped: Mapping[str, str], rows: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]
) -> tuple[str, list[str]]:
    """What the store has (`rows` of calls, `failed` files) held against the names of what was dropped, by SHA-256: a
    line, and what is wrong."""
    times = Counter(row["sha256"] for row in rows)
    wrong = {
        "missing": [name for sha256, name in dropped.items() if not times[sha256]],
        "more than once": [name for sha256, name in dropped.items() if times[sha256] > 1],
        "that nobody dropped": [sha256 for sha256 in times if sha256 not in dropped],
    }
    counts = ", ".join(f"{count:,} {status}" for status, count in Counter(row["status"] for row in rows).most_common())
    found = ", ".join(f"{len(names)} {what}" for what, names in wrong.items())
    line = f"{len(dropped):,} distinct calls dropped, {len(rows):,} kept ({counts}): {found}; {len(failed)} failed."
    problems = [f"{what}: {', '.join(names[:SHOWN])}" for what, names in wrong.items() if names]
    return line, problems + [f"failed: {row['path']}: {row['reason']}" for row in failed[:SHOWN]]


def flow_lines(run: Run) -> list[str]:
    """How fast calls went through: on the whole, and in each quarter of the time since the first was done."""
    done = [row for row in run.done if row[1]]
    if not done:
        return ["No call is done yet."]
    seconds, count = run.flow_s or done[-1][0], done[-1][1]
    before = f" ({run.settled:,} were done by a run before)" if run.settled else ""
    cores = os.cpu_count() or 1
    used = sum(sum(taken.cpu_s.values()) for taken in run.processes.by_role.values()) if run.processes else 0.0
    share = 100 * used / (cores * seconds)
    return [
        f"{count:,} of {run.jobs:,} calls{before} in {seconds:,.0f} s: {count / seconds:.1f} calls/s; in the four "
        f"quarters of the time {', '.join(f'{rate:.1f}' for rate in rates(done))}. The processes below had "
        f"{share:.0f} % of the {cores} cores' time; load average {statistics.fmean(run.load or [0]):.1f}.",
        "",
    ]


def rates(done: Sequence[tuple[float, int]]) -> list[float]:
    """Calls per second in each quarter of the time that these (seconds, calls done) span."""
    first, span = done[0][0], done[-1][0] - done[0][0]
    edges = [max(row for row in done if row[0] <= first + span * part / 4 + 0.001) for part in range(5)]
    return [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(edges) if b[0] > a[0]]


def reading_lines(reads: Sequence[Read], bad: int) -> list[str]:
    """A row for all pages and one per page."""
    if not reads:
        return []
    groups: dict[str, list[Read]] = {"all": list(reads)}
    for read in sorted(reads, key=lambda read: read.page):
        groups.setdefault(f"`{read.page}`", []).append(read)
    return [
        f"{len(reads):,} pages read in {max(read.at for read in reads):,.0f} s, {bad} answered with anything but 200.",
        "",
        "| page | reads | p50 ms | p95 ms | max ms | not 200 |",
        "|---|---|---|---|---|---|",
        *(reading_line(page, theirs) for page, theirs in groups.items()),
        "",
    ]


def reading_line(page: str, reads: Sequence[Read]) -> str:
    """A row of the table."""
    took = sorted(read.ms for read in reads)
    at = {percent: took[min(len(took) - 1, len(took) * percent // 100)] for percent in (50, 95)}
    bad = sum(read.status != 200 for read in reads)
    return f"| {page} | {len(took)} | {at[50]:.0f} | {at[95]:.0f} | {took[-1]:.0f} | {bad} |"


def memory_lines(run: Run) -> list[str]:
    """A row per role: its peak, whether it grows, and its processor time."""
    if run.processes is None:
        return []
    return [
        "| processes | peak of the largest, MB | all of them after 1/4, 1/2, 3/4, 4/4 of the time, MB | CPU s |",
        "|---|---|---|---|",
        *(memory_line(role, run.processes.by_role[role]) for role in ROLES),
    ]


def memory_line(role: str, taken: Taken) -> str:
    """A row of the table."""
    last = len(taken.held_mb) - 1
    held = [taken.held_mb[last * quarter // 4] for quarter in range(1, 5)] if taken.held_mb else []
    cells = ", ".join(f"{megabytes:.0f}" for megabytes in held)
    return f"| {role} | {taken.peak_mb:.0f} | {cells} | {sum(taken.cpu_s.values()):.0f} |"
