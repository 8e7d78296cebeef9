"""What stands in the repository for running it as a service."""

from __future__ import annotations

import configparser
import http.server
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import health, status
from pipeline.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").glob("*.service")), ids=lambda path: path.name)
def test_units_run_commands_that_exist_and_survive_a_worker(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text())
    service = unit["Service"]
    command = service["ExecStart"].split()
    assert Path(command[0]).name == "debrief"
    assert command[1] in ("watch", "serve", "nightly")
    assert service["UMask"] == "0077"
    # the same inbox for all three, or the page shows another one than what is watched
    inbox = service["ReadOnlyPaths"]
    assert command[2:] == ([inbox] if command[1] == "watch" else [])
    assert command[1] == "watch" or f"Environment=DEBRIEF_INBOX={inbox}" in path.read_text().splitlines()
    if command[1] != "serve":
        assert service["OOMPolicy"] == "continue"


def test_the_image_checks_its_health_and_starts_a_command() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "HEALTHCHECK" in text
    assert "pipeline.health" in text
    for line in text.splitlines():
        if line.startswith("COPY") and "--" not in line:
            assert all((ROOT / name).exists() for name in line.split()[1:-1]), line
    # a volume over a folder that the image does not have is root's, and nothing could be written to it
    lines = text.splitlines()
    (volumes,) = (json.loads(line.removeprefix("VOLUME")) for line in lines if line.startswith("VOLUME"))
    (made,) = (line.split() for line in lines if line.startswith("RUN install"))
    (user,) = (line.split()[1] for line in lines if line.startswith("USER"))
    assert made[-len(volumes) :] == volumes
    assert f"--owner={user}" in made
    assert lines.index(" ".join(made)) < lines.index(f"USER {user}")
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert {name: row["command"][0] for name, row in services.items()} == {
        "web": "serve", "watch": "watch", "nightly": "nightly",
    }  # fmt: skip


def test_health_is_a_living_watcher_or_an_answering_web_app(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Well(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            return None

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for listens, host in (("127.0.0.2", "127.0.0.2"), ("", "0.0.0.0"), ("127.0.0.1", "127.0.0.1")):
        with http.server.HTTPServer((listens, 0), Well) as server:
            here = replace(settings, port=server.server_address[1], host=host)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            assert health.illness(here) == ""
            server.shutdown()
    assert "no watcher; no web app" in health.illness(here)
    status.write_status(settings.data, {"counts": {}, "problem": ""})
    assert health.illness(here) == ""
    monkeypatch.setattr(health, "STALE_S", 0.0)
    assert "has said nothing since" in health.illness(here)
