from __future__ import annotations

import dataclasses

import pytest
from coach_story import DAY, RUBRIC, call, merged
from test_coach_signs import DONE, said, view_of

from pipeline.cli.account_text import SHOWN, account_text
from pipeline.coach.people import named_people
from pipeline.coach.plans import plan_json, pre_call_plan
from pipeline.coach.reports import account_report
from pipeline.coach.rows import Moment, MoveRow, Rows, TurnRow


def heard(rows: Rows, turn: int, **moves: float) -> Rows:
    more = tuple(MoveRow("p", turn, name, p) for name, p in moves.items())
    return dataclasses.replace(rows, moves=(*rows.moves, *more))


def turns(fact: str, *lines: str, **moves: float) -> list[int | None]:
    """The turns of a fact where the last of the lines was heard to make these moves."""
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", *lines)
    return [s.turn for s in view_of(heard(rows, 19 + len(lines), **moves)).facts[fact]]


def test_what_nobody_cited_is_a_fact_where_it_was_heard_surely() -> None:
    assert turns("impact", "Owen: We bin a pallet a night.", tell_problem=0.95) == [20]
    assert turns("impact", "Owen: We bin a pallet a night.", tell_problem=0.7) == []
    assert turns("impact", "R: You bin a pallet a night.", tell_impact=0.99) == []
    assert turns("terms", "R: Half on the first of May, half at sixty days.", terms=0.8) == [20]
    assert turns("terms", "R: Half on the first of May, half at sixty days.", terms=0.5) == []
    assert turns("decides", "Owen: It goes round three desks.", tell_process=0.95) == [20]
    assert turns("decides", "Owen: My uncle signs the big ones.", tell_process=0.45) == [20]
    assert turns("decides", "Owen: My uncle has a boat.", tell_process=0.45) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("I'll raise it this afternoon, it's in my budget.", True),
        ("It'll have to go up to Dublin for the signature.", True),
        ("I sign everything, unfortunately.", True),
        ("I can sign up to five thousand.", True),
        ("It's what I'd do if it's my budget.", False),
        ("I'd sign for that any day.", False),
        ("I decide what we have for lunch.", False),
    ],
)
def test_who_says_plainly_who_decides_is_heard_whatever_the_judge_hears(words: str, found: bool) -> None:
    assert bool(turns("decides", f"Owen: {words}", tell_situation=0.9)) is found


def test_trouble_told_after_the_price_is_not_the_problem() -> None:
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", "R: It is nine thousand.", "Mia: They cancelled.")
    assert view_of(heard(rows, 21, tell_problem=0.97)).facts["impact"]
    assert not view_of(heard(heard(rows, 21, tell_problem=0.97), 20, price=0.9)).facts["impact"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Over ten thousand Nadia has to approve it, Nadia Brook, our controller.", ["Nadia Brook"]),
        ("My sister Ines does the books.", ["Ines"]),
        ("I'd have to run it past Mr. Holt first.", ["Mr. Holt"]),
        ("If Sam says no that's it.", ["Sam"]),
        ("There's the plant director, Greta Lund, and me.", ["Greta Lund"]),
        ("Finance has to sign. Legal decides last.", []),
        ("Mia has to sign.", []),
        ("Brightline came in on Friday. We were in Leeds.", []),
        ("We'll decide on Monday, my boss is away.", []),
        ("You want Mrs Tully that approves these.", ["Mrs Tully"]),
        ("Ask for our controller, Rita Holm. Rita's the owner's cousin.", ["Rita Holm"]),
        ("Above that our CIO, Brenner, writes the note.", ["Brenner"]),
        ("VP of logistics. Ada Quill.", ["Ada Quill"]),
        ("They need Petra from the lab to sign the sheet.", ["Petra"]),
        ("The lab checks the sheet, Frau Lang, on Fridays.", ["Frau Lang"]),
        ("It stays on the shelf till Hugo has said it's safe, has Hugo said yes?", ["Hugo"]),
        ("That's my brother Finn on the photo, he has passed.", []),
        ("My brother Finn owns half of it.", ["Finn"]),
        ("The driver brings it, our yard manager, Otto, moans.", []),
        ("It goes to Leeds on Friday.", []),
        ("It goes to Leeds's server.", []),
    ],
)
def test_people_with_a_say_who_are_on_no_call(text: str, names: list[str]) -> None:
    turn = TurnRow("p", 1, 0.0, 1.0, "buyer", "Owen", text)
    assert [name for name, _ in named_people([turn], ["Mia", "Owen"])] == names
    assert named_people([dataclasses.replace(turn, side="rep")], ["Mia"]) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("So it's Gunnar, in Bergen, he's our finance director.", ["Gunnar"]),
        ("There's Ada Quill in Field Works, she's my director.", ["Ada Quill"]),
        ("The drivers went to Vexmart, my boss complains about everything.", []),
        ("My boss, Ada Quill, signs.", ["Ada Quill"]),
        ("Will has to sign it.", ["Will"]),
        ("It's Will Quill who signs.", ["Will Quill"]),
        ("I sign to thirty thousand. Then it goes to Perth but only for the purchase order.", []),
        ("I put it in. Then it goes to Linda, she signs.", ["Linda"]),
        ("I sign to thirty. Above that it goes to Mr. Holt in Detroit.", ["Mr. Holt"]),
        ("Does the controller have a screen?", []),
        ("She did the signs for us. Beautiful signs.", []),
        ("It trips, and then Carly has to clear it by hand.", []),
        ("Carly has to clear it before I sign.", ["Carly"]),
        ("I show it to Herr Ostrow, he's the owner. Ostrow decides up to thirty.", ["Herr Ostrow"]),
        ("Mrs Naidoo is the director, and Mr Naidoo signs.", ["Mrs Naidoo", "Mr Naidoo"]),
    ],
)
def test_places_and_firms_have_no_say(text: str, names: list[str]) -> None:
    turn = TurnRow("p", 1, 0.0, 1.0, "buyer", "Owen", text)
    assert [name for name, _ in named_people([turn], ["Mia", "Owen"])] == names


