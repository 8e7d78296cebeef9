"""The call's page and what it is heard, said and shared by: sound in parts, clips, comments, who is who."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coach_story import keep_story, record, story
from fastapi.testclient import TestClient
from hearing_samples import write
from visitor import browser
from waiting import wait_for
from whole_page import whole

from pipeline import keep
from pipeline.audio import RATE, load_audio
from pipeline.errors import InputError
from pipeline.retention import drop_words
from pipeline.settings import Settings
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION, csrf_token
from pipeline.web.rejudging import Rejudging

USERS = {"admin": "Ada", "manager": "Mo", "south": "Sue", "rep": "Ann"}


def timed(turns: list[dict[str, Any]], number: int, text: str) -> None:
    """Give a turn this text, with word times a second apart."""
    t0 = turns[number]["t0"]
    words = [{"t0": t0 + n, "t1": t0 + n + 0.9, "text": word} for n, word in enumerate(text.split())]
    turns[number] |= {"text": text, "words": words, "t1": t0 + len(words)}


def heard(data: Path, sound: Path) -> dict[str, Any]:
    """A call of Ann's that came as a recording: two minutes of a tone, its words timed in two turns."""
    rows = story()
    made = record(next(row for row in rows.calls if row.call_id == "a0"), rows)
    sha256, state = hashlib.sha256(sound.read_bytes()).hexdigest(), sound.stat()
    turns = made["transcript"]["turns"]
    timed(turns, 2, "What does one of those cost you?")
    timed(turns, 9, "my card is four two four two four two four two four two four two four two four two")
    made["transcript"]["hearing"] |= {"engine": "pocketsphinx", "revision": "5", "expected_wer": 0.11}
    made |= {"call_id": sha256[:16]}
    made["source"] |= {"path": str(sound), "sha256": sha256, "kind": "audio", "size": state.st_size}
    made["source"] |= {"mtime_ns": state.st_mtime_ns, "known": {}}
    keep.write_record(data, made)
    return made


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(120 * RATE) / RATE)
    return write(tmp_path_factory.mktemp("inbox") / "call.wav", np.float32(tone)[None], codec="pcm_s16le", rate=8000)


@contextmanager
def opened(data: Path, sound: Path) -> Iterator[Desk]:
    keep_story(data)
    heard(data, sound)
    desk = Desk(Settings(data=data))
    desk.store.ingest()
    desk.book.add_user("Ada", "admin")
    desk.book.add_user("Mo", "manager", teams=("North",))
    desk.book.add_user("Sue", "manager", teams=("South",))
    desk.book.add_user("Ann", "rep", rep="Ann")
    with closing(desk):
        yield desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, sound: Path) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("call"), sound) as made:
        yield made


@pytest.fixture
def own(tmp_path: Path, sound: Path) -> Iterator[Desk]:
    """A desk like it for a test that changes what others count on."""
    with opened(tmp_path / "own", sound) as made:
        yield made


@pytest.fixture(scope="module")
def app(desk: Desk) -> Any:
    return build_app(desk)


@pytest.fixture(scope="module")
def path(sound: Path) -> str:
    return f"/calls/{hashlib.sha256(sound.read_bytes()).hexdigest()[:16]}"


def client(app: Any, desk: Desk, role: str) -> TestClient:
    return browser(app, desk, USERS[role])


def form(sender: TestClient, **fields: Any) -> dict[str, Any]:
    return {"csrf": csrf_token(sender.cookies[SESSION]), **fields}


