"""What stands in the repository for running it as a service."""

from __future__ import annotations

import configparser
import http.server
import json
import subprocess
import sys
import threading
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import health, status
from pipeline.settings import SECRETS, Settings

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
    # a home folder is closed to them, and with it what `debrief models pull` puts there by itself
    assert "Environment=DEBRIEF_MODELS=/srv/debrief/models" in path.read_text().splitlines()
    # all three have workers
    assert service["OOMPolicy"] == "continue"
    # to come after a target asks for nobody to reach it
    assert set(unit["Unit"]["After"].split()) - {"remote-fs.target"} == set(unit["Unit"]["Wants"].split())
    steps = (ROOT / "deploy" / "debrief-watch.service").read_text().partition("[Unit]")[0]
    # a unit whose user or whose folders are not there does not start
    assert f"{service['User']}\n" in steps.partition("useradd")[2]
    # by hand it is the same inbox too, or `doctor` says that there is none and `tidy` finds nothing to delete
    assert f"DEBRIEF_INBOX={inbox} " in steps.partition("runuser")[2]
    made = steps.partition("install -d")[2].partition("\n")[0].split()
    assert {service["ReadWritePaths"], inbox, "/srv/debrief/models"} <= set(made)
    assert (path.stem if command[1] != "nightly" else "debrief-nightly.timer") in steps.partition("enable --now")[2]


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
    (said,) = (line.split()[1:] for line in lines if line.startswith("ENV"))
    # what is pulled in one container is found by the next
    folders = [
        item.partition("=")[2] for item in said if item.startswith(("DEBRIEF_DATA", "DEBRIEF_INBOX", "DEBRIEF_MODELS"))
    ]
    assert folders == volumes
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert all(
        [item.split(":")[1] for item in row["volumes"]] == ["/data", "/models", "/inbox"] for row in services.values()
    )
    assert {name: row["command"][0] for name, row in services.items()} == {
        "web": "serve", "watch": "watch", "nightly": "nightly",
    }  # fmt: skip


def test_the_image_copies_what_is_installed_and_nothing_else() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    (installs,) = (place for place, line in enumerate(lines) if "pip install" in line and line.endswith(" . \\"))
    copied = [name for place, line in enumerate(lines) if line.startswith("COPY") for name in line.split()[1:-1]]
    assert all(place < installs for place, line in enumerate(lines) if line.startswith("COPY"))
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert {f"{name}*" for name in copied if (ROOT / name).is_dir()} == set(packages["include"])


def test_every_container_reads_its_secrets_from_a_file_that_nobody_commits() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    # without such a file everything starts as before
    assert [row["env_file"] for row in services.values()] == [[{"path": "debrief.env", "required": False}]] * 3
    said = (ROOT / "README.md").read_text().partition("- Docker:")[2].partition("- Prefect:")[0]
    assert "debrief.env" in said
    assert all(f"`DEBRIEF_{name.upper()}" in said for name in (*SECRETS, "digest_webhook", "webhook_urls"))
    # whichever gets to it first sends webhooks, the watcher too
    (cut_off,) = (line for line in (ROOT / "compose.yaml").read_text().splitlines() if "network_mode: none" in line)
    assert "take this line out for webhooks" in cut_off
    assert "for webhooks" in said


def test_one_build_brings_every_container_up_to_date() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    # a service of a profile is not built with the others: with an image of its own it would stay at the old version
    assert {row.get("image") for row in services.values()} == {"debrief"}
    # two builds of one name at a time get into each other's way
    (builder,) = (name for name, row in services.items() if "build" in row)
    assert "profiles" not in services[builder]
    assert all(row["pull_policy"] == "never" for name, row in services.items() if name != builder)


@pytest.mark.parametrize("name", ["compose.yaml", "deploy/debrief-nightly.service"])
def test_whoever_wants_recordings_to_go_reads_that_the_night_may_not_write_there(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    (said,) = (place for place, line in enumerate(lines) if "keep_recordings_days" in line)
    assert ":ro" in lines[said + 1] or lines[said + 1].startswith("ReadOnlyPaths=")


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


@pytest.mark.parametrize("name", ["README.md", "prefect.yaml"])
def test_prefects_commands_are_found_and_come_in_an_order_that_works(name: str) -> None:
    lines = [line.lstrip("# ") for line in (ROOT / name).read_text().splitlines()]
    steps = [line for line in lines if ".venv/bin/prefect" in line or "PREFECT_API_URL" in line]
    wanted = ("server start", "export PREFECT_API_URL", "work-pool create", "deploy --all", "worker start")
    assert len(steps) == len(wanted)
    # a worker does not end, so nothing may come after it
    assert all(words in step for words, step in zip(wanted, steps, strict=True))
    assert not [line for line in lines if line.startswith("prefect ")]


def test_what_a_prefect_worker_writes_is_closed_to_others_too(tmp_path: Path) -> None:
    made = tmp_path / "data" / "results"
    come_in = f"import flows.process, pathlib; pathlib.Path({str(made)!r}).mkdir(parents=True)"
    subprocess.run([sys.executable, "-c", come_in], check=True, umask=0o022, cwd=ROOT)
    assert [folder.stat().st_mode & 0o777 for folder in (made, made.parent)] == [0o750, 0o750]


def test_the_readme_names_what_a_bare_debian_lacks() -> None:
    assert "`apt install git make python3-venv`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", [".gitignore", ".dockerignore"])
def test_calls_in_the_checkout_are_neither_committed_nor_sent_to_docker(name: str) -> None:
    left_out = {line.strip("/") for line in (ROOT / name).read_text().splitlines()}
    # the inbox of compose.yaml, the README's folder of calls, and where commands write when they are not told where
    assert {"inbox", "calls", "debrief-data", "debrief-demo", "debrief-export", "debrief-backup-*.tar.gz"} <= left_out
    assert "debrief.env" in left_out
