"""Who is a competitor on a deal, and who only sounds like one."""

from __future__ import annotations

import dataclasses

import pytest
from coach_story import call
from test_coach_deals import GOOD, deal, kinds, says, typed

from pipeline.coach.deals import strategies
from pipeline.coach.rivals import in_house, names_it, rival_names, telling_names
from pipeline.coach.rows import ObjectionRow, Rows


def test_competitors_are_named_from_the_profile_and_from_talk_about_rivals() -> None:
    rows = says(
        call("p", "Ann", -2, "Acme", GOOD),
        "p",
        "Owen: We had an offer from Brightline, and Mia liked it. Monday we talk to Kestrel.",
        "Owen: And Zenith rang, about nothing much.",
    )
    rows = dataclasses.replace(rows, objections=(ObjectionRow("p", 20, "competition", "partly"),))
    assert [r.name for r in deal(rows).rivals] == ["Brightline", "Kestrel"]
    assert {r.name for r in deal(rows, known=("zenith",)).rivals} == {"Brightline", "Kestrel", "zenith"}
    assert "competitor" in kinds(rows)
    (play,) = [s for s in strategies(deal(rows)) if s.kind == "protect"]
    assert play.because.startswith("Win it from Brightline")
    assert "Brightline" in play.play[0]
    assert any(s.because.startswith("Protect the account from") for s in strategies(deal(typed(rows, "renewal"))))


def test_a_supplier_is_named_by_what_is_said_of_it_and_quoted_by_the_newest_words() -> None:
    rows = says(
        call("p", "Ann", -2, "Acme", GOOD),
        "p",
        "Owen: Norvik has been calling, I never ring them back.",
        "Owen: They sit in Leeds. Ines has been calling too, she does our buying.",
        "R: Better than Norvik, I hope.",
        "Owen: Norvik quoted eleven thousand.",
        "Owen: We went to Leeds instead of Harrogate, Mia was in here last week.",
    )
    (rival,) = deal(rows).rivals
    assert rival.name == "Norvik"
    assert rival.statement.quote == "Norvik quoted eleven thousand."


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("We've had an offer from Brightline.", ["Brightline"]),
        ("We bought the Kestrel readers in May.", ["Kestrel"]),
        ("What about Sondal, they dropped again?", ["Sondal"]),
        ("Our integrator prefers Kestrel.", ["Kestrel"]),
        ("Sondal was in on Monday. They're asking seventy.", ["Sondal"]),
        ("Have they quoted you?", []),
        ("Would Hugo want ten minutes?", []),
        ("Thornhill was in here last week. He liked it.", []),
        ("We sell to Brannigan, they found it on the bench.", []),
        ("Put it in SAP on Monday.", []),
        ("Norvik, from Leeds, made me a better price.", ["Norvik"]),
        ("Sondal's have been on, they'd do ten.", ["Sondal"]),
        ("We're tied in with Brightline till May.", ["Brightline"]),
        ("Kestrel. They're after quoting for the lot.", ["Kestrel"]),
        ("We've got Sondal's coming in, they do it for nine.", ["Sondal"]),
        ("The broker, Zenith, they'll fit one free.", []),
        ("The broker, Zenith, they say they'll fit one free.", ["Zenith"]),
        ("My brother went to the other crowd, to Kestrel.", ["Kestrel"]),
        ("He could get a used Kestrel for six.", ["Kestrel"]),
        ("I could buy a used Kestrel for that!", []),
    ],
)
def test_few_words_show_a_supplier_by_themselves(said: str, found: list[str]) -> None:
    assert telling_names(said) == found


