"""What is a price of a deal, what is only a figure, and the words that a price is quoted with."""

from __future__ import annotations

import dataclasses

import pytest
from coach_story import call
from test_coach_facts import heard, turns
from test_coach_signs import said, view_of

from pipeline.coach.amounts import names_sum
from pipeline.coach.rows import Moment


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("With your lid in it, ours made fifteen point four. I'd count sixteen.", False),
        ("The Z is four eighty, so it goes in.", False),
        ("The stroke's four hundred.", False),
        ("A belt a year and a service every two fifty.", False),
        ("Then it's the KV six hundred, or the L nine hundred.", False),
        ("So say eight or nine quid at your rate.", False),
        ("Forty, fifty, ten.", False),
        ("Payment thirty, fifty and twenty.", False),
        ("That's five thousand of meters and we don't charge for them, so it hurts us.", False),
        ("If we're late it costs us two thousand a week.", False),
        ("I pay you four hundred for each day he's late.", False),
        ("The Z is four eighty and the saw's forty-six thousand.", True),
        ("The KV six hundred's forty-six thousand.", True),
        ("We don't charge for the visit, so it's four thousand.", True),
        ("It's forty thousand, and we don't charge for training.", True),
        ("Forty thousand all in and I won't charge you extra for the first two hundred miles.", True),
        ("We don't charge extra for the first two hundred.", False),
        ("It's forty thousand, and at your rates that is a year's wages.", True),
        ("My cost is two sixty, you have it at three ten.", True),
        ("Thirty, sixty, forty-two.", True),
        ("B is two thousand seven hundred, A hundred and ten.", True),
    ],
)
def test_a_figure_that_measures_is_a_share_or_is_borne_by_the_seller_is_no_price(line: str, found: bool) -> None:
    assert names_sum(line) is found
    assert bool(turns("price", f"R: {line}", price=0.9)) is found


@pytest.mark.parametrize(
    ("line", "moves", "found"),
    [
        ("I'd come down to seventeen four if we sign for three years.", {"trade": 0.97}, True),
        ("All right, I can do sixteen hundred.", {"concede": 0.99}, True),
        ("Either of two. Five eighty by the month, or the year at once.", {"offer_options": 1.0}, True),
        ("A lease is three thousand one hundred in the month.", {"offer_options": 0.9}, True),
        ("I can do sixteen hundred, maybe.", {"concede": 0.6}, False),
        ("I can take off three thousand for the one you have.", {"trade": 0.99}, False),
        ("Leave it off, it's four hundred less.", {"offer_options": 0.95}, False),
        ("You could ask for twelve hundred bags at once.", {"offer_options": 0.95}, False),
        ("Then Monday, nine fifteen, and he brings it.", {"trade": 0.95}, False),
        ("Net fifty-five is all right, I'll strike that.", {"concede": 1.0}, False),
    ],
)
def test_what_is_offered_instead_or_for_something_is_a_price_too(
    line: str, moves: dict[str, float], found: bool
) -> None:
    lines = ("R: It is nineteen six.", "Mia: That is a lot.", f"R: {line}")
    rows = heard(said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", *lines), 22, **moves)
    named = heard(rows, 20, price=0.9)
    assert [s.turn for s in view_of(named).facts["price"]] == ([20, 22] if found else [20])
    assert not view_of(rows).facts["price"]  # none was named that it could stand in place of


@pytest.mark.parametrize(
    "price",
    [
        "Ninety-eight five, plus tax.",
        "That's five hundred a machine for the year.",
        "Seven eight for the year.",
        "It's thirty-three eight for the year.",
        "It's forty seven hundred a year.",
        "Four ninety a month.",
        "Three hundred and twelve.",
    ],
)
def test_a_price_said_without_its_currency_is_in_its_quote(price: str) -> None:
    talk = "In that are the frame and the guard, and our fitters stay with you until it runs as you know it. " * 3
    rows = said(call("p", "Ann", -2, "Acme", {"proposal": 2}), "p", f"R: {price} {talk}")
    quoted = Moment("p", "proposal", 20, 0.0, 1.0, "rep", talk[-200:].strip(), "")
    facts = view_of(heard(dataclasses.replace(rows, moments=(quoted,)), 20, price=0.9)).facts
    assert (facts["price"][0].quote or "").startswith(price)


def test_a_quantity_is_not_what_a_price_is_quoted_around() -> None:
    talk = "Then fifteen hundred invoices are in it, and sixty-two users, with two people of ours for as long. " * 3
    rows = said(call("p", "Ann", -2, "Acme", {"proposal": 2}), "p", f"R: {talk} It is eleven forty each.")
    facts = view_of(heard(rows, 20, price=0.9)).facts
    assert (facts["price"][0].quote or "").endswith("It is eleven forty each.")
