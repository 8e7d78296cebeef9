from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from pipeline.claims import Claims, process_alive, process_start


def plant(folder: Path, *, host: str, pid: int, started: str | None, beaten: float | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "abc.claim"
    path.write_text(json.dumps({"host": host, "pid": pid, "started": started}))
    if beaten is not None:
        os.utime(path, (beaten, beaten))
    return path


def test_a_call_is_claimed_once_and_let_go(tmp_path: Path) -> None:
    with Claims(tmp_path) as claims:
        assert claims.take("abc")
        assert not claims.take("abc")
        claims.release("abc")
        assert claims.take("abc")
    assert list(tmp_path.glob("*.claim")) == []


def test_a_live_process_keeps_its_claim(tmp_path: Path) -> None:
    path = plant(tmp_path, host=socket.gethostname(), pid=os.getpid(), started=process_start(os.getpid()), beaten=1.0)
    with Claims(tmp_path) as claims:
        assert not claims.take("abc")
        assert claims.sweep() == 0
    assert path.exists()


@pytest.mark.parametrize("pid", [2**22 + 1, os.getpid()], ids=["nobody", "somebody else now"])
def test_the_claim_of_a_dead_process_is_taken_over_even_when_its_number_was_given_anew(
    tmp_path: Path, pid: int
) -> None:
    plant(tmp_path, host=socket.gethostname(), pid=pid, started="long ago")
    with Claims(tmp_path) as claims:
        assert claims.take("abc")


@pytest.mark.parametrize(("shift", "taken"), [(0.0, False), (-10.0, False), (-3600.0, True), (3600.0, True)])
def test_another_machines_claim_lives_by_its_heartbeat(tmp_path: Path, shift: float, taken: bool) -> None:
    path = plant(tmp_path, host="elsewhere", pid=1, started="1")
    now = path.stat().st_mtime
    os.utime(path, (now + shift, now + shift))
    with Claims(tmp_path) as claims:
        assert claims.take("abc") is taken


@pytest.mark.parametrize(("age_s", "taken"), [(0.0, False), (10.0, True)])
def test_a_claim_whose_owner_was_killed_while_writing_it_is_soon_nobodys(
    tmp_path: Path, age_s: float, taken: bool
) -> None:
    path = tmp_path / "abc.claim"
    path.touch()
    made = path.stat().st_mtime - age_s
    os.utime(path, (made, made))
    with Claims(tmp_path) as claims:
        assert claims.take("abc") is taken


def test_a_heartbeat_renews_what_is_held(tmp_path: Path) -> None:
    with Claims(tmp_path) as claims:
        claims.take("abc")
        os.utime(tmp_path / "abc.claim", (1.0, 1.0))
        claims.beat()
        assert (tmp_path / "abc.claim").stat().st_mtime > 1.0


def test_a_claim_that_somebody_took_over_is_not_removed(tmp_path: Path) -> None:
    with Claims(tmp_path) as claims:
        claims.take("abc")
        path = plant(tmp_path, host="elsewhere", pid=-1, started="1")
    assert path.exists()


def test_sweeping_removes_stale_claims_only(tmp_path: Path) -> None:
    plant(tmp_path, host=socket.gethostname(), pid=2**22 + 1, started="1")
    with Claims(tmp_path) as claims:
        claims.take("def")
        assert claims.sweep() == 1
        assert (tmp_path / "def.claim").exists()


def test_processes_are_told_apart_by_their_start() -> None:
    assert process_alive(os.getpid(), process_start(os.getpid()))
    assert not process_alive(os.getpid(), "other")
    assert not process_alive(2**22 + 1, None)
