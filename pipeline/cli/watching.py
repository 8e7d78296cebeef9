"""What `debrief watch` shows: a live panel on a terminal, else a line for what needs a word; also its status file."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter, deque
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pipeline.cli.progress import line, tally
from pipeline.cli.shared import one_line
from pipeline.erased import touched
from pipeline.plan import Job, Outcome, Plan
from pipeline.settings import Settings
from pipeline.status import clear_status, write_status
from pipeline.wording import counted, tallied

if TYPE_CHECKING:
    from rich.console import Console

BEAT_S = 30.0
LINES = 5


class Watching:
    """The watcher's panel and status file; a context manager. Its methods may be called from any thread."""

    def __init__(self, console: Console, settings: Settings) -> None:
        from rich.live import Live

        self._console = console
        self._settings = settings
        self._guard = threading.RLock()
        self._since = _now()
        self._looked = ""
        self._files = self._waiting = 0
        self._counts: Counter[str] = Counter()
        self._now: dict[str, str] = {}
        self._not_begun: set[str] = set()
        self._last: deque[str] = deque(maxlen=LINES)
        self._problem = ""
        self._erased = touched(settings.data)
        self._batch: list[Outcome] = []
        self._over = threading.Event()
        self._live = Live(console=console, refresh_per_second=2, transient=True) if console.is_terminal else None

    def __enter__(self) -> Watching:
        if self._live:
            self._live.start()
        threading.Thread(target=self._beat, name="watch-status", daemon=True).start()
        self._tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._live:
            self._live.stop()
        with self._guard:
            clear_status(self._settings.data)

    def look(self, files: int, ready: int) -> None:
        """A look at the folder found so many files, so many of them new."""
        with self._guard:
            self._files, self._waiting, self._looked = files, ready, _now()
            if ready and not self._live:
                self._console.print(f"{ready} new of {counted(files, 'file')}")
            self._problem = ""
            self._tell()

    def problem(self, text: str) -> None:
        """A look failed."""
        with self._guard:
            self._problem = one_line(text)
            if not self._live:
                self._console.print(self._problem, soft_wrap=True)
            self._tell()

    def plan(self, plan: Plan) -> None:
        """What will be done; what is settled already is said at once."""
        with self._guard:
            self._not_begun = {job.sha256 for job in plan.jobs}
        for outcome in plan.settled:
            self.outcome(outcome)

    def start(self, job: Job) -> None:
        """A worker took a job."""
        with self._guard:
            self._not_begun.discard(job.sha256)
            self._now[job.sha256] = one_line(job.path.name)
            self._tell()

    def outcome(self, outcome: Outcome) -> None:
        """One file is settled."""
        with self._guard:
            self._now.pop(outcome.sha256, None)
            self._waiting = max(0, self._waiting - 1)
            if not outcome.known:
                self._batch.append(outcome)
                if not self._only_waits(outcome):
                    self._counts[outcome.status] += 1
                    self._say(outcome)
            self._tell()

    def _only_waits(self, outcome: Outcome) -> bool:
        """Whether nothing came of a file yet, and nothing is to be done: another debrief is at it, or the end came
        before its turn. Thousands of such lines would hide the one that needs a word; the batch's last line counts
        them."""
        return outcome.status == "busy" or (outcome.status == "stopped" and outcome.sha256 in self._not_begun)

    def _say(self, outcome: Outcome) -> None:
        if outcome.status != "done":
            self._last.append(line(outcome))
        if outcome.status not in ("scored", "done") and not self._live:
            self._console.print(line(outcome), soft_wrap=True)

    def batch_done(self) -> None:
        """A batch is over."""
        with self._guard:
            if not self._live:
                self._console.print(f"  {tally(self._batch)}")
            self._batch.clear()
            self._tell()

    def row(self) -> dict[str, Any]:
        """The status as JSON."""
        state = "problem" if self._problem else "working" if self._now else "watching"
        return {
            "inbox": str(self._settings.inbox_folder.absolute()),
            "since": self._since,
            "looked": self._looked,
            "state": state,
            "files": self._files,
            "waiting": self._waiting,
            "counts": dict(self._counts),
            "now": sorted(self._now.values()),
            "last": list(self._last),
            "problem": self._problem,
        }

    def _tell(self) -> None:
        if self._over.is_set():
            return
        self._forget_erased()
        write_status(self._settings.data, self.row())
        if self._live:
            self._live.update(panel(self.row()))

    def _forget_erased(self) -> None:
        """What was said of files before something was erased is not said again."""
        at = touched(self._settings.data)
        if at != self._erased:
            self._erased = at
            self._last.clear()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            with self._guard:
                self._tell()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def panel(row: dict[str, Any]) -> Any:
    """A status row as a panel for the terminal."""
    from rich.panel import Panel
    from rich.text import Text

    counts = tallied(row["counts"], "nothing yet")
    lines = [f"{counted(row['files'], 'file')}, {row['waiting']} waiting; so far {counts}"]
    lines += [f"now: {name}" for name in row["now"]]
    lines += [f"  {text}" for text in row["last"]]
    # a drive whose server does not answer keeps a look waiting, and there is nothing else to tell
    if row["looked"]:
        lines.append(f"last look at the folder: {row['looked'][11:19]} UTC")
    if row["problem"]:
        lines.append(f"problem: {row['problem']}")
    title = Text(f"{row['state']}: {one_line(Path(row['inbox']))}")
    return Panel(Text("\n".join(lines), overflow="ellipsis", no_wrap=True), title=title, title_align="left")
