"""Rows of the store as they may leave it: texts without private details, what quotes them likewise.

A call's turns are read together, because numbers are dictated over several; a quote is cut out of its turn's redacted
text, because half a number in a quote is not found by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.redact import Redacted, redact_text, redact_turns
from pipeline.types import Turn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAFE = frozenset(
    """call_id sha256 record_file criterion status kind handled move side rep team who coach overridden_by
    engine engine_revision diarizer language roles_method rubric_id rubric_version judge_engine judge_revision
    debrief_version call_type machine_status module measure assignment_id review_id session_id quota_id activity_id
    comment_id snippet_id starts_at
    """.split()
)
"""Columns of ids, fixed words and names (but speakers', who may be called by a telephone number); every other column of
text is read before it leaves, new ones included."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet would run as a formula; an apostrophe before it keeps it a text."""
_CALLS = 500
_IDS = ("call_id", "call", "calls", "call_ids", "sha256")
"""Fields of JSON that hold calls' ids, one or a list."""
_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")

TurnOf = Callable[[str, int], Redacted | None]
"""Gives a turn by its call's id and its number; None where nothing was found in it."""


@contextlib.contextmanager
def leaving(cursor: DuckDBPyConnection, kinds: Collection[str]) -> Iterator[Callable[[str], str]]:
    """Inside, `select(table)` is a SELECT of the table's rows as they may leave.

    All of it is one transaction: what came in after it was read for private details would leave as it is.
    """
    cursor.begin()
    try:
        texts = _texts(cursor) if kinds else {}
        if kinds:
            _make(cursor, texts, kinds)
        yield lambda table: _select(table, texts.get(table, {})) if kinds else f"FROM {table}"
        for name in ("leaving_words", "leaving_values"):
            cursor.execute(f"DROP TABLE IF EXISTS temp.{name}")
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise


def _texts(cursor: DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Columns that hold free text, by table, with their type."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in cursor.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE data_type IN ('VARCHAR', 'JSON') AND database_name = current_database()"
    ).fetchall():
        if column not in SAFE and (table, column) not in (("turns", "text"), ("evidence", "quote")):
            found.setdefault(table, {})[column] = kind
    return found


def _select(table: str, texts: Mapping[str, str]) -> str:
    parts, joins = [], []
    for column, kind in texts.items():
        text = f"t.{column}::VARCHAR"
        parts.append(f"coalesce(v_{column}.redacted, {text})::{kind} AS {column}")
        joins.append(f"LEFT JOIN temp.leaving_values v_{column} ON v_{column}.value = {text}")
    if table in ("turns", "evidence"):
        column, same = ("text", "IS NULL") if table == "turns" else ("quote", "= t.quote")
        parts.append(f"coalesce(w.redacted, t.{column}) AS {column}")
        joins.append(f"LEFT JOIN temp.leaving_words w ON w.call_id = t.call_id AND w.turn = t.turn AND w.quote {same}")
    replaced = f" REPLACE ({', '.join(parts)})" if parts else ""
    return f"SELECT t.*{replaced} FROM {table} t {' '.join(joins)}"


def _make(cursor: DuckDBPyConnection, texts: Mapping[str, Mapping[str, str]], kinds: Collection[str]) -> None:
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE leaving_words (call_id VARCHAR, turn INTEGER, quote VARCHAR, redacted VARCHAR)"
    )
    cursor.execute("CREATE OR REPLACE TEMP TABLE leaving_values (value VARCHAR PRIMARY KEY, redacted VARCHAR)")
    ids = [row[0] for row in cursor.execute("SELECT DISTINCT call_id FROM turns ORDER BY call_id").fetchall()]
    for start in range(0, len(ids), _CALLS):
        _words(cursor, ids[start : start + _CALLS], kinds)
    turns = _Turns(cursor, kinds)
    for table, columns in texts.items():
        for column, kind in columns.items():
            redact = partial(redacted_json, turn_of=turns.of) if kind == "JSON" else redacted_value
            values = cursor.execute(
                f"SELECT DISTINCT {column}::VARCHAR FROM {table} WHERE {column} IS NOT NULL"
            ).fetchall()
            changed = [(value, made) for (value,) in values if (made := redact(value, kinds)) != value]
            _insert(
                cursor,
                "INSERT OR IGNORE INTO leaving_values SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
                changed,
            )


