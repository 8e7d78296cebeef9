"""A call of hours, whose page is as light as any."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from coach_story import record, story
from visitor import browser

from pipeline import keep
from pipeline.settings import Settings
from pipeline.web.answers import HEAVY
from pipeline.web.app import build_app
from pipeline.web.desk import Desk

TURNS = 2000


def test_the_page_of_a_call_of_hours_is_light_for_a_browser_that_takes_it_compressed(tmp_path: Path) -> None:
    rows = story()
    made = record(rows.calls[0], rows)
    said = made["transcript"]["turns"]
    made["transcript"]["meta"]["date"] = None
    made["transcript"]["turns"] = [
        said[n % len(said)] | {"t0": 5.0 * n, "t1": 5.0 * n + 4, "text": f"{n}: {said[n % len(said)]['text']}"}
        for n in range(TURNS)
    ]
    keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin")
        at = browser(build_app(desk), desk, "Ada")
        light = at.get(f"/calls/{made['call_id']}")
        whole = at.get(f"/calls/{made['call_id']}", headers={"Accept-Encoding": "identity"})
        short = at.get("/calls")
    assert int(light.headers["content-length"]) < HEAVY < len(whole.content)
    assert (light.headers["content-encoding"], light.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert light.text == whole.text
    assert f"{TURNS - 1}: " in light.text
    assert "Without a date" in light.text
    assert "content-encoding" not in whole.headers
    assert "content-encoding" not in short.headers
