from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import cli, keep
from pipeline.assigned_roles import assign_roles, renamed, roles_by_rep, speakers_of, swapped, with_assigned_roles
from pipeline.errors import TranscriptError
from pipeline.ingest import Found, identify
from pipeline.process import correct_roles, process_source, rescore
from pipeline.roles import resolve_roles
from pipeline.settings import Settings
from pipeline.speaker_names import given_anew
from pipeline.types import CallMeta, Hearing, Transcript, Turn


def transcript(*labels: str, diarizer: str = "channels") -> Transcript:
    turns = tuple(Turn(float(k), k + 0.9, label, f"word number {k} of it") for k, label in enumerate(labels))
    return Transcript("c1", CallMeta(rep="Priya Nair"), turns, Hearing(diarizer=diarizer))


def labels(found: Transcript) -> list[str]:
    return [turn.speaker for turn in found.turns]


def test_who_sells_decides_every_speaker() -> None:
    call = transcript("SPEAKER_00", "SPEAKER_01", "SPEAKER_02", "Dana")
    said = roles_by_rep(call, ["speaker_01", "Dana"], {"SPEAKER_02": "Jim"})
    assert said == {"SPEAKER_01": "rep", "Dana": "rep:Dana", "SPEAKER_00": "buyer:Buyer", "SPEAKER_02": "buyer:Jim"}
    assert labels(renamed(call, said)) == ["buyer:Buyer", "rep", "buyer:Jim", "rep:Dana"]
    with pytest.raises(TranscriptError, match="no speaker 'SPEAKER_07'; there are SPEAKER_00"):
        roles_by_rep(call, ["SPEAKER_07"], {})
    with pytest.raises(TranscriptError, match="every speaker would be a rep"):
        roles_by_rep(transcript("a1", "a2"), ["a1", "a2"], {})


def test_labels_that_differ_in_capitals_only_are_each_told() -> None:
    call = transcript("PRIYA", "Dana", "DANA")
    said = roles_by_rep(call, ["priya"], {})
    assert said == {"PRIYA": "rep", "Dana": "buyer:Dana", "DANA": "buyer:DANA"}
    assert renamed(call, said).resolved
    with pytest.raises(TranscriptError, match="no speaker 'dana'; there are PRIYA, Dana, DANA"):
        roles_by_rep(call, ["dana"], {})


def test_a_swap_takes_names_and_refuses_those_of_nobody() -> None:
    call = transcript("rep", "buyer:Owen")
    assert swapped(call, {"rep": "Jo"}) == {"buyer:Owen": "rep", "rep": "buyer:Jo"}
    assert swapped(transcript("Dana"), {"Dana": "Dana Reed"}) == {"Dana": "buyer:Dana Reed"}
    with pytest.raises(TranscriptError, match="no speaker 'nobody'"):
        swapped(call, {"nobody": "Jo"})


def test_two_unnamed_buyers_stay_two() -> None:
    said = roles_by_rep(transcript("SPEAKER_00", "SPEAKER_01", "SPEAKER_02"), ["SPEAKER_00"], {})
    assert sorted(said.values()) == ["buyer:Buyer", "buyer:Buyer 2", "rep"]


def test_swapping_twice_gives_the_sides_back() -> None:
    call = transcript("rep", "buyer:Owen", "buyer:Owen")
    once = renamed(call, swapped(call))
    assert labels(once) == ["buyer:Buyer", "rep", "rep"]
    assert [turn.side for turn in renamed(once, swapped(once)).turns] == [turn.side for turn in call.turns]
    with pytest.raises(TranscriptError, match="nobody is rep or buyer"):
        swapped(transcript("SPEAKER_00", "SPEAKER_01"))


def test_a_persons_word_outlives_hearing_again(tmp_path: Path) -> None:
    fresh = transcript("SPEAKER_00", "SPEAKER_01")
    sha = "ab" * 32
    assign_roles(tmp_path, sha, fresh, {"SPEAKER_00": "buyer:Owen", "SPEAKER_01": "rep"})
    found = with_assigned_roles(fresh, tmp_path, sha)
    assert labels(found) == ["buyer:Owen", "rep"]
    assert (found.hearing.roles_method, found.hearing.roles_confidence) == ("person", 1.0)
    # corrected later: the fact still starts from the labels that hearing gives
    assign_roles(tmp_path, sha, found, swapped(found))
    assert labels(with_assigned_roles(fresh, tmp_path, sha)) == ["rep", "buyer:Buyer"]
    other = transcript("SPEAKER_00", "SPEAKER_01", diarizer="pyannote")
    assert labels(with_assigned_roles(other, tmp_path, sha)) == labels(other)
    more = transcript("SPEAKER_00", "SPEAKER_01", "SPEAKER_02")
    assert labels(with_assigned_roles(more, tmp_path, sha)) == labels(more)


