from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import Audio
from pipeline.diarize import Diarization, Span
from pipeline.turns import MAX_WORD_S, build_turns, repair_words
from pipeline.types import Word


def words(text: str, t0: float, *, step: float = 0.3) -> list[Word]:
    return [Word(t0 + step * i, t0 + step * i + 0.25, word, 0.9) for i, word in enumerate(text.split())]


def voices(*spans: tuple[float, float, str]) -> Diarization:
    rows = tuple(Span(t0, t1, speaker) for t0, t1, speaker in spans)
    return Diarization(rows, "embedded", Audio.of(np.zeros(16, np.float32)), ())


CHANNELS = Diarization((), "channels", Audio.of(np.zeros((2, 16), np.float32)), ())


def test_long_and_overlapping_word_times_are_repaired() -> None:
    fixed = repair_words([Word(5.0, 9.0, "um"), Word(1.0, 2.2, "so"), Word(2.0, 1.5, "then")])
    assert [word.text for word in fixed] == ["so", "then", "um"]
    assert fixed[0].t1 == 2.0
    assert fixed[1].t1 >= fixed[1].t0
    assert fixed[2].t1 == 5.0 + MAX_WORD_S


def test_words_go_to_whoever_covers_them_and_lone_strays_join() -> None:
    text = words("we lose four thousand each time", 0.0) + words("that is a lot", 3.0)
    turns = build_turns([text], voices((0.0, 1.8, "A"), (0.62, 0.8, "B"), (2.9, 4.5, "B")), punctuated=False)
    assert [turn.speaker for turn in turns] == ["A", "B"]
    assert turns[0].text == "We lose 4,000 each time."


def test_a_listening_sound_amid_a_sentence_is_the_listeners() -> None:
    said = [*words("so that is the", 0.0), Word(1.22, 1.45, "mm-hmm", 0.9), *words("second thing", 1.5)]
    turns = build_turns([said], voices((0.0, 2.2, "A"), (1.2, 1.5, "B")), punctuated=False)
    assert [(turn.speaker, turn.text) for turn in turns] == [("A", "So that is the second thing."), ("B", "Mm-hmm.")]


def test_a_change_of_speaker_moves_to_the_pause() -> None:
    text = [*words("that is fine", 0.0, step=0.26), *words("great so monday", 1.5, step=0.26)]
    turns = build_turns([text], voices((0.0, 0.5, "A"), (0.55, 3.0, "B")), punctuated=False)
    assert [turn.text for turn in turns] == ["That is fine.", "Great so Monday."]


def test_backchannels_do_not_split_a_turn() -> None:
    rep = words("so the first thing is the noise and then", 0.0) + words("the second thing is the heat", 3.4)
    turns = build_turns([rep, words("right", 3.0)], CHANNELS, punctuated=False)
    assert [turn.speaker for turn in turns] == ["channel 0", "channel 1"]
    assert turns[0].text.startswith("So the first")
    assert turns[0].t1 > turns[1].t1


def test_a_short_answer_after_a_pause_is_a_turn() -> None:
    asked = words("does that work for you", 0.0)
    turns = build_turns([asked + words("great then monday", 5.0), words("yes", 2.4)], CHANNELS, punctuated=False)
    assert [turn.text for turn in turns] == ["Does that work for you?", "Yes.", "Great then Monday."]


def test_an_interruption_starts_its_own_turn() -> None:
    long = words("we have been looking at this for a very long time now", 0.0)
    turns = build_turns([long, words("can i stop you there", 2.5)], CHANNELS, punctuated=False)
    assert [turn.speaker for turn in turns] == ["channel 0", "channel 1"]
    assert turns[1].text == "Can I stop you there?"


def test_a_name_may_hold_a_backslash() -> None:
    said = [words("hello acme\\globex", 0.0), []]
    turn = build_turns(said, CHANNELS, punctuated=False, names=("Acme\\Globex",))[0]
    assert turn.text == "Hello Acme\\Globex."


def test_names_and_punctuation() -> None:
    turns = build_turns(
        [words("this is priya from steady line", 0.0), []], CHANNELS, punctuated=False, names=("Priya",)
    )
    assert turns[0].text == "This is Priya from steady line."
    written = build_turns([words("Hello, Priya. How are you?", 0.0), []], CHANNELS, punctuated=True)
    assert written[0].text == "Hello, Priya. How are you?"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("monday morning will work and it will cost less", "Monday morning will work and it will cost less."),
        ("thank you will you send it", "Thank you will you send it."),
        ("thanks will do", "Thanks will do."),
        ("i will mark the bill", "I will mark the bill."),
        ("hello may i speak to her", "Hello may I speak to her."),
        ("we don't know", "We don't know."),
        ("good morning will this is priya", "Good morning Will this is priya."),
        ("hi mark i had a question", "Hi Mark I had a question."),
        ("this is will from steady line", "This is Will from steady line."),
        ("it's mark here", "It's Mark here."),
        ("thanks will", "Thanks Will."),
        ("thank you mark that's great", "Thank you Mark that's great."),
        ("i spoke to will young and he will call mister young", "I spoke to Will Young and he will call mister Young."),
        ("ask don about it", "Ask Don about it."),
    ],
)
def test_a_name_that_is_a_plain_word_too_is_a_name_only_where_it_is_one(said: str, written: str) -> None:
    names = ("Will Young", "Will", "Young", "Mark", "Bill", "May", "Don")
    assert build_turns([words(said, 0.0), []], CHANNELS, punctuated=False, names=names)[0].text == written


@pytest.mark.parametrize("text", ["what happens then", "so how much is it", "do you know", "and when can we start"])
def test_questions(text: str) -> None:
    assert build_turns([words(text, 0.0), []], CHANNELS, punctuated=False)[0].text.endswith("?")


def test_no_words_no_turns() -> None:
    assert build_turns([[]], voices(), punctuated=False) == ()
