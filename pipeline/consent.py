"""Whether people agreed to be recorded: `yes`, `no` or `unknown` per call, and which calls are therefore let alone.

    facts/consent/<sha256>.json   {"sha256", "consent", "at"}: what a person said (`debrief consent`), above all else

Otherwise `consent` in the file beside the recording counts, then what the transcript says itself, then the path's
pattern (`{consent}`). A call with `no`, or with a word that is not understood, is neither heard nor kept; with
`require_consent` neither is one without `yes`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import Literal, get_args

from pipeline import keep
from pipeline.errors import StoreError, Withheld
from pipeline.settings import Settings
from pipeline.types import CallMeta

Consent = Literal["yes", "no", "unknown"]
CHOICES: tuple[str, ...] = get_args(Consent)
FACT = "consent"

_YES = ("yes", "y", "true", "1", "given", "granted", "agreed", "consented", "opted in", "opt in")
_NO = ("no", "n", "false", "0", "denied", "refused", "declined", "withdrawn", "revoked", "opted out", "opt out")
_WORDS: dict[str, Consent] = {
    **dict.fromkeys(_YES, "yes"),
    **dict.fromkeys((*_NO, "no consent", "not given", "not granted"), "no"),
    **dict.fromkeys(("", "unknown"), "unknown"),
}


def consent_of(meta: CallMeta) -> Consent:
    """What metadata says about consent, in any of the words that tools use; `unknown` too for a word not understood."""
    return _WORDS.get(_said(meta), "unknown")


def _said(meta: CallMeta) -> str:
    said = meta.extra.get("consent")
    return "" if said is None else " ".join(str(said).lower().replace("_", " ").replace("-", " ").split())


def stated(data: Path, sha256: str) -> Consent | None:
    """What a person said about the consent to a call; None where nobody did."""
    path = keep.fact_file(data, FACT, sha256)
    with contextlib.suppress(StoreError, KeyError):
        if path.is_file():
            said = keep.read_json(path)["consent"]
            return said if said in CHOICES else None
    return None


def state(data: Path, sha256: str, consent: str, *, now: dt.datetime | None = None) -> None:
    """Keep a person's word on the consent to a call. Raises `StoreError`."""
    at = (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds")
    keep.write_fact(data, FACT, sha256, {"sha256": sha256, "consent": consent, "at": at})


def answer(data: Path, sha256: str, meta: CallMeta) -> Consent:
    """What is known: a person's word, else what the metadata says."""
    return stated(data, sha256) or consent_of(meta)


def require(path: Path, sha256: str, meta: CallMeta, settings: Settings) -> None:
    """Raise `Withheld`, one line, for a call that may not be heard or kept."""
    known = answer(settings.data, sha256, meta)
    if stated(settings.data, sha256) is None and _said(meta) not in _WORDS:
        # somebody said something about it: taken for nothing said, a refusal in other words would be heard
        raise Withheld(
            f"{path}: consent '{_said(meta)[:40]}' is not understood, so it is not heard or kept; known are "
            f"{', '.join(_YES)}; {', '.join(_NO)}; unknown. Correct it, or run `debrief consent yes FILE` (or no)"
        )
    if known == "no":
        raise Withheld(f"{path}: consent was refused, so it is not heard or kept")
    if known == "unknown" and settings.require_consent:
        raise Withheld(
            f"{path}: no consent is on record, so it is not heard or kept; write `consent: yes` into a file beside it, "
            f"or run `debrief consent yes FILE`"
        )
