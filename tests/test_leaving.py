"""What leaves the store is redacted: every text column, quotes with their turn, numbers dictated over several turns."""

from __future__ import annotations

import csv
import json
import threading
from pathlib import Path
from typing import Any

import fakes
import pytest

from pipeline import batch, leaving, plan
from pipeline.copies import EXPORTED
from pipeline.errors import SettingsError
from pipeline.ingest import discover
from pipeline.leaving import SAFE, redacted_json
from pipeline.redact import ALL, chosen_kinds
from pipeline.settings import Settings, load_settings
from pipeline.store import Store

CARD = "4242 4242 4242 4242"
PRIVATE = ("4242", "jane@acme.com", "415-555-0132", "four two four two")


@pytest.fixture
def store(stages: None, tmp_path: Path, settings: Settings) -> Store:
    row = fakes.transcript_row("c1", rep="Ann Lee", account="Acme", title="call 415-555-0132", note="jane@acme.com")
    row["turns"] = [
        {"t0": 0, "t1": 4, "speaker": "rep", "text": f"{CARD[:14]} 4242 is the card"},
        {"t0": 4, "t1": 6, "speaker": "buyer:Jo", "text": "four two four two"},
        {"t0": 6, "t1": 7, "speaker": "rep", "text": "go ahead please whenever you like"},
        {"t0": 7, "t1": 9, "speaker": "buyer:Jo", "text": "four two four two four two four two four two four two"},
        {"t0": 9, "t1": 10, "speaker": "buyer:+1 415-555-0132", "text": "hello"},
    ]
    path = tmp_path / "call_415-555-0132.json"
    path.write_text(json.dumps(row))
    batch.run(plan.plan(discover([path]), settings).jobs, settings, task="fakes:work")
    made = Store(settings.data)
    made.catch_up()
    made.put_fact(
        "assignments",
        {"assignment_id": "a1", "rep": "Ann Lee", "criterion": "discovery", "status": "open",
         "assigned_on": "2026-10-01", "reason": f"said {CARD}", "detail": {"moments": [{"quote": CARD}]}},
    )  # fmt: skip
    return made


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "duckdb"])
def test_nothing_private_stands_in_an_export(store: Store, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    with store:
        counts = store.export(out, form=form)
        assert store.query("SELECT text FROM turns WHERE turn = 1")[0]["text"] == "four two four two"
    if form in ("parquet", "duckdb"):
        import duckdb

        with duckdb.connect(str(out / "debrief.duckdb") if form == "duckdb" else ":memory:", read_only=False) as made:
            for table in EXPORTED:
                made.execute(f"COPY {table if form == 'duckdb' else repr(str(out / (table + '.parquet')))} "
                             f"TO '{tmp_path}/{table}.txt' (FORMAT json)")  # fmt: skip
        text = "".join((tmp_path / f"{table}.txt").read_text() for table in EXPORTED)
    else:
        text = "".join(file.read_text() for file in out.iterdir())

    assert counts["turns"] == 5
    assert counts["assignments"] == 1
    assert not [word for word in PRIVATE if word in text]
    assert [mark for mark in ("[card]", "[phone]", "[email]") if mark not in text] == []
    assert "go ahead please whenever you like" in text


def test_what_a_tool_keeps_as_a_number_or_as_a_fields_name_does_not_leave() -> None:
    given = {"phone": 4155550132, "cards": [int(CARD.replace(" ", ""))], "people": {"jane@acme.com": "buyer"}}
    kept = {"seats": 40, "revenue": 1250000, "lift": 0.5324123412, "asked": True}

    made = json.loads(redacted_json(json.dumps(given | kept), chosen_kinds("all")))

    assert made == {"phone": "[phone]", "cards": ["[card]"], "people": {"[email]": "buyer"}} | kept
    assert redacted_json(json.dumps(given), chosen_kinds("ssn")) == json.dumps(given)


def test_half_a_number_in_what_training_quotes_does_not_leave_and_the_calls_id_stays(
    store: Store, tmp_path: Path
) -> None:
    with store:
        call_id = store.query("SELECT call_id FROM calls")[0]["call_id"]
        detail = {"low_moments": [{"call_id": call_id, "turn": 1, "quote": "four two four two", "before": "a1"}]}
        detail["best_moments"] = [{"call_id": "12345678901ab234", "turn": 1, "quote": "fine"}]
        row = {"assignment_id": "a2", "rep": "Ann Lee", "criterion": "discovery", "status": "open"}
        store.put_fact("assignments", {**row, "assigned_on": "2026-10-01", "reason": "", "detail": detail})
        store.export(tmp_path / "out", form="jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out" / "assignments.jsonl").read_text().splitlines()]

    left = next(row["detail"] for row in rows if row["assignment_id"] == "a2")
    assert left["low_moments"][0]["quote"] == "[card]"
    assert left["low_moments"][0]["call_id"] == call_id
    assert left["best_moments"][0] == detail["best_moments"][0]