@pytest.mark.parametrize(
    "greeting",
    [
        "Wojtek: Hello. There is also Nasreen with me, Miss Chaudhry.",
        "Nasreen: Nasreen Chaudhry, good morning.",
        "Wojtek: I've Miss Chaudhry with me.",
        "Buyer: This is Miss Chaudhry, from the plant.",
        "Buyer: Miss Chaudhry speaking.",
    ],
)
def test_who_is_on_a_call_under_another_name_has_been_met(greeting: str) -> None:
    who, _, text = greeting.partition(": ")
    says = TurnRow("p", 1, 0.0, 1.0, "buyer", "Wojtek", "Miss Chaudhry is the plant director, she makes the budget.")
    greets = TurnRow("q", 1, 0.0, 1.0, "buyer", who, text)
    known = ["Wojtek", "Nasreen", "Buyer", "Tom Becker"]
    assert [name for name, _ in named_people([says], known)] == ["Miss Chaudhry"]
    assert named_people([says, greets], known) == []


def test_a_speaker_written_without_the_accent_is_met() -> None:
    turn = TurnRow("p", 1, 0.0, 1.0, "buyer", "Owen", "Then René signs it.")
    assert named_people([turn], ["Owen", "Rene"]) == []
    assert [name for name, _ in named_people([turn], ["Owen"])] == ["René"]


def test_what_a_buyer_answers_is_understood_by_what_was_asked() -> None:
    answer = TurnRow("p", 2, 0.0, 1.0, "buyer", "Owen", "That is for us and Finn.")
    asks = TurnRow("p", 1, 0.0, 1.0, "rep", "rep", "And who else has a say in the order?")
    greets = dataclasses.replace(asks, text="Who is with you today?")
    assert [name for name, _ in named_people([asks, answer], ["Owen"])] == ["Finn"]
    assert named_people([greets, answer], ["Owen"]) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Uncle's chairman, Ruben, he has to countersign over twelve.", ["Ruben"]),
        ("There's Ottilie, she runs the lab, she signs.", ["Ottilie"]),
        ("I tell our Sibyl, because she does the money.", ["Sibyl"]),
        ("Carla. Plant manager. She'll sign up to five.", ["Carla"]),
        ("Above me is Ivo Lund, yard head. It's his budget.", ["Ivo Lund"]),
        ("And Petra in QA has to like it.", ["Petra"]),
        ("Dorte upstairs goes through everything over two thousand.", ["Dorte"]),
        ("It goes to the board, which is me and Mr. Vane.", ["Mr. Vane"]),
        ("Brona, aye. Finance director.", ["Brona"]),
        ("There's a committee on a Tuesday, Mr. Vane and two more.", ["Mr. Vane"]),
        ("The board on line two is burnt. Mr. Vane found it.", []),
        ("Mr. Fell, the younger, he signs on a Friday.", ["Mr. Fell"]),
        ("i take it to miss amory she's the comptroller", ["Miss Amory"]),
        ("above that is mister van dorn he signs", ["Mister Van Dorn"]),
        ("Fell Lifts signs nothing on a Friday. Fell, he signs.", []),
        ("The insurance man, he looks at that.", []),
        ("She came from Veldt, she looks at it all.", []),
        ("I need the okay from Karen, she's our CFO.", ["Karen"]),
        ("Our director, Ada, from Leeds, she signs.", ["Ada"]),
        ("Petra would like it in blue.", []),
        ("i miss him he signs nothing", []),
    ],
)
def test_who_was_named_and_then_has_a_say(text: str, names: list[str]) -> None:
    turn = TurnRow("p", 1, 0.0, 1.0, "buyer", "Owen", text)
    assert [name for name, _ in named_people([turn], ["Owen"], firm="Fell Lifts")] == names