def test_who_sends_some_things_quotes_no_price() -> None:
    assert telling_names("I've the readings from when Sunil sent me four trays.") == []
    assert telling_names("You know, Feerum gave me ninety, all in.") == ["Feerum"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("We had an offer from Brightline, and Mia liked it.", ["Brightline"]),
        ("Mettler came to us on Tuesday.", ["Mettler"]),
        ("I don't know. Sika's been in here, twice.", ["Sika"]),
        ("We're also talking to ABBYY, their partner came.", ["ABBYY"]),
        ("The Windchill fellers were in, and the Sullair dealer.", ["Windchill", "Sullair"]),
        ("I must compare with SolidWorks PDM, we have eleven.", ["SolidWorks PDM"]),
        ("And then there's the M-Files people, they sent us a quote too.", ["M-Files"]),
        ("Artie says he could do it over the shutdown, and they reckon it holds.", []),
        ("We had the contractor in. Local man. He says it's a third less than you.", []),
        ("Why do you talk with Americans, my manager says.", []),
        ("Because Bea says there's a viewer for free. She's got it already.", []),
        ("I can go with the Pareto and show where it is, they like that.", []),
        ("Vexmart says there's a viewer for free. It's on their page.", ["Vexmart"]),
        ("Vexmart said eleven thousand. He's coming back on Tuesday.", ["Vexmart"]),
        ("Vexmart says they'd do it for nine. She's here on Monday.", ["Vexmart"]),
        ("There is a company in Malaysia, and an offer from Germany.", []),
        ("There's that Dutch lot, they quoted on Monday.", []),
        ("The other crowd said they'd do it for half. He came on Tuesday.", []),
    ],
)
def test_names_of_rivals_and_not_of_places(said: str, found: list[str]) -> None:
    assert rival_names(said) == found


def against(*lines: str, handled: str = "no", call_type: str = "discovery") -> Rows:
    """A call whose first of these lines is an objection about another way to do it."""
    rows = typed(says(call("p", "Ann", -2, "Acme", GOOD), "p", *lines), call_type)
    return dataclasses.replace(rows, objections=(ObjectionRow("p", 20, "competition", handled),))  # type: ignore[arg-type]


def test_their_own_people_are_no_supplier() -> None:
    rows = against("Owen: We've got Ines. She builds these on the second shift.")
    assert deal(rows).rivals == ()


def test_a_play_against_nobody_named_says_that_it_is_not_sure_of_another_option() -> None:
    for said in (
        "We've got Ines. She builds these on the second shift.",
        "They had me in that little room with the auditor.",
    ):
        (play,) = [s for s in strategies(deal(against(f"Owen: {said}"))) if s.kind == "protect"]
        assert play.because == "Win it against another option, as it seems: the calls name no other vendor"
        assert play.play[0].startswith("Ask whether they weigh another way at all")
    (named,) = strategies(deal(against("Owen: Vexmart quoted us eleven thousand.")))
    assert named.because == "Win it from Vexmart"


UWE = (
    "Owen: There's Uwe, too. I can't leave out Uwe. He's welded here since the wall came down, and Uwe has said to the "
    "whole canteen that a robot comes in over his dead body."
)


@pytest.mark.parametrize(
    ("said", "rival"),
    [
        (UWE, False),
        ("Owen: Our painter, Lorne Abbot, he mixes by eye. He's not going to want a scale under it.", False),
        ("Owen: And Marlene says no. Marlene's been here since the old plant and she won't touch a screen.", False),
        ("Owen: Kurt came to me on Friday. Kurt doesn't like it, he likes his paper.", False),
        ("Owen: Brightline came on Friday. He's been here twice, and they quoted us nine thousand.", True),
        ("Owen: My foreman won't use yours. Brightline made him an offer.", True),
        ("Owen: We use Brightline. Brightline has been with us for ten years.", True),
        ("Owen: We've got Brightline, and Brightline has worked for us ever since the move.", True),
        ("Owen: And Kurt came to me on Friday. Kurt, he's been with us for thirty years, he likes his paper.", False),
    ],
)
def test_somebody_of_theirs_who_is_against_it_is_no_competitor(said: str, rival: bool) -> None:
    found = deal(against(said))
    assert [r.name for r in found.rivals] == (["Brightline"] if rival else [])
    assert ("competitor" in kinds(against(said))) is rival
    assert any("from Brightline" in s.because for s in strategies(found)) is rival


