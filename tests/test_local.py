"""What runs beside: Prefect's server ends with the one that started it, a batch raises what went wrong in it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
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


def test_a_batch_beside_the_main_thread_raises_what_went_wrong() -> None:
    from flows.watch import _beside
    from pipeline.errors import RubricError

    def wrong() -> None:
        assert threading.current_thread() is not threading.main_thread()
        raise RubricError("line 3")

    with pytest.raises(RubricError):
        _beside(wrong)
