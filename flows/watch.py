"""The watched folder: whatever lands in it becomes a call, until stopped.

Events of the file system are hints that make the next look come sooner; the full look at the folder, at the start and
every `RESCAN_S`, is the truth (network drives send no events). A file counts once its size and time have stood still
between two looks. Each look with something to do is one run of the `process` flow.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from flows.process import Caller, refresh_store, run_process
from pipeline import consent, erased, keep, retry
from pipeline.beside import Beside
from pipeline.claims import Claims
from pipeline.errors import DebriefError, StoreError
from pipeline.ingest import Found, beside_state, discover, state_of
from pipeline.plan import Outcome
from pipeline.plan import plan as make_plan
from pipeline.settings import Settings

RESCAN_S = 30.0
SETTLE_S = 2.0
"""How long a file must have stood still before it is taken."""
CHUNK = 200
"""Files per run: a backlog of thousands shows up in the reports as it goes."""
LOOK_SHARE = 0.1
"""The part of the time that looking may take: a look at fifty thousand files takes long, and one for each of 250 runs
would take hours."""

State = tuple[int, int, str]

log = logging.getLogger("debrief.watch")


class Looked:
    """What the watcher remembers between looks: since when a file has stood as it stands, and what was dealt with."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Path, tuple[State, float]] = {}
        self._settled: dict[Path, tuple[State, float]] = {}
        self._withheld: set[Path] = set()
        self._said: object = None

    def heed(self, said: object) -> None:
        """Let what was withheld come back where people have `said` something else since."""
        if said != self._said:
            self._settled = {path: kept for path, kept in self._settled.items() if path not in self._withheld}
            self._withheld.clear()
            self._said = said

    def ready(self, found: Iterable[Found]) -> tuple[list[Found], bool]:
        """Files that have stood still for `SETTLE_S` and were not dealt with as they are; whether others still move."""
        now = self._clock()
        seen: dict[Path, tuple[State, float]] = {}
        still: list[Found] = []
        moving, beside = False, Beside()
        for item in found:
            state = _state(item.path, beside)
            if state is None:
                continue
            before = self._seen.get(item.path)
            since = before[1] if before and before[0] == state else now
            seen[item.path] = (state, since)
            settled = self._settled.get(item.path)
            if settled and settled[0] == state and now < settled[1]:
                continue
            if now - since >= SETTLE_S:
                still.append(item)
            else:
                moving = True
        self._seen = seen
        return still, moving

    def stands(self, item: Found) -> bool:
        """Whether a file still stands as it was last seen: while others were worked on, it may have been written to."""
        seen = self._seen.get(item.path)
        return seen is not None and state_of(item.path) == seen[0][:2]

    def settle(
        self,
        items: Iterable[Found],
        *,
        again_in: Mapping[Path, float] | None = None,
        withheld: Collection[Path] = (),
    ) -> None:
        """Remember that these were dealt with as last seen; those in `again_in` come back after so many seconds, those
        `withheld` when people have said something else."""
        waits = again_in or {}
        now = self._clock()
        for item in items:
            if item.path in self._seen:
                wake = now + waits.get(item.path, math.inf)
                self._settled[item.path] = (self._seen[item.path][0], wake)
        # what has gone is forgotten, so that years of calls do not fill the memory
        self._settled = {path: kept for path, kept in self._settled.items() if path in self._seen}
        self._withheld = {path for path in (*self._withheld, *withheld) if path in self._settled}


def _state(path: Path, beside: Beside) -> State | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns, beside_state(path, beside)


class Current:
    """The settings as they stand now: `read` again whenever `debrief.toml` is another than it was.

    Which folder is watched stays what it was at the start.
    """

    def __init__(self, settings: Settings, read: Callable[[], Settings]) -> None:
        self._settings = settings
        self._read = read
        self._file = settings.data / "debrief.toml"
        self._state: object = None

    def now(self) -> Settings:
        """Raises `SettingsError` for a file that does not hold together, until it does."""
        state = state_of(self._file)
        if state != self._state:
            self._settings = replace(self._read(), inbox=self._settings.inbox)
            self._state = state
        return self._settings


def watch(
    settings: Settings,
    *,
    stop: threading.Event,
    caller: Caller,
    on_look: Callable[[int, int], None] = lambda files, ready: None,
    on_problem: Callable[[str], None] = lambda line: None,
    process: Callable[[Path, Caller], object] = lambda inbox, caller: run_process([inbox], caller),
    read_settings: Callable[[], Settings] | None = None,
) -> None:
    """Watch `settings.inbox_folder` until `stop` is set; what runs then is finished by `caller` or let go.

    `read_settings` gives the settings anew when `debrief.toml` changed: a page may have chosen another rubric.
    `on_look(files, ready)` is called after every look, `on_problem` with one line where a look failed: a folder that
    is away for a while, a rubric being edited. The next look tries again.
    """
    inbox = settings.inbox_folder
    try:
        inbox.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{inbox}: cannot be watched ({error.strerror or error}); check the path") from error
    problem = refresh_store(settings, whole=True)
    if problem:
        on_problem(problem)
    with Claims(settings.data / "claims") as claims:
        claims.sweep()
    hint = threading.Event()
    threading.Thread(target=_listen, args=(inbox, settings.data, hint, stop), daemon=True).start()
    looked = Looked()
    current = Current(settings, read_settings or (lambda: settings))
    told = ""
    while not stop.is_set():
        hint.clear()
        moving = False
        try:
            moving = _look(inbox, current.now(), looked, caller, on_look, process)
            told = ""
        except KeyboardInterrupt:
            stop.set()
        except (DebriefError, OSError) as error:
            if str(error) != told:
                on_problem(str(error))
            told = str(error)
        _wait(SETTLE_S if moving else RESCAN_S, hint, stop)