def test_a_persons_word_on_three_voices_is_none_on_the_two_that_they_are_told_to_be(tmp_path: Path) -> None:
    """The first two were both the rep; of two, the second is the buyer."""
    three = transcript("SPEAKER_00", "SPEAKER_01", "SPEAKER_02", diarizer="embedded")
    sha = "cd" * 32
    assign_roles(tmp_path, sha, three, {"SPEAKER_00": "rep", "SPEAKER_01": "rep:Colleague", "SPEAKER_02": "buyer:Owen"})
    two = transcript("SPEAKER_00", "SPEAKER_01", diarizer="embedded")
    counted = replace(two, meta=replace(two.meta, extra={"speakers": 2}))
    assert labels(with_assigned_roles(counted, tmp_path, sha)) == ["SPEAKER_00", "SPEAKER_01"]
    # somebody of whom nothing was understood this time takes nothing from what is known of the others
    assert labels(with_assigned_roles(two, tmp_path, sha)) == ["rep", "rep:Colleague"]
    # told of two, and two they were: the same voices
    assign_roles(tmp_path, sha, two, {"SPEAKER_00": "buyer:Owen", "SPEAKER_01": "rep"})
    assert labels(with_assigned_roles(counted, tmp_path, sha)) == ["buyer:Owen", "rep"]


def test_speakers_are_shown_with_what_they_say() -> None:
    rows = speakers_of(transcript("a1", "a2", "a1"))
    assert [(row["speaker"], row["turns"], row["words"]) for row in rows] == [("a1", 2, 10), ("a2", 1, 5)]
    assert rows[0]["says"].startswith("word number")


def test_the_review_list_and_the_word_that_ends_the_wait(tmp_path: Path) -> None:
    """The real sequence: a call nobody can tell waits, is listed, and is judged once a person says who sells."""
    call = tmp_path / "call.txt"
    call.write_text("One: Hello there, how are you?\nTwo: Fine, and you?\nOne: Good.\nTwo: Good.\n")
    settings = Settings(data=tmp_path / "data", min_roles_confidence=0.99)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "debrief.toml").write_text("min_roles_confidence = 0.99\n")
    record = process_source(identify(Found(call), pattern="{account}"), settings)
    assert record["status"] == "review"
    assert f"debrief roles {record['call_id']} --rep SPEAKER" in record["reason"]
    keep.write_record(settings.data, record)

    def run(*args: str) -> list[dict[str, object]]:
        made = CliRunner().invoke(cli.app, ["--data", str(settings.data), "roles", *args, "--json"])
        assert made.exit_code == 0, made.output
        return [json.loads(line) for line in made.stdout.splitlines()]

    waiting = run()
    assert [row["call_id"] for row in waiting] == [record["call_id"]]
    assert [speaker["speaker"] for speaker in waiting[0]["speakers"]] == ["One", "Two"]  # type: ignore[attr-defined]
    shown = CliRunner().invoke(cli.app, ["--data", str(settings.data), "roles"]).stdout.splitlines()
    # who speaks, how much and what: told apart, and under the call
    assert shown[0].startswith(f"{record['call_id']}  ")
    assert [line[:7] for line in shown[2:]] == ["  One  ", "  Two  "]
    done = run(record["call_id"], "--rep", "Two", "--name", "One=Owen")
    assert done[0]["status"] == "scored"
    assert done[0]["speakers"] == {"Two": "rep", "One": "buyer:Owen"}
    assert run() == []
    again = process_source(identify(Found(call), pattern="{account}"), settings)
    assert again["status"] == "scored"
    assert [turn["speaker"] for turn in again["transcript"]["turns"]][:2] == ["buyer:Owen", "rep"]
    assert run(record["call_id"], "--swap")[0]["speakers"] == {"rep": "buyer:Two", "buyer:Owen": "rep"}


@pytest.mark.parametrize(
    ("option", "side", "then"),
    [(["--rep", "Dana Reyes"], "rep", "only the rep speaks in it"),
     (["--swap"], "buyer:Dana Reyes", "only a buyer speaks in it")],
)  # fmt: skip
def test_who_speaks_alone_is_settled_by_the_word_that_the_message_asks_for(
    tmp_path: Path, option: list[str], side: str, then: str
) -> None:
    call = tmp_path / "call.txt"
    call.write_text("Dana Reyes: Hi, a message for Tom.\nDana Reyes: Please call me back.\n")
    settings = Settings(data=tmp_path / "data")
    record = process_source(identify(Found(call), pattern="{account}"), settings)
    call_id = record["call_id"]
    said = f"say who it is: debrief roles {call_id} --rep 'Dana Reyes' (the rep) or --swap (a buyer)"
    assert (record["status"], record["reason"]) == ("review", f"only one speaker was heard; {said}")
    keep.write_record(settings.data, record)

    made = CliRunner().invoke(cli.app, ["--data", str(settings.data), "roles", call_id, *option, "--json"])

    row = json.loads(made.stdout)
    assert (row["status"], row["speakers"]) == ("abstained", {"Dana Reyes": side})
    assert row["reason"].startswith(then)
    again = process_source(identify(Found(call), pattern="{account}"), settings)
    assert (again["status"], again["reason"]) == ("abstained", row["reason"])
    back = CliRunner().invoke(cli.app, ["--data", str(settings.data), "roles", call_id, "--swap", "--json"])
    assert json.loads(back.stdout)["status"] == "abstained"


