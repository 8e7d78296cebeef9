"""From what a file says to a transcript: clean, timed, in order, one turn per speaker in a row.

Readers give `Piece`s (somebody said something) in a `Draft`; words without utterances become pieces by `from_words`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import TranscriptError
from pipeline.formats.clean import clean_label, clean_text, clean_tree
from pipeline.types import CallMeta, Hearing, Transcript, Turn, Word

UNKNOWN = "unknown"
MERGE_GAP_S = 2.0
"""Pieces of one speaker in a row, closer than this, are one turn."""
PAUSE_S = 0.8
"""A pause this long ends a run of words, so that overlapping channels interleave in the order of speech."""
WORDS_PER_SECOND = 150 / 60
"""Conversational English; used only where a file has no times."""
NO_TIMES = "the file has no times: they are estimated from word counts at 150 words per minute"
NO_ENDS = "the file has no end times: they are estimated from word counts at 150 words per minute"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words by one speaker; times in seconds, None where the file gives none; `words` where it gives them."""

    speaker: str
    text: str
    t0: float | None = None
    t1: float | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """One recognised word or punctuation mark; `glued` joins it to the word before without a blank."""

    text: str
    t0: float | None = None
    t1: float | None = None
    prob: float | None = None
    speaker: str = ""
    glued: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found: pieces, and the facts of the call that the file states."""

    pieces: Sequence[Piece]
    call_id: str = ""
    meta: CallMeta = field(default_factory=CallMeta)
    language: str = ""
    notes: tuple[str, ...] = ()


def assemble(draft: Draft, *, form: str, where: str, merge: bool = True) -> Transcript:
    """The transcript of a draft; `form` is the format's name. Without `merge` each piece stays a turn of its own.

    Raises `TranscriptError` where nothing was said.
    """
    pieces = [piece for piece in map(_cleaned, draft.pieces) if piece.text]
    if not pieces:
        raise TranscriptError(f"{where}: no words in it; check that the right file was exported")
    notes = draft.notes
    if any(piece.t0 is None for piece in pieces):
        notes += (NO_TIMES,)
    elif any(piece.t1 is None for piece in pieces):
        notes += (NO_ENDS,)
    turns = sorted(_timed(pieces), key=lambda turn: turn.t0)
    return Transcript(
        call_id=clean_label(draft.call_id),
        meta=clean_meta(draft.meta),
        turns=tuple(_merged(turns) if merge else turns),
        hearing=Hearing(
            revision=form, language=language_code(draft.language), notes=tuple(clean_text(note) for note in notes)
        ),
    )


def clean_meta(meta: CallMeta) -> CallMeta:
    """The metadata with every text cleaned, at every depth."""
    facts: dict[str, Any] = {f.name: getattr(meta, f.name) for f in dataclasses.fields(meta)}
    cleaned = {key: clean_text(value) or None if isinstance(value, str) else value for key, value in facts.items()}
    return CallMeta(**{**cleaned, "extra": clean_tree(meta.extra)})


def _cleaned(piece: Piece) -> Piece:
    words = (Word(word.t0, word.t1, clean_text(word.text), word.prob) for word in piece.words)
    return dataclasses.replace(
        piece,
        speaker=clean_label(piece.speaker) or UNKNOWN,
        text=clean_text(piece.text),
        words=tuple(word for word in words if word.text),
    )


def _timed(pieces: Sequence[Piece]) -> list[Turn]:
    """Turns with every time known: given ones kept, missing ones laid out by word count up to the next given start."""
    turns: list[Turn] = []
    bounds = _next_starts(pieces)
    clock = 0.0
    for index, piece in enumerate(pieces):
        t0 = clock if piece.t0 is None else piece.t0
        length = len(piece.text.split()) / WORDS_PER_SECOND
        if piece.t1 is not None:
            t1 = max(t0, piece.t1)
        elif bounds[index] is None:
            t1 = t0 + length
        else:
            t1 = t0 + min(length, _share(pieces, index, t0, bounds[index] or t0))
        clock = t1
        turns.append(Turn(t0=t0, t1=t1, speaker=piece.speaker, text=piece.text, words=piece.words))
    return turns


def _next_starts(pieces: Sequence[Piece]) -> list[float | None]:
    """For each piece the next later start that the file gives, None at the end."""
    found: list[float | None] = [None] * len(pieces)
    upcoming: float | None = None
    for index in range(len(pieces) - 2, -1, -1):
        start, own = pieces[index + 1].t0, pieces[index].t0
        if start is not None and (own is None or start > own):
            upcoming = start
        found[index] = upcoming if own is None or upcoming is None or upcoming > own else None
    return found


def _share(pieces: Sequence[Piece], index: int, t0: float, until: float) -> float:
    """The piece's part, by word count, of the room up to `until`, which untimed pieces after it share with it."""
    own = total = len(pieces[index].text.split())
    for piece in pieces[index + 1 : index + 50]:
        if piece.t0 is not None:
            break
        total += len(piece.text.split())
    return max(0.0, until - t0) * own / max(1, total)


