"""Commands about rubrics: check one, and see which stored scores a change would move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, one_line, settings_of
from pipeline.wording import counted

Row = Mapping[str, Any]

app = typer.Typer(help="Check a rubric; see what a changed one would move.", no_args_is_help=True)


@app.command("check")
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A rubric in YAML, or a shipped rubric's name.")],
    as_json: Json = False,
) -> None:
    """Say whether a rubric holds together; each mistake with its line and what to do."""
    from pipeline.errors import RubricError
    from pipeline.rubric import check_text, load_rubric

    path = Path(file)
    mistakes: list[str] = []
    if path.suffix and path.is_file():
        try:
            mistakes = check_text(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise RubricError(f"{file}: not UTF-8 text; save it as UTF-8") from None
    rubric = None if mistakes else load_rubric(file)
    if as_json:
        emit({"file": file, "ok": not mistakes, "mistakes": mistakes, "version": rubric.version if rubric else None})
    elif rubric:
        console().print(f"{one_line(file)}: sound; {len(rubric.criteria)} criteria, version {rubric.version}")
    else:
        for mistake in mistakes:
            console().print(one_line(f"{file}: {mistake}"), soft_wrap=True)
    if mistakes:
        raise typer.Exit(1)


@app.command("diff")
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="The rubric as it is.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The rubric as it would be.")],
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Show what differs between two rubrics, and which scores of the kept calls would move and why.

    Nothing stored is changed.
    """
    from pipeline import keep
    from pipeline.rubric import load_rubric
    from pipeline.rubric_diff import rubric_changes
    from pipeline.rubric_moves import moves_of

    settings = settings_of(data)
    pair = load_rubric(old), load_rubric(new)
    changes = [change.to_json() for change in rubric_changes(*pair, engine=settings.judge)]
    kept = sorted({file.parent.name for file in keep.all_record_files(settings.data)})
    found = moves_of(kept, *pair, settings)
    moved, calls, failed = found["moved"], found["calls"], found["failed"]
    if as_json:
        for row in [*changes, *moved]:
            emit(row)
    else:
        _print(changes, moved, calls)
    for line in failed:
        console(stderr=True).print(one_line(line), soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _print(changes: Sequence[Row], moved: Sequence[Row], calls: int) -> None:
    from pipeline.cli.render import rows_table

    if changes:
        columns = {"criterion": "Criterion", "what": "Change", "effect": "Effect"}
        console().print(rows_table("What differs", columns, changes))
        console().print()
    of_calls = counted(calls, "call")
    if not moved:
        console().print(f"no score of {of_calls} would move")
        return
    shown = [
        {**row, "call": row["call_id"][:8], "before": _said(row["before"]), "after": _said(row["after"])}
        for row in moved
    ]
    columns = {
        "call": "Call",
        "rep": "Rep",
        "criterion": "Criterion",
        "before": "Before",
        "after": "After",
        "why": "Why",
    }
    console().print(rows_table(f"{counted(len(moved), 'score')} of {of_calls} would move", columns, shown))


def _said(value: float | str | None) -> str:
    return "-" if value is None else str(value)
