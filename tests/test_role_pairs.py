from __future__ import annotations

import math

import pytest

from models.role_pairs import SIGNS, pair_signs, same_side_logits
from pipeline.types import Turn


def talk(*said: tuple[str, str]) -> tuple[Turn, ...]:
    return tuple(Turn(10.0 * n, 10.0 * n + 8, speaker, text) for n, (speaker, text) in enumerate(said))


def sign(turns: tuple[Turn, ...], which: str, names: dict[str, str] | None = None, pair: str = "AB") -> float:
    return pair_signs(turns, names or {})[pair[0], pair[1]][SIGNS.index(which)]


def test_who_speak_one_after_the_other_are_more_often_neighbours_than_by_chance() -> None:
    turns = talk(("A", "Yes."), ("B", "No."), ("A", "Well."), ("B", "Hm."), ("C", "Right."), ("A", "Fine."))
    assert sign(turns, "next to each other") > 0
    assert sign(turns, "next to each other", pair="BC") == pytest.approx(
        math.log(1.5 / (5 * 2 / 18 / (1 - 14 / 36) + 0.5))
    )


def test_answers_count_from_the_question() -> None:
    asked = talk(
        ("A", "What does it cost?"), ("B", "Ten."), ("C", "Hm."), ("A", "And when?"), ("B", "May."), ("C", "Oh.")
    )
    assert sign(asked, "asks and is answered") > sign(asked, "asks and is answered", pair="AC")


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("I brought Nils, our engineer.", "brought along"),
        ("Nils, do you want to show the drive?", "asked to take over"),
        ("As Nils said.", "named otherwise"),
    ],
)
def test_names_are_read_with_what_is_said_of_them(text: str, which: str) -> None:
    turns = talk(("A", text), ("B", "Sure."), ("C", "Good."))
    assert sign(turns, which, {"B": "Nils Ahl"}) > 0
    assert sign(turns, which) == 0
    assert sign(turns, which, {"B": "Nils Ahl"}, pair="AC") == 0


def test_a_name_that_is_a_word_is_not_read_where_nothing_is_capital() -> None:
    names = {"B": "Will"}
    written, heard = "Ask Will about it.", "that will do"
    assert sign(talk(("A", written), ("B", "Yes.")), "named otherwise", names) > 0
    assert sign(talk(("A", heard), ("B", "yes")), "named otherwise", names) == 0
    assert sign(talk(("A", "ask nils"), ("B", "yes")), "named otherwise", {"B": "Nils"}) > 0


def test_two_who_answer_each_other_are_not_on_one_side_and_one_who_is_brought_is() -> None:
    turns = talk(
        ("A", "I brought Nils, our engineer. What breaks?"), ("C", "The pump."), ("A", "How often?"), ("C", "Weekly."),
        ("A", "And who mends it?"), ("C", "We do. How long would yours last?"), ("B", "Ten years."), ("C", "Hm, good."),
    )  # fmt: skip
    logits = same_side_logits(turns, {"B": "Nils"})
    assert logits["A", "C"] < -2
    assert logits["A", "B"] > 0
    assert logits["C", "B"] < 0
