"""The commands, run in this process on stand-ins for hearing and judging."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakes
import pytest
from typer.testing import CliRunner
from waiting import Clock

from pipeline import batch, cli
from pipeline.cli import demo, progress, render, shared
from pipeline.plan import Job, Outcome, Plan
from pipeline.settings import Settings
from pipeline.types import NEUTRAL, Metrics
from pipeline.wording import clock

Run = Callable[..., Any]


@pytest.fixture
def run(stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Invoke `debrief --data <the test's folder> ARGS`; jobs are done here instead of in worker processes."""

    def inline(jobs: Any, settings: Settings, *, on_start: Any = None, on_outcome: Any = None) -> list[Outcome]:
        made = []
        for job in jobs:
            if on_start:
                on_start(job)
            made.append(batch.Batch(settings, jobs=1)._settle(job, batch.work((job, settings))))
            if on_outcome:
                on_outcome(made[-1])
        return made

    monkeypatch.setattr(batch, "run", inline)

    def invoke(*args: str) -> Any:
        return CliRunner().invoke(cli.app, ["--data", str(settings.data), *args], env={"COLUMNS": "80"})

    return invoke


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for place, word in {
        "North/Ann/2026-09-14_acme": "ok",
        "North/Bea/2026-09-15_beta": "ok two",
        "South/Cy/2026-09-16_core": "noisy",
        "South/Cy/2026-09-17_dent": "silence",
    }.items():
        path = folder / f"{place}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(word)
    return folder


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_processing_says_what_failed_and_exits_with_one(run: Run, inbox: Path) -> None:
    done = run("process", str(inbox))
    assert done.exit_code == 1
    assert done.stdout.strip() == "2 scored, 1 not scored, 1 failed"
    lines = done.stderr.strip().splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["failed", "not scored"]
    assert any("2026-09-17_dent.wav: no speech found" in line for line in lines)
    again = run("process", str(inbox))
    assert again.stdout.strip() == "3 done before, 1 failed"
    assert again.exit_code == 1


def test_processing_what_is_fine_exits_with_zero(run: Run, inbox: Path) -> None:
    assert run("process", str(inbox / "North")).exit_code == 0
    done = run("process", str(inbox / "North"), "--json")
    assert (done.exit_code, [row["status"] for row in rows(done.stdout)]) == (0, ["done", "done"])


def test_every_kind_of_bad_input_has_its_line_and_the_rest_goes_on(run: Run, inbox: Path) -> None:
    (inbox / "empty.wav").write_text("")
    (inbox / "twice.wav").write_text("ok")
    (inbox / "talk.wav.part").write_text("ok")
    done = run("process", str(inbox), str(inbox / "gone.wav"), str(inbox / "talk.wav.part"))
    assert done.exit_code == 1
    said = done.stderr
    for reason in (
        "gone.wav: no such file",
        "empty.wav: empty file",
        "talk.wav.part: half-copied",
        "the same recording as",
    ):
        assert said.count(reason) == 1, reason
    assert "2 scored" in done.stdout


def test_the_scorecard_list_one_call_and_one_rep(run: Run, inbox: Path) -> None:
    run("process", str(inbox))
    listed = run("scorecard")
    assert listed.exit_code == 0
    assert max(map(len, listed.stdout.splitlines())) <= 80
    assert re.search(r"Team North\s+Ann\s+Bea", " ".join(listed.stdout.split()))
    cards = rows(run("scorecard", "--json").stdout)
    assert [(card["status"], card["overall"]) for card in cards] == [
        ("abstained", None),
        ("scored", 50.0),
        ("scored", 50.0),
    ]
    scored = cards[-1]
    assert set(scored) >= {"call_id", "rubric", "judge", "overall", "criteria", "objections", "metrics", "meta"}
    assert set(scored["criteria"]["discovery"]) >= {"level", "status", "confidence", "evidence", "missed"}
    one = run("scorecard", "--call", scored["call_id"][:8])
    assert "Hello, what" in one.stdout
    assert "■■■□  3" in one.stdout
    assert "words by fake, about 10% of them may be wrong" in one.stdout
    assert rows(run("scorecard", "--call", scored["call_id"], "--json").stdout) == [scored]
    assert [row["meta"]["rep"] for row in rows(run("scorecard", "--rep", "ann", "--json").stdout)] == ["Ann"]


