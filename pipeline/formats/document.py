"""From a file's bytes to text or JSON: size limits, encodings, and one clear line where it cannot be read."""

from __future__ import annotations

import codecs
import json
import os
import re
from pathlib import Path
from typing import Any, Literal, NoReturn

from pipeline.errors import TranscriptError

MAX_BYTES = 200_000_000
"""Transcripts above this are refused; a six-hour call with word times is about 20 MB."""
HEAD_BYTES = 65_536
HEAD_CHARS = 16_000
"""Text formats are recognised by this much from the start, so that sniffing and reading decide alike."""

Kind = Literal["zip", "json", "text"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MEDIA = re.compile(
    rb"RIFF....(?:WAVE|AVI )|ID3|fLaC|OggS|FORM....AIF|....ftyp|\x1aE\xdf\xa3|#!AMR|\.snd|caff|0&\xb2u|\xff[\xe0-\xff]"
    rb"|FLV\x01|%PDF|\x89PNG|GIF8|MZ",
    re.DOTALL,
)
_CONTROL = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")


def head_of(path: Path) -> bytes:
    """The first bytes of a file, enough to tell what it is; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
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
    encoding = _encoding(head)
    if encoding is None:
        return None
    sample = head.decode(encoding, errors="replace").lstrip("\ufeff")[:HEAD_CHARS]
    if not sample.strip() or _is_binary(sample):
        return None
    return "json" if sample.lstrip()[0] in "{[" and not re.match(r"\s*\[[\d:.,]+\]", sample) else "text"


def _is_binary(sample: str) -> bool:
    return sample.count("\0") > len(sample) / 10 or len(_CONTROL.findall(sample)) > max(2, len(sample) / 50)


def _encoding(data: bytes) -> str | None:
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    if _MEDIA.match(data):
        return None
    even, odd = data[:4096:2], data[1:4096:2]
    if len(data) > 3 and odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if len(data) > 3 and even.count(0) > 0.4 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    guess = codecs.getincrementaldecoder("utf-8")("replace").decode(data[: 4 * HEAD_BYTES])
    wrong = guess.count("\ufffd")
    # One damaged byte does not make a UTF-8 file Windows-1252: whichever reading explains more of it wins.
    return "utf-8" if wrong == 0 or wrong < sum(char > "\x7f" for char in guess) - wrong else "cp1252"


def decode(data: bytes) -> str:
    """Text of UTF-8 (with or without mark), UTF-16, UTF-32 or Windows-1252 bytes, without the mark.

    Never fails: bytes that fit no character become U+FFFD. `kind_of` tells text from binaries.
    """
    return data.decode(_encoding(data) or "cp1252", errors="replace").lstrip("\ufeff")


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