def test_the_sound_comes_in_the_parts_that_a_player_asks_for(app: Any, desk: Desk, path: str, sound: Path) -> None:
    manager = client(app, desk, "manager")
    whole = manager.get(f"{path}/audio")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.headers["accept-ranges"] == "bytes"
    content = sound.read_bytes()
    assert whole.content == content
    part = manager.get(f"{path}/audio", headers={"range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(content)}"
    assert manager.get(f"{path}/audio", headers={"range": f"bytes={len(content)}-"}).status_code == 416
    assert f'src="{path}/audio" type="audio/wav"' in manager.get(path).text


@pytest.mark.parametrize("rest", ["", "/audio", "/audio/m4a", "/clips/0-4", "/clips/0-4/m4a", "/clips?from=0&to=4"])
def test_whoever_may_not_see_a_call_may_not_hear_it(app: Any, desk: Desk, path: str, rest: str) -> None:
    assert client(app, desk, "south").get(f"{path}{rest}").status_code == 403
    assert client(app, desk, "rep").get(f"{path}{rest}").status_code in (200, 303)


def test_hearing_a_call_leaves_one_line_in_the_log(app: Any, desk: Desk, path: str) -> None:
    manager = client(app, desk, "manager")
    manager.get(path)
    for part in ("bytes=0-9", "bytes=10-19"):
        assert manager.get(f"{path}/audio", headers={"Range": part}).status_code == 206

    assert [entry.what for entry in desk.book.log(name="Mo", kind="saw", limit=2)] == [f"{path}/audio", path]


def test_a_call_without_sound_says_so_and_shows_the_rest(app: Any, desk: Desk) -> None:
    call_id = desk.store.query("SELECT min(call_id) AS id FROM calls WHERE rep = 'Ann' AND kind = 'transcript'")[0][
        "id"
    ]
    page = client(app, desk, "manager").get(f"/calls/{call_id}").text
    assert "came as a transcript: there is no recording to hear" in page
    assert "<audio" not in page
    assert client(app, desk, "manager").get(f"/calls/{call_id}/audio").status_code == 404
    clip = client(app, desk, "manager").get(f"/calls/{call_id}/clips/0-8")
    assert clip.status_code == 200
    assert "How do you plan the rounds today?" in clip.text


def test_the_page_says_what_it_rests_on(app: Any, desk: Desk, path: str) -> None:
    page = client(app, desk, "manager").get(path).text
    assert "about 11 % of them may be wrong" in page
    assert "until somebody says a level below." in page
    assert "not sure enough" in page
    assert 'data-w="0 100 100 100 100 100 100"' in page
    assert re.search(r'<mark data-k="\d( \d)*">What does one of those cost you\?</mark>', page)
    assert "Where it should have happened: 0:20" in page
    assert "price or terms" in page
    assert "I will send you something" in page
    assert "That is too much for us this year." in page
    # a rep is not told to do what only whoever leads can
    assert "until somebody says a level." in client(app, desk, "rep").get(path).text


def test_a_call_that_was_not_clear_enough_is_not_said_to_hold_no_promise(own: Desk) -> None:
    rows = story()
    made = record(rows.calls[0], rows) | {"status": "abstained", "reason": "heard badly", "scorecard": None}
    made["transcript"]["turns"] = made["transcript"]["turns"][:2]
    keep.write_record(own.settings.data, made)
    own.store.ingest()
    page = whole(client(build_app(own), own, "admin"), f"/calls/{made['call_id']}")
    assert "None was heard, and the call was not clear enough to be sure." in page
    assert "Nobody promised anything" not in page


def test_a_call_is_told_from_its_account_and_leads_there(app: Any, desk: Desk, path: str) -> None:
    page = client(app, desk, "manager").get(path).text
    title = re.search(r"<title>(.*?) · debrief</title>", page)
    assert title
    assert re.search(r"\d{4}$", title[1])  # its day: the account's page has the account alone
    assert 'href="/accounts/' in page


def test_criteria_for_people_to_review_are_said_so(
    app: Any, desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.web.pages.call.human_review", lambda settings: frozenset({"discovery"}))
    page = client(app, desk, "manager").get(path).text
    assert page.count("for people to review") == 1


def test_a_clip_can_be_shared_and_taken_away_without_what_must_stay(
    app: Any, desk: Desk, path: str, tmp_path: Path
) -> None:
    manager = client(app, desk, "manager")
    answer = manager.get(f"{path}/clips", params={"from": "1:30", "to": "1:46"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/clips/90-106")
    page = manager.get(f"{path}/clips/90-106").text
    assert "four two four" not in page
    assert "[redacted]" in page
    captions = manager.get(f"{path}/clips/90-106/vtt")
    assert captions.headers["content-type"].startswith("text/vtt")
    assert "<v Ann>" in captions.text
    assert "<v rep>" not in captions.text
    assert "four" not in captions.text
    sound = manager.get(f"{path}/clips/90-106/m4a", params={"download": "true"})
    assert "90-106.m4a" in sound.headers["content-disposition"]
    (tmp_path / "clip.m4a").write_bytes(sound.content)
    samples = load_audio(tmp_path / "clip.m4a").read(0)
    assert np.abs(samples[: RATE * 2]).max() > 0.1
    assert np.abs(samples[RATE * 5 : RATE * 14]).max() < 1e-3
    assert any("90-106" in entry.what for entry in desk.book.log(name="Mo", kind="saw"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"from": "x", "to": "2"}, "a time is written"),
        ({"from": "5", "to": "5"}, "ends after it starts"),
        ({"from": "0", "to": "9000"}, "at most 10 minutes"),
        ({"from": "900", "to": "910"}, "inside the call"),
        ({}, "from when to when"),
    ],
)
def test_a_clip_that_cannot_be_is_one_line(app: Any, desk: Desk, path: str, given: dict[str, str], says: str) -> None:
    manager = client(app, desk, "manager")
    answer = manager.get(f"{path}/clips", params=given)
    assert answer.headers["location"] == path
    assert says in manager.get(path).text
    assert manager.get(f"{path}/clips/5-5").status_code == 404
    assert manager.get(f"{path}/clips/0-4/exe").status_code == 404


def test_a_comment_is_seen_by_those_who_see_the_call_and_taken_back_by_its_writer(
    app: Any, desk: Desk, path: str
) -> None:
    manager, rep = client(app, desk, "manager"), client(app, desk, "rep")
    answer = manager.post(f"{path}/comments", data=form(manager, text="Ask <i>why</i> here", at="0:21"))
    assert answer.status_code == 303
    page = rep.get(path).text
    assert "Ask &lt;i&gt;why&lt;/i&gt; here" in page
    assert "Mo commented" in page.partition('id="t-2"')[2].partition('id="t-3"')[0]
    assert "Take back" not in page
    found = rep.get(f"/api/v1{path}/comments").json()
    assert [(row["who"], row["at_s"], row["text"]) for row in found] == [("Mo", 21.0, "Ask <i>why</i> here")]
    back = f"{path}/comments/{found[0]['comment_id']}/take-back"
    assert rep.post(back, data=form(rep)).status_code == 403
    outside = client(app, desk, "south")
    assert outside.post(f"{path}/comments", data=form(outside, text="hello")).status_code == 403
    assert outside.get(f"/api/v1{path}/comments").status_code == 403
    assert manager.post(back, data=form(manager)).status_code == 303
    assert "Ask &lt;i&gt;" not in rep.get(path).text
    assert rep.get(f"/api/v1{path}/comments").json() == []
    kept = [file.read_text() for file in (desk.settings.data / "facts" / "comments").glob("*.json")]
    assert kept
    assert not any("why" in text for text in kept)
    assert manager.post(back, data=form(manager)).status_code == 404


def test_a_comment_sent_twice_is_kept_once(app: Any, desk: Desk, path: str) -> None:
    manager, rep = client(app, desk, "manager"), client(app, desk, "rep")

    def send(who: TestClient, **fields: str) -> str:
        return str(who.post(f"{path}/comments", data=form(who, **fields)).headers["location"])

    with ThreadPoolExecutor(4) as clicks:
        (there,) = set(clicks.map(lambda _: send(manager, text="Twice?", at="0:21"), range(4)))
    others = {
        send(manager, text="Twice?", at="0:31"),
        send(manager, text="Thrice?"),
        send(rep, text="Twice?", at="0:21"),
    }
    assert len({there, *others}) == 4
    found = [row for row in rep.get(f"/api/v1{path}/comments").json() if row["text"] in ("Twice?", "Thrice?")]
    assert len(found) == 4
    # taken back, it can be said again; and so it can be once a minute is over
    manager.post(f"{path}/comments/{there.partition('#m-')[2]}/take-back", data=form(manager))
    again = send(manager, text="Twice?", at="0:21")
    assert again != there
    name = again.partition("#m-")[2]
    row = desk.store.query("SELECT * FROM comments WHERE comment_id = $name", {"name": name})[0]
    earlier = row["written_at"] - dt.timedelta(seconds=90)
    desk.store.put_fact("comments", {**row, "written_at": earlier.isoformat(timespec="seconds")})
    assert send(manager, text="Twice?", at="0:21") != again
    for at in (manager, rep):
        for row in at.get(f"/api/v1{path}/comments").json():
            at.post(f"{path}/comments/{row['comment_id']}/take-back", data=form(at))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"text": " "}, "Write something first"),
        ({"text": "x" * 2001}, "at most 2000 characters"),
        ({"text": "x", "at": "9:00"}, "must lie in the call"),
        ({"text": "x", "at": "soon"}, "a time is written"),
    ],
)
def test_a_comment_that_does_not_fit_is_one_line(
    app: Any, desk: Desk, path: str, given: dict[str, str], says: str
) -> None:
    manager = client(app, desk, "manager")
    answer = manager.post(f"{path}/comments", data=form(manager, **given))
    assert answer.status_code == 400
    assert says in answer.text
    # and what was typed is still there
    assert f">{given['text']}</textarea>" in answer.text
    assert f'value="{given.get("at", "")}" data-comment-at' in answer.text


