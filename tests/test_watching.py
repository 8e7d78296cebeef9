"""What `debrief watch` shows, and says in its status file."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from pipeline import erased
from pipeline.cli.watching import Watching, panel
from pipeline.plan import Job, Outcome, Plan
from pipeline.settings import Settings
from pipeline.status import watchers


def sink(*, terminal: bool) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=100, highlight=False, markup=False), out


def shown(row: object) -> str:
    console, out = sink(terminal=False)
    console.print(panel(row))  # type: ignore[arg-type]
    return out.getvalue()


def test_the_panel_and_the_status_file_say_the_same(settings: Settings) -> None:
    console, out = sink(terminal=True)
    with Watching(console, settings) as board:
        assert watchers(settings.data)[0]["looked"] == ""
        board.look(12, 3)
        board.start(Job("hear", "ab" * 32, Path("/in/a\x1b[2J.wav")))
        board.plan(Plan((), (Outcome(Path("/in/old.wav"), "failed", "no speech", known=True),)))
        (row,) = watchers(settings.data)
        assert (row["state"], row["files"], row["waiting"], row["alive"]) == ("working", 12, 2, True)
        assert row["now"] == ["a\N{REPLACEMENT CHARACTER}[2J.wav"]
        board.outcome(Outcome(Path("/in/a.wav"), "failed", "/in/a.wav: no speech", sha256="ab" * 32))
        board.outcome(Outcome(Path("/in/b.wav"), "scored"))
        board.problem("rubric.yaml: line 3\nis wrong")
        (row,) = watchers(settings.data)
        assert row["counts"] == {"failed": 1, "scored": 1}
        assert row["looked"] >= row["since"]
        text = shown(row)
        for words in (
            f"last look at the folder: {row['looked'][11:19]} UTC",
            "problem: ",
            "12 files, 0 waiting",
            "1 failed, 1 scored",
            "/in/a.wav: no speech",
            "line 3 is wrong",
        ):
            assert words in text
        board.look(12, 0)
        assert watchers(settings.data)[0]["state"] == "watching"
    assert watchers(settings.data) == []
    assert "12 files" in out.getvalue()


def test_without_a_terminal_each_file_that_needs_a_word_has_its_line(settings: Settings) -> None:
    console, out = sink(terminal=False)
    with Watching(console, settings) as board:
        board.look(3, 3)
        board.outcome(Outcome(Path("/in/a.wav"), "scored"))
        board.outcome(Outcome(Path("/in/b.wav"), "failed", "/in/b.wav: no speech"))
        board.outcome(Outcome(Path("/in/c.wav"), "failed", "/in/c.wav: known", known=True))
        board.batch_done()
    assert out.getvalue().splitlines() == [
        "3 new of 3 files",
        "failed: /in/b.wav: no speech",
        "  1 scored, 1 failed",
    ]


def test_files_that_only_wait_are_counted_and_have_no_line_each(settings: Settings) -> None:
    jobs = tuple(Job("hear", f"{n:064x}", Path(f"/in/{n}.wav")) for n in range(4))
    console, out = sink(terminal=False)
    with Watching(console, settings) as board:
        unwanted = Outcome(Path("/in/no.wav"), "stopped", "/in/no.wav: consent was refused; run it again", sha256="ff")
        board.plan(Plan(jobs, (unwanted,)))
        board.start(jobs[0])
        board.outcome(Outcome(jobs[3].path, "busy", "/in/3.wav: another debrief is at it", sha256=jobs[3].sha256))
        for job in jobs[:3]:
            board.outcome(Outcome(job.path, "stopped", f"{job.path}: stopped; run it again", sha256=job.sha256))
        (row,) = watchers(settings.data)
        board.batch_done()
    assert row["counts"] == {"stopped": 2}
    assert out.getvalue().splitlines() == [
        "stopped: /in/no.wav: consent was refused; run it again",
        "stopped: /in/0.wav: stopped; run it again",
        "  1 busy elsewhere, 4 stopped",
    ]


def test_a_word_on_a_file_that_only_waited_before_is_said(settings: Settings) -> None:
    job = Job("hear", "aa" * 32, Path("/in/a.wav"))
    reason = "/in/a.wav: consent was refused, but what is kept could not be erased; run it again"
    console, out = sink(terminal=False)
    with Watching(console, settings) as board:
        board.plan(Plan((job,), ()))
        board.outcome(Outcome(job.path, "busy", "/in/a.wav: another debrief is at it", sha256=job.sha256))
        board.plan(Plan((), (Outcome(job.path, "stopped", reason, sha256=job.sha256),)))
    assert out.getvalue().splitlines() == [f"stopped: {reason}"]


def test_what_was_said_before_something_was_erased_is_not_said_again(settings: Settings) -> None:
    console, _ = sink(terminal=False)
    with Watching(console, settings) as board:
        board.outcome(Outcome(Path("/in/Priya Nair.wav"), "scored"))
        assert "Priya Nair" in str(watchers(settings.data)[0]["last"])
        erased.touch(settings.data)
        board.look(1, 0)
        assert watchers(settings.data)[0]["last"] == []
