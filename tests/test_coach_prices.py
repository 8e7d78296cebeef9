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
        ("On ours, same part, it made thirteen point one. I'd count fourteen.", False),
        ("The Z is three hundred, so I'd guess so.", False),
        ("The stroke's four hundred.", False),
        ("Tyres once a year and a service every two fifty.", False),
        ("Then it's the CX six hundred, or the M nine hundred.", False),
        ("So call it nine ten quid at your rate.", False),
        ("Thirty, sixty, ten.", False),
        ("Payment thirty, fifty and twenty.", False),
        ("It's six thousand of kit and we don't charge for it, so I'm out of pocket.", False),
        ("If it's late it costs us a thousand a day.", False),
        ("I pay you five hundred every time he isn't there.", False),
        ("The Z is three hundred and the saw's forty-six thousand.", True),
        ("The CX six hundred's forty-six thousand.", True),
        ("We don't charge for the visit, so it's four thousand.", True),
        ("It's forty thousand, and we don't charge for training.", True),
        ("Forty thousand all in and I won't charge you extra for the first two hundred miles.", True),
        ("We don't charge extra for the first two hundred.", False),
        ("It's forty thousand, and at your rates that is a year's wages.", True),
        ("My cost is three fifty, you have it at four ten.", True),
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
        ("I'd come down to fourteen two if you give me two years.", {"trade": 0.97}, True),
        ("Tell you what, I can do twelve hundred.", {"concede": 0.99}, True),
        ("Two ways. Four ninety by the month, or you pay the year.", {"offer_options": 1.0}, True),
        ("The lease is two thousand two hundred in the month.", {"offer_options": 0.9}, True),
        ("I can do twelve hundred, maybe.", {"concede": 0.6}, False),
        ("I can take off two thousand for the old one.", {"trade": 0.99}, False),
        ("Leave it off, it's four hundred less.", {"offer_options": 0.95}, False),
        ("You could ask for twelve hundred bags at once.", {"offer_options": 0.95}, False),
        ("Then Thursday, eight fifteen, and he brings it.", {"trade": 0.95}, False),
        ("Net forty-five is fine, I'll take that off.", {"concede": 1.0}, False),
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
