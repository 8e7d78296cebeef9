"""What the record files say, put into the tables: one call's rows replaced whole, rollups kept in step."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import erased, keep
from pipeline.errors import DebriefError, StoreError
from pipeline.reviews import reviewed
from pipeline.rollups import deltas, merge_sql, summed
from pipeline.rows import CALL_TABLES, FACT_KEYS, add_call
from pipeline.tables import Row, Tables, first_line
from pipeline.types import text_of


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest changed: calls written, calls removed; and files that are damaged or hold what no table takes, by
    name with the reason."""

    calls: int = 0
    removed: int = 0
    damaged: tuple[tuple[str, str], ...] = ()


def take_in(tables: Tables, data: Path, sha256s: list[str]) -> Ingested:
    """Replace everything known of these calls by what their files say, in one transaction.

    A call whose values a table refuses is found by halving, and costs only itself.
    """
    reviews = keep.reviews_by_call(data, (sha256[:16] for sha256 in sha256s))
    spread = [_spread(data, sha256, reviews.get(sha256[:16], [])) for sha256 in sha256s]
    try:
        return _replace(tables, sha256s, spread)
    except StoreError as error:
        if not refused(error):
            raise
        if len(sha256s) > 1:
            half = len(sha256s) // 2
            parts = [take_in(tables, data, sha256s[:half]), take_in(tables, data, sha256s[half:])]
            return Ingested(
                sum(part.calls for part in parts),
                sum(part.removed for part in parts),
                tuple(item for part in parts for item in part.damaged),
            )
        records = [
            {**row, "problem": row["problem"] or f"{row['file']}: {error}; process the recording again"}
            for row in spread[0]["records"]
        ]
        return _replace(tables, sha256s, [{"records": records}])


def _replace(tables: Tables, sha256s: list[str], spread: Sequence[Mapping[str, list[Row]]]) -> Ingested:
    rows_of = {
        name: [row for one in spread for row in one.get(name, ())] for name in ("records", "calls", *CALL_TABLES)
    }
    with tables.transaction():
        before = _remove(tables, sha256s)
        for table, column, theirs in (("records", "sha256", sha256s), ("calls", "call_id", before["ids"])):
            tables.replace(table, rows_of[table], where=f"{column} IN (SELECT unnest(?::VARCHAR[]))", params=[theirs])
        for table in CALL_TABLES:
            tables.insert(table, rows_of[table])
        added = deltas(rows_of["calls"], rows_of["criterion_scores"], sign=1)
        for table, rows in added.items():
            _merge(tables, table, summed(table, [*rows, *before[table]]))
    written = len(rows_of["calls"])
    damaged = tuple((row["file"], row["problem"]) for row in rows_of["records"] if row["problem"])
    return Ingested(written, max(0, len(before["ids"]) - written), damaged)


def _remove(tables: Tables, sha256s: list[str]) -> dict[str, list[Any]]:
    """Delete what belongs to these calls; the ids of those that are known, and what goes from each rollup."""
    these = [sha256[:16] for sha256 in sha256s]
    calls = tables.fetch(
        "SELECT call_id, rep, team, call_date, status, overall FROM calls "
        "WHERE call_id IN (SELECT unnest(?::VARCHAR[]))",
        [these],
    )
    ids = [call["call_id"] for call in calls]
    if not ids:
        # most calls are new, and looking for their rows in a hundred million turns is what would take long
        return {"ids": [], "criterion_weeks": [], "call_weeks": []}
    scores = tables.fetch(
        "SELECT call_id, criterion, level, status FROM criterion_scores WHERE call_id IN (SELECT unnest(?::VARCHAR[]))",
        [ids],
    )
    for table in CALL_TABLES:
        tables.run(f"DELETE FROM {table} WHERE call_id IN (SELECT unnest(?::VARCHAR[]))", [ids])
    return {"ids": ids, **deltas(calls, scores, sign=-1)}


def _merge(tables: Tables, table: str, rows: list[Row]) -> None:
    if not rows:
        return
    tables.run(f"CREATE TEMP TABLE delta_{table} AS SELECT * FROM {table} LIMIT 0")
    tables.insert(f"delta_{table}", rows)
    for statement in merge_sql(table):
        tables.run(statement)
    tables.run(f"DROP TABLE delta_{table}")


SMALL: dict[str, str] = {"failures": "failures", **{kind: f"facts/{kind}" for kind in FACT_KEYS}}
"""Tables that are replaced whole, with the folder of their files."""


