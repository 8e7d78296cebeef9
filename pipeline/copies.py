"""What leaves the store for others: a file per table, or a database of their own."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.leaving import FORMULA_STARTS, leaving
from pipeline.redact import ALL
from pipeline.rows import CALL_TABLES, DERIVED, FACT_KEYS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXPORTED = ("calls", *CALL_TABLES, *FACT_KEYS, "failures", "criterion_weeks", "call_weeks", *DERIVED)
"""The tables that exports and copies for analysts hold."""


@contextmanager
def together(folder: Path) -> Iterator[Path]:
    """A folder in which to write files for `folder`, where they come to lie all at once, or none of them when one could
    not be written: of half an export nobody would know when somebody is erased. Raises `OSError`."""
    half = folder / f".export-{secrets.token_hex(8)}.tmp"
    half.mkdir(parents=True)
    try:
        yield half
        files = sorted(half.iterdir())
        for file in files:
            if (folder / file.name).is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{file.name} is a folder there")
        for file in files:
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def write_tables(
    cursor: DuckDBPyConnection, folder: Path, form: str, *, kinds: Collection[str] = ALL
) -> dict[str, int]:
    """Every exported table as `<table>.<form>`, redacted; the number of rows of each. DuckDB's errors pass through.

    In CSV a text that a spreadsheet would run as a formula is led by an apostrophe.
    """
    options = {"jsonl": "FORMAT json", "csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet"}[form]
    counts: dict[str, int] = {}
    with leaving(cursor, kinds) as select:
        for table in EXPORTED:
            target = _quoted(folder / f"{table}.{form}")
            rows = _without_formulas(cursor, select(table)) if form == "csv" else select(table)
            row = cursor.execute(f"COPY ({rows}) TO {target} ({options})").fetchone()
            counts[table] = int(row[0]) if row else 0
    return counts


def _without_formulas(cursor: DuckDBPyConnection, select: str) -> str:
    """The rows of a SELECT with an apostrophe before every text that begins as a formula does."""
    texts = [name for name, kind, *_ in cursor.execute(f"DESCRIBE {select}").fetchall() if kind == "VARCHAR"]
    starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    guarded = ", ".join(
        f"CASE WHEN {name}[1] IN ({starts}) THEN chr(39) || {name} ELSE {name} END AS {name}" for name in texts
    )
    return f"SELECT * REPLACE ({guarded}) FROM ({select})" if guarded else select


def write_copy(cursor: DuckDBPyConnection, folder: Path, *, kinds: Collection[str] = ALL) -> dict[str, int]:
    """A database of its own with the documented tables and views, redacted; any number of people may query it."""
    counts: dict[str, int] = {}
    (mine,) = cursor.execute("SELECT current_database()").fetchone() or ("store",)
    cursor.execute(f"ATTACH {_quoted(folder / 'debrief.duckdb')} AS copy")
    try:
        with leaving(cursor, kinds) as select:
            for table in EXPORTED:
                cursor.execute(f"CREATE TABLE copy.{table} AS {select(table)}")
                row = cursor.execute(f"SELECT count(*) FROM copy.{table}").fetchone()
                counts[table] = int(row[0]) if row else 0
        views = cursor.execute(
            "SELECT sql FROM duckdb_views() WHERE NOT internal AND database_name = current_database() ORDER BY view_oid"
        ).fetchall()
        cursor.execute("USE copy")
        for (sql,) in views:
            cursor.execute(sql)
    finally:
        cursor.execute(f'USE "{mine}"')
        cursor.execute("DETACH copy")
    return counts


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
