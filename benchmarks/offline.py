"""Nothing leaves the machine: the main path with the network blocked, twice over.

    python -m benchmarks.offline [--audio]

Each command runs in a network namespace that holds nothing but loopback (`unshare`, where the system allows it), and in
every Python process of it each attempt to reach anything but loopback or a local socket is refused and counted. What
libraries try that are not Python is counted by the namespace. What is printed is the commands with their exit codes
and the attempts. `--audio` hears a recording too (minutes).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_calls" / "inbox"

GUARD = """
import os, socket, sys
def _guard(event, args):
    if event == "socket.connect" and args[0].family != getattr(socket, "AF_UNIX", None):
        host = str(args[1][0]) if isinstance(args[1], tuple) else str(args[1])
        if not (host.startswith("127.") or host in ("::1", "localhost")):
            _refuse(f"connect {args[1]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
        if host not in (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1", "::", socket.gethostname()):
            _refuse(f"look up {args[0]}")
    elif event == "socket.sendto" and isinstance(args[1], tuple) and not str(args[1][0]).startswith("127."):
        _refuse(f"send to {args[1]}")
def _refuse(what):
    with open(os.environ["DEBRIEF_ATTEMPTS"], "a") as file:
        file.write(f"{what} by {sys.argv[:3]}\\n")
    raise OSError(101, "the network is blocked")
sys.addaudithook(_guard)
"""
"""What `sitecustomize` does in every Python process: refuses and notes what is not local."""

ALONE = """
import fcntl, os, re, socket, struct, subprocess, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
code = subprocess.call(sys.argv[1:])
heads, numbers = (line.split() for line in open("/proc/net/snmp") if line.startswith("Ip:"))
lost = int(numbers[heads.index("OutNoRoutes")])
if os.path.exists("/proc/net/snmp6"):
    lost += int(re.search(r"Ip6OutNoRoutes\\s+(\\d+)", open("/proc/net/snmp6").read())[1])
if lost:
    with open(os.environ["DEBRIEF_ATTEMPTS"], "a") as file:
        file.write(f"{lost} packets that had nowhere to go by {sys.argv[1:]}\\n")
sys.exit(code)
"""
"""Brings the namespace's own loopback up (SIOCSIFFLAGS), runs the command in it, and notes what wanted to get out."""


def alone() -> list[str]:
    """What to put before a command so that it has no network but loopback; empty where the system does not allow it."""
    if shutil.which("unshare") is None:
        return []
    prefix = ["unshare", "--map-root-user", "--net", sys.executable, "-c", ALONE]
    done = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if done.returncode == 0 else []


def commands(data: Path, out: Path, *, audio: bool = False) -> list[list[str]]:
    """The main path, from an inbox to erasing."""
    inbox = data / "inbox"
    names = ["process", str(inbox)], ["scorecard"], ["standings"], ["gaps"], ["training"], ["snippets"], ["account"]
    tail = ["digest"], ["export", str(out / "export")], ["backup", str(out / "save.tar.gz")], ["doctor"], ["tidy"]
    hear = [["transcribe", str(next(SAMPLES.rglob("*Lakeside*.wav")))]] if audio else []
    return [*names, *hear, ["nightly"], *tail, ["erase", "--person", "Priya Nair", "--yes", "--recordings"]]


def run(
    folder: Path, *, isolated: bool, audio: bool = False, only: Sequence[str] = ()
) -> tuple[list[tuple[str, int, str]], list[str]]:
    """Run the path in a folder of its own: (command, exit code, last words) of each, and the attempts.

    `only`: no other commands than these.
    """
    data, guard = folder / "data", folder / "guard"
    guard.mkdir(parents=True)
    (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    attempts = folder / "attempts.txt"
    attempts.touch()
    (data / "inbox").mkdir(parents=True)
    for path in [item for item in sorted(SAMPLES.rglob("*Nair/*")) if item.suffix in (".vtt", ".srt", ".txt", ".json")]:
        target = data / "inbox" / path.relative_to(SAMPLES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {
        "PYTHONPATH": f"{guard}{os.pathsep}{ROOT}",
        "DEBRIEF_DATA": str(data),
        "DEBRIEF_ATTEMPTS": str(attempts),
        "COLUMNS": "100",
    }
    results = []
    for args in commands(data, folder, audio=audio):
        if only and args[0] not in only:
            continue
        done = subprocess.run(
            [*(alone() if isolated else ()), sys.executable, "-m", "pipeline.cli", *args],
            capture_output=True, text=True, env=environment, cwd=folder, timeout=900, check=False,
        )  # fmt: skip
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        results.append((" ".join(args[:1]), done.returncode, said[-1] if said else ""))
    return results, attempts.read_text().splitlines()


def main() -> None:
    """Print what ran and what was attempted; exit 1 where anything failed or reached out."""
    isolated = bool(alone())
    with tempfile.TemporaryDirectory() as folder:
        results, attempts = run(Path(folder), isolated=isolated, audio="--audio" in sys.argv)
    print("network namespace:", "of its own, loopback only" if isolated else "not allowed here; only refused in Python")
    for command, code, said in results:
        print(f"{code}  {command}  {said[:90]}")
    print(f"attempts to reach anything but this machine: {len(attempts)}")
    for line in attempts:
        print(f"  {line}")
    if attempts or any(code for _, code, _ in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
