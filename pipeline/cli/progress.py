"""Progress of a batch: a bar with the time left, and one line for every file that needs a word."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from pipeline.cli.shared import one_line
from pipeline.plan import Job, Outcome, Plan

if TYPE_CHECKING:
    from rich.console import Console

FIRST_GUESS = 0.5
"""Seconds of work per second of audio, before the first recording of a batch is done."""
TRANSCRIPT_S = 1.0
RESCORE_S = 0.5
UNKNOWN_AUDIO_S = 300.0


class TimeLeft:
    """Estimates how long a batch will still take from what its jobs weigh and how fast they have gone so far.

    Weights are expected seconds of one worker's work at speed 1. `clock` gives seconds.
    """

    def __init__(self, workers: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._workers = workers
        self._waiting: dict[object, float] = {}
        self._running: dict[object, tuple[float, float]] = {}
        self._done_weight = 0.0
        self._done_s = 0.0

    def add(self, key: object, weight: float) -> None:
        """A job that waits."""
        self._waiting[key] = weight

    def start(self, key: object) -> None:
        """A job that a worker took."""
        self._running[key] = (self._waiting.pop(key, 0.0), self._clock())

    def finish(self, key: object) -> None:
        """A job that is over, however it ended."""
        self._waiting.pop(key, None)
        if key in self._running:
            weight, started = self._running.pop(key)
            self._done_weight += weight
            self._done_s += self._clock() - started

    def seconds(self) -> float:
        """Expected seconds until the last job is done."""
        # the guess counts as ten seconds of evidence, so that one odd first job does not decide
        pace = (self._done_s + 10.0) / (self._done_weight + 10.0)
        now = self._clock()
        rest = [
            max(weight * pace - (now - started), 0.05 * weight * pace) for weight, started in self._running.values()
        ]
        waiting = sum(self._waiting.values()) * pace
        longest = max(rest, default=0.0)
        return max(longest, (sum(rest) + waiting) / self._workers)


def weigh(job: Job) -> float:
    """Expected seconds of work for a job, from its kind and a recording's length."""
    if job.kind == "score":
        return RESCORE_S
    if job.source is None or job.source.kind == "transcript":
        return TRANSCRIPT_S
    return FIRST_GUESS * _audio_seconds(job.path)


def _audio_seconds(path: Path) -> float:
    import av

    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            return container.duration / 1_000_000 if container.duration else UNKNOWN_AUDIO_S
    except (OSError, ValueError, av.error.FFmpegError):
        return TRANSCRIPT_S


def clock_text(seconds: float) -> str:
    """`about 2 min left`, in the coarseness that an estimate has."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


class Board:
    """A bar on a terminal and a line for each file that needs a word (`quiet`: the bar only; without `known` what was
    said on an earlier run is not said again); a context manager."""

    def __init__(self, console: Console, *, workers: int, quiet: bool = False, known: bool = True) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
        from rich.text import Text

        left = self._left = TimeLeft(workers)

        class LeftColumn(ProgressColumn):
            def render(self, task: object) -> Text:
                return Text(clock_text(left.seconds()))

        self._console = console
        self._quiet = quiet
        self._known = known
        self._guard = threading.Lock()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            LeftColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("processing", total=None, visible=False)
        self._mine: set[str] = set()
        self.outcomes: list[Outcome] = []

    def __enter__(self) -> Board:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def plan(self, plan: Plan) -> None:
        """What will be done; what is settled already is said at once."""
        for outcome in plan.settled:
            self.outcome(outcome)
        for job in plan.jobs:
            self._left.add(job.sha256, weigh(job))
            self._mine.add(job.sha256)
        self._bar.update(self._task, total=len(plan.jobs), completed=0, visible=bool(plan.jobs))

    def start(self, job: Job) -> None:
        """A worker took a job."""
        with self._guard:
            self._left.start(job.sha256)

    def outcome(self, outcome: Outcome) -> None:
        """One file is settled."""
        with self._guard:
            self.outcomes.append(outcome)
            self._left.finish(outcome.sha256)
            old = outcome.known and not self._known
            if outcome.status not in ("scored", "done") and not self._quiet and not old:
                self._console.print(line(outcome), soft_wrap=True)
            if outcome.sha256 in self._mine:
                self._bar.advance(self._task)
                self._milestone()

    def _milestone(self) -> None:
        """Without a terminal to draw on, a quiet board says how far it is, ten times in all."""
        total = len(self._mine)
        done = int(self._bar.tasks[0].completed)
        if (
            self._quiet
            and not self._console.is_terminal
            and done < total
            and (done * 10) // total > ((done - 1) * 10) // total
        ):
            self._console.print(f"{done} of {total} done, {clock_text(self._left.seconds())}")


WORDS = {
    "failed": "failed",
    "duplicate": "double",
    "abstained": "not scored",
    "review": "review",
    "busy": "busy",
    "stopped": "stopped",
    "withheld": "withheld",
}


def line(outcome: Outcome) -> str:
    """One line about one file: what became of it, which file, why, and what to do."""
    reason = one_line(outcome.reason)
    path = one_line(outcome.path)
    said = reason if reason.startswith(path) else f"{path}: {reason}"
    return f"{WORDS.get(outcome.status, outcome.status)}: {said}"


def tally(outcomes: Sequence[Outcome]) -> str:
    """`12 scored, 3 done before, 1 failed`; `nothing to do` for none."""
    words = {
        "scored": "scored",
        "done": "done before",
        "abstained": "not scored",
        "review": "to review",
        "failed": "failed",
        "duplicate": "double",
        "busy": "busy elsewhere",
        "stopped": "stopped",
        "withheld": "withheld",
    }
    counts = {name: sum(outcome.status == name for outcome in outcomes) for name in words}
    return ", ".join(f"{count} {words[name]}" for name, count in counts.items() if count) or "nothing to do"
