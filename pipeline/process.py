"""The sequence for one call: read or transcribe, resolve roles, judge; the outcome is a record, ready to keep as JSON.

A record says what became of the call (`status`):
`scored`; `abstained` (too poorly heard to be scored fairly); `review` (a person must say who the rep is);
`withheld` (without consent: nothing is kept of it);
`failed` (the file cannot become a call, or an engine failed on it).
The same input, settings and models give the same record.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pipeline import consent, days, erased, keep
from pipeline.assigned_reps import with_assigned_rep
from pipeline.assigned_roles import BY_PERSON, assign_roles, renamed, with_assigned_roles
from pipeline.claims import Claims
from pipeline.errors import DebriefError, EngineError, InputError, StoreError, TranscriptError, Withheld
from pipeline.ingest import Source
from pipeline.settings import Settings
from pipeline.speaker_names import given_anew
from pipeline.types import REP, CallMeta, Hearing, Scorecard, Transcript

if TYPE_CHECKING:
    from pipeline.rubric import Rubric

Record = dict[str, Any]


def debrief_version() -> str:
    """The installed version, or `0` in a checkout that was never installed."""
    try:
        return version("debrief")
    except PackageNotFoundError:
        return "0"


def process_source(source: Source, settings: Settings) -> Record:
    """One input's record: `call_id`, `status`, `reason`, `source`, `transcript`, `scorecard`, `provenance`.

    What is wrong with the file, an engine or the disk becomes status `failed`, with its one line and `kind` `input`,
    `engine` or `store`.
    Raises `RubricError` or `SettingsError` only: those are wrong for every call, not for this one.
    """
    try:
        transcript = _under_its_hash(source, read_or_hear(source, settings))
    except Withheld as withheld:
        return _record(source, settings, status="withheld", reason=str(withheld))
    except DebriefError as error:
        return _record(source, settings, status="failed", reason=str(error), kind=_kind(error))
    return _judged(source, transcript, settings)


def rescore(record: Record, settings: Settings, *, source: Source | None = None) -> Record:
    """A kept record judged again from its transcript, by the rubric and judge of now. Nothing is heard again.

    Where the input itself is given, its place and sidecar are read anew. Raises `TranscriptError` for a record without
    a transcript.
    """
    kept = record["source"]
    if not (record.get("transcript") or {}).get("turns"):
        raise TranscriptError(f"{kept['path']}: no transcript was kept; process the recording again")
    transcript = Transcript.from_json(record["transcript"], where=kept["path"])
    if source and kept["known"] != _known(source):
        if source.kind == "transcript":
            return process_source(source, settings)
        transcript = dataclasses.replace(transcript, meta=given_anew(source.meta(), transcript.meta))
    if transcript.hearing.roles_method != BY_PERSON:
        # once named, labels such as `rep` mean others than they did: naming them again would undo a swap
        transcript = with_assigned_roles(transcript, settings.data, kept["sha256"])
    return _judged(source or kept, transcript, settings)


def with_roles(record: Record, roles: Mapping[str, str], settings: Settings) -> Record:
    """A kept record with its speakers named by a person (`roles`: label to `rep`, `rep:Name`, `buyer:Name`), judged.

    Raises `TranscriptError` for a record without a transcript.
    """
    if not (record.get("transcript") or {}).get("turns"):
        raise TranscriptError(f"{record['source']['path']}: no transcript was kept; process the recording again")
    transcript = Transcript.from_json(record["transcript"], where=record["source"]["path"])
    return _judged(record["source"], renamed(transcript, roles), settings)


def correct_roles(record: Record, roles: Mapping[str, str], settings: Settings) -> Record:
    """`with_roles`, kept: what the person said as a fact for every hearing to come, and the record judged by it.

    The record is read anew: it may have lost its words, or been erased, since it was shown. Where the judge fails
    nothing is kept and `EngineError` is raised; `StoreError` where it cannot be written or the call is being worked on.
    """
    sha256, path = record["source"]["sha256"], record["source"]["path"]
    with Claims(settings.data / "claims") as claims:
        if not claims.take(sha256):
            raise StoreError(f"{path}: is being worked on; say who sells again in a few minutes")
        latest = keep.latest_record(settings.data, sha256)
        if latest is None or erased.is_marked(settings.data, sha256):
            raise StoreError(f"{path}: the call was erased")
        made = with_roles(latest, roles, settings)
        if made["status"] == "failed":
            raise EngineError(made["reason"])
        transcript = Transcript.from_json(latest["transcript"], where=path)
        # the fact first: were the record written and the fact lost, the next hearing would forget what was said
        assign_roles(settings.data, sha256, transcript, roles)
        keep.write_record(settings.data, made)
    return made


def read_or_hear(source: Source, settings: Settings) -> Transcript:
    """Words, turns and roles of an input, its metadata merged. Raises `DebriefError`s.

    Its `call_id` is the one that a transcript carries, else the content's. Raises `Withheld` for a call without
    consent, before a recording is opened.
    """
    if source.kind == "audio":
        consent.require(source.path, source.sha256, source.meta(), settings)
    if source.kind == "transcript":
        from pipeline.formats import read_transcript

        transcript = read_transcript(source.path)
    else:
        from pipeline.companion import hear_or_read

        transcript = hear_or_read(source, settings)
    if not any(turn.text.strip() for turn in transcript.turns):
        raise TranscriptError(f"{source.path}: no words in it; check that the right file was exported")
    transcript = dataclasses.replace(
        transcript,
        call_id=(source.kind == "transcript" and transcript.call_id) or source.call_id,
        meta=source.meta(transcript.meta),
    )
    consent.require(source.path, source.sha256, transcript.meta, settings)
    if not transcript.resolved:
        from pipeline.roles import resolve_roles

        transcript = resolve_roles(transcript, threshold=settings.min_roles_confidence)
    return _private(with_assigned_roles(transcript, settings.data, source.sha256), settings)


def _private(transcript: Transcript, settings: Settings) -> Transcript:
    """The transcript as it is kept: without private details, where the settings say so."""
    if not settings.redact_kept:
        return transcript
    from pipeline.redact import chosen_kinds, without_private

    return dataclasses.replace(transcript, turns=without_private(transcript.turns, kinds=chosen_kinds(settings.redact)))


def _under_its_hash(source: Source, transcript: Transcript) -> Transcript:
    """The transcript under the content's id, the one that it carried kept as `external_id`."""
    carried = {"external_id": transcript.call_id} if source.kind == "transcript" else {}
    known = transcript.call_id == source.call_id
    meta = transcript.meta if known else transcript.meta.merged(CallMeta(extra=carried))
    return dataclasses.replace(transcript, call_id=source.call_id, meta=meta)