def test_sides_that_a_person_swapped_stay_swapped_when_the_call_is_scored_again(tmp_path: Path) -> None:
    """Nobody has a name, so the labels are the same two before and after: `rep` and `buyer:Buyer`."""
    call = tmp_path / "call.txt"
    seller = (
        "Thanks for your time. What do you use today? Our planner starts at nine thousand a year, shall I show you?"
    )
    buyer = "We have twenty drivers and use spreadsheets. It costs us a lot of time. I would have to ask my boss."
    call.write_text(f"Speaker 1: {seller}\nSpeaker 2: {buyer}\n" * 8)
    settings = Settings(data=tmp_path / "data", min_roles_confidence=0.5)
    first = process_source(identify(Found(call), pattern="{account}"), settings)
    heard = Transcript.from_json(first["transcript"])
    assert set(labels(heard)) == {"rep", "buyer:Buyer"}
    keep.write_record(settings.data, first)
    said = correct_roles(first, swapped(heard), settings)
    again = rescore(rescore(said, settings), settings)
    once = rescore(said, settings)
    assert said["transcript"]["turns"] == once["transcript"]["turns"] == again["transcript"]["turns"]
    assert said["transcript"]["turns"][0]["speaker"] == "buyer:Buyer"


SELLER = "Thanks for your time. What do you use today? Our planner starts at nine thousand a year, shall I show you?"
BUYER_SAYS = "We have twenty drivers and use spreadsheets. It costs us a lot of time. I would have to ask my boss."


def by_name(first: str, second: str, meta: CallMeta) -> Transcript:
    """Eight exchanges; the first sounds like the seller."""
    said = ((first, SELLER), (second, BUYER_SAYS)) * 8
    turns = tuple(Turn(float(k), k + 0.9, label, text) for k, (label, text) in enumerate(said))
    return resolve_roles(Transcript("c1", meta, turns), threshold=0.5)


def test_a_call_whose_sides_were_wrong_becomes_that_of_the_right_rep() -> None:
    guessed = by_name("Dana Reed", "Priya Nair", CallMeta())
    assert (guessed.meta.rep, set(labels(guessed))) == ("Dana Reed", {"rep", "buyer:Priya Nair"})
    right = renamed(guessed, swapped(guessed))
    assert (right.meta.rep, set(labels(right))) == ("Priya Nair", {"rep", "buyer:Dana Reed"})
    back = renamed(right, swapped(right))
    assert (back.meta.rep, labels(back)) == ("Dana Reed", labels(guessed))
    nobody = by_name("Dana Reed", "SPEAKER_01", CallMeta())
    assert renamed(nobody, swapped(nobody)).meta.rep is None


def test_a_rep_that_folder_or_sidecar_names_stays_whoever_sells() -> None:
    found = by_name("SPEAKER_00", "Dana Reed", CallMeta(rep="Priya Nair"))
    assert renamed(found, swapped(found)).meta.rep == "Priya Nair"
    waiting = transcript("Priya Nair (Calder)", "Dana Reed")
    waiting = replace(waiting, meta=CallMeta())
    assert renamed(waiting, roles_by_rep(waiting, ["Priya Nair (Calder)"], {})).meta.rep == "Priya Nair"


def test_a_new_sidecar_leaves_the_rep_who_was_heard_unless_it_names_one() -> None:
    heard = by_name("Priya Nair", "Dana Reed", CallMeta()).meta
    consent = given_anew(CallMeta(extra={"consent": "yes"}), heard)
    assert (consent.rep, consent.extra) == ("Priya Nair", {"consent": "yes", "rep_heard": True})
    named = given_anew(CallMeta(rep="Tom Becker"), heard)
    assert (named.rep, named.extra) == ("Tom Becker", {})


def test_a_call_whose_words_are_gone_says_so(tmp_path: Path) -> None:
    call = tmp_path / "call.txt"
    call.write_text(f"One: {SELLER}\nTwo: {BUYER_SAYS}\n" * 4)
    settings = Settings(data=tmp_path / "data")
    record = process_source(identify(Found(call), pattern="{account}"), settings)
    record["transcript"] |= {"turns": [], "words_expired": True}
    keep.write_record(settings.data, record)

    def refused(*args: str) -> str:
        made = CliRunner().invoke(cli.app, ["--data", str(settings.data), *args])
        assert made.exit_code == 1
        return str(made.exception)

    gone = "the words of this call are no longer kept"
    assert gone in refused("roles", record["call_id"], "--rep", "One")
    assert gone in refused("roles", record["call_id"], "--swap")
    # processing it again would keep nothing: it is done
    assert f"{gone}; name its file instead" in refused("transcribe", "--call", record["call_id"], "--format", "vtt")
