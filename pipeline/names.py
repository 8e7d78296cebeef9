"""Which names in people's folders are no call's: copies on their way, and what systems and programs leave behind."""

from __future__ import annotations

import re

PARTIAL_SUFFIXES = (
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".filepart",
    ".opdownload",
    ".!sync",
    ".aria2",
    ".ytdl",
    ".gstmp",
    ".swp",
)
"""What copying and downloading programs call a file that is not complete yet, or lay beside it until then."""
_S3_COPY = re.compile(r".*\.\w{2,5}\.(?=\d*[a-f])[\da-f]{8}")
"""A whole name to which Amazon's clients add eight random hex digits until they have all of the file; not a day's."""
NOT_CALLS = (
    ".md",
    ".rst",
    ".toml",
    ".yaml",
    ".yml",
    ".rttm",
    ".uem",
    ".ctm",
    ".stm",
    ".lab",
    ".ini",
    ".log",
    ".py",
    ".sh",
    ".jpg",
    ".jpeg",
    ".png",
    ".gif",
    ".webp",
    ".bmp",
    ".heic",
    ".svg",
    ".bak",
    ".lnk",
    ".url",
    ".identifier",
)
"""Suffixes that lie beside recordings and are never one; a folder's walk passes over them in silence."""
NOT_CALL_NAMES = frozenset({"license", "licence", "readme", "copying", "notice", "thumbs.db", "desktop.ini"})
NOT_CALL_FOLDERS = frozenset(
    {"@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found", "__macosx"}
)
"""What systems and network drives keep beside people's files: what was deleted, earlier states, small pictures."""


def is_furniture(name: str) -> bool:
    """True for a folder's name that hidden ones, systems' own and Safari's half-made downloads have."""
    lower = name.lower()
    return lower.startswith(".") or lower.endswith(".download") or lower in NOT_CALL_FOLDERS


def is_passed_over(name: str) -> bool:
    """True for names that hidden files, half-made copies, editors' earlier versions and folder furniture have."""
    lower = name.lower()
    return (
        lower.startswith((".", "~$"))
        or lower.endswith("~")
        or lower.endswith(NOT_CALLS)
        or is_half_made(lower)
        or lower.partition(".")[0] in NOT_CALL_NAMES
    )


def is_half_made(name: str) -> bool:
    """True for a name that a file has until all of it is there."""
    lower = name.lower()
    return lower.endswith(PARTIAL_SUFFIXES) or _S3_COPY.fullmatch(lower) is not None
