"""Moments of calls looked for in the store: what was quoted as evidence or missed, by criterion, level, words.

For pages over any number of calls: only the newest ones that the user sees are looked through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.wording import straight

if TYPE_CHECKING:
    from pipeline.access.scope import Scope
    from pipeline.store import Store

NEWEST = 3000
"""Calls that are looked through, the newest ones in scope (and of the rep asked for)."""
FEW = 500
"""Of these newest calls most pages are full already, unless words are looked for."""
QUOTES = 2000
"""Quotes of calls with an objection of the kind asked for, of which those are kept that answer one."""
NEWEST_FLAGGED = 1000
"""Of these newest calls moments are flagged."""
CONFIDENT = 0.75
UNSURE_BELOW = 0.5
_WORD = re.compile(r"[\w']+")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; empty fields ask for nothing. `examples` is `good` (levels 3, 4), `bad` (0, 1) or empty."""

    words: str = ""
    criterion: str = ""
    level: int | None = None
    kind: str = ""
    rep: str = ""
    examples: str = ""


_FITTING = """
WITH newest AS (
    SELECT call_id, rep, team, account, call_date, call_type, kind FROM calls
    WHERE rowid IN (
        -- the order of all calls needs two of their columns
        SELECT rowid FROM calls c WHERE status = 'scored' AND ($rep = '' OR rep = $rep) AND ({where})
        ORDER BY call_date DESC NULLS LAST, call_id LIMIT $newest
    )
), fitting AS (
    SELECT n.*, s.criterion, s.level, s.confidence FROM criterion_scores s JOIN newest n USING (call_id)
    WHERE s.status = $status AND ($criterion = '' OR s.criterion = $criterion)
      AND ($level IS NULL OR s.level = $level) AND ($low IS NULL OR s.level BETWEEN $low AND $high)
      AND s.confidence >= $surest_from AND s.confidence < $surest_to
)
"""
_FOUND = (
    _FITTING
    + """
, quoted AS (
    SELECT f.*, e.turn, e.t0, e.t1, e.speaker, e.quote, e.why
    FROM fitting f JOIN evidence e ON e.call_id = f.call_id AND e.criterion = f.criterion
    WHERE list_bool_and(
          list_transform($words::VARCHAR[], lambda word: contains(replace(lower(e.quote), '’', ''''), word))
      ) IS NOT FALSE
      AND ($kind = '' OR EXISTS (SELECT 1 FROM objections x WHERE x.call_id = f.call_id AND x.kind = $kind))
      AND NOT EXISTS (SELECT 1 FROM snippets k WHERE $fresh AND k.call_id = f.call_id AND k.turn = e.turn)
    ORDER BY {order} LIMIT $most
)
SELECT q.*, o.kind AS objection_kind, o.kind_p, o.handled
FROM quoted q LEFT JOIN LATERAL (
    SELECT kind, kind_p, handled FROM objections x
    WHERE q.criterion = 'objection_handling' AND x.call_id = q.call_id
    -- the last one at or before the quote, else the call's first, as in `snippets.all_snippets`
    ORDER BY x.turn <= q.turn DESC, abs(x.turn - q.turn) LIMIT 1
) o ON true
WHERE $kind = '' OR o.kind = $kind
ORDER BY {order} LIMIT $limit OFFSET $offset
"""
)
_NEWEST_FIRST = "call_date DESC NULLS LAST, call_id, criterion, turn"
_HIGHEST_FIRST = f"level DESC, {_NEWEST_FIRST}"
_BEST_FIRST = "abs(level - 2) DESC, confidence DESC, call_date DESC NULLS LAST, call_id, turn"

EXAMPLES: Mapping[str, tuple[int | None, int | None]] = {"": (None, None), "good": (3, 4), "bad": (0, 1)}


def find_moments(
    store: Store, scope: Scope, search: Search, *, highest_first: bool = False, limit: int = 30, offset: int = 0
) -> list[Row]:
    """Quotes that fit, the newest call first or the highest level: call, criterion, level, words, time and what they
    show.

    All words of `search.words` have to occur, in any order and case, with either apostrophe, as parts of longer ones
    too. Only calls in `scope` are looked at.
    """
    low, high = EXAMPLES[search.examples]
    asked = {
        "criterion": search.criterion or ("objection_handling" if search.kind else ""),
        "rep": search.rep,
        "level": search.level,
        "low": low,
        "high": high,
        "kind": search.kind,
        "words": [word.lower() for word in _WORD.findall(straight(search.words))],
        "status": "scored",
        "surest_from": 0.0,
        "surest_to": 2.0,
        "fresh": False,
        "limit": limit,
        "offset": offset,
    }
    if highest_first:
        return _run(store, scope, {**asked, "newest": NEWEST}, _HIGHEST_FIRST)
    likely = not (search.words or search.kind)
    few = _run(store, scope, {**asked, "newest": FEW}, _NEWEST_FIRST) if likely else []
    # what the newest calls have comes first, however many older ones have more
    return few if len(few) == limit else _run(store, scope, {**asked, "newest": NEWEST}, _NEWEST_FIRST)


QUEUE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "good": (
        "Likely good examples",
        {"level": 4, "low": None, "high": None, "status": "scored", "surest_from": CONFIDENT, "surest_to": 2.0},
    ),
    "bad": (
        "Likely bad examples",
        {"level": None, "low": 0, "high": 1, "status": "scored", "surest_from": CONFIDENT, "surest_to": 2.0},
    ),
    "unsure": (
        "The judge was not sure",
        {"level": None, "low": None, "high": None, "status": "scored", "surest_from": 0.0, "surest_to": UNSURE_BELOW},
    ),
}
"""What the judge puts before a trainer: by name, a title and which scores."""


def flagged(store: Store, scope: Scope, name: str, *, limit: int = 12) -> list[Row]:
    """Moments of the queue `name` that nobody has decided on yet, the clearest first."""
    asked = {"criterion": "", "rep": "", "kind": "", "words": [], "fresh": True, "limit": limit, "offset": 0}
    asked["newest"] = NEWEST_FLAGGED
    return _run(store, scope, {**asked, **QUEUE[name][1]}, _BEST_FIRST if name != "unsure" else _NEWEST_FIRST)


def _run(store: Store, scope: Scope, asked: Mapping[str, Any], order: str) -> list[Row]:
    sql = _FOUND.format(where=scope.where("c"), order=order)
    most = asked["limit"] + asked["offset"] if not asked["kind"] else QUOTES
    return store.query(sql, {**scope.params, **asked, "most": most})