def take_small(tables: Tables, data: Path, names: Collection[str] = tuple(SMALL)) -> tuple[tuple[str, str], ...]:
    """Failures and facts, the tables of these `names`: replaced whole, one row per id. A row that its table refuses
    costs only itself.

    The files of what was refused, by name with the reason.
    """
    small = {name: _small_rows(data, name) for name in SMALL if name in names}
    try:
        _replace_small(tables, small)
        return ()
    except StoreError as error:
        if not refused(error):
            raise
    misfits = {file: why for table, rows in small.items() for file, why in _misfits(tables, table, rows).items()}
    _replace_small(tables, {table: _without(rows, misfits) for table, rows in small.items()})
    return tuple(
        (file.relative_to(data).as_posix(), f"{file}: {why}; correct or delete it") for file, why in misfits.items()
    )


def _small_rows(data: Path, table: str) -> dict[Path, Row]:
    if table == "failures":
        failures = [{**row, "path": text_of(row["path"])} for row in keep.read_failures(data)]
        return {keep.failure_file(data, row["path"]): row for row in failures}
    key = FACT_KEYS[table]
    return {keep.fact_file(data, table, str(row.get(key))): row for row in keep.read_facts(data, table)}


def _replace_small(tables: Tables, small: Mapping[str, Mapping[Path, Row]]) -> None:
    with tables.transaction():
        for table, rows in small.items():
            tables.replace(table, list(rows.values()))


def _without(rows: Mapping[Path, Row], misfits: Collection[Path]) -> dict[Path, Row]:
    return {file: row for file, row in rows.items() if file not in misfits}


class _OnTrial(Exception):
    """Ends a transaction that was only to show whether the table takes the rows."""


def _misfits(tables: Tables, table: str, rows: Mapping[Path, Row]) -> dict[Path, str]:
    """The rows that a table refuses, with the reason: found by halving, and nothing is changed."""
    try:
        with contextlib.suppress(_OnTrial), tables.transaction():
            tables.replace(table, list(rows.values()))
            raise _OnTrial
        return {}
    except StoreError as error:
        if not refused(error):
            raise
        if len(rows) == 1:
            return dict.fromkeys(rows, first_line(error.__cause__ or error))
    files, half = list(rows), len(rows) // 2
    return _misfits(tables, table, _without(rows, files[half:])) | _misfits(tables, table, _without(rows, files[:half]))


def _spread(data: Path, sha256: str, reviews: Sequence[Row]) -> dict[str, list[Row]]:
    """One call's rows per table: of its latest record that holds together, what people said in `reviews` laid over it;
    `records` lists all with their problems. None of an erased call, whose records an old backup may bring back."""
    records: list[Row] = []
    if erased.is_marked(data, sha256):
        return {"records": records}
    kept: list[tuple[int, Row, Row]] = []
    for path in keep.record_files(data, sha256):
        state = state_of(path)
        if state is None:
            continue
        row: Row = {
            "file": path.relative_to(data).as_posix(),
            "sha256": sha256,
            "size": state[0],
            "mtime_ns": state[1],
            "problem": None,
        }
        records.append(row)
        try:
            record = keep.read_json(path)
        except StoreError as error:
            row["problem"] = str(error)
            continue
        if keep.is_record(record):
            kept.append((record["kept"]["seq"], row, record))
        else:
            row["problem"] = f"{path}: not a call record; process the recording again"
    for _, row, record in sorted(kept, key=lambda item: -item[0]):
        found: dict[str, list[Row]] = {name: [] for name in ("calls", *CALL_TABLES)}
        try:
            add_call(found, sha256, row["file"], reviewed(record, reviews))
        except (DebriefError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            row["problem"] = f"{data / row['file']}: damaged ({error}); process the recording again"
            continue
        return {**found, "records": records}
    return {"records": records}


def state_of(path: Path) -> tuple[int, int] | None:
    """A record file's size and time; None where it has gone.

    Zeros where the system will not say (a link in a circle, a failing disk): reading it then tells why.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return 0, 0
    return state.st_size, state.st_mtime_ns


def refused(error: StoreError) -> bool:
    """True where a value did not fit its column, and not the disk or the database is at fault."""
    import duckdb

    return isinstance(error.__cause__, duckdb.DataError | duckdb.IntegrityError | duckdb.ProgrammingError)