def _merged(turns: Iterable[Turn]) -> list[Turn]:
    """Consecutive turns of one speaker less than `MERGE_GAP_S` apart made one. Linear: parts are joined once."""
    runs: list[list[Turn]] = []
    end = 0.0
    for turn in turns:
        if runs and runs[-1][0].speaker == turn.speaker and turn.t0 - end < MERGE_GAP_S:
            runs[-1].append(turn)
            end = max(end, turn.t1)
        else:
            runs.append([turn])
            end = turn.t1
    return [run[0] if len(run) == 1 else _joined(run) for run in runs]


def _joined(run: Sequence[Turn]) -> Turn:
    # Words are kept only where every part has them: half a turn's words would look like the whole turn's.
    whole = all(turn.words for turn in run)
    return Turn(
        t0=run[0].t0,
        t1=max(turn.t1 for turn in run),
        speaker=run[0].speaker,
        text=" ".join(turn.text for turn in run),
        words=tuple(word for turn in run for word in turn.words) if whole else (),
    )


def from_words(tokens: Iterable[Token]) -> list[Piece]:
    """Group one stream of words into pieces: a new one at each change of speaker and each pause over `PAUSE_S`."""
    runs: list[list[Token]] = []
    end: float | None = None
    for token in tokens:
        if not token.text.strip():
            continue
        pause = token.t0 is not None and end is not None and token.t0 - end >= PAUSE_S
        if runs and (token.glued or (token.speaker == runs[-1][0].speaker and not pause)):
            runs[-1].append(token)
        else:
            runs.append([token])
        end = token.t1 if token.t1 is not None else end
    return [_piece(run) for run in runs]


def _piece(run: Sequence[Token]) -> Piece:
    words = timed_words(run)
    timed = [token for token in run if token.t0 is not None]
    return Piece(
        speaker=run[0].speaker,
        text="".join(("" if token.glued or not i else " ") + token.text.strip() for i, token in enumerate(run)),
        t0=words[0].t0 if timed and words else None,
        t1=max(word.t1 for word in words) if timed and words else None,
        words=words if timed else (),
    )


def timed_words(tokens: Sequence[Token], *, t0: float | None = None, t1: float | None = None) -> tuple[Word, ...]:
    """Words of one piece, punctuation joined to the word before it, missing times spread between the known ones.

    `t0` and `t1` bound the piece; without any known time there are no words.
    """
    joined: list[Token] = []
    for token in tokens:
        text = token.text.strip()
        if token.glued and joined:
            joined[-1] = dataclasses.replace(joined[-1], text=joined[-1].text + text)
        elif text:
            joined.append(dataclasses.replace(token, text=text))
    known = [token for token in joined if token.t0 is not None]
    if not known:
        return ()
    start = t0 if t0 is not None else known[0].t0 or 0.0
    last = known[-1]
    end = max(t1 or 0.0, last.t1 if last.t1 is not None else last.t0 or 0.0)
    words: list[Word] = []
    index = 0
    while index < len(joined):
        token = joined[index]
        if token.t0 is not None:
            words.append(Word(token.t0, max(token.t0, token.t1 or token.t0), token.text, token.prob))
            index += 1
            continue
        stop = next((k for k in range(index, len(joined)) if joined[k].t0 is not None), len(joined))
        left = words[-1].t1 if words else start
        right = max(left, (joined[stop].t0 or left) if stop < len(joined) else end)
        step = (right - left) / (stop - index)
        for k in range(index, stop):
            at = left + (k - index) * step
            words.append(Word(at, at + step, joined[k].text, joined[k].prob))
        index = stop
    return tuple(words)


_LANGUAGES = {
    "english": "en",
    "eng": "en",
    "und": "en",
    "deu": "de",
    "fra": "fr",
    "spa": "es",
    "ita": "it",
    "por": "pt",
    "nld": "nl",
    "german": "de",
    "french": "fr",
    "spanish": "es",
    "italian": "it",
    "portuguese": "pt",
    "dutch": "nl",
    "polish": "pl",
    "swedish": "sv",
    "danish": "da",
    "norwegian": "no",
    "finnish": "fi",
    "japanese": "ja",
    "chinese": "zh",
    "korean": "ko",
    "russian": "ru",
    "turkish": "tr",
    "arabic": "ar",
    "hindi": "hi",
}


def language_code(given: str) -> str:
    """`en` of `en-US`, `en_us`, `eng` or `english`; `en`, this program's default, where the file does not say."""
    name = clean_label(given).lower()
    code = _LANGUAGES.get(name, name.replace("_", "-").partition("-")[0])
    return code if code.isalpha() and 2 <= len(code) <= 3 else "en"
