from __future__ import annotations

import datetime as dt
import json
import smtplib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from coach_story import DAY as LAST
from coach_story import keep_story
from test_store import keep_call

from pipeline import deliver, plan, retention
from pipeline.coach import commands
from pipeline.coach.digest import to_send, weekly_digest
from pipeline.coach.rows import CallRow, QuotaRow, Rows, SessionRow
from pipeline.digest import LISTED, Digest, Section, as_html, as_markdown, as_text, nightly_digest, section
from pipeline.ingest import NOWHERE
from pipeline.rubric import load_rubric
from pipeline.settings import Settings
from pipeline.store import Store

DAY = dt.date(2026, 10, 6)
DIGEST = Digest("nightly-2026-10-06", "debrief: last night", (Section("Done", ("3 <scored> & *one*",)),))


@pytest.fixture
def report() -> dict[str, Any]:
    return {
        "backlog": {"counts": {"scored": 3, "failed": 1}, "failed": [{"path": "/in/a.wav", "reason": "no speech"}]},
        "rescored": {"counts": {}, "failed": []},
        "store": "",
        "assigned": [{"rep": "Ann", "title": "Ask twice", "criterion": "discovery", "due_on": "2026-10-20"}],
        "tidied": {"temporary": 2, "logs": 0},
    }


def test_the_nightly_digest_says_what_was_done_and_what_waits(
    stages: None, tmp_path: Path, settings: Settings, report: dict[str, Any]
) -> None:
    keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    keep_call(tmp_path, settings, "Bea", "2026-09-15_acme", "strangers")
    for number in range(3):
        plan.keep_failure(settings, tmp_path / "x.wav", kind="engine", reason=f"it failed {number}", read=NOWHERE)
    with Store(settings.data) as store:
        store.catch_up()
        text = as_text(nightly_digest(store, report, day=DAY))
    for words in (
        "new calls: 1 failed, 3 scored",
        "scored again: nothing to do",
        "cleared away: 2 temporary",
        "Training assigned: 1",
        "Ann: Ask twice (discovery), due 2026-10-20",
        "a.wav: no speech",
        "1 file quarantined (engine), the latest: it failed 2",
        "1 call in review",
        "Ann, North: 1 scored call, mean 50 of 100",
    ):
        assert words in text


def test_who_changed_teams_stands_once_in_the_digest_under_the_present_team(
    stages: None, tmp_path: Path, settings: Settings, report: dict[str, Any]
) -> None:
    keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    keep_call(tmp_path, settings, "Ann", "2026-09-21_acme", "ok two", team="South")
    with Store(settings.data) as store:
        store.catch_up()
        (reps,) = [part for part in nightly_digest(store, report, day=DAY).sections if part.title == "Reps"]
    assert reps.lines == ("Ann, South: 2 scored calls, mean 50 of 100",)


def test_long_sections_are_cut_and_lines_cleaned() -> None:
    made = section("x", [f"line\x1b[2J {n}\nmore" for n in range(LISTED + 5)])
    assert made.lines[0] == "line [2J 0 more"
    assert made.lines[-1] == "and 5 more"
    assert section("x", [], none="nothing").lines == ("nothing",)


def test_markup_in_names_is_text() -> None:
    assert "3 &lt;scored&gt; &amp; *one*" in as_html(DIGEST)
    assert r"3 \<scored\> & \*one\*" in as_markdown(DIGEST)
    assert "://" not in as_html(DIGEST)


def test_nothing_is_sent_unless_configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: Any, **options: Any) -> None:
        raise AssertionError("sent")

    monkeypatch.setattr(smtplib, "SMTP", never)
    monkeypatch.setattr("httpx.post", never)
    done = deliver.deliver(DIGEST, settings)
    assert (done["sent"], done["problems"]) == ([], [])
    assert Path(done["file"]).read_text() == as_html(DIGEST)
    assert deliver.latest(settings.data) == Path(done["file"])
    half = deliver.deliver(DIGEST, replace(settings, digest_to="boss@example.com"))
    assert "`smtp_host` is not" in half["problems"][0]


class Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(self.server.code)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        return None


