import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.rubric import Criterion, Rubric
from pipeline.rubric_diff import moved_scores, rubric_changes
from pipeline.types import CallMeta, CriterionScore, Metrics, Scorecard, Transcript, Turn

ANCHORS = ("no", "hardly", "partly", "well", "very well")
DISCOVERY = Criterion("discovery", "Discovery", "survey", "asks", ANCHORS, same_as="discovery")
PROPOSAL = Criterion("proposal", "Proposal", "align", "offers", ANCHORS, applies="when asked", same_as="proposal")
TIMING = Criterion(
    "timing", "Timing", "assess", "asks when", ANCHORS, judge="examples", same_as="timing",
    shows=("When do you need it?", "Is there a date you are working towards?"),
)  # fmt: skip
NOW = ("embedded", "r1")
LEVELS = {"discovery": 1, "proposal": 3, "ask_for_sale": 2}


def rubric(*criteria: Criterion, version: str = "a") -> Rubric:
    return Rubric("mine", "Mine", criteria, version=version)


OLD = rubric(DISCOVERY, PROPOSAL)


def turned(criterion: Criterion, **changes: Any) -> Rubric:
    changed = dataclasses.replace(criterion, **changes)
    return rubric(*(changed if item.id == criterion.id else item for item in OLD.criteria), version="b")


