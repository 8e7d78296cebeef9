"""Whether people agreed to be recorded: `yes`, `no` or `unknown` per call, and which calls are therefore let alone.

    facts/consent/<sha256>.json   {"sha256", "consent", "at"}: what a person said (`debrief consent`), above all else;
                                  with "of_many": of a whole batch (`debrief process --consent`), where nobody said
                                  anything about the call itself

Otherwise `consent` in the file beside the recording counts, then what the transcript says itself, then the path's
pattern (`{consent}`). A call with `no`, or with a word that is not understood, is neither heard nor kept; with
`require_consent` neither is one without `yes`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import Any, Literal, get_args

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
    said = _fact(data, sha256).get("consent")
    return said if said in CHOICES else None


def _fact(data: Path, sha256: str) -> dict[str, Any]:
    path = keep.fact_file(data, FACT, sha256)
    with contextlib.suppress(StoreError):
        if path.is_file():
            return keep.read_json(path)
    return {}


def state(data: Path, sha256: str, consent: str, *, now: dt.datetime | None = None) -> None:
    """Keep a person's word on the consent to a call. Raises `StoreError`."""
    at = (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds")
    keep.write_fact(data, FACT, sha256, {"sha256": sha256, "consent": consent, "at": at})


def state_of_many(data: Path, sha256: str, consent: str, *, now: dt.datetime | None = None) -> None:
    """Keep a person's word on a whole batch for a call of it; a word on the call itself stays, unless this is a
    refusal. Raises `StoreError`."""
    known = _fact(data, sha256)
    if consent != "no" and known.get("consent") in ("yes", "no") and not known.get("of_many"):
        return
    at = (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds")
    keep.write_fact(data, FACT, sha256, {"sha256": sha256, "consent": consent, "at": at, "of_many": True})


def _stated_above(data: Path, sha256: str, meta: CallMeta) -> Consent | None:
    """A person's word where it stands above the metadata: one on many calls does not, unless it is a refusal, where
    something is said about this one."""
    word = stated(data, sha256)
    own = _said(meta) not in _WORDS or consent_of(meta) != "unknown"
    return None if word != "no" and own and _fact(data, sha256).get("of_many") else word


def answer(data: Path, sha256: str, meta: CallMeta) -> Consent:
    """What is known: a person's word, else what the metadata says."""
    return _stated_above(data, sha256, meta) or consent_of(meta)


def require(path: Path, sha256: str, meta: CallMeta, settings: Settings) -> None:
    """Raise `Withheld`, one line, for a call that may not be heard or kept."""
    word = _stated_above(settings.data, sha256, meta)
    known = word or consent_of(meta)
    if word is None and _said(meta) not in _WORDS:
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
