"""The command line as others call it: every command is there, explains itself, and starts fast."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import app

ROOT = Path(__file__).parents[1]

COMMANDS = (
    "demo", "process", "watch", "nightly", "serve", "transcribe", "score", "scorecard", "gaps", "training", "snippets",
    "account", "plan", "rubric check", "rubric diff", "models list", "models pull", "models check", "rescore", "export",
    "erase", "doctor", "rebuild", "backup", "roles", "voices list", "voices enrol", "voices forget",
    "review", "dispute", "calibrate", "users add", "users list", "users role", "users disable", "users enable",
    "users password", "users link", "users token", "users email", "users unlink",
    "webhooks list", "webhooks test", "webhooks send", "webhooks retry",
    "erase", "doctor", "rebuild", "backup", "standings", "coach", "live", "commitments", "accountability", "import",
    "consent", "tidy", "digest", "calendar", "crm export", "crm push", "training done", "training drop",
    "training reopen", "training due", "training note", "training assign", "training reminders", "training effects",
    "training modules", "training edit",
)  # fmt: skip

READING = (
    "process", "transcribe", "score", "scorecard", "gaps", "training", "snippets", "account", "plan", "rubric check",
    "rubric diff", "models list", "models check", "doctor", "nightly", "roles", "voices list", "calibrate",
    "users list", "webhooks list", "webhooks test", "webhooks send", "standings", "coach", "live", "commitments",
    "accountability", "digest", "crm export", "training reminders", "training effects", "training modules",
)  # fmt: skip


def help_of(command: str) -> str:
    result = CliRunner().invoke(
        app, [*command.split(), "--help"], prog_name="debrief", env={"COLUMNS": "80", "TERM": "dumb"}
    )
    assert result.exit_code == 0, result.output
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there_and_explains_itself(command: str) -> None:
    text = help_of(command)
    assert f"debrief {command}" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", READING)
def test_every_reading_command_takes_json(command: str) -> None:
    assert "--json" in help_of(command)


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith(("models", "rubric check"))])
def test_every_command_that_has_one_takes_the_data_folder(command: str) -> None:
    assert "--data" in help_of(command)


def parameters() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def walk(command: Any, path: str) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{path} {name}".strip())
        found.extend((path, parameter) for parameter in command.params)

    walk(typer.main.get_command(app), "")
    return found


def test_every_option_and_argument_says_what_it_is_for() -> None:
    silent = [f"{path}: {p.name}" for path, p in parameters() if not (p.help or "").strip()]
    assert silent == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    group, _, rest = command.partition(" ")
    pattern = rf"debrief {group} [^\n`]*\b{rest}\b" if rest else rf"debrief {group}\b"
    assert re.search(pattern, text), f"README.md does not mention `debrief {command}`"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pipeline.cli import main\n"
        "sys.argv = ['debrief', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert "Recorded sales calls in" in done.stdout
    heavy = {
        "torch",
        "transformers",
        "pyannote",
        "prefect",
        "sklearn",
        "faster_whisper",
        "duckdb",
        "numpy",
        "av",
        "yaml",
    }
    assert loaded & heavy == set()


def test_a_wrong_command_is_said_with_the_nearest_right_one() -> None:
    done = run("proces")
    assert done.returncode == 2
    assert "Did you mean 'process'" in done.stderr


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **environment},
    )


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["erase", "--data", "nowhere-at-all"], 2, "name a call or a person"),
        (["erase", "--call", "x", "--data", "nowhere-at-all"], 1, "no such data folder"),
        (["digest", "--rep", "Ann", "--team", "North"], 2, "of a rep or of a team, not both"),
        (["calibrate", "--who", "Ann"], 2, "--sample"),
        (["live", "a.txt", "--idle", "-1"], 2, "--idle"),
        (["consent", "maybe", "x", "--data", "nowhere-at-all"], 2, "one of yes, no, unknown"),
        (["scorecard", "--data", "nowhere-at-all"], 1, "nowhere-at-all: no such data folder"),
        (["rubric", "check", "none.yaml"], 1, "none.yaml: no such rubric"),
        (["process", "gone.wav", "--rubric", "none", "--data", "nowhere-at-all"], 1, "none: no such rubric"),
        (["export", "--format", "xml", "--data", "nowhere-at-all"], 2, "one of jsonl, csv, parquet"),
    ],
)
def test_what_is_wrong_is_one_line_and_no_traceback(args: list[str], code: int, words: str) -> None:
    done = run(*args)
    assert done.returncode == code
    assert words in re.sub(r"[\s│]+", " ", done.stderr)
    assert "Traceback" not in done.stderr
    assert not (ROOT / "nowhere-at-all").exists()


def result_of(*words: str) -> tuple[int, str]:
    """The exit code and all that was said, in this process."""
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "80", "TERM": "dumb"})
    return done.exit_code, " ".join(re.sub(r"[\s│]+", " ", f"{done.output} {done.exception or ''}").split())


READS = (
    "users list", "users role Ann rep", "users disable Ann", "voices list", "voices forget Ann", "webhooks list",
    "webhooks retry x", "scorecard", "digest", "roles", "rescore", "tidy", "rebuild", "backup x.tar.gz", "export x",
)  # fmt: skip


@pytest.mark.parametrize("command", READS)
def test_what_only_reads_makes_no_data_folder(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = result_of("--data", "typo", *command.split())
    assert (code, "typo: no such data folder" in said) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["process .", "doctor", "users list", "serve", "nightly"])
@pytest.mark.parametrize("inside", ["", "/sub/er"])
def test_a_file_in_the_data_folders_place_is_named(command: str, inside: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, said = result_of("--data", f"{tmp_path}/file{inside}", *command.split())
    assert (code, f"{tmp_path}/file: is a file, not a folder" in said) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ["process", ""], ["process", "a", " "], ["watch", ""], ["--data", "", "users", "list"], ["export", ""],
        ["score", ""], ["transcribe", ""], ["transcribe", "a", "--out", ""], ["live", ""], ["import", "quota", ""],
        ["voices", "enrol", "Ann", "", "--consent", "signed"], ["crm", "export", "--out", " "], ["digest", "--out", ""],
    ],
)  # fmt: skip
def test_an_empty_path_is_no_path(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = result_of(*words)
    assert (code, "the path is empty" in said) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_watched_folder_that_there_was_not_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cli.run._watch", lambda *_: None)
    monkeypatch.setattr("pipeline.cli.run.signal.signal", lambda *_: None)
    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "calls").mkdir()
    said = {
        name: result_of("--data", str(tmp_path / "data"), "watch", str(tmp_path / name))[1]
        for name in ("calls", "cals")
    }
    assert "no such folder yet: it is made" in said["cals"].replace("\n", " ")
    assert "no such folder" not in said["calls"]


def test_a_file_is_not_watched(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, said = result_of("--data", str(tmp_path / "data"), "watch", str(tmp_path / "file"))
    assert (code, "is a file, not a folder; watch its folder" in said) == (1, True)


def test_what_shows_scores_does_not_load_what_makes_them_nor_pandas(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, pipeline.coach.commands, pipeline.web.app\n"
        "from pipeline.store import Store\n"
        "with Store(pathlib.Path(sys.argv[1])) as store: print(store.query('SELECT ? AS one', ['1']))\n"
        "print([name for name in ('torch', 'pandas', 'prefect') if name in sys.modules])\n"
        "import pandas; print(pandas.DataFrame({'one': [1]}).one.sum())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "[{'one': '1'}]\n[]\n1\n"


def test_an_output_that_is_closed_or_full_is_no_bug_of_ours() -> None:
    command = f"'{sys.executable}' -m pipeline.cli rubric check sales_call --json"

    def done(end: str) -> tuple[int, str]:
        made = subprocess.run(["sh", "-c", command + end], capture_output=True, text=True, check=False, cwd=ROOT)
        return made.returncode, made.stderr

    assert done(" >&-") == (0, "")
    assert done(" | true; true") == (0, "")
    if Path("/dev/full").exists():
        code, said = done(" >/dev/full")
        assert (code, said) == (1, "debrief: the output: no space is left on the disk; make room and run it again\n")


def test_what_debrief_writes_is_closed_to_other_users_of_the_machine(tmp_path: Path) -> None:
    data = tmp_path / "data"
    rows = tmp_path / "calls.csv"
    rows.write_text("rep,date,calls\nAnn,2026-10-06,3\n")
    command = [sys.executable, "-m", "pipeline.cli", "import", "activity", str(rows), "--data", str(data)]
    subprocess.run(command, check=True, umask=0o022, capture_output=True, cwd=ROOT)
    made = [data, *data.rglob("*")]
    assert len(made) > 2
    assert [path for path in made if path.lstat().st_mode & 0o007] == []


def test_a_wrong_role_is_said_before_a_password_is_asked_for(tmp_path: Path) -> None:
    code, said = result_of("--data", str(tmp_path), "users", "add", "Ann", "--role", "king")
    assert (code, "king: no such role" in said) == (1, True)


@pytest.mark.parametrize("command", ["nightly", "watch"])
def test_a_folder_that_prefect_could_not_write_is_said_at_once(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("flows.local.tempfile.TemporaryFile", refused)
    code, said = result_of("--data", str(tmp_path), command)
    assert (code, "prefect: cannot be written (Permission denied)" in said) == (1, True)
    assert "PREFECT_HOME" not in os.environ


@pytest.mark.parametrize(
    ("kind", "problems", "expected"),
    [("input", [], 0), ("crash", [], 1), ("", [], 1), ("input", ["digest not sent"], 1)],
)
def test_a_file_that_is_no_call_fails_no_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, problems: list[str], expected: int
) -> None:
    from flows import nightly
    from flows.process import summary
    from pipeline.plan import Outcome, Plan

    def one_night(caller: Any, settings: Any) -> dict[str, Any]:
        old = Outcome(Path("/in/old.wav"), "failed", "no speech", known=True, kind="engine")
        new = Outcome(Path("/in/new.wav"), "failed", "no sound", kind=kind)
        caller.on_plan(Plan((), (old, new)))
        return {
            "backlog": summary((old, new)),
            "rescored": summary(()),
            "store": "",
            "assigned": [],
            "problems": problems,
        }

    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.setenv(name, "unused")
    monkeypatch.setattr(nightly, "run_nightly", one_night)
    code, said = result_of("--data", str(tmp_path), "nightly")
    assert code == expected
    # what an earlier night said already is not said by every further one
    assert ("/in/new.wav" in said, "/in/old.wav" in said) == (True, False)
