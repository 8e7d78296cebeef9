"""Commands about reps' enrolled voices: list, enrol, forget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, given_path, one_line, require_data, settings_of, show_table
from pipeline.wording import counted

if TYPE_CHECKING:
    from pipeline.diarize import Diarization
    from pipeline.settings import Settings

app = typer.Typer(help="Reps' voices, enrolled with their consent: list, enrol, forget.", no_args_is_help=True)

_COLUMNS = {"rep": "Rep", "line": "Line", "seconds": "Seconds", "consent": "Consent", "at": "Recorded"}


@app.command("list")
def list_voices(as_json: Json = False, data: Data = None) -> None:
    """Whose voice is enrolled, over which kind of line, and on what consent. The voice itself is not shown."""
    from pipeline.voices import known_voices

    rows = [_row(voice) for voice in known_voices(require_data(settings_of(data)))]
    show_table("Voices", _COLUMNS, rows, "no voice is enrolled", as_json=as_json)


def _row(voice: Any) -> dict[str, Any]:
    return {
        "rep": voice.rep,
        "line": voice.line,
        "seconds": round(voice.seconds),
        "consent": voice.consent.get("given", ""),
        "at": voice.consent.get("at", ""),
        "source": voice.source,
    }


@app.command("enrol")
def enrol(
    rep: Annotated[str, typer.Argument(metavar="REP", help="The rep's name, as in the calls.")],
    recording: Annotated[
        Path,
        typer.Argument(metavar="RECORDING", help="At least 20 s of the rep over the usual line.", parser=given_path),
    ],
    consent: Annotated[
        str, typer.Option("--consent", metavar="TEXT", help="How the rep agreed, for example: signed form, 1 October.")
    ],
    speaker: Annotated[
        str | None,
        typer.Option("--speaker", metavar="LABEL", help="Which speaker it is, where there is more than one."),
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Enrol a rep's voice, so that calls without other hints can be told apart. Needs the rep's recorded consent."""
    from pipeline.voices import enrol as keep_voice

    settings = settings_of(data)
    found = _diarized(recording, settings, alone=speaker is None)
    voice = keep_voice(
        settings.data, rep, found, speaker or _only(found, recording), consent=consent, source=recording.name
    )
    if as_json:
        emit(_row(voice))
    else:
        what = f"enrolled from {voice.seconds:.0f} s over a {voice.line} line"
        console().print(one_line(f"{voice.rep}: {what}; `debrief voices forget` deletes it"), soft_wrap=True)


def _diarized(recording: Path, settings: Settings, *, alone: bool) -> Diarization:
    import dataclasses

    from pipeline.audio import load_audio, require_speech
    from pipeline.diarize import diarize

    audio = load_audio(recording, max_hours=settings.max_hours)
    speech = require_speech(recording, audio)
    if alone and audio.channels == 1:
        # one voice is what the user says is there; the count decides, not a guess of two
        settings = dataclasses.replace(settings, speakers=1)
    return diarize(audio, speech, settings=settings)


def _only(found: Diarization, recording: Path) -> str:
    from pipeline.errors import AudioError

    labels = sorted({span.speaker for span in found.spans})
    if len(labels) != 1:
        raise AudioError(f"{recording}: {len(labels)} speakers ({', '.join(labels)}); say which with --speaker")
    return labels[0]


@app.command("forget")
def forget(
    rep: Annotated[str, typer.Argument(metavar="REP", help="Whose voice to delete.")],
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Delete a rep's enrolled voice. Exits with 1 where there is none."""
    from pipeline.voices import forget as delete

    gone = delete(require_data(settings_of(data)), rep)
    if as_json:
        emit({"rep": rep, "deleted": gone})
    else:
        said = f"{counted(gone, 'enrolled voice')} deleted" if gone else "no voice is enrolled"
        console().print(one_line(f"{rep}: {said}"))
    if not gone:
        raise typer.Exit(1)
