"""What the processes of the load test take: memory by role over time, and processor time, read from /proc (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
ROLES = ("flow", "worker", "Prefect's server", "web app", "standings")


@dataclass
class Taken:
    """One role: the peak (MB) of its largest process, and what its processes held at each look, in MB."""

    peak_mb: float = 0.0
    held_mb: list[float] = field(default_factory=list)
    cpu_s: dict[int, float] = field(default_factory=dict)


class Processes:
    """Looks at two processes and what they started; `roots` are their ids by role."""

    def __init__(self, roots: dict[str, int]) -> None:
        self._roots = roots
        self.by_role: dict[str, Taken] = {role: Taken() for role in ROLES}

    def look(self) -> None:
        """Note what each holds now."""
        parents = _parents()
        held = dict.fromkeys(ROLES, 0.0)
        for pid, root in _below(parents, self._roots).items():
            role = self._role(pid, root)
            found = _memory_mb(pid)
            if role is None or found is None:
                continue
            peak, now = found
            taken = self.by_role[role]
            taken.peak_mb = max(taken.peak_mb, peak)
            taken.cpu_s[pid] = _cpu_s(pid)
            held[role] += now
        for role, megabytes in held.items():
            self.by_role[role].held_mb.append(megabytes)

    def _role(self, pid: int, root: str) -> str | None:
        if self._roots[root] == pid:
            return root
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except OSError:
            return None
        if "spawn_main" in command:
            return "worker" if root == "flow" else "standings"
        return "Prefect's server" if "uvicorn" in command else None


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return found


def _below(parents: dict[int, int], roots: dict[str, int]) -> dict[int, str]:
    """Process ids that descend from a root, the roots too, by the role of their root."""
    found = {pid: role for role, pid in roots.items()}
    grown = True
    while grown:
        new = {pid: found[parent] for pid, parent in parents.items() if parent in found and pid not in found}
        found |= new
        grown = bool(new)
    return found


def _memory_mb(pid: int) -> tuple[float, float] | None:
    """Peak and present resident memory; None where the process has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return _kilobytes(status, "VmHWM:") / 1024, _kilobytes(status, "VmRSS:") / 1024
    except (OSError, IndexError):
        return None


def _kilobytes(status: str, name: str) -> int:
    return int(status.partition(name)[2].split()[0])


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S
    except (OSError, IndexError):
        return 0.0
