"""The `training` commands: what is assigned and what came of it; done, drop, move, note; the library."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.cli.coaching import show
from pipeline.cli.shared import (
    Data,
    Json,
    choose_data,
    console,
    emit,
    one_line,
    open_store,
    settings_of,
    show_table,
    spaced,
)
from pipeline.days import iso_day

app = typer.Typer(
    help="Training for the gaps: what is assigned, what came of it, what there is.", invoke_without_command=True
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The assignment; its first 4 characters are enough.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="What to remember about it.")]

_EFFECTS = {
    "module": "Module",
    "measured": "Measured",
    "verdict": "Verdict",
    "effect": "Effect",
    "low": "From",
    "high": "To",
}
_REMINDERS = {"rep": "Rep", "title": "Module", "due_on": "Due", "reminder": "Reminder"}
_MODULES = {"id": "Module", "levels": "Levels", "minutes": "Min", "title": "Title"}


@app.callback()
def training(
    context: typer.Context,
    rep: Annotated[str | None, typer.Option("--rep", metavar="R", help="One rep's training.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Training assigned for the gaps, and what came of it."""
    if context.invoked_subcommand is None:
        show("training", rep, data=data, as_json=as_json)
        return
    for option, given in {"--rep": rep is not None, "--json": as_json}.items():
        if given:
            after = f"debrief training {context.invoked_subcommand}"
            raise typer.BadParameter(f"goes after `{after}`, where that takes it", param_hint=option)
    if data:
        choose_data(data)


@app.command("show")
def show_one(name: Id, as_json: Json = False, data: Data = None) -> None:
    """One training in full: why, what to do, the rep's own moments and colleagues' best ones."""
    from pipeline.cli.training_text import training_text
    from pipeline.coach import trainer

    settings = settings_of(data)
    with open_store(settings) as store:
        row = trainer.one_row(store, settings=settings, name=name)
    emit(row) if as_json else console().print(training_text(row))


@app.command("done")
def done(
    name: Id,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day, else today (YYYY-MM-DD).")] = None,
    note: Note = "",
    data: Data = None,
) -> None:
    """Mark training done; its effect is measured from that day on."""
    from pipeline.coach import trainer

    with open_store(settings_of(data)) as store:
        _say(trainer.mark_done(store, name=name, on=iso_day(on) if on else None, note=note))


@app.command("drop")
def drop(
    name: Id,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept with it.")] = "",
    data: Data = None,
) -> None:
    """Take training back; it is not assigned again until new calls show the gap."""
    from pipeline.coach import trainer

    with open_store(settings_of(data)) as store:
        _say(trainer.drop(store, name=name, why=why))


@app.command("reopen")
def reopen(name: Id, data: Data = None) -> None:
    """Open training again that was marked done or dropped."""
    from pipeline.coach import trainer

    with open_store(settings_of(data)) as store:
        _say(trainer.reopen(store, name=name))


@app.command("due")
def due(name: Id, day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD.")], data: Data = None) -> None:
    """Move the day on which training is due."""
    from pipeline.coach import trainer

    with open_store(settings_of(data)) as store:
        _say(trainer.move_due(store, name=name, due_on=iso_day(day)))


@app.command("note")
def note(name: Id, text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")], data: Data = None) -> None:
    """Add a note to training."""
    from pipeline.coach import trainer

    with open_store(settings_of(data)) as store:
        _say(trainer.note(store, name=name, text=text))


@app.command("assign")
def assign(
    rep: Annotated[str, typer.Argument(metavar="REP", help="Who is to be trained.")],
    module: Annotated[str, typer.Argument(metavar="MODULE", help="`debrief training modules` lists them.")],
    criterion: Annotated[str | None, typer.Option("--for", metavar="CRITERION", help="Else the module's own.")] = None,
    day: Annotated[str | None, typer.Option("--due", metavar="DATE", help="YYYY-MM-DD, else in two weeks.")] = None,
    note: Note = "",
    data: Data = None,
) -> None:
    """Assign a module by hand. No rep has more than two open at once."""
    from pipeline.coach import trainer

    settings = settings_of(data)
    due_on = iso_day(day) if day else None
    with open_store(settings) as store:
        _say(
            trainer.assign(
                store, settings=settings, rep=rep, module=module, criterion=criterion, due_on=due_on, note=note
            )
        )


@app.command("reminders")
def reminders(as_json: Json = False, data: Data = None) -> None:
    """Open training that is due within three days or overdue."""
    from pipeline.coach import trainer

    with open_store(settings_of(data)) as store:
        rows = trainer.reminder_rows(store)
    show_table("Reminders", _REMINDERS, rows, "nothing is due", as_json=as_json)


@app.command("effects")
def effects(as_json: Json = False, data: Data = None) -> None:
    """What each module did, against peers who had no training; or that it is too early to tell."""
    from pipeline.coach import trainer

    settings = settings_of(data)
    with open_store(settings) as store:
        rows = trainer.effect_rows(store, settings=settings)
    shown = [{**row, "verdict": ": ".join(filter(None, (row["verdict"], row["reason"])))} for row in rows]
    show_table(
        "Effect per module, in levels",
        _EFFECTS,
        rows if as_json else shown,
        "no training is done yet",
        as_json=as_json,
        behind="The trainings measured: `--json` names them, `debrief training --json` their calls.",
    )


@app.command("modules")
def modules(
    name: Annotated[str | None, typer.Argument(metavar="[MODULE]", help="One module in full.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """The training library as it is taught here, adapted by the company's profile."""
    from pipeline.cli.render import nested_text
    from pipeline.coach import trainer

    rows = trainer.module_rows(settings_of(data), name=name)
    if name is not None and not as_json:
        console().print(nested_text(rows[0]))
        return
    shown = [{**row, "levels": f"{row['low']}-{row['high']}"} for row in rows]
    show_table("Modules", _MODULES, rows if as_json else shown, "", as_json=as_json)


@app.command("edit")
def edit(
    name: Annotated[str, typer.Argument(metavar="MODULE", help="`debrief training modules` lists them.")],
    data: Data = None,
) -> None:
    """Put a module into `training/` of the data folder, where your changes to it count from then on."""
    from pipeline.coach import trainer

    path = trainer.copy_module(settings_of(data), name=name)
    console().print(
        one_line(f"{path}: change it there; `debrief training modules {name}` shows what is taught"), soft_wrap=True
    )


def _say(row: dict[str, Any]) -> None:
    text = f"{row['rep']}: {row['title']}, {row['status']}, due {row['due_on']}"
    done_on = f", on {row['completed_on']}" if row["completed_on"] else ""
    console().print(spaced(row["assignment_id"], text + done_on), soft_wrap=True)