def test_ids_of_calls_comments_and_snippets_leave_as_they_are(store: Store, tmp_path: Path) -> None:
    # "86e" and nine digits: what looks like somebody's number in one id of twenty
    ids = ["86e1234567890123", "a234567890123edd"]
    comment = {"comment_id": f"{ids[0]}-123456789012", "call_id": ids[0], "who": "Mo", "text": "well asked"}
    snippet: dict[str, Any] = {
        "snippet_id": f"{ids[1]}-123456789012",
        "call_id": ids[1],
        "t0": 0,
        "t1": 4,
        "title": "well asked",
    }
    snippet |= {"who": "Mo", "kept_at": "2026-10-01T10:00:00", "verdict": "good", "note": "", "shared": False}
    snippet |= {"tags": [], "playlists": [], "hidden": []}
    row = {"assignment_id": "a3", "rep": "Ann Lee", "criterion": "discovery", "status": "open", "reason": ""}
    with store:
        store.put_fact("comments", {**comment, "written_at": "2026-10-01T10:00:00"})
        store.put_fact("snippets", snippet)
        store.put_fact("assignments", {**row, "assigned_on": "2026-10-01", "detail": {"calls": ids, "note": CARD}})
        store.export(tmp_path / "out", form="jsonl")

    def left(table: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (tmp_path / "out" / f"{table}.jsonl").read_text().splitlines()]

    assert [row["comment_id"] for row in left("comments")] == [comment["comment_id"]]
    assert [row["snippet_id"] for row in left("snippets")] == [snippet["snippet_id"]]
    detail = next(row["detail"] for row in left("assignments") if row["assignment_id"] == "a3")
    assert detail == {"calls": ids, "note": "[card]"}


def test_no_cell_of_a_csv_export_is_a_formula(store: Store, settings: Settings, tmp_path: Path) -> None:
    starts = ("=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1")
    out = tmp_path / "out"
    with store:
        for n, start in enumerate(starts):
            comment = {"comment_id": f"c{n}", "call_id": "x", "who": "Ann", "written_at": "2026-10-01T10:00:00"}
            store.put_fact("comments", {**comment, "text": f"{start} one"})
        store.put_fact("comments", {**comment, "comment_id": "c9", "at_s": -1.5, "text": "a=b"})
        for kinds in (ALL, ()):
            store.export(out, form="csv", kinds=kinds)
            with (out / "comments.csv").open(encoding="utf-8", newline="") as file:
                cells = {row["comment_id"]: (row["at_s"], row["text"]) for row in csv.DictReader(file)}
            assert cells == {f"c{n}": ("", f"'{start} one") for n, start in enumerate(starts)} | {"c9": ("-1.5", "a=b")}
        store.export(out, form="jsonl")
    assert "'=cmd" not in (out / "comments.jsonl").read_text(encoding="utf-8")


def test_who_asks_for_it_gets_an_export_as_it_is(store: Store, tmp_path: Path) -> None:
    with store:
        store.export(tmp_path / "out", form="jsonl", kinds=())

    assert CARD in (tmp_path / "out" / "turns.jsonl").read_text()


def test_a_new_column_of_text_is_redacted_unless_it_is_named_safe(store: Store) -> None:
    with store:
        columns = store.query(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE data_type IN ('VARCHAR', 'JSON')"
        )
    free = {(row["table_name"], row["column_name"]) for row in columns if row["column_name"] not in SAFE}

    for known in (("turns", "text"), ("evidence", "quote"), ("assignments", "detail"), ("calls", "meta")):
        assert known in free


def test_the_setting_names_kinds() -> None:
    assert chosen_kinds("all") >= {"card", "email"}
    assert chosen_kinds("none") == frozenset()
    assert chosen_kinds("card, phone") == {"card", "phone"}
    for wrong in ("", "cards", "all, card"):
        with pytest.raises(SettingsError, match="redact"):
            chosen_kinds(wrong)


def test_switches_are_read_from_file_and_environment(tmp_path: Path) -> None:
    (tmp_path / "debrief.toml").write_text("require_consent = true\n")
    assert load_settings(tmp_path, environ={}).require_consent is True
    assert load_settings(tmp_path, environ={"DEBRIEF_REQUIRE_CONSENT": "no"}).require_consent is False
    with pytest.raises(SettingsError, match="expected true or false, found 'maybe'"):
        load_settings(tmp_path, environ={"DEBRIEF_REQUIRE_CONSENT": "maybe"})


def test_what_comes_in_while_an_export_is_made_does_not_leave_unread(
    store: Store, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = leaving._make

    def slow(*given: Any) -> None:
        read(*given)
        row = fakes.transcript_row("c2", rep="Ann Lee", account="Acme")
        row["turns"] = [{"t0": 0, "t1": 4, "speaker": "rep", "text": "hello"},
                        {"t0": 4, "t1": 6, "speaker": "buyer:Jo", "text": f"my card is {CARD}"}]  # fmt: skip
        path = tmp_path / "late.json"
        path.write_text(json.dumps(row))
        for job in plan.plan(discover([path]), settings).jobs:
            fakes.work((job, settings))
        late = threading.Thread(target=store.ingest)
        late.start()
        late.join()

    with store:
        with monkeypatch.context() as patched:
            patched.setattr(leaving, "_make", slow)
            store.export(tmp_path / "out", form="jsonl")
        assert CARD not in (tmp_path / "out" / "turns.jsonl").read_text()
        store.export(tmp_path / "again", form="jsonl")
    assert "my card is [card]" in (tmp_path / "again" / "turns.jsonl").read_text()
