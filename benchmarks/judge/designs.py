"""Other ways to judge the same test calls, so that the one that ships can be seen to earn its place.

- *keywords*: counts of cue words per criterion, cut into levels at the quantiles of the training calls.
- *bag of words*: ridge regression on TF-IDF of each side's words and word pairs, fitted to the training calls.
- *conditions*: the rubric's anchors written as conditions over the moves that the network hears.
- *network* (ships): the network's ordinal output over turns and moves, cut at calibrated edges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.judge.data import consensus
from models.judge_model import JudgeModel
from models.training.corpus import CRITERIA, LabelledCall, read_corpus
from pipeline.agreement import Agreement, agreement

TRAIN = Path(__file__).resolve().parents[2] / "models" / "corpus" / "train"
HEARD = 0.5
CUES: Mapping[str, str] = {
    "discovery": r"what|how|why|problem|challenge|impact|tell me|walk me",
    "decision_makers": r"decision|decide|approve|sign|budget|who else|boss|board",
    "business_case": r"save|saving|cost|roi|return|payback|thousand|percent|worth",
    "positioning": r"unlike|different|leading|customers like|competitor|only ones|we are|we're",
    "recommendation": r"recommend|suggest|would go with|i'd do|best fit|propose",
    "proposal": r"price|per month|per year|includes?|contract|terms|quote|discount",
    "objection_handling": r"understand|i hear|fair|what makes you|does that help|makes sense",
    "ask_for_sale": r"next step|sign|order|pilot|calendar|monday|tuesday|wednesday|thursday|friday|go ahead",
}
Moves = frozenset[str]
LADDERS: Mapping[str, tuple[Callable[[Moves], bool], ...]] = {
    "discovery": (
        lambda m: bool(m & {"ask_situation", "ask_problem", "ask_impact", "ask_outcome"}),
        lambda m: "ask_problem" in m or "follow_up" in m,
        lambda m: "ask_impact" in m and "follow_up" in m,
        lambda m: bool(m & {"ask_outcome", "tell_outcome"}) and {"summarise", "confirm"} <= m,
    ),
    "decision_makers": (
        lambda m: bool(m & {"ask_right_person", "ask_decider", "ask_process", "involve", "name_decider"}),
        lambda m: bool(m & {"ask_decider", "ask_process", "involve"}),
        lambda m: bool(m & {"ask_process", "tell_process"}),
        lambda m: "involve" in m,
    ),
    "business_case": (
        lambda m: bool(m & {"claim_value", "state_impact", "quantify", "link_value"}),
        lambda m: bool(m & {"state_impact", "quantify", "link_value"}),
        lambda m: {"quantify", "link_value"} <= m,
        lambda m: "payback" in m and "confirm" in m,
    ),
    "positioning": (
        lambda m: bool(m & {"boilerplate", "state_value", "tie_need", "differentiate", "contrast", "proof"}),
        lambda m: bool(m & {"state_value", "tie_need", "differentiate", "contrast", "proof"}),
        lambda m: "tie_need" in m and bool(m & {"differentiate", "proof", "contrast"}),
        lambda m: {"contrast", "proof", "acknowledge_value"} <= m,
    ),
    "recommendation": (
        lambda m: bool(m & {"menu", "recommend", "recommend_reason"}),
        lambda m: bool(m & {"recommend", "recommend_reason"}),
        lambda m: "recommend_reason" in m,
        lambda m: {"recommend_against", "confirm"} <= m,
    ),
    "proposal": (
        lambda m: bool(m & {"price", "scope"}),
        lambda m: {"price", "scope"} <= m,
        lambda m: "terms" in m,
        lambda m: bool(m & {"offer_options", "check"}) and "confirm" in m,
    ),
    "objection_handling": (
        lambda m: bool(m & {"acknowledge", "stock_answer", "answer", "explore"}) and "concede" not in m,
        lambda m: "answer" in m,
        lambda m: "explore" in m,
        lambda m: bool(m & {"confirm_resolved", "accept_answer", "trade"}),
    ),
    "ask_for_sale": (
        lambda m: bool(m & {"vague_next", "ask_step", "ask_commitment", "dated_step"}),
        lambda m: bool(m & {"ask_step", "ask_commitment", "dated_step"}),
        lambda m: bool(m & {"ask_commitment", "dated_step"}),
        lambda m: "commit" in m,
    ),
}
"""Per criterion the conditions for levels 1 to 4; a level holds when all conditions up to it do."""


def design_table(calls: Sequence[LabelledCall], model: JudgeModel) -> dict[str, Agreement]:
    """Agreement over all criteria of each design with the labels, n/a left out."""
    designs = {
        "keywords": keywords(calls),
        "bag of words": bag_of_words(calls),
        "conditions": [],
        "network (ships)": [],
    }
    for call in calls:
        heard = model.hear(call.transcript.turns)
        views = model.read(call.transcript.turns).criteria
        moves = frozenset(model.move_names[i] for i in np.flatnonzero(heard.moves.max(axis=0) >= HEARD))
        designs["conditions"].append({name: climb(LADDERS[name], moves) for name in CRITERIA})
        designs["network (ships)"].append({name: views[name].level for name in CRITERIA})
    return {name: _agreement(calls, levels) for name, levels in designs.items()}


def bag_of_words(calls: Sequence[LabelledCall]) -> list[dict[str, int]]:
    """Levels from the words alone, whatever their order."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge

    train = read_corpus(TRAIN)
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
    rows, mine = vectors.fit_transform(map(_sided, train)), vectors.transform(map(_sided, calls))
    found: list[dict[str, int]] = [{} for _ in calls]
    for name in CRITERIA:
        levels = [call.labels[0].levels[name] for call in train]
        due = [index for index, level in enumerate(levels) if level is not None]
        said = Ridge(alpha=1.0).fit(rows[due], [levels[index] for index in due]).predict(mine)
        for row, value in zip(found, said, strict=True):
            row[name] = int(np.clip(round(float(value)), 0, 4))
    return found