def _judged(source: Source | Record, transcript: Transcript, settings: Settings) -> Record:
    sha256 = source["sha256"] if isinstance(source, dict) else source.sha256
    transcript = _day_noted(with_assigned_rep(transcript, settings.data, sha256))
    status, reason = _fit_to_score(transcript, settings)
    if status != "scored":
        return _record(source, settings, status=status, reason=reason, transcript=transcript)
    from pipeline.judge import score_call

    try:
        card = score_call(transcript, current_rubric(settings), settings=settings)
    except DebriefError as error:
        # the transcript is kept: hearing again is what costs
        return _record(source, settings, status="failed", reason=str(error), kind=_kind(error), transcript=transcript)
    return _record(source, settings, status="scored", reason="", transcript=transcript, card=card)


def _day_noted(transcript: Transcript) -> Transcript:
    """The transcript with what is doubtful about its day noted: first, as the last note may say why it waits."""
    heard = transcript.hearing
    rest = tuple(note for note in heard.notes if not note.startswith(days.DOUBT))
    notes = (*days.doubts(transcript.meta.date, transcript.meta.extra.get("timezone")), *rest)
    return dataclasses.replace(transcript, hearing=dataclasses.replace(heard, notes=notes))


def _fit_to_score(transcript: Transcript, settings: Settings) -> tuple[str, str]:
    """`scored`, or `abstained` or `review` with the reason."""
    heard = transcript.hearing
    if heard.expected_wer is not None and heard.expected_wer > settings.max_expected_wer:
        return "abstained", (
            f"about {heard.expected_wer:.0%} of the words are expected to be wrong with {heard.engine} "
            f"(limit {settings.max_expected_wer:.0%}), so it is not scored; {_remedy(heard)}"
        )
    labels = sorted({turn.speaker for turn in transcript.turns})
    if len(labels) == 1 and heard.roles_method == BY_PERSON:
        side = "the rep" if labels[0].startswith(REP) else "a buyer"
        return "abstained", f"only {side} speaks in it, so there is no conversation to score"
    why = heard.notes[-1] if heard.notes else "it is not certain who the rep is and who the buyer"
    if len(labels) == 1:
        # a person's word cannot make two of one, but it ends the wait
        who = f"debrief roles {transcript.call_id} --rep {shlex.quote(labels[0])} (the rep) or --swap (a buyer)"
        return "review", f"{why}; say who it is: {who}"
    if not transcript.resolved:
        return "review", f"{why}; say who sells, each with a --rep: debrief roles {transcript.call_id} --rep SPEAKER"
    return "scored", ""


