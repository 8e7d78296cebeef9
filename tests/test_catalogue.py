from __future__ import annotations

import hashlib
import json
import os
import re
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pytest
from local_server import Quiet, Served, serving
from typer.testing import CliRunner

from models import catalogue, pull
from models.catalogue import DOWNLOADS, PACKAGED, Download, catalogue_rows, find_model, local_model, verify_model
from pipeline import cli
from pipeline.errors import ModelUnavailable
from pipeline.hear import choose_engine
from pipeline.settings import Settings

FILES = {"config.json": b"{}", "model.bin": b"weights" * 50_000, "tokenizer.json": b"[]"}
ENTRY = Download(
    "maker/tiny",
    "a" * 40,
    {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
    1,
    "MIT",
    "tests",
)


class Hub(Quiet, BaseHTTPRequestHandler):
    """Serves `FILES` under the pinned commit, with ranges; breaks off the first answer for `model.bin` when told to."""

    broken: ClassVar[set[str]] = set()
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        Hub.asked.append((self.path, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
        if not self.path.startswith(f"/maker/tiny/resolve/{'a' * 40}/") or name not in FILES:
            self.send_error(401 if "gated" in self.path else 404)
            return
        content = FILES[name]
        start = int(self.headers["Range"][6:-1]) if "Range" in self.headers else 0
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if name in Hub.broken:
            Hub.broken.discard(name)
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A hub on loopback that has the model `tiny`, and an empty models folder, which is what is given."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEBRIEF_MODELS", str(tmp_path / "models"))
    monkeypatch.setitem(DOWNLOADS, "tiny", ENTRY)
    Hub.asked.clear()
    Hub.broken.clear()
    with serving(Hub, Served()) as served:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{served.port}")
        yield tmp_path / "models"


def test_pulled_verified_and_found(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []
    monkeypatch.setenv("HF_TOKEN", "secret")
    folder = pull.pull("tiny", progress=lambda *row: seen.append(row))
    assert folder == hub / "tiny"
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert seen[-1][1] == seen[-1][2] > 0
    assert all(authorization == "Bearer secret" for _, _, authorization in Hub.asked)
    assert verify_model(folder) == f"tiny {'a' * 12}"
    assert local_model("tiny") == folder
    Hub.asked.clear()
    pull.pull("tiny")
    assert Hub.asked == []


def test_broken_off_downloads_resume(hub: Path) -> None:
    Hub.broken.add("model.bin")
    with pytest.raises(ModelUnavailable, match="resume") as error:
        pull.pull("tiny")
    assert "\n" not in str(error.value)
    folder = pull.pull("tiny")
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]
    assert any(wanted.startswith("bytes=") for _, wanted, _ in Hub.asked)


def test_wrong_bytes_are_not_kept(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**ENTRY.files, "model.bin": "0" * 64}
    monkeypatch.setitem(DOWNLOADS, "tiny", Download(ENTRY.repo, ENTRY.revision, wrong, 1, "MIT", "tests"))
    with pytest.raises(ModelUnavailable, match="not the pinned"):
        pull.pull("tiny")
    assert not (hub / "tiny" / "model.bin").exists()


def test_offline_is_one_line(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1 cannot be reached") as error:
        pull.pull("tiny")
    assert "\n" not in str(error.value)
    assert str(hub / "tiny") in str(error.value)
    # nothing is left that the list would call an incomplete model
    assert {row.name: row.state for row in catalogue_rows()}["tiny"] == "not here"


@pytest.mark.parametrize("address", ["hub.example.com", "http://[", "http://hub:port"])
def test_a_mirror_that_is_no_address_is_named(hub: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(ModelUnavailable, match=f"'{re.escape(address)}' in HF_ENDPOINT is no"):
        pull.pull("tiny")


def test_refusals_name_the_remedy(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gated = Download("maker/gated", ENTRY.revision, ENTRY.files, 1, "MIT", "tests")
    monkeypatch.setitem(DOWNLOADS, "gated", gated)
    with pytest.raises(ModelUnavailable, match="HF_TOKEN"):
        pull.pull("gated")
    with pytest.raises(ModelUnavailable, match="no model 'nonsense'"):
        pull.pull("nonsense")


@pytest.mark.parametrize(
    "answer",
    [b"\x15\x03\x01 a proxy's page\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"],
)
def test_an_answer_that_is_none_is_one_line(hub: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    class Odd(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(ModelUnavailable, match="broken off") as refused:
            pull.pull("tiny")
        server.shutdown()
    assert str(refused.value).isprintable()


def test_a_models_folder_that_cannot_be_made_is_one_line(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.write_text("a file")
    with pytest.raises(ModelUnavailable, match="cannot be made"):
        pull.pull("tiny")


def test_altered_weights_are_refused_and_hashed_again_when_changed(hub: Path) -> None:
    folder = pull.pull("tiny")
    (folder / "model.bin").write_bytes(b"\0" * 1000 + FILES["model.bin"][1000:])
    with pytest.raises(ModelUnavailable, match="not the pinned file"):
        verify_model(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"'tokenizer\.json' is missing; run: debrief models pull tiny$"):
        verify_model(folder)


def test_a_check_reads_the_bytes_whatever_size_and_time_say(hub: Path) -> None:
    weights = pull.pull("tiny") / "model.bin"
    state = weights.stat()
    weights.write_bytes(b"\0" * 1000 + FILES["model.bin"][1000:])
    os.utime(weights, ns=(state.st_atime_ns, state.st_mtime_ns))
    made = CliRunner().invoke(cli.app, ["models", "check", "--json"])
    states = {row["name"]: row["state"] for row in map(json.loads, made.stdout.splitlines())}
    assert (made.exit_code, "not the pinned file of tiny" in states["tiny"]) == (1, True)
    # and what it found is remembered: the model is not used either
    with pytest.raises(ModelUnavailable, match="not the pinned file"):
        verify_model(hub / "tiny")


def test_a_folder_copied_by_hand_is_identified_by_its_weights(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    assert local_model(str(folder)) == folder
    assert verify_model(folder) == f"ours {ENTRY.files['model.bin'][:12]}"


def test_nothing_here_names_the_command(hub: Path) -> None:
    assert find_model() is None
    with pytest.raises(ModelUnavailable, match=r"debrief models pull (base\.en|small\.en|large-v3-turbo)$"):
        local_model("auto")
    with pytest.raises(ModelUnavailable, match=r"debrief models pull base\.en"):
        local_model("base.en")
    with pytest.raises(ModelUnavailable, match="debrief models list"):
        local_model("no-such-model")


def test_no_english_model_is_taken_for_another_language(hub: Path) -> None:
    for name in ("base.en", "large-v3-turbo"):
        (hub / name).mkdir(parents=True)
        for file in DOWNLOADS[name].files:
            (hub / name / file).write_bytes(b"x")
    assert (find_model(), find_model("de"), find_model("auto")) == ("base.en", "large-v3-turbo", "large-v3-turbo")
    assert choose_engine(Settings(language="de"))[1] == str(hub / "large-v3-turbo")
    with pytest.raises(ModelUnavailable, match=r"base.en knows English only, not 'de'; run: .* large-v3-turbo"):
        choose_engine(Settings(language="de", whisper_model="base.en"))
    (hub / "large-v3-turbo" / "model.bin").unlink()
    with pytest.raises(ModelUnavailable, match=r"no Whisper model that knows 'de' on this machine; run: .*turbo"):
        choose_engine(Settings(language="de", engine="faster-whisper"))
    # the built-in recogniser knows English only, too
    with pytest.raises(ModelUnavailable, match=r"no Whisper model that knows 'de' on this machine; run: .*turbo"):
        choose_engine(Settings(language="de"))


def test_the_list_shows_state(hub: Path) -> None:
    states = {row.name: row.state for row in catalogue_rows()}
    assert {states[name] for name in PACKAGED} == {"ready"}
    assert states["tiny"] == "not here"
    pull.pull("tiny")
    assert {row.name: row.state for row in catalogue_rows()}["tiny"] == "ready"


def test_every_entry_is_pinned() -> None:
    for entry in DOWNLOADS.values():
        assert len(entry.revision) == 40
        assert len(entry.files["model.bin"]) == 64
        assert {"config.json", "model.bin", "tokenizer.json"} <= set(entry.files)
        assert entry.licence
    assert all(len(item.sha256) == 64 for item in PACKAGED.values())
    assert catalogue.recommended() in DOWNLOADS
