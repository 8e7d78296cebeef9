"""What all commands share: options, output, the data folder, and where unexpected errors are written."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.errors import SettingsError
    from pipeline.store import Store


def given_path(text: str) -> Path:
    """A path as it was typed. Nothing at all is no path: an unset shell variable would stand for the current folder."""
    if not str(text).strip():
        raise typer.BadParameter("the path is empty")
    return Path(text)


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data folder; else DEBRIEF_DATA, else debrief-data/.",
        show_default=False,
        parser=given_path,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line instead of text.")]

WIDTH = 80
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_HALF = re.compile(r"\\ud[89a-f]")
_chosen: list[Path] = []
"""The data folder of this run: from `--data` before the command's name, then as the settings resolved it."""


class NotThereYet(Exception):
    """A command or an option of it that this version does not have."""


def choose_data(data: Path | None) -> None:
    """Remember a data folder that was named before the command; one named after it wins."""
    _chosen[:] = [data] if data else []


def settings_of(
    data: Path | None,
    *,
    default: Path | None = None,
    on_problem: Callable[[SettingsError], None] | None = None,
    **changes: Any,
) -> Settings:
    """The data folder's settings, with a command's own options on top (None leaves a setting as it is).

    `default` is the data folder of a command that does not work in the usual one. Raises `SettingsError`, unless
    `on_problem` takes it.
    """
    import dataclasses

    settings = load_settings(data or (_chosen[0] if _chosen else default), on_problem=on_problem)
    _require_folder(settings.data)
    _chosen[:] = [settings.data]
    return dataclasses.replace(settings, **{key: value for key, value in changes.items() if value is not None})


def _require_folder(data: Path) -> None:
    """Raise `StoreError` where a file stands in a data folder's place."""
    from pipeline.errors import StoreError

    place = data.absolute()
    there = next(path for path in (place, *place.parents) if os.path.lexists(path) or path == path.parent)
    if os.path.exists(there) and not os.path.isdir(there):
        raise StoreError(f"{there}: is a file, not a folder; name a folder with --data")


def require_data(settings: Settings) -> Path:
    """The data folder, for what only reads or changes it. Raises `StoreError` where there is none."""
    from pipeline.errors import StoreError

    if not settings.data.is_dir():
        raise StoreError(
            f"{settings.data}: no such data folder; `debrief process PATH` makes it, or name one with --data"
        )
    return settings.data


def open_store(settings: Settings) -> Store:
    """The store, brought up to date with the record files. Raises `StoreError`s."""
    from pipeline.store import Store

    store = Store(require_data(settings))
    try:
        store.catch_up()
    except BaseException:
        store.close()
        raise
    return store


def record_of(store: Store, call: str, *, listed: str = "`debrief scorecard` lists them") -> dict[str, Any]:
    """A call's record, by its id or the beginning of it. Raises `StoreError`, which says where calls are `listed`."""
    from pipeline.errors import StoreError

    record = store.record(call)
    if record is None:
        raise StoreError(f"{call}: no such call; {listed}")
    return record


def console(*, stderr: bool = False) -> Console:
    """Where text goes: 80 columns where the terminal is wider or there is none, no markup, no highlighting."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)
    return (
        made
        if made.is_terminal and made.width < WIDTH
        else Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=WIDTH)
    )


def emit(row: Mapping[str, Any], *, now: bool = False) -> None:
    """One JSON object as one line on stdout; ASCII, so that any terminal and any text survive. `now`: for a reader that
    waits for each, where a pipe would hold lines back until there are many."""
    line = json.dumps(row, allow_nan=False, default=_plain)
    if _HALF.search(line):
        # a file's name that is no UTF-8: half a character is no JSON to strict readers
        whole = json.dumps(row, ensure_ascii=False, default=_plain).encode("utf-8", "replace")
        line = json.dumps(json.loads(whole))
    sys.stdout.write(line + "\n")
    if now:
        sys.stdout.flush()


def show_table(
    title: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    none: str,
    *,
    as_json: bool,
    behind: str = "",
) -> None:
    """Rows as JSON, else as a table with these headings by key and `behind` under it, or `none` where there are no
    rows."""
    from pipeline.cli.render import rows_table

    if as_json:
        for row in rows:
            emit(row)
    else:
        out = console()
        out.print(rows_table(title, columns, rows) if rows else none)
        if rows and behind:
            out.print(behind, style="dim")


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def clean(text: object) -> str:
    """Text from files, without terminal escapes, other control characters and bidirectional overrides."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text).encode("utf-8", "replace").decode("utf-8"))


def one_line(text: object) -> str:
    """`clean` text on one line."""
    return " ".join(clean(text).split())


def spaced(*parts: object, indent: int = 0) -> str:
    """`clean` parts on one line, two blanks between them and `indent` before; what is empty is left out."""
    return " " * indent + "  ".join(text for part in parts if (text := one_line("" if part is None else part)))


def log_unexpected(error: BaseException) -> Path:
    """Append a traceback to the data folder's log (or a temporary one); where it is."""
    folder = _chosen[0] / "logs" if _chosen and os.path.isdir(_chosen[0]) else Path(tempfile.gettempdir())
    place = folder / "debrief.log"
    stamp = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    text = f"{stamp} {' '.join(sys.argv)}\n{''.join(traceback.format_exception(error))}\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with place.open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        sys.stderr.write(text)
    return place
