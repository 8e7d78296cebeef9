"""From a file's bytes to text or JSON: size limits, encodings, and one clear line where it cannot be read."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Literal, NoReturn

from pipeline.encodings import decode, encoding_of
from pipeline.errors import TranscriptError

MAX_BYTES = 200_000_000
"""Transcripts above this are refused; a six-hour call with word times is about 20 MB."""
HEAD_BYTES = 65_536
HEAD_CHARS = 16_000
"""Text formats are recognised by this much from the start, so that sniffing and reading decide alike."""
WIDE_BYTES = 8_000_000
"""Where that decides nothing (one speaker in one line of a megabyte), so much is looked at."""

__all__ = [
    "HEAD_BYTES", "HEAD_CHARS", "MAX_BYTES", "WIDE_BYTES", "Kind", "decode", "head_of", "kind_of", "parse_json",
    "read_bytes",
]  # fmt: skip

Kind = Literal["zip", "json", "text"]

_JSON = re.compile(r"\s*(?:\{|\[\s*(?:[\[{\]\"]|$))")
"""An object, or a list of them; `[0:12] Name: text`, `[Name]: text` and `[Recording starts]` are text."""
_CONTROL = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")


def head_of(path: Path, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file, enough to tell what it is; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises `TranscriptError` where it is missing, unreadable, empty or over the limit."""
    try:
        with path.open("rb") as file:
            # its size first: a gigabyte need not be read to be refused
            too_large = os.fstat(file.fileno()).st_size > MAX_BYTES
            data = b"" if too_large else file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise TranscriptError(f"{path}: cannot be read ({reason}); check the path and its permissions") from error
    if too_large or len(data) > MAX_BYTES:
        raise TranscriptError(f"{path}: over {MAX_BYTES // 1_000_000} MB, too large for a transcript; split it")
    if not data:
        raise TranscriptError(f"{path}: empty file (0 bytes); export it again")
    return data


def kind_of(head: bytes) -> Kind | None:
    """What the first bytes look like: a zip container, JSON, other text, or None for media and other binaries."""
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    encoding = encoding_of(head)
    if encoding is None:
        return None
    sample = head.decode(encoding, errors="replace").lstrip("\ufeff")[:HEAD_CHARS]
    if not sample.strip() or _is_binary(sample):
        return None
    return "json" if _JSON.match(sample) else "text"


def _is_binary(sample: str) -> bool:
    return sample.count("\0") > len(sample) / 10 or len(_CONTROL.findall(sample)) > max(2, len(sample) / 50)


def parse_json(text: str, *, where: str) -> Any:
    """The JSON in a text. Raises `TranscriptError` with the line where it breaks."""

    def constant(name: str) -> NoReturn:
        raise TranscriptError(f"{where}: {name} is no JSON number; export it again")

    try:
        return json.loads(text, parse_constant=constant)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            hint = "more follows after the end of the transcript; keep one transcript per file"
        else:
            cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
            hint = (
                f"not valid JSON ({error.msg.lower()}); " + ("the file is cut off, " if cut else "") + "export it again"
            )
        raise TranscriptError(f"{where}: line {error.lineno}: {hint}") from error
    except (RecursionError, ValueError, MemoryError) as error:
        raise TranscriptError(f"{where}: JSON nested too deeply or with numbers too long; export it again") from error
