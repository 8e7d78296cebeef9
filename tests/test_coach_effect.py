from __future__ import annotations

import dataclasses
import datetime as dt
import time

import numpy as np
import pytest
from coach_simulation import TODAY, simulate

from pipeline.coach.assign import dropped
from pipeline.coach.effect import TOO_EARLY, Against, Effect, effect_of, effects_of, module_effects
from pipeline.coach.rows import Assignment, ScoredCall
from pipeline.coach.standings import standings

ASSIGNED = TODAY - dt.timedelta(60)
DONE = TODAY - dt.timedelta(50)


def assignment(rep: str, **fields: object) -> Assignment:
    made = Assignment(
        assignment_id=f"a-{rep}",
        rep=rep,
        criterion="discovery",
        level=1,
        module="m",
        title="M",
        reason="",
        assigned_on=ASSIGNED,
        due_on=ASSIGNED + dt.timedelta(14),
        status="done",
        completed_on=DONE,
    )
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


def calls(rep: str, before: list[int], after: list[int]) -> list[ScoredCall]:
    days = [ASSIGNED - dt.timedelta(5 * i) for i in range(len(before))]
    days += [DONE + dt.timedelta(1 + 5 * i) for i in range(len(after))]
    return [
        ScoredCall(f"{rep}{i}", rep, "discovery", level, date=day)
        for i, (level, day) in enumerate(zip([*before, *after], days, strict=True))
    ]


def team(before: list[int], after: list[int]) -> list[ScoredCall]:
    """Ann, and three peers whose calls stay as they are."""
    peers = [row for name in ("Bob", "Cid", "Dee") for row in calls(name, [2, 3, 2, 3, 2], [3, 2, 2, 3])]
    return calls("Ann", before, after) + peers


def measured(lift: float, *, teams: int, seed: int) -> tuple[list[Effect], list[float]]:
    """Effects of training the lowest rep of each team, truly worth `lift` levels, and the naive after minus before."""
    rng = np.random.default_rng(seed)
    effects, naive = [], []
    for _ in range(teams):
        rows = simulate(rng, reps=6, days=120, calls=(10, 24), spread=0.5, mean=2.0).scores
        known = standings([row for row in rows if row.date and row.date <= ASSIGNED])
        worst = min(known, key=lambda s: s.plain_mean if s.n >= 3 else 9).rep
        rows = tuple(
            dataclasses.replace(row, level=min(4, row.level + int(rng.random() < lift)))
            if row.rep == worst and row.date and row.date > DONE
            else row
            for row in rows
        )
        given = assignment(worst)
        effect = effect_of(given, rows, [given], as_of=TODAY)
        if effect.effect is not None:
            effects.append(effect)
            plain = next(s.plain_mean for s in known if s.rep == worst)
            naive.append((effect.after or 0) - plain)
    return effects, naive


def test_training_without_effect_shows_none_though_the_worst_were_chosen() -> None:
    effects, naive = measured(0.0, teams=120, seed=5)
    assert len(effects) > 100
    assert np.mean(naive) > 0.15
    assert abs(np.mean([e.effect for e in effects])) < 0.1
    assert np.mean([e.low <= 0 <= e.high for e in effects]) >= 0.87  # type: ignore[operator]
    assert np.mean([e.verdict == "improved" for e in effects]) <= 0.08


def test_training_that_works_is_measured_and_pooled_by_module() -> None:
    effects, _ = measured(0.9, teams=60, seed=6)
    assert np.mean([e.effect for e in effects]) == pytest.approx(0.85, abs=0.15)
    (pooled,) = module_effects(effects)
    assert pooled.verdict == "improved"
    assert pooled.n == len(effects)
    assert pooled.low < pooled.effect < pooled.high  # type: ignore[operator]


def test_the_numbers_of_one_effect_add_up() -> None:
    rows = team([0, 1, 0, 1, 1, 0], [4, 3, 4, 3, 4])
    effect = effect_of(assignment("Ann"), rows, [assignment("Ann")], as_of=TODAY)
    assert (effect.verdict, effect.n_before, effect.n_after, effect.peers) == ("improved", 6, 5, 3)
    assert effect.after == pytest.approx(3.6)
    assert effect.change == pytest.approx(3.6 - effect.before)  # type: ignore[operator]
    assert effect.effect == pytest.approx(effect.change - effect.peer_change)  # type: ignore[operator]
    assert effect.low < effect.effect < effect.high  # type: ignore[operator]
    assert "against 3 untrained peers" in effect.reason
    assert "variance" not in effect.to_json()


@pytest.mark.parametrize(
    ("rows", "given", "missing"),
    [
        (team([1, 1, 1], [4, 4, 4]), {"status": "open", "completed_on": None}, "the training is open, not completed"),
        (team([1, 1], [4, 4, 4]), {}, "2 scored calls before, 3 needed"),
        (team([1], [4, 4, 4]), {}, "1 scored call before, 3 needed"),
        (team([1, 1, 1], [4, 4]), {}, "2 scored calls since completion, 3 needed"),
        (calls("Ann", [1, 1, 1], [4, 4, 4]), {}, "0 untrained peers"),
        ([], {}, "0 scored calls before"),
    ],
)
def test_too_early_says_what_is_missing(rows: list[ScoredCall], given: dict[str, object], missing: str) -> None:
    training = assignment("Ann", **given)
    effect = effect_of(training, rows, [training], as_of=TODAY)
    assert effect.verdict == TOO_EARLY
    assert missing in effect.reason
    assert effect.effect is None


