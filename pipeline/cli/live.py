"""The `live` command: cue cards during a call, from a transcript or recording that is being written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, given_path, one_line, require_data, settings_of
from pipeline.errors import StoreError
from pipeline.wording import counted

if TYPE_CHECKING:
    from pipeline.coach.live import Cue
    from pipeline.settings import Settings

POLL_S = 0.25
KINDS = ("stall", "competition", "price_terms", "other")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("live")(live)


def live(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A .wav, or lines of text, that is being written.", parser=given_path),
    ],
    rep: Annotated[str | None, typer.Option("--rep", metavar="NAME", help="The rep's name in the transcript.")] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="NAME", help="Whose call it is: what earlier calls told needs no card."),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=1, help="How long the call is planned for.")] = 30.0,
    idle: Annotated[
        float, typer.Option("--idle", min=0, help="Stop after so many seconds without anything new.")
    ] = 120.0,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Cue cards while you are on a call: objections, price before value, nobody who decides, no next step."""
    settings = settings_of(data)
    shown = 0
    try:
        for cue in cues(file, settings, rep=rep, account=account, minutes=minutes, idle=idle):
            shown += 1
            emit(cue.to_json(), now=True) if as_json else _print(cue)
    except KeyboardInterrupt:
        pass
    if not as_json:
        console().print(
            f"{counted(shown, 'card')}; `debrief process {one_line(file)}` scores the call once it is complete"
        )


def cues(file: Path, settings: Settings, *, rep: str | None, account: str | None, minutes: float, idle: float) -> Any:
    """Cards as they come, until nothing new has come for `idle` seconds. Raises `InputError`s, and `StoreError` where
    `account` cannot be looked up."""
    from models.judge_model import load_judge
    from models.live_judge import LiveJudge
    from pipeline.coach.live import Live
    from pipeline.coach.profile import load_profile
    from pipeline.follow import Lines, Roles, follow

    follower = follow(file, settings)
    roles = Roles(rep)
    worked, needless = known_before(settings, account)
    # loaded before the first words, so that the first card is not late
    call = Live(
        LiveJudge(load_judge()).read,
        worked=worked,
        planned=minutes,
        name=roles.name,
        rivals=load_profile(settings.data).competitors,
        shown=needless,
    )
    start = last = time.monotonic()
    if isinstance(follower, Lines):
        follower.clock = lambda: time.monotonic() - start
    told = False
    while time.monotonic() - last < idle:
        turns = follower.poll()
        for turn in turns:
            roles.hear(turn)
        if not told and (speakers := roles.missing()):
            told = True
            _say_missing(rep or "", speakers)
        if turns:
            # what came in together is read together: a late start is caught up with at once
            yield from call.add(*turns)
            last = time.monotonic()
        else:
            yield from call.tick(max(time.monotonic() - start, call.turns[-1].t1 if call.turns else 0.0))
            time.sleep(POLL_S)
    turns = follower.rest()
    for turn in turns:
        roles.hear(turn)
    if turns:
        yield from call.add(*turns)


def _say_missing(rep: str, speakers: list[str]) -> None:
    line = f"nobody who speaks is called '{rep}', so all are taken for buyers; --rep may be {', '.join(speakers)}"
    console(stderr=True).print(one_line(line), soft_wrap=True)


def known_before(settings: Settings, account: str | None) -> tuple[dict[str, str], set[str]]:
    """What the store tells before the call: per kind of objection the words of an answer that settled one, and the
    cards that the account's earlier calls make needless. Empty where there is no store or it is busy.

    Raises `StoreError` where an account is named that cannot be looked up.
    """
    from pipeline.coach.commands import account_rows, answers_that_worked
    from pipeline.coach.live import not_needed
    from pipeline.store import Store

    if account:
        require_data(settings)
    elif not settings.data.is_dir():
        return {}, set()
    try:
        with Store(settings.data, wait_s=0.5) as store:
            store.ingest()
            rows = account_rows(store, settings=settings, name=account) if account else []
            facts = rows[0] if rows else {}
            return answers_that_worked(store, settings=settings), not_needed(facts)
    except StoreError:
        if account:
            raise
        return {}, set()


def _print(cue: Cue) -> None:
    from pipeline.cli.render import cue_text

    console().print(cue_text(cue.to_json()))