def _words(cursor: DuckDBPyConnection, ids: list[str], kinds: Collection[str]) -> None:
    """Turns and quotes of these calls that change."""
    given = [ids]
    rows = cursor.execute(
        "SELECT call_id, turn, t0, t1, speaker, text FROM turns WHERE call_id IN (SELECT unnest(?::VARCHAR[])) "
        "ORDER BY call_id, turn",
        given,
    ).fetchall()
    texts: dict[tuple[str, int], Redacted] = {}
    for call_id, of_call in itertools.groupby(rows, key=lambda row: row[0]):
        found = list(of_call)
        redacted = redact_turns([Turn(row[2], row[3], row[4], row[5]) for row in found], kinds=kinds)
        texts.update({(call_id, row[1]): made for row, made in zip(found, redacted, strict=True) if made.spans})
    changed: list[tuple[Any, ...]] = [(*key, None, made.text) for key, made in texts.items()]
    quotes = cursor.execute(
        "SELECT DISTINCT call_id, turn, quote FROM evidence WHERE call_id IN (SELECT unnest(?::VARCHAR[]))", given
    ).fetchall()
    for call_id, turn, quote in quotes:
        made = redacted_quote(texts.get((call_id, turn)), quote, kinds)
        if made != quote:
            changed.append((call_id, turn, quote, made))
    _insert(
        cursor,
        "INSERT INTO leaving_words SELECT unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::VARCHAR[]), "
        "unnest(?::VARCHAR[])",
        changed,
    )


class _Turns:
    """Turns in which something was found, for what quotes them elsewhere: read call by call, when it is asked for."""

    def __init__(self, cursor: DuckDBPyConnection, kinds: Collection[str]) -> None:
        self._cursor, self._kinds = cursor, kinds
        found = cursor.execute("SELECT DISTINCT call_id FROM temp.leaving_words WHERE quote IS NULL").fetchall()
        self._calls = {call_id for (call_id,) in found}
        self._known: dict[str, dict[int, Redacted]] = {}

    def of(self, call_id: str, turn: int) -> Redacted | None:
        """One turn; None where nothing was found in it."""
        if call_id in self._calls and call_id not in self._known:
            rows = self._cursor.execute(
                "SELECT turn, t0, t1, speaker, text FROM turns WHERE call_id = ? ORDER BY turn", [call_id]
            ).fetchall()
            redacted = redact_turns([Turn(*row[1:]) for row in rows], kinds=self._kinds)
            self._known[call_id] = {row[0]: made for row, made in zip(rows, redacted, strict=True) if made.spans}
        return self._known.get(call_id, {}).get(turn)


def redacted_quote(turn: Redacted | None, quote: str, kinds: Collection[str]) -> str:
    """A quote as its redacted turn has it; `turn` is None where nothing was found in it."""
    at = turn.original.find(quote) if turn else -1
    return turn.piece(at, at + len(quote)) if turn and at >= 0 else redact_text(quote, kinds=kinds).text


def redacted_value(value: str, kinds: Collection[str]) -> str:
    """A text without private details."""
    return redact_text(value, kinds=kinds).text


def redacted_json(value: str, kinds: Collection[str], *, turn_of: TurnOf | None = None) -> str:
    """A JSON text without private details; `turn_of` gives the turns that its quotes are cut out of."""
    found = json.loads(value)
    made = redacted_tree(found, kinds, turn_of=turn_of)
    return value if made == found else json.dumps(made, ensure_ascii=False)


def redacted_tree(value: Any, kinds: Collection[str], *, turn_of: TurnOf | None = None) -> Any:
    """A JSON-ready value without private details: in its strings, in names of fields, in whole numbers."""
    if isinstance(value, str):
        return redact_text(value, kinds=kinds).text
    if isinstance(value, int) and not isinstance(value, bool):
        # a telephone or card number is a number in many a tool's metadata
        made = redact_text(str(value), kinds=kinds)
        return made.text if made.spans else value
    if isinstance(value, list):
        return [redacted_tree(item, kinds, turn_of=turn_of) for item in value]
    if not isinstance(value, dict):
        return value
    whole = {
        redact_text(key, kinds=kinds).text: item if _is_id(key, item) else redacted_tree(item, kinds, turn_of=turn_of)
        for key, item in value.items()
    }
    call_id, turn, quote = (value.get(name) for name in ("call_id", "turn", "quote"))
    if turn_of and isinstance(call_id, str) and isinstance(turn, int) and isinstance(quote, str):
        whole["quote"] = redacted_quote(turn_of(call_id, turn), quote, kinds)
    return whole


def _is_id(key: str, value: Any) -> bool:
    """Is it a call's id, or several? One in twenty has nine digits in a row, which look like a number of somebody's."""
    given = value if isinstance(value, list) else [value]
    return key in _IDS and all(isinstance(one, str) and _ID.fullmatch(one) for one in given)


def _insert(cursor: DuckDBPyConnection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
