from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from fakes import sniff

from pipeline.errors import InputError
from pipeline.ingest import Found, HashCache, discover, identify, meta_from_path
from pipeline.sidecar import read_sidecar
from pipeline.types import CallMeta

PATTERN = "{team}/{rep}/{date}_{account}"


def put(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_folders_are_walked_in_order_without_sidecars_and_furniture(tmp_path: Path) -> None:
    for name in (
        "b.wav",
        "a/c.mp3",
        "b.wav.json",
        "b.yaml",
        ".hidden.wav",
        "d.wav.part",
        "~$x.docx",
        "README.md",
        "x.rttm",
        "e.mp3.download/e.mp3",
        "#recycle/North/f.wav",
        "$RECYCLE.BIN/S-1-5-21/$R12.wav",
        "@eaDir/b.wav/SYNO.wav",
        "lost+found/g.wav",
    ):
        put(tmp_path / name, "{}")
    put(tmp_path / "talk.json", json.dumps({"turns": []}))
    names = [
        found.path.relative_to(tmp_path).as_posix() for found in discover([tmp_path, tmp_path / "b.wav"], sniff=sniff)
    ]
    assert names == ["b.wav", "talk.json", "a/c.mp3"]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("a.vtt.!sync", False),
        ("a.vtt.aria2", False),
        ("a.vtt_.gstmp", False),
        ("a.vtt.6eB0F3a1", False),
        ("a.vtt.20261006", True),
        ("a.feedface", True),
        ("a.txt~", False),
        ("a.txt.bak", False),
        ("a.mp3:Zone.Identifier", False),
        ("a~b.txt", True),
    ],
)
def test_a_name_that_a_copy_on_its_way_or_an_earlier_version_has_is_no_call(
    tmp_path: Path, name: str, call: bool
) -> None:
    put(tmp_path / name)
    assert [found.path.name for found in discover([tmp_path], sniff=sniff)] == [name] * call


def test_a_transcript_beside_its_recording_belongs_to_it(tmp_path: Path) -> None:
    put(tmp_path / "call.wav")
    put(tmp_path / "call.json", json.dumps({"turns": []}))
    assert [found.path.name for found in discover([tmp_path], sniff=sniff)] == ["call.wav"]
    assert identify(Found(tmp_path / "call.wav"), pattern=PATTERN, sniff=sniff).companion == tmp_path / "call.json"


@pytest.mark.parametrize("name", ["call.JSON", "call.Json", "call.wav.JSON", "call.WAV.json"])
def test_a_transcript_named_in_capitals_belongs_to_its_recording(tmp_path: Path, name: str) -> None:
    call = put(tmp_path / ("call.WAV" if "WAV" in name else "call.wav"))
    put(tmp_path / name, json.dumps({"turns": []}))

    def sniffs(path: Path) -> str | None:
        return "debrief" if path.suffix.lower() == ".json" else None

    assert [found.path for found in discover([tmp_path], sniff=sniffs)] == [call]
    assert identify(Found(call), pattern=PATTERN, sniff=sniffs).companion == tmp_path / name


def test_a_picture_is_no_call_and_takes_no_transcript_from_its_recording(tmp_path: Path) -> None:
    for name in ("call.mp4", "call.jpg", "CALL.PNG"):
        put(tmp_path / name)
    put(tmp_path / "call.json", json.dumps({"turns": []}))
    assert [found.path.name for found in discover([tmp_path], sniff=sniff)] == ["call.mp4"]


def test_links_out_of_the_folder_are_passed_over(tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.wav")
    inside = put(tmp_path / "inbox" / "a.wav")
    (tmp_path / "inbox" / "out.wav").symlink_to(secret)
    (tmp_path / "inbox" / "same.wav").symlink_to(inside)
    names = [found.path.name for found in discover([tmp_path / "inbox"], sniff=sniff)]
    assert names == ["a.wav", "same.wav"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.wav", None, "no such file"),
        ("empty.wav", "", "empty file"),
        ("call.wav.part", "x", "half-copied"),
    ],
)
def test_what_cannot_be_read_has_its_own_reason(tmp_path: Path, name: str, content: str | None, reason: str) -> None:
    path = tmp_path / name
    if content is not None:
        put(path, content)
    with pytest.raises(InputError, match=reason) as caught:
        identify(Found(path), pattern=PATTERN, sniff=sniff)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_named_as_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a file"):
        identify(Found(tmp_path), pattern=PATTERN, sniff=sniff)


