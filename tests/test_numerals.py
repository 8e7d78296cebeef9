from __future__ import annotations

import pytest

from pipeline.numerals import written


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("it is forty five thousand dollars a year", "it is $45,000 a year"),
        ("by march thirty first", "by March 31"),
        ("by the thirty first of march", "by the 31st of march"),
        ("eleven percent", "11%"),
        ("twelve point five per cent", "12.5%"),
        ("in twenty twenty six", "in 2026"),
        ("nineteen ninety five", "1995"),
        ("two point five million dollars", "$2.5 million"),
        ("one million two hundred thousand euros", "€1.2 million"),
        ("three hundred and fifty two", "352"),
        ("sixty five thousand two hundred and ten dollars", "$65,210"),
        ("a hundred dollars", "$100"),
        ("twenty seven thousand this year", "27,000 this year"),
        ("nine thousand four hundred pounds", "£9,400"),
        ("forty-five days", "45 days"),
        ("twenty thousand or thirty thousand", "20,000 or 30,000"),
        ("three and a half thousand a day", "3,500 a day"),
        ("two and a half million dollars", "$2.5 million"),
        ("six and a half percent", "6.5%"),
        ("seven dollars and fifty cents", "$7.50"),
        ("at ten fifteen a.m. or nine pm", "at 10:15 a.m. or 9 pm"),
        ("january second twenty twenty seven", "January 2, 2027"),
        ("march third two thousand twenty six", "March 3, 2026"),
        ("since two thousand and nineteen", "since 2019"),
        ("by twenty thirty", "by 2030"),
        ("two thousand and fifty pounds", "£2,050"),
        ("a thousand and twenty five dollars", "$1,025"),
        ("five thousand and ten thousand", "5,000 and 10,000"),
        ("nine thousand and fifteen percent", "9,000 and 15%"),
        ("the twenty twenty six budget", "the 2026 budget"),
        ("from twenty twenty five to twenty twenty six", "from 2025 to 2026"),
        ("we pushed it into twenty twenty seven", "we pushed it into 2027"),
        ("more than twenty twenty four", "more than 2024"),
        ("the second quarter twenty twenty six", "the second quarter 2026"),
        ("in two thousand nineteen dollars", "in $2,019"),
        ("the twenty second", "the 22nd"),
        ("two thousand and twenty orders", "2,020 orders"),
    ],
)
def test_numbers_as_people_write_them(spoken: str, expected: str) -> None:
    assert written(spoken) == expected


@pytest.mark.parametrize(
    "spoken",
    [
        "two sites and three thirty on tuesday",
        "call five five five one two",
        "it may second that",
        "may i ask",
        "one of them",
        "twenty four seven",
        "two and a half sites",
        "a hundred",
        "about twenty thirty drivers",
        "twenty twenty five trucks",
        "for twenty thirty minutes",
        "to twenty thirty drivers",
        "half a million dollars a year",
        "a quarter of a million pounds",
        "a thirty second pitch",
        "",
    ],
)
def test_what_is_not_safe_stays_words(spoken: str) -> None:
    assert written(spoken) == spoken
