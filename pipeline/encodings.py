"""Text out of bytes in whatever encoding people's tools write: transcripts, tables out of Excel, metadata."""

from __future__ import annotations

import codecs
import re

LOOKED_AT = 262_144
"""So many bytes tell which encoding it is."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MEDIA = re.compile(
    rb"RIFF....(?:WAVE|AVI )|ID3[\x02-\x04]|fLaC|OggS|FORM....AIF|....ftyp|\x1aE\xdf\xa3|#!AMR|\.snd|caff\0|0&\xb2u"
    rb"|\xff[\xe0-\xff]|FLV\x01|%PDF|\x89PNG|GIF8|MZ.\0",
    re.DOTALL,
)


def encoding_of(data: bytes) -> str | None:
    """The encoding that these bytes are most likely in; None for what begins like a sound, picture or program."""
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
    guess = codecs.getincrementaldecoder("utf-8")("replace").decode(data[:LOOKED_AT])
    wrong = guess.count("\ufffd")
    # One damaged byte does not make a UTF-8 file Windows-1252: whichever reading explains more of it wins.
    if wrong == 0 or wrong < sum(char > "\x7f" for char in guess) - wrong:
        return "utf-8"
    # lines that end in a carriage return alone were written by a Mac
    return "mac_roman" if b"\r" in data[:LOOKED_AT] and b"\n" not in data[:LOOKED_AT] else "cp1252"


def decode(data: bytes) -> str:
    """Text of UTF-8 (with or without mark), UTF-16, UTF-32, Windows-1252 or an old Mac's bytes, without the mark.

    Never fails: bytes that fit no character become U+FFFD. `kind_of` tells text from binaries.
    """
    return data.decode(encoding_of(data) or "cp1252", errors="replace").lstrip("\ufeff")
