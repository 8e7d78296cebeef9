"""How long the web app takes for each page over 100,000 calls: every GET route, as admin, manager and rep.

    python -m benchmarks.pages [--calls 100000] [--times 25] [--data FOLDER] [--report FILE]

The store is generated (200 reps, 20 teams, 20,000 accounts, two years, quotes, turns, training); a few hundred calls
have their record files too, as the pages of one call or account read those. Requests go through the whole app without
a network: the gate, the page, the templates. Each page is asked for with other reps, calls and accounts each time, once
with nothing else going on and once while standings are being fitted anew in the background. `--data` keeps the folder.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.store import CRITERIA, REPS, ROOT, TEAMS, generate, p

Row = dict[str, Any]

RECORDED_REPS, RECORDED_ACCOUNTS, TURNS = 6, 60, 200
MODULES = ("discovery-ask-first", "business_case-sum", "ask_for_sale-date")
TYPES = "['first call', 'proposal', 'renewal', 'trial review']"
_PART = re.compile(r"\{(\w+)(?::path)?\}")
PASSWORD = "a long enough phrase"

MORE = f"""
UPDATE calls SET call_type = ({TYPES})[1 + (hash(call_id) % 4)::INTEGER], status =
    CASE WHEN hash(call_id || 's') % 40 = 0 THEN 'abstained' ELSE 'scored' END,
    reason = CASE WHEN hash(call_id || 's') % 40 = 0 THEN 'heard too badly to score' ELSE '' END,
    rubric_id = 'sales_call';
UPDATE calls SET overall = NULL WHERE status = 'abstained';
UPDATE criterion_scores SET status = 'abstained', level = NULL WHERE hash(call_id || criterion || 'a') % 25 = 0;
INSERT INTO evidence BY NAME
SELECT call_id, criterion, (hash(call_id || criterion) % 60)::INTEGER AS turn, 60.0 AS t0, 70.0 AS t1, 'rep' AS speaker,
       'So what does one of those cost you in a month, and who has to live with it? ' || left(call_id, 6) AS quote,
       'the rep asks what the problem costs' AS why
FROM criterion_scores WHERE status = 'scored';
INSERT INTO missed BY NAME
SELECT call_id, criterion, 12 AS turn, 'the moment to ask, and it passes' AS why FROM criterion_scores
WHERE status = 'scored' AND level <= 1;
INSERT INTO objections BY NAME
SELECT call_id, 31 AS turn, (['stall', 'competition', 'price_terms'])[1 + (hash(call_id) % 3)::INTEGER] AS kind,
       (['yes', 'partly', 'no'])[1 + (hash(call_id || 'h') % 3)::INTEGER] AS handled FROM calls
WHERE status = 'scored' AND hash(call_id || 'o') % 2 = 0;
INSERT INTO metrics BY NAME
SELECT call_id, 0.4 + (hash(call_id) % 30) / 100 AS talk_share, 40.0 AS longest_monologue_s, 12 AS questions,
       4.0 AS switches_per_min, 0.6 AS patience_s, 150.0 AS wpm, 2.0 AS fillers_per_min FROM calls;
INSERT INTO moves BY NAME
SELECT call_id, turn, (['ask_problem', 'ask_impact', 'answer', 'price'])[1 + turn % 4] AS move, 0.9 AS p
FROM calls, (SELECT unnest(range(0, 40, 5))::INTEGER AS turn);
INSERT INTO turns BY NAME
SELECT call_id, turn, 10.0 * turn AS t0, 10.0 * turn + 9 AS t1, CASE turn % 2 WHEN 0 THEN 'rep' ELSE 'buyer:Ann' END
       AS speaker, CASE turn % 2 WHEN 0 THEN 'rep' ELSE 'buyer' END AS side,
       CASE turn % 2 WHEN 0 THEN 'rep' ELSE 'Ann' END AS name,
       'We lose about ' || (hash(call_id) % 90) || ' orders a month to that, and nobody likes the paper.' AS text
FROM calls, (SELECT unnest(range(30))::INTEGER AS turn);
DELETE FROM criterion_weeks;
INSERT INTO criterion_weeks
SELECT rep, team, criterion, date_trunc('week', call_date)::DATE, level, count(*)::INTEGER FROM scores GROUP BY ALL;
DELETE FROM call_weeks;
INSERT INTO call_weeks
SELECT rep, team, date_trunc('week', call_date)::DATE, status, count(*)::INTEGER, count(overall)::INTEGER,
       coalesce(sum(overall), 0) FROM calls GROUP BY ALL;
