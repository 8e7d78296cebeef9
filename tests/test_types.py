import datetime as dt

import pytest

from pipeline.errors import TranscriptError
from pipeline.types import CallMeta, Transcript, Turn, Word


def test_transcript_survives_json() -> None:
    transcript = Transcript(
        "abc",
        CallMeta(rep="Ann", date=dt.date(2026, 3, 31), extra={"crm": "7"}),
        (Turn(0.0, 1.5, "rep", "hello", (Word(0.0, 0.5, "hello", 0.9),)), Turn(1.6, 2.0, "buyer:Bo", "hi")),
    )
    assert Transcript.from_json(transcript.to_json()) == transcript


def test_sides_and_names() -> None:
    assert [Turn(0, 1, s, "x").side for s in ("rep", "rep:Meg", "buyer:Bo", "buyer", "SPEAKER_00")] == [
        "rep",
        "rep",
        "buyer",
        "buyer",
        "unknown",
    ]
    assert Turn(0, 1, "buyer:Bo", "x").name == "Bo"


def test_resolved_needs_both_sides_and_nobody_unknown() -> None:
    def with_speakers(*speakers: str) -> Transcript:
        return Transcript("x", CallMeta(), tuple(Turn(i, i + 1, s, "t") for i, s in enumerate(speakers)))

    assert with_speakers("rep", "buyer:A").resolved
    assert not with_speakers("rep", "rep").resolved
    assert not with_speakers("rep", "buyer:A", "SPEAKER_01").resolved
    assert not with_speakers().resolved


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], "no list of turns"),
        ({"turns": [3]}, "turn 0 is not an object"),
        ({"turns": [{"t0": 0, "t1": 1}]}, "turn 0 has no 'text'"),
        ({"turns": [{"t0": -1, "t1": 1, "text": "x"}]}, "'t0' must be a time"),
        ({"turns": [{"t0": 0, "t1": float("nan"), "text": "x"}]}, "'t1' must be a time"),
        ({"turns": [], "meta": 3}, "'meta' must be an object"),
    ],
)
def test_wrong_shapes_are_named(row: object, message: str) -> None:
    with pytest.raises(TranscriptError, match=message):
        Transcript.from_json(row, where="f.json")


def test_meta_merges_without_overwriting() -> None:
    merged = CallMeta(rep="Ann", extra={"a": 1}).merged(CallMeta(rep="Bo", account="Acme", extra={"a": 2, "b": 3}))
    assert merged == CallMeta(rep="Ann", account="Acme", extra={"a": 1, "b": 3})


def test_unreadable_date_is_kept_as_text() -> None:
    meta = CallMeta.from_json({"date": "next Tuesday"})
    assert meta.date is None
    assert meta.extra == {"date_text": "next Tuesday"}


def test_what_no_page_could_show_is_replaced_in_what_is_known_of_a_call() -> None:
    meta = CallMeta.from_json({"rep": "Jos\udce9", "date": "\ud800", "x\udfff": "y\udfff", "n": 3})
    assert meta == CallMeta(rep="Jos?", extra={"date_text": "?", "x?": "y?", "n": 3})
