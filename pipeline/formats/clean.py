"""What may stand in a name or a text: no control characters, no terminal escapes, no invisible direction changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_LABEL = 120
_MAX_DEPTH = 12

# ECMA-48: CSI sequences, then OSC/DCS/SOS/PM/APC strings, then any other escape; each alternative is linear.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]?"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]{0,4}[0-~]?"
)
# C0 (but tab and line ends), DEL, C1, direction marks and overrides, interlinear and byte order marks, surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc"
    "\ud800-\udfff\ufffe\uffff]"
)


def without_controls(text: str) -> str:
    """The text without escapes and invisible characters; tabs and line ends stay as they are."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub("", _ESCAPES.sub("", text))


def clean_text(text: str) -> str:
    """One line of words: no controls, every run of white space one blank."""
    return " ".join(without_controls(text).split())


def clean_label(text: str) -> str:
    """A speaker label as given, on one line and of bounded length; empty where nothing visible is left."""
    return clean_text(text)[:MAX_LABEL].strip()


def clean_tree(value: Any, *, depth: int = _MAX_DEPTH) -> Any:
    """JSON-like data with every string cleaned; what is nested deeper than `depth` is left out (None)."""
    if isinstance(value, str):
        return without_controls(value)
    if isinstance(value, Mapping):
        rows = value.items() if depth else ()
        return {without_controls(str(key)): clean_tree(item, depth=depth - 1) for key, item in rows}
    if isinstance(value, list | tuple):
        return [clean_tree(item, depth=depth - 1) for item in value] if depth else None
    return value