def test_a_file_that_grows_while_it_is_read_is_left_alone(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", "one")

    class Growing(HashCache):
        def get(self, path: Path, state: os.stat_result) -> str | None:
            path.write_text("one and more")
            return None

    with pytest.raises(InputError, match="still being written; when copying has finished the watcher takes it"):
        identify(Found(path), pattern=PATTERN, sniff=sniff, hashes=Growing(tmp_path / "none"))


def test_identity_is_the_content(tmp_path: Path) -> None:
    path = put(tmp_path / "North" / "dana-whitfield" / "2026-09-14_kettle_ridge.wav", "sound")
    source = identify(Found(path, tmp_path), pattern=PATTERN, sniff=sniff)
    assert source.sha256 == hashlib.sha256(b"sound").hexdigest()
    assert source.call_id == source.sha256[:16]
    assert source.kind == "audio"
    assert source.from_path == CallMeta(
        rep="Dana Whitfield", team="North", account="Kettle Ridge", date=dt.date(2026, 9, 14)
    )


def test_text_that_is_no_known_transcript_is_not_taken_for_audio(tmp_path: Path) -> None:
    source = identify(Found(put(tmp_path / "notes.json", "{}")), pattern=PATTERN, sniff=sniff)
    assert (source.kind, source.format) == ("transcript", None)


def test_a_sidecar_wins_over_the_transcript_and_that_over_the_path(tmp_path: Path) -> None:
    path = put(tmp_path / "T" / "Path Rep" / "2026-01-02_Path Account.json", json.dumps({"turns": []}))
    put(path.with_name(path.name + ".yaml"), "rep: Sidecar Rep\ndate: 2026-03-04\nconsent: true\n")
    source = identify(Found(path, tmp_path), pattern=PATTERN, sniff=sniff)
    meta = source.meta(CallMeta(rep="File Rep", account="File Account"))
    assert (meta.rep, meta.account, meta.team, meta.date) == ("Sidecar Rep", "File Account", "T", dt.date(2026, 3, 4))
    assert meta.extra == {"consent": "true"}
    assert source.kind == "transcript"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("deep/er/North/Ann/20260914_Acme.wav", CallMeta("Ann", "North", "Acme", dt.date(2026, 9, 14))),
        ("Ann/call1.wav", CallMeta("Ann")),
        ("2026-09-14_acme.wav", CallMeta(account="Acme", date=dt.date(2026, 9, 14))),
        ("whatever.wav", CallMeta()),
        ("ann-o'neil/20260914_joe's-garage.wav", CallMeta("Ann O'Neil", None, "Joe's Garage", dt.date(2026, 9, 14))),
        ("20260914 Acme.wav", CallMeta(account="Acme", date=dt.date(2026, 9, 14))),
        ("2026-09-14 - Acme Co.wav", CallMeta(account="Acme Co", date=dt.date(2026, 9, 14))),
        ("14-09-2026_Acme.wav", CallMeta(account="Acme", date=dt.date(2026, 9, 14))),
        ("06.10.2026_Acme.wav", CallMeta(account="Acme", date=dt.date(2026, 10, 6))),
        ("06-10-2026_Acme.wav", CallMeta(account="Acme", extra={"date_text": "06-10-2026"})),
        ("2026-09-14_Lat\udcedn.wav", CallMeta(account="Lat\u00edn", date=dt.date(2026, 9, 14))),
        ("North/Ann/2026-09-14/call1.wav", CallMeta("Ann", "North", date=dt.date(2026, 9, 14))),
        ("2026-09-14/Ann/2026-09-13_Acme.wav", CallMeta("Ann", None, "Acme", dt.date(2026, 9, 13))),
        ("North/20260914/call1.wav", CallMeta("North", date=dt.date(2026, 9, 14))),
        ("North/2026-09/Ann/call1.wav", CallMeta("Ann", "North")),
        ("06-10-2026/Ann/call1.wav", CallMeta("Ann")),
        ("North/10042317/call1.wav", CallMeta("10042317", "North")),
        ("North/1042/call1.wav", CallMeta("1042", "North")),
        ("North/41101225/call1.wav", CallMeta("41101225", "North")),
        ("North/5551-23-45/call1.wav", CallMeta("5551 23 45", "North")),
        ("2024/Ann/2026-10-06_Acme.wav", CallMeta("Ann", "2024", "Acme", dt.date(2026, 10, 6))),
        ("North/Ann/2026-19-44_Acme.wav", CallMeta("Ann", "North", "Acme", extra={"date_text": "2026-19-44"})),
    ],
)
def test_metadata_from_the_path(path: str, expected: CallMeta) -> None:
    assert meta_from_path(Path("/in") / path, root=Path("/in"), pattern=PATTERN) == expected


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("{rep}/{any}/{account}", "Ann/2026-09-14/Acme.wav"), ("{rep}/{date}/{account}", "Ann/2026-09-14/Acme.wav")],
)
def test_a_pattern_that_counts_folders_of_days_is_taken_at_its_word(pattern: str, path: str) -> None:
    meta = meta_from_path(Path("/in") / path, root=Path("/in"), pattern=pattern)
    assert (meta.rep, meta.account) == ("Ann", "Acme")