def _remedy(heard: Hearing) -> str:
    from models.catalogue import recommended

    if heard.engine == "faster-whisper":
        return "a clearer recording is needed"
    return f"`debrief models pull {recommended()}` hears better, then process it again"


def current_rubric(settings: Settings) -> Rubric:
    """The rubric that the settings name. Raises `RubricError`."""
    from pipeline.rubric import load_rubric

    return load_rubric(settings.rubric)


def scoring(settings: Settings) -> dict[str, dict[str, str]]:
    """Who would score now: `{"rubric": {"id", "version"}, "judge": {"engine", "revision"}}`. Raises `DebriefError`s."""
    from models.judge_card import judge_identity

    rubric = current_rubric(settings)
    engine, revision = judge_identity(settings)
    return {
        "rubric": {"id": rubric.id, "version": rubric.version},
        "judge": {"engine": engine, "revision": revision},
    }


def _kind(error: DebriefError) -> str:
    if isinstance(error, StoreError):
        return "store"
    return "input" if isinstance(error, InputError) else "engine"


def _record(
    source: Source | Record,
    settings: Settings,
    *,
    status: str,
    reason: str,
    kind: str = "",
    transcript: Transcript | None = None,
    card: Scorecard | None = None,
) -> Record:
    heard = transcript.hearing if transcript else Hearing(engine="")
    where = source if isinstance(source, dict) else _source_row(source)
    row: Record = {
        "format": keep.RECORD_FORMAT,
        "call_id": transcript.call_id if transcript else where["sha256"][:16],
        "status": status,
        "reason": reason,
        "source": where,
        "transcript": transcript.to_json() if transcript else None,
        "scorecard": card.to_json() if card else None,
        "provenance": {
            "debrief": debrief_version(),
            "engine": heard.engine,
            "engine_revision": heard.revision,
            "diarizer": heard.diarizer,
            **_scored_by(card, transcript, settings),
        },
    }
    if kind:
        row["kind"] = kind
    return row


def _scored_by(card: Scorecard | None, transcript: Transcript | None, settings: Settings) -> dict[str, Any]:
    """Who scored, or would have, had the call been fit for it; nobody where there are no words."""
    if card:
        return {
            "rubric": {"id": card.rubric_id, "version": card.rubric_version},
            "judge": {"engine": card.judge_engine, "revision": card.judge_revision},
            "weights": {criterion.id: criterion.weight for criterion in current_rubric(settings).criteria},
        }
    return dict(scoring(settings)) if transcript else {"rubric": None, "judge": None}


def stale(record: Record, settings: Settings, *, now: dict[str, dict[str, str]], source: Source | None = None) -> str:
    """What a kept record needs to be up to date: `hear` it again, `score` it again, or nothing (empty).

    `now` is what `scoring` gives; `source` is the input as it lies there today, where it does.
    """
    made, kept = record["provenance"], record["transcript"]
    if kept.get("words_expired"):
        return ""
    if source and (record["source"]["known"].get("companion") or "") != source.companion_sha256:
        return "hear"
    if source and source.kind == "audio" and _speakers(record["source"]["known"]) != _speakers(_known(source)):
        return "hear"  # who spoke when is told apart by how many there are
    if record["status"] == "abstained" and source and source.kind == "audio" and _hears_otherwise(made, settings):
        return "hear"
    if record["status"] == "failed" or any(made[key] != now[key] for key in ("rubric", "judge")):
        return "score"
    if source and record["source"]["known"] != _known(source):
        return "score"
    if (
        record["status"] in ("abstained", "review")
        and _fit_to_score(Transcript.from_json(kept), settings)[0] != record["status"]
    ):
        return "score"
    return ""


def _speakers(known: Record) -> str:
    """How many people speak, as the file beside the recording says; empty where it does not."""
    return str((known.get("sidecar") or {}).get("speakers", ""))


def _hears_otherwise(made: Record, settings: Settings) -> bool:
    """Whether another engine would hear it now; none that is not there."""
    from pipeline.hear import choose_engine

    try:
        return bool(choose_engine(settings)[0] != made["engine"])
    except EngineError:
        return False


def _known(source: Source) -> Record:
    """What sidecar and path say, to see later whether they say something else."""
    beside = {"companion": source.companion_sha256} if source.companion_sha256 else {}
    return {"sidecar": source.sidecar.to_json(), "path": source.from_path.to_json(), **beside}


def _source_row(source: Source) -> Record:
    return {
        "path": str(source.path.absolute()),
        "sha256": source.sha256,
        "kind": source.kind,
        "format": source.format,
        "size": source.size,
        "mtime_ns": source.mtime_ns,
        "known": _known(source),
    }