class Judge:
    """Scores every trained criterion by `LEVELS` and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, transcript: Transcript, rubric: Rubric) -> Scorecard:
        self.asked.append(rubric.version)
        scores = {c.id: CriterionScore(LEVELS.get(c.same_as, 0), "scored", 0.9) for c in rubric.criteria}
        total = sum(c.weight for c in rubric.criteria)
        overall = 25.0 * sum(c.weight * (scores[c.id].level or 0) for c in rubric.criteria) / total
        return Scorecard("c1", rubric.id, rubric.version, *NOW, overall, scores, (), Metrics())


def record(*, turns: int = 8, revision: str = "r1") -> dict[str, Any]:
    said = tuple(Turn(i, i + 1, "rep" if i % 2 else "buyer:Ann", "We make parts for pumps.") for i in range(turns))
    transcript = Transcript("c1", CallMeta(rep="Bea"), said)
    card = Judge()(transcript, OLD).to_json()
    card["judge"]["revision"] = revision
    return {"call_id": "c1", "source": {"path": "c1.json"}, "transcript": transcript.to_json(), "scorecard": card}


def moved(new: Rubric, *, judge: Judge | None = None, **kinds: Any) -> list[tuple[Any, ...]]:
    found = moved_scores(record(**kinds), OLD, new, judge=judge or Judge(), identity=NOW)
    return [(row.criterion, row.before, row.after, row.why) for row in found]


def test_the_same_rubric_moves_nothing_and_asks_no_judge() -> None:
    judge = Judge()
    assert (rubric_changes(OLD, OLD), moved(OLD, judge=judge), judge.asked) == ([], [], [])


def test_a_weight_moves_the_overall_only() -> None:
    judge = Judge()
    new = turned(DISCOVERY, weight=3.0)
    assert [(c.what, c.moves) for c in rubric_changes(OLD, new)] == [("weight 1 -> 3", "overall")]
    assert moved(new, judge=judge) == [("overall", 50.0, 37.5, "discovery: weight 1 -> 3")]
    assert judge.asked == []


@pytest.mark.parametrize(
    ("changes", "what", "effect"),
    [
        (
            {"levels": ("no", "a bit", *ANCHORS[2:])},
            "wording of level 1",
            "the trained judge scores what it was trained",
        ),
        ({"target": 2.0}, "target 3 -> 2", "gaps and training follow"),
        ({"title": "Survey", "missed": "there"}, "title, missed reworded", "nothing is judged by it"),
        ({"shows": ("What does it cost you?",)}, "example sentences changed", "reads no sentences"),
        ({"moves": ("ask_problem",)}, "moves changed", "explained in other words"),
    ],
)
def test_what_cannot_move_a_score_says_so(changes: dict[str, Any], what: str, effect: str) -> None:
    (change,) = rubric_changes(OLD, turned(DISCOVERY, **changes))
    assert (change.criterion, change.what, change.moves) == ("discovery", what, "nothing")
    assert effect in change.effect
    assert moved(turned(DISCOVERY, **changes)) == []


def test_an_added_criterion_of_examples_is_scored_without_the_judge() -> None:
    judge = Judge()
    new = rubric(DISCOVERY, PROPOSAL, TIMING, version="b")
    assert [(c.criterion, c.what, c.moves) for c in rubric_changes(OLD, new)] == [
        ("timing", "criterion added", "level")
    ]
    assert moved(new, judge=judge) == [
        ("timing", None, 0, "criterion added"),
        ("overall", 50.0, 33.3, "scores of timing"),
    ]
    assert judge.asked == []


def test_an_added_criterion_below_the_least_confidence_is_abstained() -> None:
    new = rubric(DISCOVERY, PROPOSAL, TIMING, version="b")
    found = moved_scores(record(), OLD, new, judge=Judge(), identity=NOW, floor=0.99)
    assert [(row.criterion, row.before, row.after) for row in found] == [("timing", None, "abstained")]


def test_a_renamed_trained_criterion_keeps_its_level() -> None:
    judge = Judge()
    need = dataclasses.replace(DISCOVERY, id="need")
    new = rubric(need, PROPOSAL, version="b")
    added = rubric_changes(OLD, new)[-1]
    assert (added.criterion, "the level is that of 'discovery'" in added.effect) == ("need", True)
    assert moved(new, judge=judge) == [
        ("discovery", 1, None, "criterion removed"),
        ("need", None, 1, "criterion added"),
    ]
    assert judge.asked == []


def test_a_criterion_the_old_rubric_never_scored_needs_the_judge() -> None:
    judge = Judge()
    ask = Criterion("ask_for_sale", "Ask", "close", "asks", ANCHORS, same_as="ask_for_sale")
    assert ("ask_for_sale", None, 2, "criterion added") in moved(
        rubric(DISCOVERY, PROPOSAL, ask, version="b"), judge=judge
    )
    assert judge.asked == ["b"]


def test_changed_examples_and_judges_are_told() -> None:
    more = dataclasses.replace(TIMING, shows=(*TIMING.shows[1:], "By when?", "How soon?"))
    (change,) = rubric_changes(rubric(TIMING), rubric(more))
    assert (change.what, change.moves) == ("examples under 'shows': 2 added, 1 removed", "level")
    reordered = dataclasses.replace(TIMING, shows=TIMING.shows[::-1])
    assert rubric_changes(rubric(TIMING), rubric(reordered)) == []
    by_hand = dataclasses.replace(DISCOVERY, judge="examples", shows=TIMING.shows)
    assert (
        rubric_changes(OLD, rubric(by_hand, PROPOSAL))[0].what
        == "judged by the trained judge as discovery -> by examples"
    )


def test_always_against_sometimes_can_move_a_level_and_other_wording_cannot() -> None:
    (change,) = rubric_changes(OLD, turned(PROPOSAL, applies="always"))
    assert (change.effect, change.moves) == ("n/a becomes a level", "level")
    judge = Judge()
    moved(turned(PROPOSAL, applies="always"), judge=judge)
    assert judge.asked == ["b"]
    (change,) = rubric_changes(OLD, turned(PROPOSAL, applies="when price comes up"))
    assert change.moves == "nothing"


def test_a_chat_model_is_asked_anew_where_it_is_asked_by_other_words() -> None:
    """It scores by the anchors and sentences that it is shown, all criteria at once."""
    reworded = turned(DISCOVERY, levels=(*ANCHORS[:4], "better still"))
    (change,) = rubric_changes(OLD, reworded, engine="endpoint")
    assert (change.what, change.moves) == ("levels changed", "level")
    judge = Judge()
    kept = record()
    kept["scorecard"]["judge"]["engine"] = "endpoint"
    kept["scorecard"]["criteria"]["discovery"]["level"] = 3
    found = moved_scores(kept, OLD, reworded, judge=judge, identity=("endpoint", "r1"))
    assert judge.asked == ["b"]
    first = found[0]
    assert (first.criterion, first.before, first.after, first.why) == ("discovery", 3, 1, "levels changed")


def test_a_chat_model_keeps_its_scores_where_it_is_asked_the_same() -> None:
    judge, kept = Judge(), record()
    kept["scorecard"]["judge"]["engine"] = "endpoint"
    heavier = turned(DISCOVERY, weight=3.0, missed="the moment passes")
    found = moved_scores(kept, OLD, heavier, judge=judge, identity=("endpoint", "r1"))
    assert ([row.criterion for row in found], judge.asked) == (["overall"], [])
    effects = [change.moves for change in rubric_changes(OLD, heavier, engine="endpoint")]
    assert effects == ["overall", "nothing"]


def test_a_score_by_another_judge_is_made_anew_before_comparing() -> None:
    judge = Judge()
    assert moved(turned(DISCOVERY, weight=3.0), judge=judge, revision="r0")[0][0] == "overall"
    assert judge.asked == ["a"]


def test_a_call_too_short_for_examples_is_left_to_the_judge() -> None:
    judge = Judge()
    moved(rubric(DISCOVERY, PROPOSAL, TIMING, version="b"), judge=judge, turns=2)
    assert judge.asked == ["b"]


def test_rows_are_ready_for_json() -> None:
    (change,) = rubric_changes(OLD, turned(DISCOVERY, weight=2.0))
    assert change.to_json()["kind"] == "change"
    new = rubric(DISCOVERY, PROPOSAL, TIMING, version="b")
    found = [row.to_json() for row in moved_scores(record(), OLD, new, judge=Judge(), identity=NOW)]
    assert [(row["kind"], row["rep"], row["call_id"]) for row in found] == [
        ("score", "Bea", "c1"),
        ("overall", "Bea", "c1"),
    ]


def test_check_prints_each_mistake_with_line_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("id: mine\ntitle: Mine\ncolour: red\ncriteria:\n  - id: a\n    weight: -1\n")
    done = CliRunner().invoke(app, ["rubric", "check", str(path)])
    lines = done.stdout.replace(f"{path}: ", "").splitlines()
    assert done.exit_code == 1
    assert "line 3: unknown key 'colour'; known: criteria, id, moves, stages, title" in lines
    assert "line 6: criterion 'a': weight must be a number of 0 or more" in lines
    assert "line 5: criterion 'a': 'levels' is missing; add it" in lines
    row = json.loads(CliRunner().invoke(app, ["rubric", "check", str(path), "--json"]).stdout)
    assert (row["ok"], row["mistakes"]) == (False, lines)


@pytest.mark.parametrize("name", ["sales_call", "meddicc", "bant"])
def test_check_says_what_is_sound(name: str) -> None:
    done = CliRunner().invoke(app, ["rubric", "check", name])
    assert (done.exit_code, "sound" in done.stdout) == (0, True)
