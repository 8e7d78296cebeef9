"""Commands about models: the catalogue, fetching, verifying."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from pipeline.cli.shared import Json, console, emit, one_line

app = typer.Typer(help="Recognisers and other networks: list, fetch, verify.", no_args_is_help=True)

_COLUMNS = {"name": "Model", "use": "For", "state": "State", "megabytes": "MB", "licence": "Licence"}


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """The catalogue: what each model is for, its size and licence, and whether it is here."""
    from models.catalogue import catalogue_rows

    _show([dataclasses.asdict(row) for row in catalogue_rows()], as_json=as_json)


@app.command("pull")
def pull(name: Annotated[str, typer.Argument(metavar="NAME", help="A model of the catalogue.")]) -> None:
    """Fetch a model and verify it. The only command that uses the network for models."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from models.pull import pull as fetch

    out = console()
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        tasks: dict[str, int] = {}

        def told(file: str, so_far: int, total: int) -> None:
            task = tasks.setdefault(file, -1)
            if task < 0:
                task = tasks[file] = bar.add_task(one_line(file), total=total or None)
            bar.update(task, completed=so_far)  # type: ignore[arg-type]

        folder = fetch(name, progress=told)
    out.print(one_line(f"{name}: is here, in {folder}"), soft_wrap=True)


@app.command("check")
def check(as_json: Json = False) -> None:
    """Verify every model that is here against its pinned SHA-256. Exits with 1 when one is not as it should be."""
    from models.catalogue import catalogue_rows

    rows = [dataclasses.asdict(row) for row in catalogue_rows(anew=True) if row.state != "not here"]
    _show(rows, as_json=as_json)
    if any(row["state"] != "ready" for row in rows):
        raise typer.Exit(1)


def _show(rows: list[dict[str, object]], *, as_json: bool) -> None:
    from pipeline.cli.render import rows_table

    if as_json:
        for row in rows:
            emit(row)
    else:
        console().print(rows_table("Models", _COLUMNS, rows))
