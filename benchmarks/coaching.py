"""How far coaching's numbers can be trusted, measured on simulated teams whose truth is known.

    python benchmarks/coaching.py

Prints three tables: coverage of the 90 % interval and rankings; gaps found on reps who have none and on reps who have
one; the effect measured for training that did nothing and for training that did. Seeds are fixed; 2 minutes on a core.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from coach_simulation import looked_at, simulate, step, walk, wrong_pairs, wrongly_ranked  # noqa: E402
from test_coach_effect import measured  # noqa: E402

from pipeline.coach.gaps import find_gaps  # noqa: E402
from pipeline.coach.rows import ScoredCall  # noqa: E402
from pipeline.rubric import load_rubric  # noqa: E402

RUBRIC = load_rubric("sales_call")

TEAMS: dict[str, dict[str, Any]] = {
    "5 reps, 3-20 calls in 90 days": {"reps": 5},
    "6 reps, 1-6 calls": {"reps": 6, "calls": (1, 6)},
    "8 reps, 2-40 calls": {"reps": 8, "calls": (2, 40)},
    "noisy calls (sd 1.0)": {"reps": 6, "noise": 1.0},
    "alike reps (sd 0.3)": {"reps": 6, "spread": 0.3},
    "strong team (mean 3.2)": {"reps": 6, "mean": 3.2},
    "a year, steady": {"reps": 6, "days": 360, "calls": (10, 30)},
    "all drift, sd 0.3 a quarter": {"reps": 6, "change": 0.3},
    "all drift, sd 0.6 a quarter": {"reps": 6, "change": 0.6},
    "a year, drift, sd 0.3 a quarter": {"reps": 6, "change": 0.3, "days": 360, "calls": (10, 30)},
    "all wander, sd 0.6 a quarter": {"reps": 6, "change": 0.6, "how": walk},
    "a year, wander, sd 0.3 a quarter": {"reps": 6, "change": 0.3, "how": walk, "days": 360, "calls": (10, 30)},
    "one step each, sd 0.6": {"reps": 6, "change": 0.6, "how": step},
    "all criteria drift as one, sd 0.6": {"reps": 6, "change": 0.6, "together": True},
    "four criteria, wander, sd 0.6": {"reps": 6, "change": 0.6, "how": walk, "criteria": 4},
}

FLAT: dict[str, dict[str, Any]] = {
    "all at 3.0, 3-20 calls": {"level": 3.0, "flat": range(6)},
    "all at 3.0, 3-6 calls": {"level": 3.0, "flat": range(6), "calls": (3, 6)},
    "all at 3.1": {"level": 3.1, "flat": range(6)},
    "one at 3.0 in a weak team": {"level": 3.0, "flat": (0,), "runs": 150},
    "one at 3.2 in a weak team": {"level": 3.2, "flat": (0,), "runs": 100},
    "one gap at 2.0, 6-10 calls": {"level": 3.2, "flat": (0,), "hole": 2.0, "calls": (6, 10), "runs": 100},
    "one gap at 1.5, 6-10 calls": {"level": 3.2, "flat": (0,), "hole": 1.5, "calls": (6, 10), "runs": 100},
    "one gap at 1.0, 3-6 calls": {"level": 3.2, "flat": (0,), "hole": 1.0, "calls": (3, 6), "runs": 100},
}


def coverage(team: dict[str, Any], *, runs: int = 50) -> str:
    """Coverage; share of pairs in the wrong order by plain mean and by estimate; wrong among all, and pairs ranked."""
    rng = np.random.default_rng(1)
    hits: list[bool] = []
    counts = np.zeros(5)
    for _ in range(runs):
        for found, truth in looked_at(rng, **team):
            hits += [s.low <= truth[s.rep] <= s.high for s in found]
            plain, pairs = wrong_pairs({s.rep: s.plain_mean for s in found}, truth)
            ours, _ = wrong_pairs({s.rep: s.estimate for s in found}, truth)
            wrong, ranked = wrongly_ranked(found, truth)
            counts += (pairs / 2, plain / 2, ours / 2, wrong, ranked)
    pairs, plain, ours, wrong, ranked = counts
    return f"{np.mean(hits):9.3f} {plain / pairs:12.3f} {ours / pairs:9.3f} {wrong / pairs:14.3f} {ranked / pairs:8.2f}"


def alarms(case: dict[str, Any]) -> str:
    """Share of flat reps with any false gap over all criteria, false gaps per criterion, and holes found."""
    rng = np.random.default_rng(2)
    flat, hole = list(case["flat"]), case.get("hole")
    team = {"reps": 6, "calls": case.get("calls", (3, 20))}
    reps = with_false = false = hits = 0
    for _ in range(case.get("runs", 60)):
        rows: list[ScoredCall] = []
        for place, criterion in enumerate(RUBRIC.criteria):
            level = hole if hole is not None and place == 0 else case["level"]
            rows += simulate(rng, criterion=criterion.id, flat=dict.fromkeys(flat, level), **team).scores
        gaps = [(gap.rep, gap.criterion) for gap in find_gaps(rows, RUBRIC)]
        for index in flat:
            mine = [name for rep, name in gaps if rep == f"rep {index}"]
            hit = hole is not None and RUBRIC.criteria[0].id in mine
            reps, hits, false = reps + 1, hits + hit, false + len(mine) - hit
            with_false += len(mine) > hit
    found = f"{hits / reps:8.2f}" if hole is not None else "       -"
    return f"{with_false / reps:14.3f} {false / reps / len(RUBRIC.criteria):14.4f} {found} {reps:6d}"


def main() -> None:
    print(f"{'team':32s} {'coverage':>9s} {'plain wrong':>12s} {'by order':>9s} {'ranked wrong':>14s} {'ranked':>8s}")
    for name, team in TEAMS.items():
        print(f"{name:32s} {coverage(team)}", flush=True)
    print(f"\n{'reps':32s} {'any false gap':>14s} {'per criterion':>14s} {'found':>8s} {'reps':>6s}")
    for name, case in FLAT.items():
        print(f"{name:32s} {alarms(case)}", flush=True)
    print(
        f"\n{'training of the lowest rep':32s} {'naive':>7s} {'effect':>7s} {'improved':>9s} {'covers':>7s} {'n':>5s}"
    )
    for lift in (0.0, 0.5, 0.9):
        effects, naive = measured(lift, teams=200, seed=3)
        values = [e.effect for e in effects if e.effect is not None]
        improved = np.mean([e.verdict == "improved" for e in effects])
        covers = np.mean([(e.low or 0) <= lift <= (e.high or 0) for e in effects])
        row = f"{np.mean(naive):7.2f} {np.mean(values):7.2f} {improved:9.2f} {covers:7.2f} {len(values):5d}"
        print(f"{f'worth {lift:.1f} levels':32s} {row}", flush=True)


if __name__ == "__main__":
    main()
