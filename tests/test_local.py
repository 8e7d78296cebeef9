"""A process of ours, Prefect's server, ends with the one that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from waiting import wait_for

from pipeline.claims import process_start


def test_a_process_ends_with_the_one_that_wants_it_so_however_that_goes() -> None:
    code = (
        "import os, signal, subprocess, sys\n"
        "from flows.local import end_with_us\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], **quiet)\n"
        "end_with_us(child.pid)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    wait_for(lambda: process_start(pid) is None, "the end of the process")