def test_comments_by_the_api_and_a_rebuild(app: Any, desk: Desk, path: str) -> None:
    manager = client(app, desk, "manager")
    token = {"x-csrf-token": csrf_token(manager.cookies[SESSION])}
    made = manager.post(f"/api/v1{path}/comments", json={"text": "good", "at_s": 3.5}, headers=token).json()
    assert (made["who"], made["at_s"]) == ("Mo", 3.5)
    # a script whose first answer was lost sends it again
    assert manager.post(f"/api/v1{path}/comments", json={"text": "good", "at_s": 3.5}, headers=token).json() == made
    desk.store.rebuild()
    assert [row["text"] for row in manager.get(f"/api/v1{path}/comments").json()] == ["good"]
    for wrong in ([], {"text": ""}, {"text": "x", "at_s": "1"}, {"text": "x", "at_s": True}, {"text": "x", "at_s": -1}):
        assert manager.post(f"/api/v1{path}/comments", json=wrong, headers=token).status_code == 400
    back = f"/api/v1{path}/comments/{made['comment_id']}/take-back"
    assert manager.post(back, json={}, headers=token).json() == {"taken_back": made["comment_id"]}


def over(at: Rejudging, sha256: str) -> Any:
    found = at.progress(sha256)
    assert found
    return None if found.under_way else found


