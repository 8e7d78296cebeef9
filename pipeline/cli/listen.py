"""Commands that keep nothing: transcribe and score."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.shared import Data, Json, console, emit, given_path, one_line, open_store, settings_of
from pipeline.errors import DebriefError, TranscriptError

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.types import Transcript


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("transcribe")(transcribe)
    app.command("score")(score)


def transcribe(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Recordings, or transcripts without roles.", parser=given_path),
    ] = None,
    speakers: Annotated[int | None, typer.Option("--speakers", min=1, help="How many people speak, if known.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="json, vtt, srt, txt, rttm, ctm or audacity: as files for other tools."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where --format writes a file each; else all to stdout.", parser=given_path
        ),
    ] = None,
    call: Annotated[
        str | None, typer.Option("--call", metavar="ID", help="A call that was processed, instead of files.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Words, speakers and roles of recordings; the roles of transcripts that have none yet. Keeps nothing.

    Files of a call (--call) hold its words whole, and are deleted when somebody is erased.
    """
    from pipeline.cli.render import transcript_text
    from pipeline.register import wrote

    if bool(files) == bool(call):
        raise typer.BadParameter("give files, or one call with --call", param_hint="FILE...")
    if form or out:
        from pipeline.formats import WRITERS

        form = form or "json"
        if form not in WRITERS:
            raise typer.BadParameter(f"{form}: one of {', '.join(WRITERS)}", param_hint="--format")
    settings = settings_of(data, speakers=speakers)

    def show(transcript: Transcript, name: str) -> None:
        if form:
            made = _write(transcript, name, form, out)
            if call and made:
                wrote(settings.data, "export", made, [made])
        elif as_json:
            emit(transcript.to_json())
        else:
            console().print(transcript_text(transcript))

    if call:
        show(_kept(call, settings), call)
    else:
        _each(files or [], settings, show)


def _write(transcript: Transcript, name: str, form: str, out: Path | None) -> Path | None:
    """The transcript in one of the export formats: to stdout, or as the file `name` in the folder `out`, which is
    given back."""
    from pipeline.errors import StoreError
    from pipeline.formats import WRITERS, write_transcript

    text = write_transcript(transcript, form)
    if out is None:
        sys.stdout.write(text)
        return None
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out}: is a file; name a folder with --out")
    path = out / f"{name}{WRITERS[form].suffix}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise StoreError(f"{path}: is there already and was left alone; name another folder with --out") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); name another folder with --out") from None
    console().print(one_line(path), soft_wrap=True)
    return path


def _kept(call: str, settings: Settings) -> Transcript:
    """The transcript of a processed call. Raises `StoreError` where there is none."""
    from pipeline.errors import StoreError
    from pipeline.types import Transcript

    with open_store(settings) as store:
        record = store.record(call)
    if not record or not record["transcript"]:
        raise StoreError(f"{call}: no such call with a transcript; `debrief scorecard` lists them")
    if not record["transcript"]["turns"]:
        raise StoreError(f"{call}: the words of this call are no longer kept; name its file instead, if you have it")
    return Transcript.from_json(record["transcript"], where=call)


def score(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="TRANSCRIPT...", help="Transcripts in any import format.", parser=given_path),
    ],
    rubric: Annotated[str | None, typer.Option("--rubric", metavar="NAME|FILE", help="Rubric to score by.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Judge transcripts and print their scorecards. Keeps nothing."""
    from pipeline.chat import keeping_no_answer
    from pipeline.cli.render import scorecard_text
    from pipeline.judge import score_call
    from pipeline.process import current_rubric

    settings = settings_of(data, rubric=rubric)
    by = current_rubric(settings)

    def show(transcript: Transcript, _: str) -> None:
        with keeping_no_answer(settings.data, transcript.turns):
            card = score_call(transcript, by, settings=settings).to_json()
        if as_json:
            emit(card)
        else:
            console().print(scorecard_text(card, by, transcript=transcript.to_json()))

    _each(files, settings, show, only_transcripts=True)


def _each(
    files: list[Path], settings: Settings, show: Callable[[Transcript, str], None], *, only_transcripts: bool = False
) -> None:
    """Show every file's transcript, given with the file's name; a line for each without one, and exit code 1 at the
    end.
    """
    err = console(stderr=True)
    failed = False
    for path in _expanded(files):
        try:
            with err.status(f"listening to {one_line(path.name)}"):
                transcript = _transcript(path, settings, only_transcripts=only_transcripts)
            show(transcript, path.stem)
        except DebriefError as error:
            text = one_line(error)
            err.print(text if one_line(path) in text else f"{one_line(path)}: {text}", soft_wrap=True)
            failed = True
    if failed:
        raise typer.Exit(1)


def _expanded(files: list[Path]) -> Iterator[Path]:
    from pipeline.ingest import discover

    return (found.path for found in discover(files))


def _transcript(path: Path, settings: Settings, *, only_transcripts: bool) -> Transcript:
    from pipeline.ingest import Found, identify
    from pipeline.process import read_or_hear

    source = identify(Found(path), pattern=settings.path_pattern)
    if only_transcripts and source.kind == "audio":
        raise TranscriptError(f"{path}: not a transcript; `debrief process` scores recordings")
    transcript = read_or_hear(source, settings)
    if source.kind == "transcript" and transcript.call_id == source.call_id:
        # a transcript without an id of its own is known by its file's name here, where nothing is kept
        transcript = dataclasses.replace(transcript, call_id=path.stem)
    return transcript
