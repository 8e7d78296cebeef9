"""What the scenarios share: a data folder and an inbox, processes that are hurt, and the count afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATH = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
REPS = ("Ann", "Bea", "Cem", "Dov")


@dataclass
class Finding:
    """What came of a scenario."""

    faults: int = 0
    dropped: int = 0
    stored: int = 0
    listed: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        return "FAILED" if self.problems else "ok"

    def line(self) -> str:
        return (
            f"{self.faults} faults, {self.dropped} files dropped, {self.stored} in the store, {self.listed} listed, "
            f"{self.acknowledged} acknowledged, {self.seconds:.0f} s; {'; '.join(self.problems) or 'nothing lost'}"
        )

    def cells(self) -> str:
        numbers = (self.faults, self.dropped, self.stored, self.listed, self.acknowledged, len(self.problems))
        return " | ".join([*map(str, numbers), f"{self.seconds:.0f}"])

    def row(self) -> dict[str, Any]:
        return dict(vars(self))


class Child:
    """A process of `torture_child`, started without waiting; what it acknowledged can be read after its end."""

    def __init__(self, data: Path, role: str, *args: str, env: dict[str, str] | None = None, **options: Any) -> None:
        self._out = data.parent / f"out-{time.monotonic_ns()}"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.torture_child", role, str(data), *args],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": PATH, "DO_NOT_TRACK": "1", **(env or {})},
                start_new_session=True,
                **options,
            )

    def kill(self) -> None:
        """End this process alone with -9, and wait until it has gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait(self, timeout_s: float = 120.0) -> int:
        return self.process.wait(timeout_s)

    def lines(self) -> list[str]:
        return self._out.read_text(encoding="utf-8", errors="replace").splitlines()

    def wait_for(self, word: str, timeout_s: float = 60.0) -> bool:
        """True when it has said `word`, False when it ended before."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if word in self.lines():
                return True
            if self.process.poll() is not None:
                return word in self.lines()
            time.sleep(0.01)
        return False

    def acknowledged(self) -> list[dict[str, Any]]:
        """The outcomes and facts that it said were done; a last line that the kill cut short was not said."""
        return [json.loads(line[4:]) for line in self.lines() if line.startswith("ack {") and line.endswith("}")]

    def children(self) -> list[int]:
        """Process ids of its worker processes."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid and "spawn_main" in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
            except (OSError, ValueError, IndexError):
                continue
        return found


class World:
    """One scenario's folders, what was dropped, and what debrief said it had done."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.inbox = folder / "inbox"
        self.chance = chance
        self.found = Finding()
        self.dropped: list[Path] = []
        self.facts: set[str] = set()
        self.shas: set[str] = set()
        self._number = 0

    def drop(self, count: int, words: tuple[str, ...] = ("ok",)) -> list[Path]:
        """Put new calls into the inbox, whole, as a rename does."""
        made = []
        for _ in range(count):
            self._number += 1
            rep = self.chance.choice(REPS)
            path = (
                self.inbox
                / "North"
                / rep
                / f"2026-0{self.chance.randint(1, 9)}-1{self._number % 10}_a{self._number}.wav"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{self.chance.choice(words)} {self._number}")
            made.append(path)
        self.dropped += made
        return made

    def child(self, role: str, *args: str, **options: Any) -> Child:
        return Child(self.data, role, str(self.inbox), *args, **options)

    def note(self, child: Child) -> None:
        """Remember what a child acknowledged, and look for it at once."""
        for row in child.acknowledged():
            self.found.acknowledged += 1
            if "fact" in row:
                self.facts.add(row["fact"])
            elif row["status"] in ("scored", "abstained", "review"):
                self.shas.add(row["sha256"])
                if not self._kept(row["sha256"]):
                    self.problem(f"acknowledged and not there: {row['path']}")

    def problem(self, text: str) -> None:
        self.found.problems.append(text)

    def _kept(self, sha256: str) -> bool:
        from pipeline import keep

        return keep.latest_record(self.data, sha256) is not None

    def finish(self, *, rounds: int = 3) -> Finding:
        """Let debrief work undisturbed until a run finds nothing left to do, at most `rounds` times, then count."""
        for _ in range(rounds):
            child = self.child("flow")
            if child.wait(600) != 0:
                self.problem(f"an undisturbed run failed: {child.lines()[-3:]}")
            self.note(child)
            if not child.acknowledged():
                break
        self.count()
        return self.found

    def count(self) -> None:
        """Every dropped file exactly once in the store, or listed with its reason; and the tables agree."""
        from pipeline import ingest, keep
        from pipeline.store import Store

        with Store(self.data, wait_s=60.0) as store:
            store.ingest()
            calls = Counter(row["sha256"] for row in store.query("SELECT sha256 FROM calls"))
            listed = {row["path"]: row["reason"] for row in store.query("SELECT path, reason FROM failures")}
            facts = {row["assignment_id"] for row in store.query("SELECT assignment_id FROM assignments")}
            numbers = store.query(
                "SELECT (SELECT count(*) FROM calls) AS calls, (SELECT count(*) FROM turns) AS turns, "
                "(SELECT count(*) FROM calls WHERE status = 'scored') AS scored, "
                "(SELECT coalesce(sum(n), 0) FROM criterion_weeks) AS levels, "
                "(SELECT coalesce(sum(n), 0) FROM call_weeks) AS weeks, "
                "(SELECT count(*) FROM records WHERE problem IS NOT NULL) AS damaged"
            )[0]
        self.found.dropped = len(self.dropped)
        for path in self.dropped:
            times = calls.get(ingest.hash_file(path), 0)
            if times == 1:
                self.found.stored += 1
            elif times == 0 and listed.get(str(path.absolute())):
                self.found.listed += 1
            else:
                self.problem(f"{path.name}: {times} times in the store, listed: {listed.get(str(path))}")
        if sum(calls.values()) != self.found.stored:
            self.problem(f"{sum(calls.values())} calls in the store, {self.found.stored} of them dropped")
        expected = (3 * numbers["calls"], 2 * numbers["scored"], numbers["calls"])
        if (numbers["turns"], numbers["levels"], numbers["weeks"]) != expected:
            self.problem(f"tables disagree: {numbers}")
        for sha256 in self.shas:
            if keep.latest_record(self.data, sha256) is None or calls.get(sha256) != 1:
                self.problem(f"acknowledged and lost: {sha256}")
        if self.facts - facts:
            self.problem(f"{len(self.facts - facts)} acknowledged facts lost")
        left = list((self.data / "claims").glob("*.claim"))
        if left:
            self.problem(f"{len(left)} claims left")