def _look(
    inbox: Path,
    settings: Settings,
    looked: Looked,
    caller: Caller,
    on_look: Callable[[int, int], None],
    process: Callable[[Path, Caller], object],
) -> bool:
    """One look at the folder and what follows from it; True when there is more to do soon."""
    begun = time.monotonic()
    # os.path: a server that does not answer is no error here; `discover` would take what is not there for a file
    if not os.path.isdir(inbox):
        raise StoreError(f"{inbox}: the watched folder is not there; it is looked for again")
    found = discover([inbox])
    looked.heed(_said(settings))
    ready, moving = looked.ready(found)
    on_look(len(found), len(ready))
    enough = time.monotonic() + max(RESCAN_S, (time.monotonic() - begun) / LOOK_SHARE)
    for start in range(0, len(ready), CHUNK):
        if start and (time.monotonic() > enough or (caller.stop and caller.stop.is_set())):
            return True
        now = [item for item in ready[start : start + CHUNK] if looked.stands(item)]
        moving = moving or len(now) < len(ready[start : start + CHUNK])
        _take(inbox, now, settings, looked, caller, process)
    return moving


def _take(
    inbox: Path,
    now: Collection[Found],
    settings: Settings,
    looked: Looked,
    caller: Caller,
    process: Callable[[Path, Caller], object],
) -> None:
    """One run: these files planned and worked on."""
    busy: set[Path] = set()
    withheld: set[Path] = set()
    failed: set[Path] = set()

    def note(outcome: Outcome) -> None:
        # a second copy waits for the first: where that goes or fails, this one is the call
        copy = outcome.status == "duplicate" and not keep.record_files(settings.data, outcome.sha256)
        if copy or outcome.status in ("busy", "stopped"):
            busy.add(outcome.path)
        elif outcome.status == "withheld":
            withheld.add(outcome.path)
        elif outcome.status == "failed":
            failed.add(outcome.path)

    def told(outcome: Outcome) -> None:
        note(outcome)
        caller.on_outcome(outcome)

    plan = make_plan(now, settings, max_attempts=settings.max_attempts)
    for outcome in plan.settled:
        note(outcome)
    if plan.jobs:
        mine = replace(caller, settings=settings, plan=plan, on_outcome=told)
        _beside(lambda: process(inbox, mine))
    else:
        caller.on_plan(plan)
    # what another debrief works on is looked at again
    looked.settle(
        [item for item in now if item.path not in busy],
        again_in={
            item.path: wait
            for item in now
            if (wait := _retry_in(settings, item.path, failed=item.path in failed)) is not None
        },
        withheld=withheld,
    )


def _said(settings: Settings) -> object:
    """Another value when somebody gave or refused consent, or let an erased call in: nothing about its file changes."""
    return state_of(settings.data / "facts" / consent.FACT), state_of(erased.folder(settings.data))


def _beside(work: Callable[[], object]) -> None:
    """Do `work` in a thread of its own, and wait for it; what it raises is raised here.

    Prefect takes SIGTERM for itself while a flow runs in the main thread, and now and then it is lost. In another
    thread it cannot: the signal sets `stop`, and the batch stops in order.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="batch")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def _retry_in(settings: Settings, path: Path, *, failed: bool) -> float | None:
    """Seconds after which a file that failed (`failed`: in this run) is tried again by itself; None when it is not."""
    failure = keep.read_failure(settings.data, str(path.absolute()))
    if failed and (failure is None or (failure.get("size"), failure.get("mtime_ns")) != state_of(path)):
        # a disk that is full keeps no failure either: nothing else would ever bring the call back
        return retry.FIRST_WAIT.total_seconds()
    if failure is None or failure["status"] != "retry" or not failure["next_at"]:
        return None
    left = (dt.datetime.fromisoformat(failure["next_at"]) - dt.datetime.now(dt.UTC)).total_seconds()
    return min(max(left, 0.0), retry.LONGEST_WAIT.total_seconds()) + 1.0


def _listen(inbox: Path, data: Path, hint: threading.Event, stop: threading.Event) -> None:
    """Turn file system events into hints; where there are none, the rescan does."""
    import watchfiles

    own = data.resolve()
    inside = inbox.resolve() in own.parents
    usual = watchfiles.DefaultFilter()

    def of_users(change: watchfiles.Change, path: str) -> bool:
        # each look is written down in the data folder: a hint for the next one it must not be
        return usual(change, path) and not (inside and Path(path).resolve().is_relative_to(own))

    try:
        for _ in watchfiles.watch(
            inbox, watch_filter=of_users, stop_event=stop, rust_timeout=1000, yield_on_timeout=False
        ):
            hint.set()
    except (OSError, RuntimeError) as error:
        log.warning("no file system events for %s (%s): looking every %s s", inbox, error, RESCAN_S)


def _wait(seconds: float, hint: threading.Event, stop: threading.Event) -> None:
    """Until a hint, the end of `seconds`, or the stop; in small steps, because two events are waited for."""
    step = 0.5
    for _ in range(max(1, round(seconds / step))):
        if stop.wait(step) or hint.is_set():
            return