def test_who_it_is_that_decides_is_an_answer() -> None:
    answer = TurnRow("p", 2, 0.0, 1.0, "buyer", "Owen", "No, I'm only safety. It's Mr. Lange. Every contract.")
    asks = TurnRow("p", 1, 0.0, 1.0, "rep", "rep", "So who puts the ink on it?")
    greets = dataclasses.replace(asks, text="Who is that on the line?")
    assert [name for name, _ in named_people([asks, answer], ["Owen"])] == ["Mr. Lange"]
    assert named_people([greets, answer], ["Owen"]) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Torben is head of plant, he signs. And Petra in QA has to like it.", ["Petra", "Torben"]),
        ("Our director is Ada. And Petra in QA has to like it.", ["Petra", "Ada"]),
        ("It's Ivo. And the quality man must pass it, that's Petra.", ["Petra", "Ivo"]),
        ("Quality countersigns, that's Petra, and then Ivo signs.", ["Petra", "Ivo"]),
        ("Petra signs up to ten, above it Ivo signs.", ["Petra", "Ivo"]),
    ],
)
def test_who_decides_comes_after_those_who_only_advise(text: str, names: list[str]) -> None:
    asks = TurnRow("p", 1, 0.0, 1.0, "rep", "rep", "Who decides?")
    turn = TurnRow("p", 2, 0.0, 1.0, "buyer", "Owen", text)
    assert [name for name, _ in named_people([asks, turn], ["Owen"])] == names


def test_the_turn_quoted_for_a_person_is_the_one_that_shows_their_say() -> None:
    post = TurnRow("p", 1, 0.0, 1.0, "buyer", "Owen", "Our director, Ada Quill, is on leave.")
    deed = TurnRow("p", 5, 0.0, 1.0, "buyer", "Owen", "Then Ada signs it.")
    assert named_people([post, deed], ["Owen"]) == [("Ada Quill", deed)]


def cited(
    fact: str, criterion: str, text: str, *, level: int = 2, side: str = "Owen", **moves: float
) -> list[int | None]:
    """The turns of a fact where the judge cited one turn for it, having heard these moves in it."""
    rows = said(call("p", "Ann", -2, "Acme", {criterion: level}), "p", f"{side}: {text}")
    who = "rep" if side == "R" else f"buyer:{side}"
    here = Moment("p", criterion, 20, 0.0, 1.0, who, text, "")
    return [s.turn for s in view_of(heard(dataclasses.replace(rows, moments=(here,)), 20, **moves)).facts[fact]]


def test_what_is_cited_is_a_fact_only_where_its_words_or_moves_bear_it_out() -> None:
    decides = ("decides", "decision_makers")
    assert cited(*decides, "Oh, we sort that out among us.", tell_process=0.6) == []
    assert cited(*decides, "He's parked across the gate.", level=0, name_decider=0.8) == []
    assert cited(*decides, "It finds its way to the board, don't you worry.", name_decider=0.9) == []
    assert cited(*decides, "It goes up the road first.", tell_process=0.8) == [20]
    assert cited(*decides, "The board has a look.", tell_process=0.55) == [20]
    numbers = ("numbers", "business_case")
    assert cited(*numbers, "Ninety-one at the fair, I saw it.", level=0, give_number=0.8) == []
    assert cited(*numbers, "Call it ninety pounds the thousand.", side="R", price=0.96, quantify=0.55) == []
    assert cited(*numbers, "So ninety pounds a day, saved.", side="R", price=0.96, quantify=0.9) == [20]
    assert cited(
        *numbers, "Ninety more, and a shift back for it.", side="R", price=0.96, payback=0.6, link_value=0.8
    ) == [20]
    assert cited("terms", "proposal", "Yes, it names the trainer.", side="R", terms=0.75) == []


