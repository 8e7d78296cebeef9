"""The store under load: pages over a million calls, and ten thousand calls through the real flow while pages are read.

    python -m benchmarks.store [--calls 1000000] [--flow 10000] [--judged 150] [--report FILE]

`--flow` calls go through the real flow with the tests' stand-in for the judge, so that what is measured is what keeps
them; `--judged` calls through the same flow with the judge as it ships.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import subprocess
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
    parser.add_argument("--flow", type=int, default=10_000)
    parser.add_argument("--judged", type=int, default=150)
    parser.add_argument("--report", type=Path, default=ROOT / "benchmarks" / "store.md")
    args = parser.parse_args()
    head = ["# The store under load", "", f"`python -m benchmarks.store` on {os.cpu_count()} cores.", ""]
    lines: list[str] = []
    for calls, judge in ((args.flow, "a stand-in for the judge"), (args.judged, "the judge as it ships")):
        if calls:
            with tempfile.TemporaryDirectory(prefix="debrief-load-") as folder:
                lines += load(Path(folder), calls, judge=judge)
    if args.calls:  # last: generating them takes memory that would be counted as the serving process's
        with tempfile.TemporaryDirectory(prefix="debrief-store-") as folder:
            lines = pages(Path(folder), args.calls) + lines
    lines = head + lines
    args.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def peak_mb() -> float:
    """This process's peak resident memory; `ru_maxrss` begins with what its parent had when it was started."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


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


FLOW = """
import json, resource, sys, time
from pathlib import Path
from flows.local import use_data_folder
data, inbox = Path(sys.argv[1]), Path(sys.argv[2])
use_data_folder(data)
from flows.process import Caller, run_process
from pipeline import batch
from pipeline.settings import Settings
from benchmarks.store import peak_mb
if sys.argv[3].startswith("a stand-in"):
    import fakes
    sys.modules.update(fakes.modules())
    begin = batch.Batch.__init__
    batch.Batch.__init__ = lambda self, *a, **o: begin(self, *a, **{**o, "task": "fakes:work"})
started = time.monotonic()
report = run_process([inbox], Caller(settings=Settings(data=data, inbox=str(inbox), workers=2)))
print(json.dumps({"s": time.monotonic() - started, "counts": report["counts"], "store": report["store"],
    "own_mb": peak_mb(),
    "worker_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}))
"""


def load(folder: Path, calls: int, *, judge: str) -> list[str]:
    """Transcripts through the real flow on two workers; pages read meanwhile in the process that has the store open."""
    from pipeline.store import Store

    inbox, data = folder / "inbox", folder / "data"
    transcripts(inbox, calls)
    with Store(data) as store:
        store.serve()
        flow = subprocess.Popen(
            [sys.executable, "-c", FLOW, str(data), str(inbox), judge],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        )
        taken: list[float] = []
        errors = 0
        names = [name for name in QUERIES if "gaps" not in name and "one call" not in name]
        while flow.poll() is None:
            for name in names:
                started = time.perf_counter()
                sql = QUERIES[name]
                params = {key: value for key, value in {"rep": "Rep 3", "team": "Team 1"}.items() if f"${key}" in sql}
                try:
                    store.query(sql, params)
                except Exception:
                    errors += 1
                taken.append(1000 * (time.perf_counter() - started))
            store.catch_up()
            time.sleep(0.5)
        out = flow.stdout.read() if flow.stdout else ""
        done = json.loads(out.splitlines()[-1])
        kept = store.query("SELECT count(*) AS n, count(DISTINCT sha256) AS once FROM calls")[0]
    rate = f"{done['s']:.0f} s, {calls / done['s']:.1f} calls/s"
    return [
        f"{calls:,} transcript calls through the `process` flow (Prefect, two workers, {judge}): {rate}; "
        f"{json.dumps(done['counts'])}; in the store {kept['n']}, distinct {kept['once']}.",
        f"{len(taken)} page reads meanwhile through the process that has the store open: p50 {p(taken, 50):.1f} ms, "
        f"p95 {p(taken, 95):.1f} ms, {errors} errors. Memory: flow {done['own_mb']:.0f} MB, its largest child "
        f"{done['worker_mb']:.0f} MB, serving process {peak_mb():.0f} MB.",
        "",
    ]


def transcripts(inbox: Path, calls: int) -> None:
    """Distinct short calls made of the sample dialogues."""
    turns = [
        ("rep", "Thanks for the time today. What made you look at this now?"),
        ("buyer:Ann", "We lose two days a month on reconciling the stock, and it is getting worse."),
        ("rep", "What does that cost you?"),
        ("buyer:Ann", "About four thousand a month, I would say."),
        ("rep", "So fifty thousand a year. Who else decides on this with you?"),
        ("buyer:Ann", "Our finance director signs anything above ten thousand."),
        ("rep", "Then let us book thirty minutes with her on Thursday at ten, and I bring the numbers."),
        ("buyer:Ann", "Thursday at ten works, I will invite her."),
    ]
    start = dt.date(2026, 1, 1)
    for number in range(calls):
        folder = inbox / f"Team {number % 4}" / f"Rep {number % 20}"
        folder.mkdir(parents=True, exist_ok=True)
        rows, at = [], 0.0
        for speaker, text in turns:
            said = text.replace("two days", f"{number % 7 + 2} days").replace("four thousand", f"{number} dollars")
            rows.append({"t0": at, "t1": at + 5, "speaker": speaker, "text": said})
            at += 6
        day = start + dt.timedelta(days=number % 270)
        (folder / f"{day}_Account {number}.json").write_text(
            json.dumps({"call_id": f"c{number}", "meta": {}, "turns": rows})
        )


if __name__ == "__main__":
    sys.exit(main())