@pytest.mark.parametrize(
    ("option", "words"), [("--rep", "no such rep; known: Ann, Bea, Cy"), ("--call", "no such call")]
)
def test_what_does_not_exist_is_said(run: Run, inbox: Path, option: str, words: str) -> None:
    run("process", str(inbox))
    done = run("scorecard", option, "zzzz")
    assert words in str(done.exception)


def test_a_call_without_scores_has_every_metric_as_null(run: Run, inbox: Path) -> None:
    run("process", str(inbox))
    unscored = [row for row in rows(run("scorecard", "--json").output) if row["status"] == "abstained"]
    assert unscored
    for row in unscored:
        assert set(row["metrics"]) == {field.name for field in dataclasses.fields(Metrics)}
        assert set(row["metrics"].values()) == {None}


def test_an_abstained_call_shows_its_reason_and_no_scores(run: Run, inbox: Path) -> None:
    run("process", str(inbox))
    (card,) = rows(run("scorecard", "--rep", "Cy", "--json").stdout)
    assert (card["criteria"], card["overall"]) == ({}, None)
    shown = run("scorecard", "--call", card["call_id"]).stdout
    assert "abstained: about 60% of the words" in " ".join(shown.split())


def test_scoring_prints_cards_under_their_own_ids_and_keeps_nothing(
    run: Run, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "a01.json"
    path.write_text(json.dumps(fakes.transcript_row("a-01")))
    bad = tmp_path / "b.json"
    bad.write_text(json.dumps({"turns": [{"t0": "x", "text": ""}]}))
    done = run("score", str(path), str(bad), str(tmp_path / "gone.json"), "--json")
    assert done.exit_code == 1
    assert [row["call_id"] for row in rows(done.stdout)] == ["a-01"]
    assert len(done.stderr.splitlines()) == 2
    assert not settings.data.exists()
    assert "Hello, what" in run("score", str(path)).stdout


def test_transcribing_prints_transcripts(run: Run, inbox: Path, tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "plain.json"
    path.write_text(json.dumps({**fakes.transcript_row(""), "call_id": ""}))
    recording = inbox / "North/Ann/2026-09-14_acme.wav"
    first, second = rows(run("transcribe", str(recording), str(path), "--json").stdout)
    assert (len(first["turns"]), first["hearing"]["engine"], second["call_id"]) == (3, "fake", "plain")
    text = run("transcribe", str(recording)).stdout
    assert "0:04  buyer:Ann: We lose two days a month on it." in text
    assert not settings.data.exists()


def test_a_transcript_is_written_for_other_tools(run: Run, inbox: Path, tmp_path: Path) -> None:
    recording = inbox / "North/Ann/2026-09-14_acme.wav"
    assert run("transcribe", str(recording), "--format", "vtt").stdout.startswith("WEBVTT")
    done = run("transcribe", str(recording), "--format", "audacity", "--out", str(tmp_path / "out"))
    written = tmp_path / "out" / "2026-09-14_acme.labels.txt"
    assert (done.exit_code, len(written.read_text().splitlines())) == (0, 3)
    again = run("transcribe", str(recording), "--format", "audacity", "--out", str(tmp_path / "out"))
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert "is there already and was left alone" in again.stderr
    assert run("transcribe", str(recording), "--format", "doc").exit_code == 2
    assert run("transcribe").exit_code == 2


def test_a_processed_call_is_written_for_other_tools(run: Run, inbox: Path) -> None:
    run("process", str(inbox / "North"))
    call = rows(run("scorecard", "--json").stdout)[0]["call_id"]
    assert run("transcribe", "--call", call[:8], "--format", "srt").stdout.startswith("1\n00:00:0")
    assert run("transcribe", "--call", call, "--json").stdout.startswith('{"call_id"')
    assert run("transcribe", "--call", "ffffffff").exit_code == 1


def test_scoring_a_recording_is_refused(run: Run, inbox: Path) -> None:
    done = run("score", str(inbox / "North/Ann/2026-09-14_acme.wav"))
    assert done.exit_code == 1
    assert "not a transcript; `debrief process` scores recordings" in " ".join(done.stderr.split())


def test_a_changed_rubric_shows_what_would_move_and_rescore_moves_it(run: Run, inbox: Path, monkeypatch: Any) -> None:
    import sys

    run("process", str(inbox / "North"))
    score = fakes.score_call

    def other(transcript: Any, rubric: Any, *, settings: Any) -> Any:
        import dataclasses

        card = score(transcript, rubric, settings=settings)
        changed = {**card.criteria, "discovery": dataclasses.replace(card.criteria["discovery"], level=2)}
        return dataclasses.replace(card, criteria=changed) if rubric.version == "bbbb" else card

    # the fake rubrics differ in no word, so that only the built-in judge may tell them apart
    with pytest.MonkeyPatch.context() as built_in:
        built_in.setattr(sys.modules["models.judge_card"], "judge_identity", lambda settings: ("embedded", "1"))
        assert "no score of 2 calls would move" in run("rubric", "diff", "a", "b").stdout
        monkeypatch.setattr(sys.modules["pipeline.judge"], "score_call", other)
        monkeypatch.setattr(
            sys.modules["pipeline.rubric"],
            "load_rubric",
            lambda name: fakes.Rubric(version="bbbb" if name == "b" else "aaaa"),
        )
        moved = rows(run("rubric", "diff", "a", "b", "--json").stdout)
    assert sorted((row["rep"], row["criterion"], row["before"], row["after"]) for row in moved) == [
        ("Ann", "discovery", 3, 2),
        ("Bea", "discovery", 3, 2),
    ]
    assert run("rescore").stdout.strip() == "nothing to do"
    assert run("rescore", "--all").stdout.strip() == "2 scored"


def test_rebuild_and_export_and_doctor(run: Run, inbox: Path, tmp_path: Path) -> None:
    run("process", str(inbox / "North"))
    assert run("rebuild").stdout.strip() == "2 calls taken in"
    done = run("export", str(tmp_path / "out"), "--format", "csv")
    assert (done.exit_code, (tmp_path / "out" / "calls.csv").exists()) == (0, True)


def test_text_from_files_cannot_command_the_terminal(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    row = fakes.transcript_row("\x1b[2Jid", rep="\x1b]0;owned\x07Ann[red]")
    row["turns"][0]["text"] = "\x1b[31mHello, [bold]what\u202e now?"
    path.write_text(json.dumps(row))
    for command in ("score", "transcribe"):
        text = run(command, str(path)).stdout
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "[red]" in run("score", str(path)).stdout


def test_the_demo_shows_teams_files_and_the_next_command(
    run: Run, inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SAMPLES", inbox)

    def without_prefect(plan: Plan, settings: Settings, out: Any) -> list[Outcome]:
        return [*plan.settled, *batch.run(plan.jobs, settings)]

    monkeypatch.setattr(demo, "_run", without_prefect)
    monkeypatch.setattr(demo, "assign", lambda store, settings: None)
    monkeypatch.setattr(demo, "PARTS", ())
    for line in ("4 files to process, 4 of them recordings", "all 4 files are done"):
        done = run("demo")
        assert done.exit_code == 0, done.exception
        text = done.stdout
        assert line in text
        assert "Team North" in text
        assert "not scored: South/Cy/2026-09-16_core.wav" in text
        assert "failed: South/Cy/2026-09-17_dent.wav" in text
        assert re.search(r"debrief scorecard --call [0-9a-f]{8} --data", text)
        assert max(map(len, text.splitlines())) <= 100


def test_what_the_demo_names_can_be_typed(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "debrief"
    program.parent.mkdir()
    here = dataclasses.replace(settings, data=tmp_path / "Ann's demo")
    program.touch()
    monkeypatch.setattr("sys.argv", [str(program)])
    reason = (
        "say who sells, each with a --rep: debrief roles e791b3b4 --rep SPEAKER; "
        "`debrief models pull base.en` hears better"
    )
    assert demo.typed(reason, settings) == (
        f"say who sells, each with a --rep: {program} roles --data {settings.data} e791b3b4 --rep SPEAKER; "
        f"`{program} models pull base.en` hears better"
    )
    # what a shell makes of it is what is meant
    tried = shlex.split(demo.typed("`debrief process FILE` tries it again", here).split("`")[1])
    assert tried == [str(program), "process", "--data", str(here.data), "FILE"]
    helped = CliRunner().invoke(cli.app, ["demo", "--help"], env={"COLUMNS": "80", "TERM": "dumb"}).output
    assert "debrief-demo/." in helped
    assert "debrief-data" not in helped


def test_main_turns_every_error_into_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from pipeline.errors import StoreError

    def raising(error: BaseException) -> Callable[..., None]:
        def app(**options: Any) -> None:
            raise error

        return app

    shared.choose_data(tmp_path)
    for error, code, words in [
        (StoreError("x: locked\nby y"), 1, "debrief: x: locked by y\n"),
        (shared.NotThereYet("not there yet"), 2, "debrief: not there yet\n"),
        (KeyError("a bug"), 1, f"the details are in {tmp_path / 'logs' / 'debrief.log'}\n"),
    ]:
        monkeypatch.setattr(cli, "app", raising(error))
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr().err
        assert (left.value.code, said.count("\n")) == (code, 1)
        assert said.endswith(words)
    assert "KeyError" in (tmp_path / "logs" / "debrief.log").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frobnicate"], "no such command 'frobnicate'; `debrief -h` says what there is"),
        (["process"], "missing argument 'PATH...'; `debrief process -h` says what there is"),
        (["gaps", "--nope"], "no such option: --nope; `debrief gaps -h` says what there is"),
    ],
)
def test_a_command_that_there_is_not_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.setattr("sys.argv", ["debrief", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert (left.value.code, capsys.readouterr().err) == (2, f"debrief: {said}\n")


def test_a_copy_of_a_call_is_said_and_fails_nothing(run: Run, inbox: Path) -> None:
    kept = inbox / "North/Ann/2026-09-14_acme.wav"
    (inbox / "North/Ann/2026-09-14_acme again.wav").write_text(kept.read_text())
    made = run("process", str(inbox / "North/Ann"))
    assert made.exit_code == 0
    assert "1 scored, 1 double" in made.output


def test_nothing_is_erased_where_nobody_can_be_asked(run: Run, inbox: Path) -> None:
    run("process", str(inbox / "North/Ann"))
    (card,) = rows(run("scorecard", "--json").stdout)
    done = run("erase", "--call", card["call_id"])
    assert "1 call is erased with all that is kept of it" in done.stdout
    assert "--yes erases without asking" in str(done.exception)
    assert len(rows(run("scorecard", "--json").stdout)) == 1


def test_the_time_left_follows_what_was_seen() -> None:
    clock = Clock()
    left = progress.TimeLeft(2, clock=clock)
    for key in "abcd":
        left.add(key, 100.0)
    assert left.seconds() == pytest.approx(200.0)
    left.start("a")
    left.start("b")
    clock.now = 50.0
    left.finish("a")
    left.finish("b")
    # twice as fast as expected, tempered by the ten seconds that the guess weighs
    assert left.seconds() == pytest.approx(100 * 110 / 210, rel=0.01)
    left.start("c")
    left.finish("d")
    clock.now = 1000.0
    assert 0 < left.seconds() < 10
    left.finish("c")
    left.finish("unknown")
    assert left.seconds() == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "a few seconds left"), (44, "about 40 s left"), (150, "about 2 min left"), (7200, "about 2.0 h left")],
)
def test_the_time_left_is_said_as_coarsely_as_it_is_known(seconds: float, text: str) -> None:
    assert progress.clock_text(seconds) == text


def test_a_recording_weighs_by_its_length(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * 20))
    from pipeline.ingest import Source

    source = Source(path, "ab", 1, 1, "audio")
    assert progress.weigh(Job("hear", "ab", path, source)) == pytest.approx(20 * progress.FIRST_GUESS, rel=0.01)
    (tmp_path / "b.wav").write_text("no sound")
    assert progress.weigh(Job("hear", "ab", tmp_path / "b.wav", Source(tmp_path / "b.wav", "ab", 1, 1, "audio"))) < 2
    assert progress.weigh(Job("score", "ab", path)) == progress.RESCORE_S


def test_levels_and_times_as_text() -> None:
    assert [render.bar(level) for level in (None, 0, 2.4, 4)] == ["····", "□□□□", "■■□□", "■■■■"]
    assert [clock(s) for s in (5.9, 245, 3723)] == ["0:05", "4:05", "1:02:03"]


def test_a_turn_that_only_weighed_most_is_not_called_missed() -> None:
    def shown(why: str) -> str:
        missed = [{"turn": 1, "why": why}]
        score = {"status": "scored", "level": 0, "confidence": 0.9, "evidence": [], "missed": missed}
        return "\n".join(line.plain for line in render._criterion("Discovery", score, ["0:00", "4:05"]))

    assert "missed at 4:05: the moment to ask" in shown("the moment to ask")
    assert "missed" not in shown(NEUTRAL)


def test_reports_in_prose_are_nested_lists(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"account": "Acme", "next_steps": [{"what": "send it", "due": None}], "people": ["Ann"], "none": []}
    shared.console().print(render.nested_text(row))
    assert capsys.readouterr().out.splitlines()[:5] == [
        "account: Acme",
        "next steps:",
        "  what: send it",
        "",
        "people:",
    ]


def test_calls_that_nobody_dated_are_said_once_with_what_to_do(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two", "2026-09-14_acme"):
        (tmp_path / f"{name}.wav").write_text(f"ok {name}")
    done = run("process", *(str(tmp_path / f"{name}.wav") for name in ("one", "two", "2026-09-14_acme")))
    said = " ".join(done.stderr.split())
    assert said.startswith("2 calls have no date (one.wav and others); begin the name with it (2026-10-06_Account)")
    assert "no date" not in run("process", str(tmp_path / "2026-09-14_acme.wav")).stderr
    assert "calls without a date: 2: " in run("doctor").stdout


def test_no_address_at_all_does_not_open_the_web_app_to_every_network(run: Run) -> None:
    done = run("serve", "--host", "")
    assert done.exit_code == 2
    assert "give an address such as 127.0.0.1" in " ".join(done.stderr.split())


def test_a_name_that_is_no_utf8_is_json_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    shared.emit({"path": "Lat\udcedn.wav", "account": "Caf\u00e9 \U0001f600"})
    line = capsys.readouterr().out
    assert json.loads(line) == {"path": "Lat?n.wav", "account": "Caf\u00e9 \U0001f600"}
    assert line.isascii()


def test_a_table_breaks_no_word_while_there_is_room(capsys: pytest.CaptureFixture[str]) -> None:
    word, text = "decision-makers-ask-without-offence", "Ask who decides, without offence"
    columns = {"id": "Module", "measured": "Measured", "verdict": "Verdict", "now": "Effect", "low": "From", "to": "To"}
    row = {"id": word, "measured": 1, "verdict": "too early to tell", "now": -1.0, "low": -2.3, "to": 0.1}
    shared.console().print(render.rows_table("Effects", columns, [row]))
    shared.console().print(
        render.rows_table("Modules", {"id": "Module", "a": "A", "b": "B"}, [row | {"a": text, "b": text}])
    )
    shared.console().print(render.rows_table("Long", {"a": "A", "b": "B"}, [{"a": "x" * 90, "b": text}]))
    lines = capsys.readouterr().out.splitlines()
    assert sum(word in line for line in lines) == 2
    assert max(map(len, lines)) <= 80
    assert sum(line.count("x") for line in lines) == 90


def test_a_name_without_an_end_does_not_fill_the_screen() -> None:
    table = render.rows_table("Calls", {"account": "Account"}, [{"account": "x" * 5000}])
    (cell,) = list(table.columns[0].cells)
    assert (len(str(cell)), str(cell)[-1]) == (40, "\N{HORIZONTAL ELLIPSIS}")