def asked(fact: str, question: dict[str, float], line: str, **moves: float) -> list[int | None]:
    """The turns of a fact where the line answers a question that was heard to make these moves."""
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", "R: And then?", line)
    return [s.turn for s in view_of(heard(heard(rows, 20, **question), 21, **moves)).facts[fact] if s.turn == 21]


def test_trouble_that_was_asked_for_may_be_heard_less_surely() -> None:
    line = "Owen: Then the whole line waits."
    assert asked("impact", {"ask_impact": 0.9}, line, tell_impact=0.75) == [21]
    assert asked("impact", {"follow_up": 0.9}, line, tell_impact=0.85) == [21]
    assert asked("impact", {"follow_up": 0.9}, line, tell_impact=0.75) == []
    assert asked("impact", {"follow_up": 0.9}, line, tell_impact=0.85, tell_situation=0.9) == []
    assert asked("impact", {"ask_impact": 0.9}, line, tell_impact=0.95, object=0.9) == []
    assert asked("impact", {}, line, tell_impact=0.85, tell_problem=0.95, object=0.9) == [21]


def test_a_problem_that_was_cited_but_hardly_heard_is_none() -> None:
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", "Mia: The printer jammed on your brochure.")
    cited = Moment("p", "discovery", 20, 0.0, 1.0, "buyer:Mia", "The printer jammed", "")
    rows = dataclasses.replace(rows, moments=(cited,))
    assert view_of(heard(rows, 20, tell_problem=0.8)).facts["impact"]
    assert not view_of(heard(rows, 20, tell_problem=0.7)).facts["impact"]
    assert not view_of(heard(rows, 20, tell_problem=0.8, object=0.8)).facts["impact"]


@pytest.mark.parametrize(
    ("line", "sure", "found"),
    [
        ("R: It was, Jo, was it twenty-six?", 0.96, False),
        ("R: The frame weighs nineteen hundred kilos, three thousand loaded.", 0.8, False),
        ("R: The frame is forty kilos and comes at nine hundred pounds.", 0.8, True),
        ("R: It takes eleven weeks for forty per cent of it.", 0.9, False),
        ("R: That is the TF 80 for three sites.", 0.9, False),
        ("R: Four nine a month.", 0.9, True),
        ("R: Three and a half a year.", 0.9, True),
        ("R: It's nine.", 0.96, True),
        ("R: It's nine.", 0.8, False),
    ],
)
def test_a_price_is_a_sum_that_is_stated_and_measures_nothing(line: str, sure: float, found: bool) -> None:
    assert bool(turns("price", line, price=sure)) is found


def test_terms_that_are_asked_for_are_not_stated() -> None:
    assert turns("terms", "R: Jo has it for two days, then we'd be on which date?", terms=0.9) == []
    assert turns("terms", "R: So what about half with the order?", terms=0.9) == [20]
    assert turns("terms", "R: From bill of lading, that's how we do it.", terms=0.9) == [20]


def test_what_a_rep_advises_in_plain_words_is_recommended() -> None:
    advice = "R: If it was me, I'd leave the big one and take the small one."
    assert turns("recommended", advice, answer=0.6) == [20]
    assert turns("recommended", "R: I'd take the small one for the big hall.", recommend=0.9) == [20]
    assert turns("recommended", "R: That's it. Do you want to hear what I would put there?", recommend=0.9) == []
    assert turns("recommended", "R: So what I'd do is get you a call with our metering people.", answer=0.6) == []
    rows = said(call("p", "Ann", -2, "Acme", {"recommendation": 0}), "p", advice)
    assert view_of(heard(rows, 20, answer=0.6)).facts["recommended"] == ()


def test_a_recommendation_is_quoted_with_what_is_recommended() -> None:
    why = "It is the wet film that lifts the corner on the way down, and the dry one holds it at any speed. " * 3
    rows = said(call("p", "Ann", -2, "Acme", {"recommendation": 3}), "p", f"R: I'd take the thin film. {why}")
    cited = Moment("p", "recommendation", 20, 0.0, 1.0, "rep", why[-200:].strip(), "")
    facts = view_of(heard(dataclasses.replace(rows, moments=(cited,)), 20, recommend=0.9)).facts
    assert (facts["recommended"][0].quote or "").startswith("I'd take the thin film.")


