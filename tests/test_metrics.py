import dataclasses
from pathlib import Path

import pytest

from pipeline.formats import read_transcript
from pipeline.metrics import EXPLAINED, count_questions, intervals, measure
from pipeline.types import CallMeta, Hearing, Metrics, Transcript, Turn


def transcript(*rows: tuple[float, float, str, str]) -> Transcript:
    return Transcript("x", CallMeta(), tuple(Turn(*row) for row in rows))


def test_each_metric_is_explained() -> None:
    assert list(EXPLAINED) == [field.name for field in dataclasses.fields(Metrics)]


def test_hand_computed_metrics() -> None:
    metrics = measure(
        transcript(
            (0.0, 10.0, "rep", "um so how do you run it today? what breaks?"),
            (11.0, 31.0, "buyer:Ann", "we run it by hand and it breaks every single week"),
            (32.0, 52.0, "rep", "right you know that is what we fix"),
            (52.0, 52.5, "buyer:Ann", "mm hmm"),
            (52.5, 62.5, "rep:Megan", "and it takes a day"),
        )
    )
    assert metrics.talk_share == 40 / 60.5
    assert metrics.longest_monologue_s == 30.5
    assert metrics.questions == 2
    assert metrics.switches_per_min == 4 / (62.5 / 60)
    assert metrics.patience_s == 0.5
    assert metrics.wpm == 60 * 23 / 40
    assert metrics.fillers_per_min == 60 * 2 / 40


def test_no_buyer_and_no_turns_give_none_not_zero() -> None:
    alone = measure(transcript((0.0, 5.0, "rep", "hello")))
    assert alone.patience_s is None
    assert alone.talk_share == 1.0
    empty = measure(transcript())
    assert (empty.talk_share, empty.wpm, empty.switches_per_min) == (None, None, None)


@pytest.mark.parametrize("start", ["", "[00:00:{at:02d}] "])
def test_times_that_were_laid_out_tell_no_pace_and_no_pauses(tmp_path: Path, start: str) -> None:
    file = tmp_path / "call.txt"
    sides = ("rep", "Dale")
    lines = (f"{start.format(at=2 * n)}{sides[n % 2]}: What do you do about the pumps?" for n in range(8))
    file.write_text("\n".join(lines))
    read = read_transcript(file)
    named = {"rep": "rep", "Dale": "buyer:Dale"}
    call = dataclasses.replace(read, turns=tuple(dataclasses.replace(t, speaker=named[t.speaker]) for t in read.turns))
    metrics = measure(call)
    assert (metrics.wpm, metrics.patience_s) == (None, None)
    assert not {"wpm", "patience_s"} & set(intervals(call))
    assert metrics.talk_share is not None


def test_a_transcript_without_times_has_no_patience() -> None:
    untimed = transcript(*[(0.0, 0.0, side, "Hello there.") for side in ("buyer:Ann", "rep") * 3])
    assert measure(untimed).patience_s is None
    assert "patience_s" not in intervals(untimed)


def test_questions_without_punctuation_are_heard() -> None:
    assert count_questions("so how do you do that today") == 1
    assert count_questions("we do it by hand") == 0
    assert (
        count_questions("okay so who else is in on it and what does that cost you a year roughly 3.5 or is it more")
        == 3
    )


def test_where_marks_are_set_a_question_word_in_a_statement_is_no_question() -> None:
    assert count_questions("We have the module too, which is our secret sauce. So what our customers see is less.") == 0
    assert count_questions("That's where you come in, do you see? Fine.") == 1


def test_intervals_hold_the_value_and_widen_with_a_worse_diarizer() -> None:
    rows = [(10.0 * i, 10.0 * i + 6 + i % 3, "rep" if i % 2 else "buyer:Ann", "what do you do now?") for i in range(40)]
    sure = dataclasses.replace(transcript(*rows), hearing=Hearing(engine="x", diarizer="channels"))
    unsure = dataclasses.replace(sure, hearing=Hearing(engine="x", diarizer="embedded"))
    narrow, wide = intervals(sure)["talk_share"], intervals(unsure)["talk_share"]
    share = measure(sure).talk_share
    assert share is not None
    assert narrow[0] <= share <= narrow[1]
    assert wide[1] - wide[0] > narrow[1] - narrow[0] > 0
    assert intervals(unsure) == intervals(unsure)
    assert intervals(transcript()) == {}
    measured = dataclasses.asdict(measure(unsure))
    # turns that alternate can only lose switches by a mistake
    assert intervals(unsure)["switches_per_min"][0] < intervals(unsure)["switches_per_min"][1]
    for name, (low, high) in intervals(unsure).items():
        assert low <= round(measured[name], 3) <= high, name
    alone = dataclasses.replace(unsure, turns=tuple(turn for turn in unsure.turns if turn.side == "rep"))
    assert measure(alone).patience_s is None
    assert "patience_s" not in intervals(alone)