INSERT INTO assignments BY NAME
SELECT lower(lpad(to_hex(hash(rep || k)), 16, '0')) AS assignment_id, rep, team, criterion, 1 AS level,
       'none' AS module, 'A module' AS title, 'a gap' AS reason,
       CASE k WHEN 3 THEN 'open' ELSE 'done' END AS status,
       DATE '2026-01-10' + 60 * k AS assigned_on, DATE '2026-01-24' + 60 * k AS due_on,
       CASE k WHEN 3 THEN NULL ELSE DATE '2026-01-20' + 60 * k END AS completed_on,
       '{{"low_moments": [], "best_moments": []}}' AS detail
FROM (SELECT DISTINCT rep, team FROM calls), (SELECT unnest([0, 1, 2, 3])::INTEGER AS k),
     (SELECT unnest({list(CRITERIA)!r})  AS criterion, unnest(range({len(CRITERIA)})) AS place)
WHERE hash(rep) % {len(CRITERIA)} = (place + k) % {len(CRITERIA)};
INSERT INTO sessions BY NAME
SELECT 's' || n AS session_id, 'Rep ' || (n % {REPS}) AS rep, DATE '2026-06-01' + (n % 90)::INTEGER AS held_on,
       30 AS minutes, 'held' AS status FROM range(1200) t(n);
INSERT INTO reviews BY NAME
SELECT call_id || '-discovery-dispute-x' AS review_id, call_id, 'discovery' AS criterion, 'dispute' AS kind,
       rep AS who, 'I did ask' AS why, now()::TIMESTAMP AS reviewed_at, false AS na
FROM calls WHERE hash(call_id || 'd') % 2000 = 0;
CHECKPOINT
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=25)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--report", type=Path, default=ROOT / "benchmarks" / "pages.md")
    args = parser.parse_args()
    with folder(args.data) as data:
        if not (data / "store.duckdb").exists():
            fill(data, args.calls)
        lines = measure(data, args.calls, args.times)
    args.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


@contextmanager
def folder(kept: Path | None) -> Iterator[Path]:
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="debrief-pages-") as made:
        yield Path(made)


def fill(data: Path, calls: int) -> None:
    """Tables by SQL, and the records of the calls of a few reps and accounts as files."""
    from pipeline.store import Store

    started = time.monotonic()
    with Store(data) as store:
        generate(store, calls)
        run = store._at._tables.run
        for statement in MORE.split(";\n"):
            run(statement)
        wanted = store.query(
            "SELECT * FROM calls WHERE rep IN (SELECT unnest($reps::VARCHAR[])) AND call_date > $since "
            "OR account IN (SELECT unnest($accounts::VARCHAR[]))",
            {
                "reps": [f"Rep {n * 11}" for n in range(RECORDED_REPS)],
                "accounts": newest_accounts(store),
                "since": dt.date(2026, 6, 20),
            },
        )
        lines = said()
        for call in wanted:
            file = data / "results" / call["sha256"] / "generated.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(record(call, lines)))
        run(
            "UPDATE calls SET record_file = 'results/' || sha256 || '/generated.json' "
            "WHERE call_id IN (SELECT unnest(?::VARCHAR[]))",
            [[call["call_id"] for call in wanted]],
        )
        # the other calls' files are not there, but each has its row, as the health page counts them
        run("UPDATE calls SET record_file = 'results/' || sha256 || '/none.json' WHERE record_file = 'results/x'")
        run("INSERT INTO records SELECT record_file, sha256, 1, 1, NULL FROM calls")
        for call in store.query("SELECT sha256 FROM calls"):
            (data / "results" / call["sha256"]).mkdir(exist_ok=True)
        run("CHECKPOINT")
    print(f"filled in {time.monotonic() - started:.0f} s, {len(wanted)} with records", file=sys.stderr)


def newest_accounts(store: Any) -> list[str]:
    """The accounts spoken to last, which the list shows first: of all, of two teams, of one rep."""
    found = []
    for where in ("true", "team IN ('Team 0', 'Team 2')", "rep = 'Rep 11'"):
        found += store.query(
            f"SELECT account FROM calls WHERE {where} GROUP BY account ORDER BY max(call_date) DESC, account LIMIT $n",
            {"n": RECORDED_ACCOUNTS},
        )
    return [row["account"] for row in found]


