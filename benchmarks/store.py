"""The store under load: what pages ask, over a million calls.

    python -m benchmarks.store [--calls 1000000] [--report FILE]

`benchmarks/load.py` sends calls through the real flow while the pages themselves are read.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REPS, TEAMS, WEEKS = 200, 20, 104
CRITERIA = (
    "discovery", "decision_makers", "business_case", "positioning", "recommendation", "proposal", "objection_handling",
    "ask_for_sale",
)  # fmt: skip

Row = dict[str, Any]

QUERIES: dict[str, str] = {
    "rep's scorecard: totals": "SELECT calls, scored, overall FROM rep_totals WHERE rep = $rep",
    "rep's scorecard: levels by week": "SELECT criterion, week, n, mean_level FROM rep_criterion_weeks "
    "WHERE rep = $rep ORDER BY criterion, week",
    "rep's scorecard: latest 20 calls": "SELECT call_id, call_date, account, status, overall FROM calls "
    "WHERE rep = $rep ORDER BY call_date DESC NULLS LAST, call_id LIMIT 20",
    "one call: its record's file": "SELECT record_file FROM calls WHERE call_id = $call",
    "team page: reps": "SELECT rep, scored, overall FROM rep_totals WHERE team = $team ORDER BY rep",
    "team page: criteria": "SELECT rep, criterion, n, mean_level FROM team_criteria WHERE team = $team",
    "all teams": "SELECT team, criterion, sum(n) AS n, sum(n * mean_level) / sum(n) AS mean "
    "FROM team_criteria GROUP BY ALL",
    "gaps of all": "SELECT detail FROM gaps ORDER BY expected_lift DESC",
    "gaps of a rep": "SELECT detail FROM gaps WHERE rep = $rep",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--report", type=Path, default=ROOT / "benchmarks" / "store.md")
    args = parser.parse_args()
    head = ["# The store under load", "", f"`python -m benchmarks.store` on {os.cpu_count()} cores.", ""]
    with tempfile.TemporaryDirectory(prefix="debrief-store-") as folder:
        lines = head + pages(Path(folder), args.calls)
    args.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def pages(data: Path, calls: int) -> list[str]:
    """Generated calls in the store's own tables; how long what pages ask takes, here and through the server."""
    from pipeline.store import Store

    with Store(data) as store:
        generate(store, calls)
        started = time.monotonic()
        took = gaps(store)
        lines = [
            f"{calls:,} calls, {REPS} reps, {TEAMS} teams, two years; no turns (the pages below read none); "
            f"database {store.file.stat().st_size / 1e6:.0f} MB; gaps of all reps worked out in {took:.0f} s.",
            "",
            "| query | rows | p50 ms | p95 ms | p95 through the serving process, ms |",
            "|---|---|---|---|---|",
        ]
        store.serve()
        with Store(data) as other:
            for name, sql in QUERIES.items():
                rows, own = timed(store.query, sql, calls)
                _, served = timed(other.query, sql, calls)
                lines.append(f"| {name} | {rows} | {p(own, 50):.1f} | {p(own, 95):.1f} | {p(served, 95):.1f} |")
        _, raw = timed(store.query, RAW, calls, times=5)
        lines += ["", f"The same week averages of a rep without the rollup: {p(raw, 50):.0f} ms.", ""]
        print(f"pages done after {time.monotonic() - started:.0f} s", file=sys.stderr)
    return lines


RAW = (
    "SELECT criterion, date_trunc('week', call_date) AS week, count(*), avg(level) FROM scores "
    "WHERE rep = $rep GROUP BY ALL"
)


def generate(store: Any, calls: int) -> None:
    """Fill the tables as the ingest would, by SQL: a rep's levels drift around a mean of his own."""
    database = store._at
    run = database._tables.run
    run("SELECT setseed(0.5)")
    run(
        f"""INSERT INTO calls BY NAME
        SELECT lower(lpad(to_hex(i), 16, '0')) AS call_id, lower(lpad(to_hex(i), 64, '0')) AS sha256,
               'results/x' AS record_file, 1 AS seq,
               '/in/' || i AS path, 'audio' AS kind, 'scored' AS status, '' AS reason, 'Rep ' || (i % {REPS}) AS rep,
               'Team ' || (i % {TEAMS}) AS team, 'Account ' || (i % 20000) AS account,
               DATE '2024-10-01' + (hash(i) % {7 * WEEKS})::INTEGER AS call_date, 1800.0 AS duration_s, 0 AS n_turns,
               40 + (hash(i + 7) % 40) AS overall
        FROM range({calls}) r(i)"""
    )
    names = ", ".join(f"'{name}'" for name in CRITERIA)
    run(
        f"""INSERT INTO criterion_scores BY NAME
        SELECT c.call_id, k.criterion,
               least(4, greatest(0, (hash(c.rep || k.criterion) % 3)::INTEGER
                                    + (hash(c.call_id || k.criterion) % 3)::INTEGER)) AS level,
               'scored' AS status, 0.8 AS confidence, '' AS reason
        FROM calls c, (SELECT unnest([{names}]) AS criterion) k"""
    )
    run(
        "INSERT INTO criterion_weeks SELECT rep, team, criterion, date_trunc('week', call_date)::DATE, level, "
        "count(*)::INTEGER FROM scores GROUP BY ALL"
    )
    run(
        "INSERT INTO call_weeks SELECT rep, team, date_trunc('week', call_date)::DATE, status, count(*)::INTEGER, "
        "count(overall)::INTEGER, sum(overall) FROM calls GROUP BY ALL"
    )
    run("CHECKPOINT")


def gaps(store: Any) -> float:
    from pipeline.coach.commands import refresh_gaps
    from pipeline.settings import Settings

    started = time.monotonic()
    refresh_gaps(store, settings=Settings(data=store.data))
    return time.monotonic() - started


def timed(query: Callable[..., list[Row]], sql: str, calls: int, *, times: int = 40) -> tuple[int, list[float]]:
    taken, rows = [], 0
    for turn in range(times):
        every = {"rep": f"Rep {turn * 7 % REPS}", "team": f"Team {turn % TEAMS}", "call": f"{turn * 977 % calls:016x}"}
        params = {name: value for name, value in every.items() if f"${name}" in sql}
        started = time.perf_counter()
        rows = len(query(sql, params))
        taken.append(1000 * (time.perf_counter() - started))
    return rows, taken


def p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    sys.exit(main())
