"""Snippets in the app: found, flagged, kept, trimmed, hidden, taken away, and who may see which."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coach_story import call as made_call
from coach_story import keep_story, record
from hearing_samples import write
from test_web_call import heard
from visitor import Visitor

from pipeline import keep
from pipeline.access.scope import Scope
from pipeline.audio import RATE, load_audio
from pipeline.coach.load import load_rows
from pipeline.coach.moments import Search, find_moments, flagged
from pipeline.coach.playlists import KeptSnippet, beginning_of, changed, keep_snippet, names_of, removed
from pipeline.coach.rows import ObjectionRow
from pipeline.coach.snippets import find_snippets
from pipeline.errors import ReviewError
from pipeline.retention import drop_words
from pipeline.settings import Settings
from pipeline.types import CallMeta, Transcript, Turn, Word
from pipeline.web import kept_snippets
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.pages import snippets

USERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Tess": ("trainer", {}),
    "Mo": ("manager", {"teams": ("North",)}),
    "Sue": ("manager", {"teams": ("South",)}),
    "Ann": ("rep", {"rep": "Ann"}),
    "Zed": ("rep", {"rep": "Nobody"}),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    data = tmp_path_factory.mktemp("snippets")
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(120 * RATE) / RATE)
    sound = write(tmp_path_factory.mktemp("inbox") / "call.wav", np.float32(tone)[None], codec="pcm_s16le", rate=8000)
    keep_story(data)
    heard(data, sound)
    desk = Desk(Settings(data=data))
    desk.store.ingest()
    for name, (role, more) in USERS.items():
        desk.book.add_user(name, role, **more)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def app(desk: Desk) -> Any:
    return build_app(desk)


@pytest.fixture(scope="module")
def call_id(desk: Desk) -> str:
    return str(desk.store.query("SELECT call_id FROM calls WHERE kind = 'audio'")[0]["call_id"])


def test_moments_are_found_by_words_criterion_level_objection_and_rep(desk: Desk) -> None:
    def find(**wanted: Any) -> list[dict[str, Any]]:
        return find_moments(desk.store, Scope(everything=True), Search(**wanted), limit=500)

    everything = find()
    dates = [row["call_date"] for row in everything]
    assert dates == sorted(dates, reverse=True)
    assert {row["criterion"] for row in find(criterion="proposal")} == {"proposal"}
    assert {row["level"] for row in find(examples="good")} <= {3, 4}
    assert {row["level"] for row in find(level=1)} == {1}
    priced = find(kind="price_terms")
    assert priced
    assert {row["objection_kind"] for row in priced} == {"price_terms"}
    assert all("nine" in row["quote"] and "depots" in row["quote"] for row in find(words="DEPOTS nine"))
    assert find(words="DEPOTS nine")
    assert find(words="xyzzy") == []
    assert {row["rep"] for row in find(rep="Ann")} == {"Ann"}
    assert find_moments(desk.store, Scope(), Search()) == []


@pytest.mark.parametrize("limit", [1, 5, 500])
def test_what_the_newest_calls_fill_is_what_all_of_them_give(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    wanted = (Search(), Search(criterion="discovery", examples="good"), Search(rep="Ann"))

    def find() -> list[list[dict[str, Any]]]:
        return [find_moments(desk.store, Scope(everything=True), each, limit=limit, offset=2) for each in wanted]

    whole = find()
    monkeypatch.setattr("pipeline.coach.moments.FEW", 1)
    assert find() == whole
    assert all(whole)


def test_words_are_found_with_the_apostrophe_of_meeting_tools(desk: Desk) -> None:
    told = json.dumps(record((rows := made_call("curly", "Bob", 1, "Quill", {"discovery": 4})).calls[0], rows))
    made = json.loads(told.replace("What does one of those cost you?", "What’s one cost, and don't they notice?"))
    keep.write_record(desk.settings.data, made)
    desk.store.ingest()
    for words in ("what's don't", "what’s don’t"):
        assert len(find_moments(desk.store, Scope(everything=True), Search(words=words))) == 1


def test_a_moment_names_the_objection_as_its_call_does_and_as_coaching_takes_it(app: Any, desk: Desk) -> None:
    rows = made_call("doubt", "Bob", 1, "Quill", {"objection_handling": 3})
    # heard a turn after what answers it, and not surely of its kind
    rows = replace(rows, objections=(ObjectionRow("doubt", 9, "stall", "no", 0.6),))
    made = record(rows.calls[0], rows)
    keep.write_record(desk.settings.data, made)
    desk.store.ingest()
    page = Visitor(app, desk, "Tess").get("/snippets?kind=stall")
    assert page.count("Keep as a good example") == page.count("perhaps stall, not handled") == 1
    assert "perhaps stall" in Visitor(app, desk, "Tess").get(f"/calls/{made['call_id']}")
    (same,) = find_snippets(load_rows(desk.store, call=made["call_id"]), kind="stall")
    assert same.moment.call_id == made["call_id"]


def test_a_moment_is_kept_once_and_its_verdict_changed(app: Any, desk: Desk, call_id: str) -> None:
    tess, mo = Visitor(app, desk, "Tess"), Visitor(app, desk, "Mo")
    moment: dict[str, Any] = {"call_id": call_id, "turn": 8, "criterion": "objection_handling"}
    search = "/snippets?words=too+much+compared&criterion=objection_handling&rep=Ann"
    offered = tess.get(search).count("Keep as a good example")
    with ThreadPoolExecutor(4) as clicks:
        (here,) = set(clicks.map(lambda _: tess.post("/snippets", **moment, verdict="good"), range(4)))
    assert tess.post("/snippets", **moment, verdict="bad") == here
    assert "bad example" in tess.get(here)
    # who may not change it is led there all the same
    assert mo.post("/snippets", **moment, verdict="good") == here
    assert "bad example" in mo.get(here)
    page = tess.get(search)
    assert page.count("Keep as a good example") == offered - 1
    assert f'href="{here}">Kept</a>' in page
    tess.post(f"{here}/remove")
    assert tess.get(search).count("Keep as a good example") == offered
    assert tess.post("/snippets", **moment, verdict="good") != here
    tess.post(f"{tess.post('/snippets', **moment, verdict='good')}/remove")


def test_a_moment_that_taught_nothing_is_theirs_who_keep_it_after_all(app: Any, desk: Desk, call_id: str) -> None:
    tess, mo = Visitor(app, desk, "Tess"), Visitor(app, desk, "Mo")
    moment: dict[str, Any] = {"call_id": call_id, "turn": 6, "criterion": "proposal"}
    assert tess.post("/snippets", **moment, verdict="no") == "/snippets/queue"
    here = mo.post("/snippets", **moment, verdict="good")
    assert "Kept. Trim it" in mo.get(here)
    mo.post(here, title="Price with its scope", verdict="good")
    assert "kept by Mo" in mo.get("/snippets/kept")
    # somebody else's is not taken away by saying no to it, and that is said
    other = tess.post("/snippets", **moment | {"turn": 7}, verdict="good")
    assert mo.post("/snippets", **moment | {"turn": 7}, verdict="no") == "/snippets/queue"
    assert "Kept already, by Tess" in mo.get("/snippets/queue")
    for kept in (here, other):
        tess.post(f"{kept}/remove")


def test_the_search_shows_each_role_its_own_calls(app: Any, desk: Desk) -> None:
    assert "Keep as a good example" in Visitor(app, desk, "Tess").get("/snippets?words=depots&level=")
    ann = Visitor(app, desk, "Ann").get("/snippets")
    assert "Keep as a good example" not in ann
    assert set(re.findall(r"<cite>(?:[^<]*, with )?([^,<]+),", ann)) == {"Ann"}
    assert "Nothing found" in Visitor(app, desk, "Ann").get("/snippets?words=xyzzy")
    assert "No calls yet" in Visitor(app, desk, "Zed").get("/snippets?words=xyzzy")
    Visitor(app, desk, "Ann").get("/snippets/queue", 403)


def test_what_is_decided_on_leaves_the_queue(app: Any, desk: Desk) -> None:
    everything = Scope(everything=True)
    first = flagged(desk.store, everything, "good", limit=50)[0]
    tess = Visitor(app, desk, "Tess")
    fields = {"call_id": first["call_id"], "turn": first["turn"], "criterion": first["criterion"]}
    assert tess.post("/snippets", **fields, verdict="no") == "/snippets/queue"
    left = flagged(desk.store, everything, "good", limit=50)
    assert (first["call_id"], first["turn"]) not in [(row["call_id"], row["turn"]) for row in left]
    assert first["quote"] not in tess.get("/snippets/kept")


def test_a_kept_snippet_is_trimmed_hidden_shared_and_taken_away(app: Any, desk: Desk, call_id: str) -> None:
    tess, ann, zed = (Visitor(app, desk, name) for name in ("Tess", "Ann", "Zed"))
    here = tess.post("/snippets", call_id=call_id, turn=2, criterion="discovery", verdict="good")
    assert "What does one of those cost you?" in tess.get(here)
    assert "those" in ann.get(here)
    zed.get(here, 403)
    zed.get(f"{here}/m4a", 403)
    Visitor(app, desk, "Sue").get(here, 403)
    ann.post(here, 403, title="mine")
    word = re.search(r'value="([\d.]+-[\d.]+)"><span>cost', tess.get(here))
    assert word
    form = {"title": "Ask what it costs", "from": "19.5", "to": "0:27", "verdict": "good", "note": "short",
            "playlists": "First calls, Impact", "tags": "impact", "hide": word.group(1), "shared": "on"}  # fmt: skip
    tess.post(here, **form)
    assert "[redacted]" in zed.get(here)
    assert f"/calls/{call_id}" not in zed.get(here)
    captions = zed.get(f"{here}/vtt")
    assert "<v Ann>" in captions
    assert captions.startswith("WEBVTT")
    assert "cost" not in captions
    sound = zed.whole(f"{here}/m4a")
    assert sound.headers["content-type"] == "audio/mp4"
    assert (
        tess.whole(f"{here}/ogg?download=true").headers["content-disposition"].endswith("Ask%20what%20it%20costs.ogg")
    )
    assert "starts inside the call" in tess.post(here, 400, **{**form, "from": "500", "to": "600"})
    refused = tess.post(here, 400, **{**form, "tags": "a/b", "title": "Another name", "hide": []})
    assert "no &#39;/&#39;" in refused
    for typed in ('value="a/b"', 'value="Another name"', 'name="shared" checked'):
        assert typed in refused
    assert 'name="hide" value' in refused
    assert f'value="{word.group(1)}" checked' not in refused
    tess.post(f"{here}/remove")
    tess.get(here, 404)
    zed.get(here, 403)


def test_who_lost_a_call_no_longer_stretches_what_they_kept_of_it(app: Any, desk: Desk, call_id: str) -> None:
    desk.book.add_user("Nan", "manager", teams=("North",))
    nan, tess = Visitor(app, desk, "Nan"), Visitor(app, desk, "Tess")
    here = nan.post("/snippets", call_id=call_id, turn=4, criterion="decision_makers", verdict="good")
    form = {"title": "Asks who decides", "verdict": "good", "shared": "on", "from": "40", "to": "48"}
    nan.post(here, **form)
    desk.book.set_role("Nan", "manager", teams=("South",))
    nan.get(f"/calls/{call_id}", 403)
    # what is shared with everybody stays so, as it is
    assert 'name="from"' not in nan.get(here)
    assert "may open its call" in nan.post(here, 403, **form | {"from": "0", "to": "110"})
    nan.post(f"{here}/remove", 403)
    assert "I sign it" not in nan.get(f"{here}/vtt")
    desk.book.set_role("Nan", "rep", rep="Ann")
    assert 'name="from"' not in nan.get(here)
    tess.post(f"{here}/remove")


def test_what_was_hidden_stays_so_when_a_snippet_is_made_shorter_and_longer_again(
    app: Any, desk: Desk, call_id: str
) -> None:
    tess = Visitor(app, desk, "Tess")
    here = tess.post("/snippets", call_id=call_id, turn=2, criterion="discovery", verdict="good")
    whole = {"title": "x", "verdict": "good", "from": "9", "to": "29"}
    word = re.search(r'value="([\d.]+-[\d.]+)"><span>cost', tess.get(here))
    assert word
    tess.post(here, **whole, hide=word.group(1))
    tess.post(here, **whole | {"to": "19", "hide": word.group(1)})
    tess.post(here, **whole)
    assert f'value="{word.group(1)}" checked' in tess.get(here)
    assert "cost" not in tess.get(f"{here}/vtt")
    tess.post(here, **whole)
    assert "cost" in tess.get(f"{here}/vtt")
    tess.post(f"{here}/remove")


def test_hidden_words_are_silent_in_the_sound(app: Any, desk: Desk, call_id: str, tmp_path: Path) -> None:
    tess = Visitor(app, desk, "Tess")
    here = tess.post("/snippets", call_id=call_id, turn=2, verdict="bad")
    tess.post(here, title="x", verdict="bad", **{"from": "20", "to": "26"}, hide="22.00-23.00")
    made = tmp_path / "x.m4a"
    made.write_bytes(tess.whole(f"{here}/m4a").content)
    audio = load_audio(made)
    loud = np.abs(audio.read(0, 0.4, 1.6)).max()
    assert loud > 0.1
    assert np.abs(audio.read(0, 2.2, 2.8)).max() < loud / 100
    tess.post(f"{here}/remove")


def test_the_setting_says_with_what_no_clip_and_no_snippet_leaves(
    app: Any, desk: Desk, call_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tess = Visitor(app, desk, "Tess")
    kept = tess.post("/snippets", call_id=call_id, turn=9)
    places = (f"/calls/{call_id}/clips/90-106/vtt", f"{kept}/vtt")
    assert not [path for path in places if "four two" in tess.get(path)]
    for kinds in ("ssn, phone", "none"):
        monkeypatch.setattr(desk, "settings", dataclasses.replace(desk.settings, redact=kinds))
        assert not [path for path in places if "four two" not in tess.get(path)]
    tess.post(f"{kept}/remove")


def test_a_snippet_is_named_and_filed_when_the_words_of_its_call_are_gone(app: Any, desk: Desk) -> None:
    tess = Visitor(app, desk, "Tess")
    (call,) = desk.store.query("SELECT call_id, sha256 FROM calls WHERE rep = 'Cid' ORDER BY call_id LIMIT 1")
    here = tess.post("/snippets", call_id=call["call_id"], turn=2, verdict="good")
    title = re.search(r'name="title" value="([^"]*)"', tess.get(here))
    assert title
    drop_words(desk.settings.data, call["sha256"])
    assert "No words here" in tess.get(here)
    for name in (title.group(1), "What a year costs"):
        tess.post(here, title=name, verdict="bad", playlists="Costs")
        assert f"<h1>{name}</h1>" in tess.get(here)
    assert "Costs" in tess.get("/snippets/kept?playlist=Costs")
    tess.post(f"{here}/remove")


def test_a_hidden_word_without_a_time_takes_its_whole_turn_with_it() -> None:
    words = tuple(Word(20.0 + n, 20.9 + n, text) for n, text in enumerate("it is nine thousand".split()))
    turns = (
        Turn(10.0, 20.0, "rep", "our secret price for them is nine thousand"),
        Turn(20.0, 24.0, "buyer:Jo", "it is nine thousand", words),
    )
    made = KeptSnippet("s", "c", 9.0, 25.0, "x", "Tess", dt.datetime(2026, 11, 1))
    said = Transcript("en", CallMeta(), turns)

    assert kept_snippets.silences_of(made, said) == ()
    assert kept_snippets.silences_of(replace(made, hidden=((17.0, 17.8),)), said) == ((10.0, 20.0), (17.0, 17.8))
    assert kept_snippets.silences_of(replace(made, hidden=((22.0, 22.9),)), said) == ((22.0, 22.9),)


@pytest.mark.parametrize(
    ("times", "hides"),
    [((10.0, 10.214, 10.496, 10.752, 11.114), ["nine"]), ((10.0, 10.2, 10.4, 10.4, 10.9), ["is", "nine", "thousand"])],
)
def test_a_word_is_hidden_with_no_other_or_where_it_has_no_time_with_its_neighbours(
    times: tuple[float, ...], hides: list[str]
) -> None:
    text = "floor is nine thousand"
    heard = zip(times, times[1:], text.split(), strict=False)
    words = tuple(Word(t0, t1, word) for t0, t1, word in heard)
    said = Transcript("en", CallMeta(), (Turn(10.0, 12.0, "rep", text, words),))
    made = KeptSnippet("s", "c", 9.0, 13.0, "x", "Tess", dt.datetime(2026, 11, 1))

    def offered(snippet: KeptSnippet) -> list[dict[str, Any]]:
        return [word for row in snippets._said(snippet, said) for word in row["words"]]

    form: dict[str, Any] = {"title": "x", "verdict": "good", "tags": [], "playlists": [], "note": "", "shared": False}
    ticked = [word for word in offered(made) if word["text"] == "nine"]
    for _ in range(3):
        spans = [tuple(map(float, word["span"].split("-"))) for word in ticked]
        kept = changed(made, end=13.0, t0=9.0, t1=13.0, hidden=spans, **form)
        ticked = [word for word in offered(kept) if word["hidden"]]
        assert [word["text"] for word in ticked] == hides


def test_a_playlist_comes_as_a_zip_of_sound_and_captions(app: Any, desk: Desk, call_id: str) -> None:
    tess = Visitor(app, desk, "Tess")
    words_only = desk.store.query("SELECT call_id FROM calls WHERE kind <> 'audio' AND rep = 'Ann'")[0]["call_id"]
    for number, call in enumerate((call_id, words_only)):
        here = tess.post("/snippets", call_id=call, turn=2, verdict="good")
        tess.post(here, title=f"../Part {number}", verdict="good", playlists="Best of: all")
    page = tess.get("/snippets/kept?playlist=Best of: all")
    assert page.count("<audio") == 1
    answer = tess.whole("/playlists/Best of: all")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as whole:
        names = sorted(whole.namelist())
        assert names == ["01 Part 0.m4a", "01 Part 0.vtt", "02 Part 1.vtt", "playlist.m3u8"]
        assert b"01 Part 0.m4a" in whole.read("playlist.m3u8")
    Visitor(app, desk, "Zed").get("/playlists/Best of: all", 404)


def test_an_old_playlist_is_there_however_much_was_kept_since(
    app: Any, desk: Desk, call_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_snippets, "MOST", 2)
    at = dt.datetime(2025, 1, 6, 9)
    old = KeptSnippet("0ld-a", call_id, 0.0, 9.0, "The old one", "Tess", at, tags=("early",), playlists=("First days",))
    newer = [replace(old, snippet_id=f"new-{n}", kept_at=at + dt.timedelta(n), tags=(), playlists=()) for n in (1, 2)]
    for snippet in (old, *newer):
        desk.store.put_fact("snippets", snippet.to_row())
    tess, sue = Visitor(app, desk, "Tess"), Visitor(app, desk, "Sue")
    page = tess.get("/snippets/kept")
    assert "The newest 2 are shown" in page
    for link in ("/snippets/kept?playlist=First%20days", "/snippets/kept?tag=early"):
        assert f'href="{link}"' in page
        assert "The old one" in tess.get(link)
        assert "<audio" in tess.get(link)
    assert tess.whole("/playlists/First%20days").headers["content-type"] == "application/zip"
    assert "First days" not in sue.get("/snippets/kept")
    sue.get("/playlists/First%20days", 404)
    for snippet in (old, *newer):
        desk.store.put_fact("snippets", removed(snippet).to_row())
    assert "First days" not in tess.get("/snippets/kept")


def test_kept_snippets_survive_a_rebuild(app: Any, desk: Desk, call_id: str) -> None:
    here = Visitor(app, desk, "Tess").post("/snippets", call_id=call_id, turn=3, verdict="good")
    before = desk.store.query("SELECT * FROM snippets ORDER BY snippet_id")
    desk.store.rebuild()
    assert desk.store.query("SELECT * FROM snippets ORDER BY snippet_id") == before
    assert any(here.endswith(row["snippet_id"]) for row in before)


TURNS = [Turn(10.0 * n, 10.0 * n + 8, "rep", f"turn {n}") for n in range(4)]


def test_a_snippet_starts_out_from_its_turn_and_the_one_before() -> None:
    made = keep_snippet(TURNS, call_id="c", turn=2, who="Tess")
    assert (made.t0, made.t1, made.title) == (9.0, 29.0, "turn 2")
    assert KeptSnippet.from_row({**made.to_row(), "kept_at": made.kept_at}) == made
    with pytest.raises(ReviewError, match="turns 0 to 3"):
        keep_snippet(TURNS, call_id="c", turn=4, who="Tess")
    with pytest.raises(ReviewError, match="good, bad, no"):
        keep_snippet(TURNS, call_id="c", turn=1, who="Tess", verdict="great")


def test_of_a_talk_longer_than_a_snippet_may_be_the_beginning_is_kept() -> None:
    turns = [Turn(0.0, 9.0, "buyer:Jo", "go on"), Turn(10.0, 900.0, "rep", "a long talk")]
    made = keep_snippet(turns, call_id="c", turn=1, who="Tess")
    assert (made.t0, made.t1) == (0.0, 600.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": " "}, "title"),
        ({"t0": 50.0}, "inside the call"),
        ({"t0": float("nan")}, "inside the call"),
        ({"note": "x" * 3000}, "note"),
        ({"tags": ["a" * 99]}, "name"),
        ({"playlists": [str(n) for n in range(20)]}, "at most"),
    ],
)
def test_what_a_snippet_cannot_be(wrong: dict[str, Any], said: str) -> None:
    made = keep_snippet(TURNS, call_id="c", turn=1, who="Tess")
    right: dict[str, Any] = {
        "t0": 1.0,
        "t1": 9.0,
        "title": "t",
        "verdict": "good",
        "tags": (),
        "playlists": (),
        "hidden": [(0.0, 2.0), (8.5, 99.0), (50.0, 60.0)],
        "note": "",
        "shared": False,
    }
    assert changed(made, end=38.0, **right).hidden == ((0.0, 2.0), (8.5, 38.0))
    with pytest.raises(ReviewError, match=said):
        changed(made, end=38.0, **{**right, **wrong})
    assert names_of([" a  b ", "", "a b", "c"]) == ("a b", "c")


@pytest.mark.parametrize(
    ("speaker", "by"),
    [("rep", ""), ("rep:Tom", "Tom"), ("buyer:Ann", "Ann"), ("buyer", "the buyer"), ("unknown", "somebody")],
)
def test_a_moment_names_who_says_it_where_that_is_not_the_rep(speaker: str, by: str) -> None:
    assert snippets._heard({"speaker": speaker, "t0": 4.0, "t1": 6.0})["by"] == by


CARD = Turn(40.0, 48.0, "buyer:Jo", "My card is 4242 4242 4242 4242, shall I go on?")


def test_a_title_of_the_turns_own_words_has_nothing_that_must_not_leave() -> None:
    made = keep_snippet([*TURNS, CARD], call_id="c", turn=4, who="Tess")
    assert "4242" not in made.title
    spoken = [replace(TURNS[0], words=(Word(0.0, 4.0, "turn"), Word(4.0, 8.0, "0")))]
    assert beginning_of(spoken, 0) == "turn 0"
    assert beginning_of(spoken, 0, hidden=[(5.0, 6.0)]) == "turn [redacted]"
    named = replace(made, title="a card 4242 4242 4242 4242")
    assert kept_snippets.file_name(named) == "a card card"


def test_a_title_follows_what_is_hidden_of_its_words(app: Any, desk: Desk, call_id: str) -> None:
    visitor = Visitor(app, desk, "Tess")
    here = visitor.post("/snippets", call_id=call_id, turn=1, verdict="good")
    before = snippet_of(desk, here)
    form = {"title": before.title, "verdict": "good", "from": before.t0, "to": before.t1}
    visitor.post(here, **form, hide=f"{before.t0}-{before.t1}")
    assert snippet_of(desk, here).title == "[redacted]"
    visitor.post(here, **{**form, "title": "Mine"}, hide=f"{before.t0}-{before.t1}")
    assert snippet_of(desk, here).title == "Mine"


def snippet_of(desk: Desk, here: str) -> KeptSnippet:
    (row,) = desk.store.query("SELECT * FROM snippets WHERE snippet_id = ?", [here.rsplit("/", 1)[1]])
    return KeptSnippet.from_row(row)