def judged(at: TestClient, path: str) -> dict[str, Any]:
    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = at.get(f"/api/v1{path}/roles").json()
        return found if found["state"] in ("done", "failed") else None

    return wait_for(over, f"the judgement of {path}")


def test_naming_the_speakers_judges_again_beside_the_requests(own: Desk, path: str) -> None:
    real, own.rejudging = own.rejudging, Rejudging(lambda: own.settings, own.store, task="fakes:judge_again")
    manager, rep = client(build_app(own), own, "manager"), client(build_app(own), own, "rep")
    try:
        assert "Correct the speakers" in manager.get(path).text
        assert "Correct the speakers" not in rep.get(path).text
        assert rep.post(f"{path}/roles", data=form(rep, do="swap")).status_code == 403
        none = form(manager, speaker=["rep", "buyer:Owen", "buyer:Mia"], side=["buyer"] * 3, name=["", "", "Mia Kay"])
        answer = manager.post(f"{path}/roles", data=none)
        assert answer.status_code == 400
        assert "exactly one speaker" in answer.text
        # what was typed is still there to be corrected
        assert 'name="name" maxlength="80" value="Mia Kay"' in answer.text
        assert 'value="rep" selected' not in answer.text
        given = {
            "speaker": ["rep", "buyer:Owen", "buyer:Mia"],
            "side": ["rep", "buyer", "buyer"],
            "name": ["", "Jo", ""],
        }
        assert manager.post(f"{path}/roles", data=form(manager, **given)).status_code == 303
        page = manager.get(path)
        assert page.status_code == 200
        assert judged(manager, path)["state"] == "done"
        page = manager.get(path).text
        assert "Jo" in page
        assert "Owen</p>" not in page
        assert "Named by a person" in page
        token = {"x-csrf-token": csrf_token(manager.cookies[SESSION])}
        manager.post(f"/api/v1{path}/roles", json={"swap": True}, headers=token)
        found = judged(manager, path)
        assert [row["speaker"] for row in found["speakers"]] == ["buyer:Buyer", "rep", "rep:Mia"]
        for wrong in ({}, {"reps": []}, {"reps": "rep"}, {"reps": ["nobody"]}, []):
            assert manager.post(f"/api/v1{path}/roles", json=wrong, headers=token).status_code == 400
    finally:
        own.rejudging.close()
        own.rejudging = real


def test_a_call_whose_words_are_gone_shows_its_objections_without_them(own: Desk) -> None:
    asked = "SELECT call_id, sha256 FROM calls JOIN objections USING (call_id) ORDER BY call_id LIMIT 1"
    (call,) = own.store.query(asked)
    drop_words(own.settings.data, call["sha256"])
    own.store.catch_up()
    page = client(build_app(own), own, "admin").get(f"/calls/{call['call_id']}")
    assert page.status_code == 200
    section = page.text.partition('id="objections-h"')[2].partition("</section>")[0]
    assert 'class="badge' in section
    assert "#t-" not in section
    # nothing is claimed of what nobody can read any more
    assert "No words of this call are kept" in page.text.partition('id="said-h"')[2]
    assert "Nobody promised" not in page.text


