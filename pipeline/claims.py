"""Who is working on which call: one file per call, created atomically, kept alive by a heartbeat.

A claim is stale when its process is gone from this machine, or when its heartbeat differs from the file system's own
clock by more than `STALE_S`. Taking a live claim by mistake (a clock that jumps) costs a second reading of one call
and nothing else: every write is idempotent.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import StoreError

BEAT_S = 15.0
STALE_S = 120.0
UNNAMED_S = 5.0
"""Writing a name takes no longer: a claim without one belongs to nobody after it."""


class Claims:
    """The claims of one process in `folder`; a context manager that lets all of them go at the end."""

    def __init__(self, folder: Path, *, beat_s: float = BEAT_S, stale_s: float = STALE_S) -> None:
        self._folder = folder
        self._stale_s = stale_s
        self._beat_s = beat_s
        self._held: set[Path] = set()
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Claims:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        self._thread = threading.Thread(target=self._run, name="claims", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        for path in list(self._held):
            self.release(path.stem)

    def take(self, key: str) -> bool:
        """Claim `key` (a content hash); False when another live process holds it, or this one already does.

        Raises `StoreError` when the folder cannot be written.
        """
        path = self._folder / f"{key}.claim"
        try:
            if self._create(path):
                return True
            if self._stale(path):
                with FileLock(self._folder / "steal.lock"):
                    if self._stale(path):
                        path.unlink(missing_ok=True)
                return self._create(path)
        except OSError as error:
            raise _unusable(path, error) from error
        return False

    def release(self, key: str) -> None:
        """Let a claim go; one that somebody else took over stays."""
        path = self._folder / f"{key}.claim"
        with self._guard:
            held = path in self._held
            self._held.discard(path)
        if held and _owner(path).get("pid") == os.getpid():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove stale claims that earlier processes left behind; how many. Raises `StoreError` where it cannot."""
        try:
            stale = [path for path in sorted(self._folder.glob("*.claim")) if self._stale(path)]
            if not stale:
                return 0
            with FileLock(self._folder / "steal.lock"):
                for path in stale:
                    if self._stale(path):
                        path.unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        return len(stale)

    def beat(self) -> None:
        """Renew all held claims now."""
        with self._guard:
            held = list(self._held)
        for path in held:
            with contextlib.suppress(OSError):
                os.utime(path)

    def _run(self) -> None:
        while not self._stop.wait(self._beat_s):
            self.beat()

    def _create(self, path: Path) -> bool:
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "started": process_start(os.getpid())}
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(owner, file)
        except OSError:
            # a full disk: a claim that names nobody would stand in the way
            path.unlink(missing_ok=True)
            raise
        with self._guard:
            self._held.add(path)
        return True

    def _stale(self, path: Path) -> bool:
        try:
            beaten = path.stat().st_mtime
        except FileNotFoundError:
            return False
        owner = _owner(path)
        if owner.get("host") == socket.gethostname() and "pid" in owner:
            return not process_alive(int(owner["pid"]), owner.get("started"))
        # one that names nobody is being written this moment, or whoever wrote it was killed at it
        limit = self._stale_s if owner else min(UNNAMED_S, self._stale_s)
        return abs(self._file_system_now() - beaten) > limit

    def _file_system_now(self) -> float:
        """The clock that stamps the claims: on a network drive the server's, not this machine's."""
        probe = self._folder / f".now-{os.getpid()}-{threading.get_ident()}"
        probe.write_bytes(b"")
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether nobody else is inside with the same lock file, in any process; nobody comes in until the end. Whoever is
    killed lets go.

    Raises `StoreError` where the file cannot be written.
    """
    lock = FileLock(path, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise _unusable(path, error) from error
    except NotImplementedError as error:  # a file system without locks
        raise StoreError(f"{path}: {error}; put the data folder on another drive") from error
    try:
        yield True
    finally:
        lock.release()


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be written ({error.strerror or error}); check the folder and its space")


def _owner(path: Path) -> dict[str, Any]:
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return row if isinstance(row, dict) else {}


def process_alive(pid: int, started: str | None) -> bool:
    """True while the process that was `pid` at its start `started` lives; a reused pid is another process."""
    now = process_start(pid)
    return now is not None and now == started


def process_start(pid: int) -> str | None:
    """A process's start time in clock ticks (Linux); "alive" where the system does not tell, None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return "alive"
    return "alive"