def test_a_second_price_in_few_words_may_be_heard_less_surely() -> None:
    lines = ("R: It is nine thousand.", "Mia: That is a lot.", "R: Forty-two hundred. For you.")
    rows = heard(said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", *lines), 22, price=0.45)
    assert [s.turn for s in view_of(heard(rows, 20, price=0.9)).facts["price"]] == [20, 22]
    assert not view_of(rows).facts["price"]


def test_who_answers_the_question_who_decides_tells_it() -> None:
    line = "Owen: Me. Here it's me only."
    assert asked("decides", {"ask_decider": 0.9}, line, name_decider=0.8) == [21]
    assert asked("decides", {}, line, name_decider=0.8) == []


def test_of_several_prices_the_quote_has_the_first() -> None:
    extras = "The fitting is two thousand, the spare belt nine hundred, the second drive is four thousand. " * 3
    rows = said(call("p", "Ann", -2, "Acme", {"proposal": 2}), "p", f"R: The line is eighty thousand pounds. {extras}")
    cited = Moment("p", "proposal", 20, 0.0, 1.0, "rep", extras[-200:].strip(), "")
    facts = view_of(heard(dataclasses.replace(rows, moments=(cited,)), 20, price=0.9)).facts
    assert (facts["price"][0].quote or "").startswith("The line is eighty thousand")


def test_numbers_prices_and_deciders_that_nobody_cited_are_facts_too() -> None:
    assert turns("numbers", "Owen: Ninety crates a shift go in the bin.", give_number=0.95) == [20]
    assert turns("numbers", "Owen: A lot of it goes in the bin.", give_number=0.95) == []
    assert turns("price", "R: Thirty-eight four, all in.", price=0.8) == [20]
    assert turns("price", "R: So thirty-eight four is back in a year.", price=0.8, payback=0.6) == []
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", "R: Who does it go by?", "Owen: Over thirty, Ada.")
    assert [s.turn for s in view_of(heard(rows, 20, ask_decider=0.9)).facts["decides"]] == [21]
    assert not view_of(rows).facts["decides"]


def test_a_buyer_does_not_recommend_and_a_price_is_quoted_with_the_price() -> None:
    talk = "There is the frame, the drive and the guard, and the fitters stay until it runs as you know it. " * 3
    text = f"It is eleven thousand pounds. {talk}"
    rows = said(call("p", "Ann", -2, "Acme", {"proposal": 2, "recommendation": 3}), "p", f"R: {text}", "Owen: It fits.")
    moments = (
        Moment("p", "proposal", 20, 0.0, 1.0, "rep", talk[-260:].strip(), ""),
        Moment("p", "recommendation", 21, 0.0, 1.0, "buyer:Owen", "It fits.", ""),
    )
    rows = heard(heard(dataclasses.replace(rows, moments=moments), 20, price=0.9), 21, recommend=0.9)
    facts = view_of(rows).facts
    assert "eleven thousand" in (facts["price"][0].quote or "")
    assert facts["recommended"][0].text == "buyer Owen says whether it fits"


def test_the_plan_names_who_was_never_met() -> None:
    rows = said(call("p", "Ann", -2, "Acme", DONE), "p", "Mia: Walter Pike approves these, our chairman.")
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert "Walter Pike, who has a say and was on no call" in plan_json(plan)["missing"]
    (row,) = account_report(rows, RUBRIC, "Acme", as_of=DAY)
    assert row["named"][0]["turn"] == 20


def test_a_heading_counts_what_is_shown_under_it_and_says_when_there_is_more() -> None:
    from io import StringIO

    from rich.console import Console

    rows = call("p", "Ann", -2, "Acme", {"discovery": 3})
    for number in range(SHOWN + 1):
        rows = heard(said(rows, "p", f"R: Terms {number}.", start=20 + number), 20 + number, terms=0.9)
    (row,) = account_report(rows, RUBRIC, "Acme", as_of=DAY)
    out = StringIO()
    Console(file=out, width=200).print(account_text(row))
    assert f"Terms stated ({SHOWN + 1}, the newest {SHOWN} here and all with --json)" in out.getvalue()
    assert "Terms 0." not in out.getvalue()
    assert f"Terms {SHOWN}." in out.getvalue()


def test_nothing_is_asked_whose_answer_is_known() -> None:
    low = {"discovery": 1, "decision_makers": 1, "business_case": 1}
    bare = dataclasses.replace(call("p", "Ann", -2, "Acme", low), moments=())
    first = pre_call_plan(bare, "Acme", RUBRIC, as_of=DAY)
    assert first is not None
    assert [q.question[:18] for q in first.questions] == [
        "How do you do this",
        "When you last boug",
        "What does this cos",
    ]
    assert first.questions[0].because == "discovery, at best so far: " + RUBRIC.criteria[0].levels[1]
    assert first.ask == "a dated second conversation about the problem and what it costs"
    told = said(bare, "p", "Owen: We bin a pallet a night.", "Owen: Ivy Ward, our controller, has to approve it.")
    told = heard(heard(told, 20, tell_problem=0.95), 21, tell_process=0.95)
    plan = pre_call_plan(told, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert not {q.question for q in plan.questions} & {q.question for q in first.questions[:2]}
    assert plan.questions[0].statement.turn == 20  # type: ignore[union-attr]
    assert plan.questions[1].because.startswith("who has a say was told")
    assert plan.ask == "half an hour, on a fixed date, on what the problem costs"


def test_who_named_a_decision_maker_is_not_asked_for_one_nor_told_that_nobody_did() -> None:
    rows = call("p", "Ann", -2, "Acme", DONE | {"decision_makers": 2})
    rows = dataclasses.replace(rows, moments=tuple(m for m in rows.moments if m.criterion != "decision_makers"))
    assert not view_of(rows).facts["decides"]
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    asked = [q.question for q in plan.questions]
    assert len(asked) == 2
    assert not any("had to be happy with it" in text or "whose budget" in text for text in asked)
    (row,) = account_report(rows, RUBRIC, "Acme", as_of=DAY)
    (risk,) = [r["text"] for r in row["risks"] if r["kind"] == "decision unknown"]
    assert risk == "a decision maker was named, but not how it is decided"


def test_who_decides_is_not_asked_again_where_only_the_order_is_left() -> None:
    rows = said(
        call("p", "Ann", -2, "Acme", DONE), "p", "Mia: I decide, it is my budget. We'll sign on Monday. [commit]"
    )
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert plan.ask.startswith("the signature")
    assert not any(q.question.startswith("Who ") for q in plan.questions)


def test_where_an_offer_is_made_the_ask_is_not_about_the_problem() -> None:
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 2, "decision_makers": 2, "proposal": 3}), "p")
    rows = said(rows, "p", "Mia: It has to go past our director, Ivy Ward. And Petra in QA has to like it.")
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert plan.ask == "a dated meeting with Ivy Ward, who was named and is on no call"


