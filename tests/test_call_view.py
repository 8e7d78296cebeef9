"""What a call's page makes of a record: marked words, times to follow, lanes of talk, levels said in full."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pipeline.types import Transcript, Turn, Word
from pipeline.web import call_view


def test_the_text_is_marked_where_quotes_overlap() -> None:
    assert call_view.marked("one two three", [("one two", 1), ("two three", 4)]) == [
        ("one ", "1"),
        ("two", "1 4"),
        (" three", "4"),
    ]
    assert call_view.marked("one", [("not there", 1)]) == [("one", "")]
    assert call_view.marked("", []) == []


def test_word_times_are_steps_a_script_can_add() -> None:
    turn = Turn(1.0, 3.0, "rep", "so it is", (Word(1.25, 1.5, "so"), Word(1.5, 2.0, "it"), Word(1.4, 3.0, "is")))
    assert call_view.word_times(turn) == "25 25 0"
    assert call_view.word_times(dataclasses.replace(turn, words=())) == ""


def test_lanes_show_who_talks_and_nothing_without_times() -> None:
    turns: list[dict[str, Any]] = [
        {"t0": 0, "t1": 6, "speaker": "rep", "text": "a"},
        {"t0": 6, "t1": 10, "speaker": "buyer:Jo", "text": "b"},
    ]
    row = {"turns": turns, "meta": {"rep": "Ann"}}
    found = call_view.lanes(Transcript.from_json(row))
    assert [(lane["who"], lane["seconds"], lane["share"]) for lane in found] == [("Ann", 6, 0.6), ("Jo", 4, 0.4)]
    assert found[1]["path"] == "M600.0 0h400.0v10H600.0z"
    for turn in turns:
        turn |= {"t0": 0, "t1": 0}
    assert call_view.lanes(Transcript.from_json(row)) == []


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("65.5", 65.5), ("1:05", 65.0), ("1:00:01", 3601.0)])
def test_times_as_people_write_them(text: str, seconds: float | None) -> None:
    assert call_view.seconds(text) == seconds


def test_a_level_that_builds_on_another_is_said_in_full() -> None:
    levels = ("nothing", "names a need", "as 1, and asks why", "as 2 plus a number", "as 4, wrongly")
    assert [call_view.anchor(levels, level) for level in range(5)] == [
        "nothing",
        "names a need",
        "names a need; asks why",
        "names a need; asks why; a number",
        "as 4, wrongly",
    ]
