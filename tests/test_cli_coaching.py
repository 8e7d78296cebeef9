"""The coaching commands on a small team's kept calls, as users type them."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coach_story import keep_story
from typer.testing import CliRunner

import models.judge_model
import models.live_judge
from models.live_judge import LiveReading
from pipeline import cli
from pipeline.cli import live as live_command
from pipeline.coach import commands
from pipeline.coach.commands import known_name
from pipeline.coach.live import Cue, Live
from pipeline.errors import StoreError

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    # promises are told of a year, and the story does not grow younger
    monkeypatch.setattr(commands, "TURNS_DAYS", 36_500)
    data = tmp_path / "data"
    keep_story(data)

    def invoke(*args: str) -> Any:
        return CliRunner().invoke(cli.app, ["--data", str(data), *args], env={"COLUMNS": "80"})

    return invoke


def rows(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def call_of(run: Run, rep: str) -> str:
    return str(rows(run("scorecard", "--rep", rep, "--json"))[0]["call_id"])


def test_standings_by_everything_they_can_be_seen_by(run: Run) -> None:
    own = rows(run("standings", "--rep", "ann", "--json"))
    assert [row["criterion"] for row in own][:2] == ["discovery", "decision_makers"]
    assert all(row["low"] <= row["standing"] <= row["high"] and len(row["call_ids"]) == row["calls"] for row in own)
    stages = rows(run("standings", "--by", "stage", "--rep", "Ann", "--json"))
    assert [row["stage"] for row in stages] == ["survey", "assess", "close"]
    assert {row["call_type"] for row in rows(run("standings", "--by", "call_type", "--json"))} == {"first call"}
    shown = run("standings").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "Target" in shown
    assert run("standings", "--by", "moon").exit_code == 2


def test_tables_of_standings_and_gaps_say_how_to_reach_their_calls(run: Run) -> None:
    for command in ("gaps", "standings"):
        assert "`call_ids` with `--json`" in " ".join(run(command).stdout.split())
        assert "`call_ids`" not in run(command, "--json").stdout


def test_the_scorecard_shows_how_far_a_standing_may_be_off(run: Run) -> None:
    assert "±" in run("scorecard").stdout


def test_options_before_a_command_of_training_count_or_are_refused(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    keep_story(elsewhere)
    assign = ("assign", "Bob", "discovery-ask-before-you-tell")
    assert run("training", "--data", str(elsewhere), *assign).exit_code == 0
    assert rows(run("training", "--json")) == []
    assert len(rows(run("training", "--json", "--data", str(elsewhere)))) == 1
    for option in (("--json",), ("--rep", "Bob")):
        refused = run("training", *option, "reminders")
        assert refused.exit_code == 2
        assert "goes after `debrief training reminders`" in " ".join(refused.stderr.split())


def test_training_from_assignment_to_done(run: Run, tmp_path: Path) -> None:
    assert "no training assigned yet" in run("training").stdout
    given = run("training", "assign", "Bob", "discovery-ask-before-you-tell", "--note", "he asked for it")
    assert "Bob: Ask before you tell, open" in given.stdout
    (row,) = rows(run("training", "--rep", "bob", "--json"))
    name = row["assignment_id"][:8]
    assert "due " in run("training").stdout
    day = (dt.date.today() + dt.timedelta(1)).isoformat()
    assert f"due {day}" in run("training", "due", name, day).stdout
    assert rows(run("training", "reminders", "--json"))[0]["reminder"] == "due in 1 day"
    run("training", "note", name, "second try")
    shown = " ".join(run("training", "show", name).stdout.split())
    for words in (
        "Discovery: assigned by a trainer",
        "Why it matters",
        "Five and five (15 min)",
        "Hidden:",
        "second try",
    ):
        assert words in shown
    for moment in row["detail"]["low_moments"] + row["detail"]["best_moments"]:
        assert f"call {moment['call_id'][:8]}" in shown
    (whole,) = rows(run("training", "show", name, "--json"))
    assert whole["assignment_id"] == row["assignment_id"]
    assert "a note without words" in str(run("training", "note", name, " ").exception)
    done = run("training", "done", name)
    assert f"done, due {day}, on {dt.date.today().isoformat()}" in done.stdout
    assert "nothing is due" in run("training", "reminders").stdout
    (again,) = rows(run("training", "--json"))
    assert [note["text"] for note in again["notes"]] == ["he asked for it", "second try"]
    told = " ".join(run("training", "effects").stdout.split())
    assert "too early to tell: 0 measured, 3 needed" in told
    assert "0 scored calls since" in again["effect"]
    assert "`measured` with `--json`" in run("training").stdout
    assert "open" in run("training", "reopen", name).stdout
    assert "dropped" in run("training", "drop", name, "--why", "left").stdout
    assert "no date; write it as YYYY-MM-DD" in str(run("training", "due", name, "soon").exception)
    assert len(rows(run("training", "modules", "--json"))) >= 24
    assert "why:" in run("training", "modules", "proposal-one-offer").stdout
    assert "training/proposal-one-offer.yaml" in run("training", "edit", "proposal-one-offer").stdout
    assert (tmp_path / "data/training/proposal-one-offer.yaml").is_file()


def test_a_call_is_debriefed_in_text_and_json(run: Run) -> None:
    call = call_of(run, "Ann")
    shown = run("coach", call[:8]).stdout
    assert max(map(len, shown.splitlines())) <= 80
    for part in ("Keep", "Next time", "Promised", "Ask for next"):
        assert part in shown
    (row,) = rows(run("coach", call, "--json"))
    assert row["call"] == call
    elsewhere = {item["worked_elsewhere"]["call_id"][:8] for item in row["next_time"] if item["worked_elsewhere"]}
    assert elsewhere
    assert elsewhere <= set(re.findall(r"\(call (\w+)\)", " ".join(shown.split())))
    assert "no such call" in str(run("coach", "ffff").exception)


def test_commitments_and_accounts(run: Run) -> None:
    found = rows(run("commitments", "acme", "--json"))
    assert {row["account"] for row in found} == {"Acme"}
    assert rows(run("commitments", "--json"))[0]["made_on"] >= found[-1]["made_on"]
    assert "(call " in run("commitments", "Ann").stdout
    assert "no such account or rep" in str(run("commitments", "nobody").exception)
    (view,) = rows(run("account", "Acme", "--json"))
    assert view["risks"]
    assert "Play" in run("account").stdout


def test_a_name_that_is_not_quite_right_is_told_the_right_ones(run: Run, tmp_path: Path) -> None:
    assert "known: Ann" in str(run("gaps", "--rep", "An").exception)
    assert known_error("Zora Quin", [f"Rep {n:02d}" for n in range(20)] + ["Zora Quinn"]).startswith(
        "Zora Quin: no such rep; known: Zora Quinn, Rep 00"
    )
    assert rows(run("snippets", "Discovery", "--json")) == rows(run("snippets", "discovery", "--json")) != []
    missing = run("snippets", "discvery")
    assert "discvery: nothing at the best level is about that" in missing.stdout
    assert "there are discovery, decision_makers" in missing.stdout
    sheet = tmp_path / "sessions.csv"
    sheet.write_text("rep,date\nann,2026-10-06\nAnne,2026-10-06\n")
    assert run("import", "sessions", str(sheet)).stdout.splitlines() == [
        "2 rows taken in", "no calls yet of Anne; names count as on the calls",
    ]  # fmt: skip
    # whom the list shows can be asked for
    listed = {row["rep"] for row in rows(run("accountability", "--json"))}
    assert "Anne" in listed
    assert [row["rep"] for row in rows(run("accountability", "--rep", "anne", "--json"))] == ["Anne"]
    assert run("calendar", "--rep", "anne").exit_code == 0


def known_error(name: str, names: list[str]) -> str:
    with pytest.raises(StoreError) as raised:
        known_name(name, names, "rep")
    return str(raised.value)


def test_imports_and_accountability(run: Run, tmp_path: Path) -> None:
    sessions, bad = tmp_path / "s.csv", tmp_path / "bad.csv"
    sessions.write_text(f"rep,date,coach,minutes\nAnn,{dt.date.today().isoformat()},Kim,30\nBob,whenever,Kim,30\n")
    bad.write_text("x,y\n1,2\n")
    done = run("import", "sessions", str(sessions), str(bad))
    assert done.exit_code == 1
    assert "1 row taken in" in done.stdout
    assert done.stderr.count("\n") == 2
    assert "line 3: 'whenever' is no date" in done.stderr
    assert run("import", "gossip", str(sessions)).exit_code == 2
    (row,) = rows(run("accountability", "--rep", "Ann", "--json"))
    assert row["support"]["sessions"] == 1
    shown = run("accountability").stdout
    assert "given: 1 coaching session, 30 minutes" in shown
    assert "no support" in shown  # Bob
    assert max(map(len, shown.splitlines())) <= 80


def test_the_week_as_text_html_json_and_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("digest", "--team", "north").stdout.startswith("The week of team North\n")
    assert run("digest", "--rep", "Ann", "--html").stdout.startswith("<!doctype html>")
    assert 'href="http://127.0.0.1:8321/calls/' in run("digest", "--html").stdout
    monkeypatch.setenv("DEBRIEF_PUBLIC_URL", "https://debrief.example.com/")
    assert "calls: https://debrief.example.com/calls/" in " ".join(
        run("digest", "--as-of", "2026-11-02").stdout.split()
    )
    (row,) = rows(run("digest", "--json", "--as-of", "2026-11-02"))
    assert (row["from"], row["to"]) == ("2026-10-27", "2026-11-02")
    out = tmp_path / "week.html"
    run("digest", "--html", "--out", str(out))
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "no such team" in str(run("digest", "--team", "West").exception)


def test_the_calendar_and_the_crm(run: Run, tmp_path: Path) -> None:
    run("training", "assign", "Ann", "proposal-one-offer")
    piped = run("calendar").stdout_bytes
    assert b"SUMMARY:Training due: One offer" in piped
    assert piped.count(b"\n") == piped.count(b"\r\n")
    out = tmp_path / "c.ics"
    run("calendar", "--rep", "Ann", "--out", str(out))
    assert out.read_bytes().count(b"\r\n") > 10
    exported = run("crm", "export").stdout
    assert exported.splitlines()[0].startswith("dealname,")
    assert len(exported.splitlines()) == 5
    assert rows(run("crm", "export", "--json"))[0]["dealname"] == "Acme"
    assert "nothing is sent" in str(run("crm", "push").exception)


def test_what_was_written_for_others_goes_when_somebody_is_erased(run: Run, tmp_path: Path) -> None:
    call = call_of(run, "Cid")
    made = [tmp_path / name for name in ("team.ics", "accounts.csv", "week.html", f"{call}.vtt")]
    assert run("calendar", "--out", str(made[0])).exit_code == 0
    assert run("crm", "export", "--out", str(made[1])).exit_code == 0
    assert run("digest", "--html", "--out", str(made[2])).exit_code == 0
    assert run("transcribe", "--call", call, "--format", "vtt", "--out", str(tmp_path)).exit_code == 0
    assert [file.exists() for file in made] == [True] * 4
    assert run("erase", "--person", "Cid", "--yes").exit_code == 0
    assert [file.exists() for file in made] == [False] * 4


def test_an_account_and_its_plan_read_as_text_with_their_calls(run: Run) -> None:
    shown = run("account", "Acme").stdout
    assert re.search(r"^Acme  \d+ calls?", shown, re.MULTILINE)
    for part in ("Play: ", "Risks", "Next step", "Met (", "How far", "call "):
        assert part in shown
    assert "{" not in shown
    assert "None" not in shown
    plan = run("plan", "Acme").stdout
    for part in ("Ask for: ", "1. ", "because ", "Expect: an objection to price or terms, ", "Still missing", "call "):
        assert part in plan
    assert "None" not in plan


def test_live_follows_a_file_and_shows_cards(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Judge:
        def __init__(self, judge: Any) -> None:
            """Hears no move and no push-back: the words must do."""

        def read(self, turns: Any) -> LiveReading:
            return LiveReading(tuple({} for _ in turns), (0.0,) * len(turns), ("other",) * len(turns))

    monkeypatch.setattr(models.judge_model, "load_judge", lambda: None)
    monkeypatch.setattr(models.live_judge, "LiveJudge", Judge)
    monkeypatch.setattr(live_command, "POLL_S", 0.01)
    path = tmp_path / "call.txt"
    path.write_text("Ann: Hello.\nMia: That is too dear.\n")
    (cue,) = rows(run("live", str(path), "--rep", "Ann", "--idle", "0.1", "--json"))
    assert (cue["kind"], cue["title"]) == ("objection", "They push on price or terms")
    assert (
        cue["worked"] == "Most pay it from the orders saved. Too much compared with what, the budget or another offer?"
    )  # from the team's own calls
    shown = run("live", str(path), "--rep", "Ann", "--idle", "0.1").stdout
    assert "They push on price or terms" in shown
    assert "1 card;" in shown
    assert "no such file" in str(run("live", str(tmp_path / "gone.txt")).exception)
    assert "1 card;" in run("live", str(path), "--rep", "Ann", "--idle", "0.1", "--account", "Acme").stdout
    assert "no such account" in str(run("live", str(path), "--account", "Nobody").exception)


def test_a_card_reaches_a_program_behind_a_pipe_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.BytesIO()
    seen: list[bytes] = []

    def two(*_: Any, **__: Any) -> Any:
        for turn in range(2):
            seen.append(pipe.getvalue())
            yield Cue("objection", 65.0, turn, "Title", "Say", "heard")

    monkeypatch.setattr(live_command, "cues", two)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="utf-8"))
    live_command.live(tmp_path / "call.txt", account=None, minutes=30.0, idle=0.1, as_json=True, data=tmp_path)
    assert (seen[0], json.loads(seen[1])["turn"]) == (b"", 0)


def test_cards_are_objects_that_can_be_shown() -> None:
    cue = Cue("objection", 65.0, 3, "Title", "Say", "heard")
    assert cue.to_json()["worked"] is None
    assert Live(lambda turns: None).tick(10) == []  # type: ignore[arg-type,return-value]


def test_rows_are_counted_as_the_file_has_them(run: Run, tmp_path: Path) -> None:
    wide = tmp_path / "activity.csv"
    wide.write_text("rep,date,dials,emails\nAnn,2026-10-02,30,5\nBob,2026-10-02,20,4\n")
    assert run("import", "activity", str(wide)).stdout.strip() == "2 rows taken in"


def test_levels_read_as_words() -> None:
    from pipeline.cli.render import spelled

    assert spelled("as 3, and both agree") == "all that level 3 asks for, and both agree"