class Mail(socketserver.StreamRequestHandler):
    """Just enough of SMTP to take one message."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        lines: list[bytes] = []
        for raw in self.rfile:
            word = raw.strip().upper().split(b" ")[0]
            if word == b"RCPT" and b"gone" in raw:
                self.wfile.write(b"550 no such user here\r\n")
                continue
            if word == b"DATA":
                self.wfile.write(b"354 go\r\n")
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                self.server.got.append(b"".join(lines))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("code", [200, 500, 302])
def test_the_webhook_gets_the_text_and_its_address_is_never_said(settings: Settings, code: int) -> None:
    with serving(HTTPServer(("127.0.0.1", 0), Post)) as server:
        server.code = code
        url = f"http://127.0.0.1:{server.server_address[1]}/secret-token"
        done = deliver.deliver(DIGEST, replace(settings, digest_webhook=url))
        assert server.got[0]["text"].splitlines()[-1] == "- 3 &lt;scored&gt; &amp; *one*"
    assert done["sent"] == (["webhook"] if code == 200 else [])
    assert len(done["problems"]) == (code != 200)
    assert "secret-token" not in json.dumps(done)
    gone = deliver.deliver(DIGEST, replace(settings, digest_webhook=url))
    assert len(gone["problems"]) == 1
    assert "secret-token" not in json.dumps(gone)


def test_teams_gets_a_card() -> None:
    body = deliver.webhook_body(DIGEST, host="acme.webhook.office.com")
    card = body["attachments"][0]["content"]
    assert [block["text"] for block in card["body"]] == ["debrief: last night", "Done", "3 <scored> & *one*"]


def test_mail_carries_text_and_html(settings: Settings) -> None:
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Mail)) as server:
        port = server.server_address[1]
        mailed = replace(
            settings,
            digest_to="a@example.com, b@example.com",
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
        )
        done = deliver.deliver(DIGEST, mailed)
        assert (done["sent"], done["problems"]) == (["e-mail"], [])
        (raw,) = server.got
    message = message_from_bytes(raw, policy=policy.default)
    assert message["To"] == "a@example.com, b@example.com"
    assert message["Subject"] == "debrief: last night"
    assert message["Date"].datetime.tzinfo is not None
    assert message["Message-ID"].endswith("@localhost>")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    closed = deliver.deliver(DIGEST, mailed)
    assert "not sent by e-mail" in closed["problems"][0]


@pytest.mark.parametrize("others", ["b@example.com, ", ""])
def test_an_address_that_the_mail_server_refuses_is_named_whoever_else_got_it(settings: Settings, others: str) -> None:
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Mail)) as server:
        port = server.server_address[1]
        mailed = replace(settings, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none")
        done = deliver.deliver(DIGEST, replace(mailed, digest_to=f"{others}gone@example.com"))
        assert len(server.got) == bool(others)
    assert done["sent"] == (["e-mail"] if others else [])
    assert done["problems"][0].startswith(f"digest {'sent to some only' if others else 'not sent'} by e-mail")
    assert f"(127.0.0.1:{port}: gone@example.com refused with 550 no such user here)" in done["problems"][0]


def test_a_sender_that_is_no_address_stops_no_digest(settings: Settings) -> None:
    mailed = replace(settings, smtp_host="127.0.0.1", smtp_port=9, digest_to="a@example.com", digest_from="a\nb")
    done = deliver.deliver(DIGEST, mailed)
    assert "digest not sent by e-mail" in done["problems"][0]
    assert Path(done["file"]).exists()


def test_private_details_do_not_leave_in_a_digest(settings: Settings) -> None:
    said = Digest("week-1", "the week", (Section("Promises", ("send it to jane@acme.com, card 4242 4242 4242 4242",)),))

    page = Path(deliver.deliver(said, settings)["file"]).read_text()
    assert "[email]" in page
    assert "[card]" in page
    assert "4242" not in page
    whole = Path(deliver.deliver(said, replace(settings, redact="none"))["file"]).read_text()
    assert "jane@acme.com" in whole


def test_who_left_is_not_who_is_treated_unfairly_this_week() -> None:
    left = [CallRow(f"g{n}", rep=f"Left {n}", team="North", date=LAST - dt.timedelta(400)) for n in range(8)]
    rows = Rows(calls=(*left, CallRow("c", rep="Ann", team="North", date=LAST)))
    rows = replace(rows, sessions=tuple(SessionRow(f"s{n}", f"Peer {n}", LAST, minutes=60) for n in range(2)))
    asked = QuotaRow("q", "Left 7", "revenue", LAST, LAST + dt.timedelta(30), 1000.0)

    def told(rows: Rows) -> list[str]:
        week = weekly_digest(rows, load_rubric("sales_call"), (), as_of=LAST, team="North")
        return [item.text.split(":")[0] for part in week.sections if part.title == "Is it fair" for item in part.items]

    assert told(rows) == ["Ann"]
    # of whom something is asked is here, whether or not they call
    assert told(replace(rows, quotas=(asked,))) == ["Ann", "Left 7"]


@pytest.mark.parametrize("base", ["", "https://debrief.example.com"])
def test_digests_quote_no_call_whose_words_have_gone(settings: Settings, base: str) -> None:
    keep_story(settings.data)
    words = "What does one of those cost you?"
    with Store(settings.data) as store:
        store.ingest()
        found = commands.digest_of(store, settings=settings, as_of=LAST)
        file = Path(deliver.deliver(to_send(found, base=base), settings)["file"])
        assert words in file.read_text()
        brief = replace(settings, keep_transcripts_days=1)
        retention.retain(brief, store, retention.due(brief, store, today=LAST + dt.timedelta(400))[0])
    assert words not in file.read_text()
    assert "Cid: 1 call, 1 scored, mean 50 of 100" in file.read_text()


def test_the_readme_says_which_digest_takes_words_of_calls_along(settings: Settings, report: dict[str, Any]) -> None:
    keep_story(settings.data)
    report["backlog"]["failed"] = [{"path": "/in/Calder Pumps.wav", "reason": "no speech"}]
    with Store(settings.data) as store:
        store.ingest()
        week = as_text(to_send(commands.digest_of(store, settings=settings, as_of=LAST)))
        night = as_text(nightly_digest(store, report, day=LAST))
    words = "What does one of those cost you?"
    assert (words in week, words in night, "Calder Pumps.wav" in night) == (True, False, True)
    told = " ".join((Path(__file__).parents[1] / "README.md").read_text().partition("## Privacy")[2].split())
    assert "the nightly digest (names of reps and of files that failed, counts, training; no words of calls)" in told
    assert "`debrief digest --send`, the week with promises and the best moments quoted" in told


@pytest.mark.parametrize(
    ("base", "shown"),
    [
        ("https://x.example", '1 call: <a href="https://x.example/calls/848182025dd73db6">84818202</a>'),
        ("", "[1 call: 84818202]"),
    ],
)
def test_what_leads_to_a_call_stands_whatever_figures_its_id_has(settings: Settings, base: str, shown: str) -> None:
    """An id may have nine figures in a row, as a bank's number has."""
    part = section("Calls", ["Ann: account 55779911, sort code 20-00-00"], calls=[("848182025dd73db6",)])
    page = Path(deliver.deliver(Digest("week", "The week", (part,), base), settings)["file"]).read_text()
    assert shown in page
    assert "55779911" not in page