def test_the_last_question_of_a_call_is_not_answered_by_the_next() -> None:
    first = said(call("p", "Ann", -9, "Acme", {"discovery": 3}), "p", "R: Who else signs? [ask_decider]")
    answer = "Owen: My uncle, on Fridays."
    second = dataclasses.replace(call("q", "Ann", -2, "Acme", {"discovery": 3}), turns=())
    second = said(second, "q", answer, start=0)
    rows = dataclasses.replace(merged(first, second), moves=(*first.moves, MoveRow("q", 0, "name_decider", 0.75)))
    assert [(s.call_id, s.turn) for s in view_of(rows).facts["decides"]] == []
    same = said(first, "p", answer, start=21)
    same = dataclasses.replace(same, moves=(*same.moves, MoveRow("p", 21, "name_decider", 0.75)))
    assert [(s.call_id, s.turn) for s in view_of(same).facts["decides"]] == [("p", 21)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Mr. Deshmukh, plant head. He's the one who's to say yes.", ["Mr. Deshmukh"]),
        ("And Doug wants to look at it too, the tooling director.", ["Doug"]),
        ("Doug wants to look at it too, the poor man.", []),
        ("Rex, the dog. He's the one who sleeps here.", []),
    ],
)
def test_who_is_the_one_to_say_yes_or_wants_to_look_at_it_has_a_say(said: str, found: list[str]) -> None:
    turns = [TurnRow("a", 0, 0.0, 1.0, "buyer", "Mia", said)]
    assert [name for name, _ in named_people(turns, ["Mia"])] == found
