"""Machine against people: agreement per criterion and over time, from blind reviews and from overrides; and people
against one another, which is as much as the machine can be held to.

Blind reviews are the fair measure. Overrides are made where somebody disagreed, so that agreement over them is lower
than over all calls; they are counted apart, and tell in which direction the machine errs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pipeline.agreement import agreement
from pipeline.reviews import open_disputes

if TYPE_CHECKING:
    from pipeline.store import Store

Row = dict[str, Any]
ENOUGH = 20
"""Pairs from which on a kappa is shown; below, its interval spans everything."""


def calibration_rows(reviews: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Agreement per kind of review, criterion and period: `all` and each month (`2026-11`). Of the kind `people` it is
    that of two people who scored the same call blind.

    Each row holds `kind`, `criterion` (`all` for all together), `period`, `n`, `qwk` with its 90 % interval `low` and
    `high` (None below 20 pairs), `exact`, `within_one`, `bias` (mean of machine minus person, in levels; all three None
    where no call has a level of both, `bias` where two people are compared) and `na_agreement`, the share of reviews in
    which both or neither said n/a; `call_ids` names the calls.
    """
    rows = []
    said = [*reviews, *_beside_one_another(reviews)]
    for kind in ("blind", "override", "people"):
        mine = [row for row in said if row["kind"] == kind and row["machine_status"] in ("scored", "na")]
        for criterion in ("all", *sorted({row["criterion"] for row in mine})):
            some = [row for row in mine if criterion in ("all", row["criterion"])]
            for period in ("all", *sorted({_month(row) for row in some})):
                rows.append(_row(kind, criterion, period, [row for row in some if period in ("all", _month(row))]))
    return [row for row in rows if row["na_agreement"] is not None]


def _beside_one_another(reviews: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Each two people's blind words on the same criterion of a call as one row, the second's in the machine's place."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in sorted(reviews, key=lambda row: str(row["who"]).casefold()):
        if row["kind"] == "blind":
            groups.setdefault((row["call_id"], row["criterion"]), []).append(row)
    return [
        {
            **first,
            "kind": "people",
            "machine_level": second["level"],
            "machine_status": "na" if second["na"] else "scored",
            "reviewed_at": max(first["reviewed_at"], second["reviewed_at"]),
        }
        for group in groups.values()
        for first, second in combinations(group, 2)
    ]


def _month(row: Mapping[str, Any]) -> str:
    return str(row["reviewed_at"])[:7]


def _row(kind: str, criterion: str, period: str, reviews: Sequence[Mapping[str, Any]]) -> Row:
    by_call: dict[str, list[tuple[int, int]]] = {}
    na = [bool(row["na"]) == (row["machine_status"] == "na") for row in reviews]
    for row in reviews:
        if row["level"] is not None and row["machine_level"] is not None:
            by_call.setdefault(row["call_id"], []).append((row["level"], row["machine_level"]))
    pairs = [pair for group in by_call.values() for pair in group]
    # of two people neither is the measure of the other
    apart = [mine - theirs for theirs, mine in pairs if kind != "people"]
    enough = len(pairs) >= ENOUGH
    found = asdict(agreement(list(by_call.values()), draws=500 if enough else 0))
    if not enough:
        found |= {"qwk": None, "low": None, "high": None}
    if not pairs:
        found |= {"exact": None, "within_one": None}
    return {
        "kind": kind,
        "criterion": criterion,
        "period": period,
        **found,
        "bias": round(sum(apart) / len(apart), 3) if apart else None,
        "na_agreement": round(sum(na) / len(na), 3) if na else None,
        "call_ids": sorted(by_call),
    }


def to_review_blind(
    store: Store, *, count: int, who: str = "", where: str = "true", params: Mapping[str, Any] | None = None
) -> list[Row]:
    """Scored calls for blind review, drawn by the end of their id, a content hash, so that nobody picks them:
    `call_id`, `rep`, `account`, `call_date`, `path`; those that `who` has reviewed and those whose words are gone are
    left out. `where` narrows the calls (`c`)."""
    return store.query(
        "SELECT call_id, rep, account, call_date, path FROM calls c WHERE status = 'scored' AND n_turns > 0 AND "
        f"({where}) AND call_id NOT IN (SELECT call_id FROM reviews WHERE kind = 'blind' "
        "AND ($who = '' OR lower(who) = lower($who))) ORDER BY reverse(call_id) LIMIT $count",
        {"who": who, "count": count, **(params or {})},
    )


def disputes_in(store: Store) -> list[Row]:
    """Open disputes, oldest first, of what their calls are scored on now: nobody can review a criterion that another
    rubric's scorecard has nothing of. They are open again when it has."""
    rows = store.query(
        "SELECT r.* FROM reviews r SEMI JOIN criterion_scores s ON s.call_id = r.call_id AND s.criterion = r.criterion"
    )
    return [dict(row) for row in open_disputes(rows)]


def reviews_in(store: Store) -> list[Row]:
    """Rows of `reviews`, oldest first."""
    return store.query("SELECT * FROM reviews ORDER BY reviewed_at, review_id")