def _sided(call: LabelledCall) -> str:
    turns = call.transcript.turns
    return " ".join(f"{turn.side}_{word}" for turn in turns for word in re.findall(r"[a-z0-9']+", turn.text.lower()))


def climb(ladder: Sequence[Callable[[Moves], bool]], moves: Moves) -> int:
    """The highest level whose condition, and every one below it, holds."""
    level = 0
    for condition in ladder:
        if not condition(moves):
            break
        level += 1
    return level


def keywords(calls: Sequence[LabelledCall]) -> list[dict[str, int]]:
    """Levels from cue words said by the rep per hundred turns, cut where the training calls' levels are cut."""
    train = read_corpus(TRAIN)
    found: list[dict[str, int]] = [{} for _ in calls]
    for name in CRITERIA:
        due = [call for call in train if call.labels[0].levels[name] is not None]
        rates = np.array([_rate(call, CUES[name]) for call in due])
        levels = np.array([call.labels[0].levels[name] for call in due])
        cuts = [float(np.quantile(rates, float((levels <= level).mean()))) for level in range(4)]
        for row, call in zip(found, calls, strict=True):
            row[name] = sum(_rate(call, CUES[name]) > cut for cut in cuts)
    return found


def _rate(call: LabelledCall, cue: str) -> float:
    turns = [turn for turn in call.transcript.turns if turn.side == "rep"]
    hits = sum(len(re.findall(rf"\b(?:{cue})\b", turn.text, re.IGNORECASE)) for turn in turns)
    return 100 * hits / max(1, len(turns))


def _agreement(calls: Sequence[LabelledCall], levels: Sequence[Mapping[str, int]]) -> Agreement:
    groups = []
    for call, mine in zip(calls, levels, strict=True):
        wanted = {name: consensus(call, name) for name in CRITERIA}
        groups.append([(level, mine[name]) for name, level in wanted.items() if level is not None])
    return agreement(groups)
