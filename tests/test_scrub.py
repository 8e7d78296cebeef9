"""What is scrubbed from a data folder: names however they are written, and nothing that only looks like them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import keep
from pipeline.access.book import AccessBook
from pipeline.scrub import Traces, remains, same_person, scrub

PERSON = "Priya Nair"


def test_figures_of_a_vendors_id_in_anothers_hash_delete_nothing(tmp_path: Path) -> None:
    (tmp_path / "results" / f"00ff100200{'a' * 54}").mkdir(parents=True)
    record = tmp_path / "results" / f"00ff100200{'a' * 54}" / "import.json"
    record.write_text(json.dumps({"sha256": f"00ff100200{'a' * 54}"}))

    assert scrub(tmp_path, Traces(words=("100200",))) == {"deleted": 0, "changed": 0}
    assert record.exists()


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_a_line_of_the_log_is_found_whatever_stands_beside_it_in_the_file(tmp_path: Path, length: int) -> None:
    with AccessBook(tmp_path) as book:
        book.note("boss", "admin", "saw", "/calls/00ff", "x" * length)
        book.note("boss", "admin", "saw", f"/reps/{PERSON}")

    assert remains(tmp_path, Traces(person=PERSON)) == [tmp_path / "access.sqlite"]
    assert scrub(tmp_path, Traces(person=PERSON)) == {"deleted": 0, "changed": 1}
    assert remains(tmp_path, Traces(person=PERSON)) == []
    with AccessBook(tmp_path) as book:
        assert [entry.what for entry in book.log()] == ["/reps/erased", "/calls/00ff"]


def test_erasing_beside_the_app_takes_nothing_else_out_of_what_it_wrote_last(tmp_path: Path) -> None:
    with AccessBook(tmp_path) as app:
        app.rows.all("PRAGMA wal_checkpoint(TRUNCATE)")
        app.add_user("boss", "admin")
        app.note("boss", "admin", "saw", f"/reps/{PERSON}/one-to-one.pdf")
        scrub(tmp_path, Traces(person=PERSON))
        app.note("boss", "admin", "saw", "/team")

    assert remains(tmp_path, Traces(person=PERSON)) == []
    with AccessBook(tmp_path) as book:
        assert [user.name for user in book.users()] == ["boss"]
        assert [entry.what for entry in book.log()] == ["/team", "/reps/erased/one-to-one.pdf"]


@pytest.mark.parametrize(
    ("person", "text"),
    [
        (PERSON, "He asked \u201cPriya Nair\u201d about it"),
        (PERSON, "as we said\u2014Priya Nair\u2026"),
        (PERSON, "Priya Nair\u2019s office"),
        (PERSON, "Attending:\nPriya Nair\tTom"),
        (PERSON, "by Priya\u00a0Nair"),
        ("\u00c9lodie Martin", "then \u00e9lodie martin said"),
        ("Siobh\u00e1n O'Neill", "SIOBH\u00c1N O\u2019NEILL rang"),
        ("Siobh\u00e1n O\u2019Neill", "Siobh\u00e1n O'Neill rang"),
    ],
)
def test_a_name_is_found_beside_any_sign_in_any_case_and_with_any_apostrophe(
    tmp_path: Path, person: str, text: str
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "record.json").write_bytes(keep.encode({"text": text}))
    (tmp_path / "digest.html").write_text(f"<p>{text}</p>", encoding="utf-8")
    (tmp_path / "run.log").write_text(f"{json.dumps(text)}\n{text}\nfine\n", encoding="utf-8")
    traces = Traces(person=person)

    assert len(remains(tmp_path, traces)) == 3
    assert scrub(tmp_path, traces) == {"deleted": 0, "changed": 3}
    assert remains(tmp_path, traces) == []
    assert "erased" in (tmp_path / "results" / "record.json").read_text()
    assert (tmp_path / "run.log").read_text().endswith("fine\n")


def test_a_longer_name_that_begins_with_the_erased_one_stays(tmp_path: Path) -> None:
    for name in ("Ann Leeson", "Ann Le\u00e9", "Joann Le"):
        (tmp_path / "digest.html").write_text(f"<p>{name}</p>", encoding="utf-8")

        assert scrub(tmp_path, Traces(person="Ann Le")) == {"deleted": 0, "changed": 0}
        assert remains(tmp_path, Traces(person="Ann Le")) == []


@pytest.mark.parametrize("written", ["Jos\u00e9 N\u00fa\u00f1ez", "Jose\u0301 Nu\u0301n\u0303ez"])
def test_a_name_is_found_however_its_accents_and_marks_are_written(written: str) -> None:
    finder = Traces(person="Jos\u00e9 N\u00fa\u00f1ez").finder()

    assert finder.search(f"saw {written} there")
    assert same_person(written, "jos\u00e9 n\u00fa\u00f1ez")
    assert same_person("Ann O\u2019Hara", "ann o'hara")
    assert Traces(person="Ann O'Hara").finder().sub("<li>Ann O&#x27;Hara</li>") == "<li>erased</li>"