def test_who_is_against_it_inside_is_no_competitor_on_any_other_turn() -> None:
    rows = against("Owen: Uwe came to me about it, an offer from Brightline in his hand.", "R: I see.", UWE)
    assert [r.name for r in deal(rows).rivals] == ["Brightline"]


def test_what_a_rep_says_they_have_is_their_own_and_a_place_is_no_supplier() -> None:
    own = says(call("p", "Ann", -2, "Acme", GOOD), "p", "R: We have ten years on the Tundra sensors.")
    assert deal(own).rivals == ()
    bought = says(call("p", "Ann", -2, "Acme", GOOD), "p", "Owen: We have forty of the Tundra sensors.")
    assert [r.name for r in deal(bought).rivals] == ["Tundra"]
    assert deal(against("Owen: I had a thing from Izmir at nineteen.")).rivals == ()


def test_a_rival_that_is_settled_is_no_play_and_one_that_comes_back_is() -> None:
    said = "Owen: We had an offer from Brightline."
    assert {s.kind for s in strategies(deal(against(said, handled="yes")))} == {"advance"}
    assert "competitor" in kinds(against(said, handled="yes"))
    again = against(said, "R: I see.", "Owen: And Brightline quoted again.", handled="yes")
    assert {s.kind for s in strategies(deal(again))} == {"protect"}


def test_what_is_said_against_something_new_is_no_danger_to_what_they_have() -> None:
    rows = call("p", "Ann", -2, "Acme", {**GOOD, "objection_handling": 1})
    assert {s.kind for s in strategies(deal(typed(rows, "cross-sell")))} == {"advance"}
    assert {s.kind for s in strategies(deal(typed(rows, "renewal")))} == {"protect"}


def test_a_long_list_of_names_is_read_through() -> None:
    # a pattern that can split a name in many ways does not come back from this
    names = "Siemens Rockwell Schneider Mitsubishi Keyence Cognex Beckhoff Honeywell " * 5
    for said in (f"{names}and so on.", names.replace(" ", "-"), "A" * 200 + "b", "Ab1" * 100):
        assert rival_names(said) == telling_names(said) == []
    assert telling_names("We went over to the other crowd, to ABB-Kestrel B2B.") == ["ABB-Kestrel B2B"]
    assert telling_names("ABB has quoted.") == ["ABB"]


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("Acme Inc.", "We looked at Acme Inc. in May.", True),
        ("C++", "They do it in C++, they say.", True),
        ("3M", "We had 3M in.", True),
        ("Sika", "Sikander came.", False),
        ("Kestrel", "The Kestrels nest there.", False),
    ],
)
def test_a_known_name_is_heard_as_it_is_written(name: str, text: str, there: bool) -> None:
    assert names_it(name, text) is there
    rows = says(call("p", "Ann", -2, "Acme", GOOD), "p", f"Owen: {text}")
    assert [r.name for r in deal(rows, known=(name,)).rivals] == ([name] if there else [])


def test_a_known_name_is_quoted_where_it_is_said() -> None:
    talk = "we walked the hall with the boys and the new man from the night shift and looked at all of it, " * 4
    rows = says(call("p", "Ann", -2, "Acme", GOOD), "p", f"Owen: So {talk}and there was Acme Inc. too, on a pole.")
    (rival,) = deal(rows, known=("Acme Inc.",)).rivals
    assert "Acme Inc." in (rival.statement.quote or "")


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ("We don't have to do nothing, I mean, we could get a bigger whiteboard with a lid.", True),
        ("we don't have to do anything we manage", True),
        ("We could buy a second ledger and be done.", True),
        ("You don't have to do anything about the drawings.", False),
        ("We could get a bigger tablet.", False),
        ("Great, so we don't have to do anything, you migrate it all.", False),
        ("I can get a new calendar invite out to you.", False),
    ],
)
def test_doing_nothing_or_a_bigger_board_is_no_other_vendor(said: str, own: bool) -> None:
    assert in_house(said) is own