def test_a_judge_that_fails_leaves_the_call_as_it_was(desk: Desk, path: str) -> None:
    before = desk.store.record(path.rpartition("/")[2])
    assert before
    broken = {**before, "transcript": {**before["transcript"], "meta": {"account": "Judge Fails"}}}
    at = Rejudging(lambda: desk.settings, desk.store, task="fakes:judge_again")
    keep.write_record(desk.settings.data, broken)
    kept = keep.latest_record(desk.settings.data, before["source"]["sha256"])
    try:
        said = {"rep": "rep", "buyer:Owen": "buyer:Jo"}
        assert at.begin(before, said).under_way
        assert at.begin(before, said).under_way
        # what is said differently meanwhile is refused, not lost without a word
        with pytest.raises(InputError, match="say it again"):
            at.begin(before, {"rep": "buyer:Jo", "buyer:Owen": "rep"})
        found = wait_for(lambda: over(at, before["source"]["sha256"]), "the end of the judgement")
        assert found.state == "failed"
        assert "the judge failed" in found.line
        assert keep.latest_record(desk.settings.data, before["source"]["sha256"]) == kept
    finally:
        at.close()
        keep.write_record(desk.settings.data, before)


def test_a_shared_clip_is_reached_after_signing_in(app: Any, desk: Desk, path: str) -> None:
    visitor = browser(app, desk)
    answer = visitor.get(f"{path}/clips/90-106")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}/clips/90-106")
    assert visitor.get(f"{path}/clips/90-106/m4a").status_code == 303
    assert visitor.get(f"{path}/audio").status_code == 303


def test_what_became_of_a_promise_is_told_to_all_its_words_to_those_who_see_them(app: Any, desk: Desk) -> None:
    rows = story()
    first, second = (record(next(row for row in rows.calls if row.call_id == name), rows) for name in ("a1", "c5"))
    for number, made in enumerate((first, second)):
        sha256 = hashlib.sha256(f"promise {number}".encode()).hexdigest()
        made["call_id"] = sha256[:16]
        made["source"]["sha256"] = sha256
        made["transcript"]["meta"]["account"] = "Zed"
    first["transcript"]["turns"][10]["text"] = "I will send you the signed quote for the cranes."
    second["transcript"]["turns"][1]["text"] = "Thanks, I got the signed quote for the cranes."
    for made in (first, second):
        keep.write_record(desk.settings.data, made)
    desk.store.catch_up()
    page = whole(client(app, desk, "admin"), f"/calls/{first['call_id']}")
    assert "I got the signed quote" in page
    assert ">kept<" in page
    # the later call is of another team
    page = whole(client(app, desk, "manager"), f"/calls/{first['call_id']}")
    assert "I will send you the signed quote" in page
    assert "I got the signed quote" not in page
    assert f"/calls/{second['call_id']}" not in page
    assert ">kept<" in page  # as on the rep's own page: nobody is late with what a colleague's call shows as done
    # what was kept of it for the page goes with it, at the very next look
    second["transcript"]["turns"][1]["text"] = "Thanks for the call."
    keep.write_record(desk.settings.data, second)
    desk.store.catch_up()
    assert "I got the signed quote" not in client(app, desk, "admin").get(f"/calls/{first['call_id']}").text
    assert "I got the signed quote" not in whole(client(app, desk, "admin"), f"/calls/{first['call_id']}")


def test_a_call_that_was_erased_and_came_again_is_shown_by_its_new_words(app: Any, desk: Desk) -> None:
    rows = story()
    made = record(next(row for row in rows.calls if row.call_id == "a1"), rows)
    sha256 = hashlib.sha256(b"again").hexdigest()
    made["call_id"] = made["source"]["sha256"] = sha256
    at, page = client(app, desk, "admin"), f"/calls/{sha256[:16]}"
    kept = []
    for said in ("I will send you the blue folder.", "I will send you the red folder."):
        made["transcript"]["turns"][10]["text"] = said
        for file in kept:
            file.unlink()
        kept.append(keep.write_record(desk.settings.data, made))
        desk.store.ingest()
        shown = whole(at, page)
        assert said in shown
    assert kept[0] == kept[1]
    assert "blue folder" not in shown