def test_trained_colleagues_are_no_peers_and_the_next_training_ends_the_after() -> None:
    rows = team([0, 1, 0, 1], [4, 4, 4, 4])
    ann = assignment("Ann")
    both = [ann, assignment("Bob"), assignment("Cid")]
    assert effect_of(ann, rows, both, as_of=TODAY).reason.startswith("1 untrained peer")
    again = assignment(
        "Ann", assignment_id="later", assigned_on=DONE + dt.timedelta(6), completed_on=None, status="open"
    )
    assert effect_of(ann, rows, [ann, again], as_of=TODAY).n_after == 2


def test_calls_after_the_day_asked_about_do_not_count() -> None:
    rows = team([0, 1, 0, 1], [4, 4, 4, 4])
    effect = effect_of(assignment("Ann"), rows, [assignment("Ann")], as_of=DONE + dt.timedelta(7))
    assert effect.n_after == 2


def test_a_module_measured_on_two_reps_is_too_early() -> None:
    rows = team([0, 1, 0, 1], [4, 4, 4, 4])
    effect = effect_of(assignment("Ann"), rows, [assignment("Ann")], as_of=TODAY)
    (pooled,) = module_effects([effect, effect])
    assert (pooled.n, pooled.verdict, pooled.effect) == (2, TOO_EARLY, None)
    assert pooled.reason == "2 measured, 3 needed"
    assert module_effects([]) == ()
    (bad,) = module_effects([dataclasses.replace(effect, effect=-1.0 - i / 10, variance=0.05) for i in range(4)])
    assert bad.verdict == "worse"


def test_an_effect_names_the_calls_it_rests_on() -> None:
    rows = [
        ScoredCall(f"{rep}{n}", rep, "proposal", 1 if n < 4 else 3, "North", TODAY - dt.timedelta(60 - 7 * n))
        for rep in ("Ann", "Bob", "Cid")
        for n in range(8)
    ]
    given = Assignment(
        "i", "Ann", "proposal", 1, "m", "T", "r", TODAY - dt.timedelta(36), TODAY, status="done",
        completed_on=TODAY - dt.timedelta(35),
    )  # fmt: skip
    effect = effect_of(given, rows, [given], as_of=TODAY)
    assert effect.calls_before == ("Ann0", "Ann1", "Ann2", "Ann3")
    assert effect.calls_after == ("Ann4", "Ann5", "Ann6", "Ann7")
    assert (effect.n_before, effect.n_after) == (4, 4)
    assert effect.to_json()["calls_after"] == list(effect.calls_after)
    (module,) = module_effects([effect])
    assert module.assignments == ("i",)


def test_peers_that_several_were_held_against_do_not_make_a_module_surer() -> None:
    rng, covered = np.random.default_rng(1), []
    for _ in range(100):
        rows = simulate(rng, reps=8, days=120, calls=(10, 24), spread=0.5, mean=2.0).scores
        known = standings([row for row in rows if row.date and row.date <= ASSIGNED])
        worst = sorted((s for s in known if s.n >= 3), key=lambda s: s.plain_mean)[:5]
        given = [assignment(s.rep) for s in worst]
        (module,) = module_effects(effects_of(given, rows, given, as_of=TODAY))
        if module.low is not None and module.high is not None:
            covered.append(module.low <= 0 <= module.high)
    assert len(covered) > 90
    assert np.mean(covered) >= 0.86


def test_training_that_was_taken_back_has_no_effect() -> None:
    back = dropped(assignment("Ann", status="open", completed_on=None), on=DONE)
    effect = effect_of(back, team([0, 1, 0, 1], [4, 4, 4]), [back], as_of=TODAY)
    assert (effect.verdict, effect.reason) == (TOO_EARLY, "the training is dropped, not completed")


def held_against(n: int) -> list[Effect]:
    """Effects of one module, each against 100 of 200 peers over sixty days."""
    rng, reps = np.random.default_rng(2), [f"Rep {i}" for i in range(200)]
    found = []
    for number in range(n):
        start = ASSIGNED + dt.timedelta(int(rng.integers(200)))
        peers = frozenset(map(str, rng.choice(reps, 100, replace=False)))
        against = Against(0.01, peers, start, start + dt.timedelta(60))
        effect = float(rng.normal(0.2, 0.1))
        made = Effect(f"a{number}", "Ann", "discovery", "m", "improved", "", 5, 5, 100)
        found.append(dataclasses.replace(made, effect=effect, variance=0.05, against=against))
    return found


def test_what_peers_have_in_common_is_summed_as_pair_by_pair() -> None:
    effects = held_against(12)
    (module,) = module_effects(effects)
    shared = 0.0
    for one in (effect.against for effect in effects):
        for other in (effect.against for effect in effects):
            assert one
            assert other
            days = max(0, (min(one.end, other.end) - max(one.start, other.start)).days)
            shared += 0.01 * days / 60 * len(one.peers & other.peers) / 100
    values = [effect.effect or 0.0 for effect in effects]
    between = max(0.0, float(np.var(values, ddof=1)) - 0.04)
    wide = (1.6448536 * ((0.04 + between) / 12 + shared / 144) ** 0.5) * 2
    assert module.low is not None
    assert module.high is not None
    assert module.high - module.low == pytest.approx(wide)


def test_a_module_of_a_thousand_effects_is_pooled_at_once() -> None:
    effects = held_against(1000)
    start = time.process_time()
    module_effects(effects)
    assert time.process_time() - start < 3