def said() -> list[tuple[str, str]]:
    """What is said on the generated calls: the dialogues of the sample calls, one after the other."""
    found = []
    for path in sorted((ROOT / "sample_calls" / "dialogues").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            who, _, text = line.partition(":")
            if text.strip() and not line.startswith("#"):
                found.append(("rep" if who.strip() == "R" else "buyer:Ann", text.strip()))
    return found


def record(call: Row, lines: list[tuple[str, str]]) -> Row:
    """A half-hour call's record, as the pipeline keeps it."""
    from pipeline.types import CallMeta, Transcript, Turn

    first = int(call["call_id"], 16) * 37
    words = [lines[(first + n) % len(lines)] for n in range(TURNS)]
    turns = tuple(Turn(9.0 * n, 9.0 * n + 8, who, text) for n, (who, text) in enumerate(words))
    criteria = {
        name: {
            "level": int(call["call_id"], 16) % 5,
            "status": "scored",
            "confidence": 0.8,
            "evidence": [
                {"turn": n, "t0": 9.0 * n, "t1": 9.0 * n + 8, "speaker": who, "quote": text, "why": "the rep asks"}
                for n, (who, text) in enumerate(words[:4])
            ],
            "missed": [{"turn": 7, "why": "it passes"}],
        }
        for name in CRITERIA
    }
    meta = {name: call[name] for name in ("rep", "team", "account", "call_type")}
    source = {"path": call["path"], "sha256": call["sha256"], "kind": "audio", "size": 1, "mtime_ns": 1, "known": {}}
    return {
        "call_id": call["call_id"],
        "status": call["status"],
        "reason": call["reason"],
        "source": source,
        "kept": {"seq": 1, "at": "2026-09-01T00:00:00"},
        "provenance": {
            "debrief": "0",
            "engine": "test",
            "engine_revision": "1",
            "diarizer": "none",
            "rubric": {"id": "sales_call", "version": "v"},
            "judge": {"engine": "test", "revision": "1"},
        },
        "transcript": Transcript(call["call_id"], CallMeta(**meta, date=call["call_date"]), turns).to_json(),
        "scorecard": {
            "call_id": call["call_id"],
            "rubric": {"id": "sales_call", "version": "v"},
            "judge": {"engine": "test", "revision": "1"},
            "overall": call["overall"],
            "criteria": criteria,
            "objections": [{"turn": 7, "kind": "price_terms", "handled": "partly"}],
            "metrics": {"talk_share": 0.5},
            "moves": [{"turn": 6, "move": "price", "p": 0.9}],
        },
    }


USERS: dict[str, tuple[str, Row]] = {
    "Ada": ("admin", {}),
    "Mo": ("manager", {"teams": ("Team 0", "Team 2")}),
    "Ria": ("rep", {"rep": "Rep 11"}),
}
AGAIN = (
    *(("Mo", path) for path in ("/team", "/calls", "/accounts", "/reps/{rep}")),
    *(("Ria", path) for path in ("/today", "/accounts", "/calls")),
)
"""Pages that show others something else: asked for as them too."""


def measure(data: Path, calls: int, times: int) -> list[str]:
    """A table of every GET route: p50 and p95 of the answer's time, and the page's weight."""
    from pipeline.settings import Settings
    from pipeline.web.app import all_routes
    from pipeline.web.desk import Desk

    desk = Desk(Settings(data=data))
    try:
        at = clients(desk)
        started = time.monotonic()
        until(lambda: at["Ada"].get("/team").status_code != 503)
        warm = time.monotonic() - started
        until(lambda: bool(desk.effects()))
        effects = time.monotonic() - started
        until(lambda: at["Ada"].get("/reps/Rep%203").status_code != 503)
        known = desk.store.query("SELECT call_id FROM calls WHERE record_file LIKE '%generated.json' LIMIT 400")
        fill_in = {
            "account": newest_accounts(desk.store)[:RECORDED_ACCOUNTS],
            "call_id": [row["call_id"] for row in known],
        }
        asked = [
            ("Ria" if route.who == {"rep"} else "Ada", route.path)
            for route in all_routes()
            if route.method == "GET" and route.who and "{rest" not in route.path
        ]
        # a page before those that it leads to, as people meet them
        every = (*sorted(asked, key=lambda pair: pair[1].count("/")), *AGAIN)
        rows = [quiet(desk, at[who], fill_in, path, who, times) for who, path in every]
        load = os.getloadavg()[0]
        for row, (who, path) in zip(rows, every, strict=True):
            row["busy"] = busy(desk, at, fill_in, path, who, times)
    finally:
        desk.close()
    return [
        "# The pages over many calls",
        "",
        f"`python -m benchmarks.pages` on {os.cpu_count()} cores, load average {load:.1f}: {calls:,} "
        f"calls, {REPS} reps, {TEAMS} teams, database {(data / 'store.duckdb').stat().st_size / 1e6:.0f} MB. {times} "
        "requests a page, each for another rep, call or account; the app's own time, without a network.",
        "",
        f"The team's standings are there {warm:.0f} s after the start, what training did after {effects:.0f} s; until "
        "then their pages say so. From then on a page shows what is known with its age, and what is newer is worked "
        "out in the background: the last column is measured meanwhile.",
        "",
        "| page | as | answer | kB | p50 ms | p95 ms | p95 of CPU ms | p95 ms while standings are fitted |",
        "|---|---|---|---|---|---|---|---|",
        *(line(row) for row in rows),
        "",
        f"p95 over 150 ms: {', '.join(row['path'] for row in rows if row['p95'] > 150) or 'none'}; of CPU: "
        f"{', '.join(row['path'] for row in rows if row['cpu'] > 150) or 'none'}. Where the load average is above the "
        "number of cores, others had a share of them: the CPU column is what the same page takes on an idle machine.",
    ]


def line(row: Row) -> str:
    """A row of the table."""
    role = USERS[row["who"]][0]
    times = f"{row['p50']:.0f} | {row['p95']:.0f} | {row['cpu']:.0f} | {row['busy']:.0f}"
    return f"| `{row['path']}` | {role} | {row['status']} | {row['kb']:.0f} | {times} |"


def clients(desk: Any) -> dict[str, Any]:
    """A signed-in client for each of `USERS`."""
    from fastapi.testclient import TestClient

    from pipeline.web.app import ready_app
    from pipeline.web.gate import SESSION

    app, at = ready_app(desk), {}
    there = {user.name for user in desk.book.users()}
    for name, (role, more) in USERS.items():
        if name not in there:
            desk.book.add_user(name, role, password=PASSWORD, **more)
        at[name] = TestClient(app, base_url="http://127.0.0.1:8321", follow_redirects=False)
        at[name].cookies.set(SESSION, desk.book.start_session(desk.book.user(name)))
    return at


def until(done: Callable[[], bool]) -> None:
    """Wait until it is, half an hour at most."""
    end = time.monotonic() + 1800
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("half an hour was not enough")
        time.sleep(0.5)


def quiet(desk: Any, client: Any, fill_in: Row, path: str, who: str, times: int) -> Row:
    """One route's times with nothing else going on."""
    until(lambda: not any(entry.waiting for entry in list(desk.backroom._entries.values())))
    taken, cpu, status, weight = ask(client, path, fill_in, times)
    print(f"{path} ({who}): {p(taken, 95):.0f} ms, {p(cpu, 95):.0f} ms of CPU", file=sys.stderr)
    return {
        "path": path,
        "who": who,
        "status": status,
        "kb": weight / 1000,
        "p50": statistics.median(taken),
        "p95": p(taken, 95),
        "cpu": p(cpu, 95),
    }


def busy(desk: Any, at: Row, fill_in: Row, path: str, who: str, times: int) -> float:
    """One route's p95 while the standings of all reps are fitted anew."""
    entry = desk.backroom._entries["picture", desk.rubric.version, None, None]
    if not entry.waiting:
        desk.store._at._changed("calls")
        entry.rest_until = 0.0
        at["Ada"].get("/team")
    return p(ask(at[who], path, fill_in, times, shift=times)[0], 95)


def ask(
    client: Any, path: str, fill_in: Row, times: int, *, shift: int = 0
) -> tuple[list[float], list[float], str, int]:
    taken, cpu, codes, weight = [], [], {}, 0
    for turn in range(shift, shift + times):
        values = {
            "rep": f"Rep {(turn % RECORDED_REPS) * 11}",
            "account": fill_in["account"][turn % len(fill_in["account"])],
            "call_id": fill_in["call_id"][turn % len(fill_in["call_id"])],
            "criterion": CRITERIA[turn % len(CRITERIA)],
            "name": "app.css",
        }
        url = _PART.sub(lambda found, values=values: values.get(found[1], "x"), path)  # type: ignore[misc]
        started, spent = time.perf_counter(), time.process_time()
        answer = client.get(url)
        taken.append(1000 * (time.perf_counter() - started))
        cpu.append(1000 * (time.process_time() - spent))
        codes[answer.status_code] = codes.get(answer.status_code, 0) + 1
        weight = max(weight, len(answer.content))
    return taken, cpu, ", ".join(f"{code} x{n}" if len(codes) > 1 else str(code) for code, n in codes.items()), weight


if __name__ == "__main__":
    sys.exit(main())
