"""Rollups: counts per week that a page reads instead of a million calls, kept up to date by adding and taking away.

`criterion_weeks` counts the calls at each level by rep, team, criterion and week; `call_weeks` the calls by status with
the sum of their overall scores. What counts is what the view `scores` shows; weeks begin on Mondays.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]

KEYS: dict[str, tuple[str, ...]] = {
    "criterion_weeks": ("rep", "team", "criterion", "week", "level"),
    "call_weeks": ("rep", "team", "week", "status"),
}
SUMS: dict[str, tuple[str, ...]] = {"criterion_weeks": ("n",), "call_weeks": ("n", "n_overall", "sum_overall")}


def deltas(
    calls: Iterable[Mapping[str, Any]], scores: Iterable[Mapping[str, Any]], *, sign: int
) -> dict[str, list[Row]]:
    """What these rows of `calls` and `criterion_scores` add to each rollup (`sign` 1), or take from it (-1)."""
    by_id = {call["call_id"]: call for call in calls}
    made: dict[str, Counter[tuple[Any, ...]]] = {"n": Counter(), "n_overall": Counter(), "levels": Counter()}
    overall: dict[tuple[Any, ...], float] = {}
    for call in by_id.values():
        key = (call["rep"], call["team"], week_of(call["call_date"]), call["status"])
        made["n"][key] += sign
        if call["overall"] is not None:
            made["n_overall"][key] += sign
            overall[key] = overall.get(key, 0.0) + sign * float(call["overall"])
    for score in scores:
        call = by_id[score["call_id"]]
        if call["status"] == "scored" and score["status"] == "scored" and score["level"] is not None:
            place = (call["rep"], call["team"], score["criterion"], week_of(call["call_date"]), score["level"])
            made["levels"][place] += sign
    return {
        "criterion_weeks": [
            {**dict(zip(KEYS["criterion_weeks"], key, strict=True)), "n": n} for key, n in made["levels"].items()
        ],
        "call_weeks": [
            {
                **dict(zip(KEYS["call_weeks"], key, strict=True)),
                "n": n,
                "n_overall": made["n_overall"][key],
                "sum_overall": overall.get(key, 0.0),
            }
            for key, n in made["n"].items()
        ],
    }


def summed(table: str, rows: Iterable[Row]) -> list[Row]:
    """One row per key, what cancels out left away."""
    keys, sums = KEYS[table], SUMS[table]
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        mine = found.setdefault(key, {**row, **dict.fromkeys(sums, 0)})
        for name in sums:
            mine[name] += row[name]
    return [row for row in found.values() if any(row[name] for name in sums)]


def merge_sql(table: str) -> tuple[str, str, str]:
    """Statements that merge the temporary table `delta_<table>` into `table`: update, insert, drop what is empty."""
    same = " AND ".join(f"w.{name} IS NOT DISTINCT FROM d.{name}" for name in KEYS[table])
    add = ", ".join(f"{name} = w.{name} + d.{name}" for name in SUMS[table])
    names = ", ".join((*KEYS[table], *SUMS[table]))
    return (
        f"UPDATE {table} w SET {add} FROM delta_{table} d WHERE {same}",
        f"INSERT INTO {table} ({names}) SELECT {names} FROM delta_{table} d "
        f"WHERE NOT EXISTS (SELECT 1 FROM {table} w WHERE {same})",
        f"DELETE FROM {table} WHERE n = 0",
    )


def week_of(day: dt.date | None) -> dt.date | None:
    """The Monday of a day's week."""
    return day - dt.timedelta(days=day.weekday()) if day else None
