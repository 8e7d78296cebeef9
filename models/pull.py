"""Fetch a catalogue model: pinned commit, resumed where it stopped, verified by SHA-256, moved into place when whole.

The one place of the project that opens a connection for weights, and only when asked (`debrief models pull NAME`).
"""

from __future__ import annotations

import http.client
import os
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from models.catalogue import DOWNLOADS, models_folder, sha256_of, verify_model
from pipeline.errors import ModelUnavailable

Progress = Callable[[str, int, int], None]
"""Called with (file, bytes so far, bytes in all; 0 if unknown)."""

_BLOCK = 1 << 20
_PATIENCE_S = 0.9


def pull(name: str, *, progress: Progress | None = None) -> Path:
    """Fetch one model into `models_folder()/name`; returns the folder. Parts already there are kept and resumed.

    The host is `HF_ENDPOINT` (a mirror) or the hub; `HF_TOKEN` is sent for gated models. Raises `ModelUnavailable` in
    one line when the name is unknown, the host cannot be reached (within a second), refuses, or sends other bytes
    than pinned.
    """
    if name not in DOWNLOADS:
        raise ModelUnavailable(f"no model '{name}' in the catalogue; known: {', '.join(DOWNLOADS)}")
    entry = DOWNLOADS[name]
    folder = models_folder() / name
    host = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    wanted = [
        file
        for file, sha in entry.files.items()
        if not (folder / file).is_file() or (sha and sha256_of(folder / file) != sha)
    ]
    if wanted:
        _require_host(host, name, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelUnavailable(
            f"{folder}: cannot be made ({error.strerror}); let DEBRIEF_MODELS name a folder that can be written"
        ) from None
    for file in wanted:
        _fetch(f"{host}/{entry.repo}/resolve/{entry.revision}/{file}", folder / file, entry.files[file], progress)
    verify_model(folder)
    return folder


def _require_host(host: str, name: str, folder: Path) -> None:
    try:
        scheme = urllib.parse.urlsplit(host).scheme
        address = urllib.request.getproxies().get(scheme) or host
        # a proxy may stand there as `proxy.example.com:3128`
        parts = urllib.parse.urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https") or not parts.hostname:
        raise ModelUnavailable(f"{name}: '{host}' in HF_ENDPOINT is no address such as https://huggingface.co")
    reason = _why_unreachable(parts.hostname, port)
    if reason:
        raise ModelUnavailable(
            f"{name}: {parts.hostname} cannot be reached ({reason}); "
            f"fetch it on another machine and copy its folder to {folder}"
        )


def _why_unreachable(host: str, port: int) -> str:
    """Empty where a connection opens in time. Looking up a name knows no timeout, so a thread waits for it."""
    answers: list[str] = []

    def knock() -> None:
        try:
            socket.create_connection((host, port), timeout=_PATIENCE_S).close()
            answers.append("")
        except OSError as error:
            answers.append(error.strerror or str(error))

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    return answers[0] if answers else "no answer"


def _fetch(url: str, path: Path, sha256: str, progress: Progress | None) -> None:
    part = path.with_name(path.name + ".part")
    done = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url)
    if done:
        request.add_header("Range", f"bytes={done}-")
    token = os.environ.get("HF_TOKEN")
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            resumed = answer.status == 206
            size = int(answer.headers.get("Content-Length") or 0)
            total = size + done if resumed and size else size
            with part.open("ab" if resumed else "wb") as out:
                while block := answer.read(_BLOCK):
                    out.write(block)
                    if progress:
                        progress(path.name, out.tell(), total)
                if out.tell() < total:
                    raise OSError(f"{out.tell():,} of {total:,} bytes came")
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:
            pass  # everything was there already; the hash decides
        else:
            hint = "set HF_TOKEN to a token that may read it" if error.code in (401, 403) else "try again later"
            raise ModelUnavailable(f"{url}: the host answered {error.code} {error.reason}; {hint}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = " ".join(ascii(str(error))[1:-1].split())[:120] or type(error).__name__
        raise ModelUnavailable(f"{url}: broken off ({reason}); run the same command again to resume") from None
    if sha256 and sha256_of(part) != sha256:
        part.unlink()
        raise ModelUnavailable(f"{url}: the bytes are not the pinned ones (SHA-256); nothing was kept, try again")
    os.replace(part, path)
