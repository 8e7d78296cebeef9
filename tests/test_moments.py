"""Where the moment for a criterion was missed: `pipeline/moments.py`."""

from __future__ import annotations

from collections.abc import Mapping

from models.judge_model import Verdict
from pipeline.moments import missed_moment
from pipeline.rubric import load_rubric
from pipeline.types import NEUTRAL, Turn

RUBRIC = load_rubric("sales_call")
TEXTS = (
    "So what do you run?",
    "It costs us nine hours a week.",
    "Okay.",
    "Mm.",
    "We sell pumps.",
    "Right.",
    "Bye then.",
)
TURNS = tuple(Turn(5.0 * n, 5.0 * n + 4, "buyer:Ann" if n % 2 else "rep", text) for n, text in enumerate(TEXTS))


def missed(name: str, moves: Mapping[int, Mapping[str, float]], *cited: int) -> tuple[int, str] | None:
    heard = Verdict(moves=tuple(moves.get(n, {}) for n in range(len(TURNS))), objections=(), criteria={}, kinds_heard=9)
    criterion = RUBRIC.criterion(name)
    moment = missed_moment(criterion, RUBRIC, heard, TURNS, cited)
    return (moment.turn, "fixed" if moment.why == criterion.missed else moment.why) if moment else None


def test_an_occasion_that_goes_by_is_the_moment() -> None:
    assert missed("business_case", {1: {"give_number": 0.9}}, 1) == (1, "fixed")


def test_an_occasion_that_is_used_soon_after_is_not() -> None:
    used = {1: {"give_number": 0.9}, 4: {"quantify": 0.4}}
    assert missed("business_case", used, 1) == (1, NEUTRAL)
    assert missed("objection_handling", {1: {"object": 1.0}, 2: {"explore": 0.8}}, 1) == (1, NEUTRAL)


def test_what_was_only_acknowledged_was_missed() -> None:
    assert missed("objection_handling", {1: {"object": 1.0}, 2: {"acknowledge": 0.8}}, 1) == (1, "fixed")


def test_the_likeliest_occasion_of_the_call_is_found_where_the_cited_turns_show_none() -> None:
    heard = {1: {"give_number": 0.7}, 3: {"tell_impact": 0.99}, 5: {"give_number": 0.6}}
    assert missed("business_case", heard, 4) == (1, "fixed"), "no trouble is told in turn 3"
    assert missed("business_case", heard, 4, 5) == (5, "fixed"), "a cited turn comes first"


def test_where_no_turn_bears_it_out_the_cited_turn_says_what_was_weak() -> None:
    assert missed("positioning", {4: {"boilerplate": 0.9}}, 4) == (
        4,
        "the rep talks about the company, in buzzwords or untied features",
    )
    assert missed("positioning", {}, 4) == (4, NEUTRAL)
    assert missed("positioning", {}) is None


def test_a_vague_end_that_a_real_ask_follows_is_not_missed() -> None:
    assert missed("ask_for_sale", {5: {"vague_next": 0.9}}, 5) == (5, "fixed")
    assert missed("ask_for_sale", {5: {"vague_next": 0.9}, 6: {"ask_step": 0.9}}, 5) != (5, "fixed")


def test_a_call_that_ends_without_an_ask_missed_it_at_its_end() -> None:
    assert missed("ask_for_sale", {}, 6) == (6, "fixed")
    assert missed("ask_for_sale", {}, 2) == (6, "fixed")
    assert missed("ask_for_sale", {6: {"ask_commitment": 0.9}}, 6) == (6, NEUTRAL)