def test_folders_above_the_root_say_nothing() -> None:
    meta = meta_from_path(Path("/home/bob/2026-09-14_acme.wav"), root=None, pattern=PATTERN)
    assert (meta.rep, meta.account) == (None, "Acme")


def test_a_broken_sidecar_is_named(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav")
    put(tmp_path / "a.wav.json", "{not json")
    with pytest.raises(InputError, match=r"a\.wav\.json: metadata cannot be read"):
        read_sidecar(path)


def test_hashes_are_remembered_until_the_file_changes(tmp_path: Path) -> None:
    path, store = put(tmp_path / "a.wav", "one"), tmp_path / "cache" / "hashes.jsonl"
    first = HashCache(store)
    identify(Found(path), pattern=PATTERN, sniff=sniff, hashes=first)
    first.save()
    with store.open("a") as file:
        file.write("damaged\n[1]\n")
    again = HashCache(store)
    assert again.get(path, path.stat()) == hashlib.sha256(b"one").hexdigest()
    put(path, "other")
    assert again.get(path, path.stat()) is None


@pytest.mark.parametrize("pattern", [PATTERN, f"{PATTERN}.wav", f"{PATTERN}.*"])
def test_a_pattern_may_name_the_suffix(tmp_path: Path, pattern: str) -> None:
    path = tmp_path / "North" / "Ann Lee" / "2026-10-06_Acme v1.2.wav"
    meta = meta_from_path(path, root=tmp_path, pattern=pattern)
    assert (meta.team, meta.rep, meta.account, meta.date) == ("North", "Ann Lee", "Acme v1.2", dt.date(2026, 10, 6))


def test_what_debrief_wrote_itself_is_no_call(tmp_path: Path) -> None:
    put(tmp_path / "calls" / "a.wav", "ok")
    put(tmp_path / "debrief-backup-2026-11-27T024038.tar.gz", "x")
    for other in ("debrief-data", "deep/er/elsewhere"):
        put(tmp_path / other / "store.lock", "")
        put(tmp_path / other / "results" / "ab" / "1.json", '{"turns": []}')
        put(tmp_path / other / "inbox" / "b.wav", "ok")
    for table in ("calls", "turns", "criterion_scores", "evidence", "moves"):
        put(tmp_path / "export" / f"{table}.csv", "call_id,sha256\n")
        put(tmp_path / "export" / f"{table}.jsonl", "{}\n")
    put(tmp_path / "export" / "mine.wav", "ok")

    def names(*folders: Path) -> list[str]:
        return [str(item.path.relative_to(tmp_path)) for item in discover(folders, sniff=sniff)]

    assert names(tmp_path) == ["calls/a.wav", "export/mine.wav"]
    # named itself, a data folder gives what is the user's in it
    assert names(tmp_path / "debrief-data") == ["debrief-data/inbox/b.wav"]
    assert read_sidecar(tmp_path / "export" / "mine.wav").to_json() == {}


def test_a_folder_that_may_not_be_looked_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "open" / "a.wav", "ok")
    put(tmp_path / "shut" / "b.wav", "ok")
    look = os.scandir

    def scandir(folder: Any) -> Any:
        if Path(folder).name == "shut":
            raise PermissionError(13, "Permission denied", str(folder))
        return look(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "shut")
    found = discover([tmp_path], sniff=sniff)
    assert [item.path.name for item in found] == ["a.wav", "shut"]
    with pytest.raises(InputError, match="shut: the folder cannot be read"):
        identify(found[1], pattern=PATTERN, sniff=sniff)
