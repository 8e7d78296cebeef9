"""MEDDICC and BANT: complete, spoken, and giving sensible levels."""

import re

import pytest
import yaml

from pipeline.custom import score_by_examples
from pipeline.rubric import RUBRICS, Criterion, load_rubric
from pipeline.types import Turn

FRAMEWORKS = {
    "meddicc": {
        "metrics": "business_case", "economic_buyer": None, "decision_criteria": None,
        "decision_process": "decision_makers", "identify_pain": "discovery", "champion": None, "competition": None,
    },
    "bant": {"budget": None, "authority": "decision_makers", "need": "discovery", "timeline": None},
}  # fmt: skip
BY_EXAMPLES = [
    pytest.param(criterion, id=f"{name}-{criterion.id}")
    for name in FRAMEWORKS
    for criterion in load_rubric(name).criteria
    if criterion.judge == "examples"
]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_criteria_are_the_frameworks_own_in_its_order(name: str) -> None:
    criteria = load_rubric(name).criteria
    assert [item.id for item in criteria] == list(FRAMEWORKS[name])
    assert {item.id: item.same_as if item.judge == "trained" else None for item in criteria} == FRAMEWORKS[name]
    assert all(item.missed and item.question for item in criteria)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_nothing_is_na_where_the_framework_always_asks(name: str) -> None:
    assert all(item.applies == "always" and not item.occasion for item in load_rubric(name).criteria)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_no_trained_criterion_counts_twice(name: str) -> None:
    trained = [item.same_as for item in load_rubric(name).criteria if item.judge == "trained"]
    assert len(trained) == len(set(trained))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_moves_and_trained_criteria_match_the_default_rubric(name: str) -> None:
    default = load_rubric("sales_call")
    rubric = load_rubric(name)
    assert {move for item in rubric.criteria for move in item.moves} == set(rubric.moves)
    for move in rubric.moves.values():
        assert move == default.moves[move.id]
    for item in rubric.criteria:
        if item.judge == "trained":
            assert item.moves == default.criterion(item.same_as).moves
            assert item.applies == default.criterion(item.same_as).applies


@pytest.mark.parametrize("criterion", BY_EXAMPLES)
def test_examples_are_many_and_differ(criterion: Criterion) -> None:
    for sentences in (criterion.shows, criterion.confirms):
        assert len(sentences) >= 8
        opening = [tuple(re.findall(r"[a-z']+", text.lower())[:3]) for text in sentences]
        assert len(set(opening)) == len(opening)


def test_no_sentence_stands_in_two_criteria() -> None:
    for name in FRAMEWORKS:
        table = yaml.safe_load((RUBRICS / f"{name}.yaml").read_text(encoding="utf-8"))
        said = [text for row in table["criteria"] for key in ("shows", "confirms") for text in row.get(key, ())]
        assert len(said) == len(set(said))


NOTHING = (
    ("rep", "How was your weekend, did you get any rain?"),
    ("buyer:Ann", "Plenty of it. Hang on, there's somebody at the door."),
    ("rep", "So you click on this and it shows you the list."),
    ("buyer:Ann", "And it runs in the browser?"),
    ("rep", "It does, there's nothing to install."),
    ("buyer:Ann", "Mm-hmm."),
)
ASKED = {
    "economic_buyer": (
        "If you like it, who's got to sign for the spend?",
        "That's our CFO, Ines, she holds the purse.",
    ),
    "decision_criteria": (
        "What's going to count most when you choose between suppliers?",
        "Reliability first, then how it fits with the system we have, and price last.",
    ),
    "champion": (
        "Would you be up for presenting it to your director yourself?",
        "Yeah, I'll take it to her, I've wanted this for years.",
    ),
    "competition": (
        "Are there any other firms pitching for this?",
        "Two other suppliers, and the in-house team thinks they can do it.",
    ),
    "budget": (
        "And have you put any money by for this, or does it still have to be asked for?",
        "There's about fifty thousand in the budget for it.",
    ),
    "timeline": (
        "By when would it have to be running?",
        "Before the end of June, that's when the new line opens.",
    ),
}


def turns(*rows: tuple[str, str]) -> list[Turn]:
    return [Turn(10.0 * i, 10.0 * i + 8, speaker, text) for i, (speaker, text) in enumerate(rows)]


@pytest.mark.parametrize("criterion", BY_EXAMPLES)
def test_levels_rise_from_silence_to_an_answered_question(criterion: Criterion) -> None:
    asked, answered = ASKED[criterion.id]
    assert asked not in criterion.shows
    silent = score_by_examples(turns(*NOTHING), criterion)
    assert (silent.level, silent.status) == (0, "scored")
    unanswered = score_by_examples(
        turns(*NOTHING, ("rep", asked), ("buyer:Ann", "Hm, hang on a second."), *NOTHING), criterion
    )
    assert unanswered.level == 3
    complete = score_by_examples(turns(*NOTHING, ("rep", asked), ("buyer:Ann", answered), *NOTHING), criterion)
    assert complete.level == 4


@pytest.mark.parametrize("criterion", BY_EXAMPLES)
def test_the_other_criteria_do_not_earn_it(criterion: Criterion) -> None:
    others = [row for name, row in ASKED.items() if name != criterion.id and name in ("timeline", "champion")]
    rows = [turn for asked, answered in others for turn in (("rep", asked), ("buyer:Ann", answered))]
    assert (score_by_examples(turns(*NOTHING, *rows), criterion).level or 0) <= 2
