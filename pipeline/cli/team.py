"""Commands of managing a team: import, accountability, commitments, digest, calendar, CRM."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.shared import Data, Json, console, emit, given_path, one_line, open_store, settings_of, show_table
from pipeline.days import iso_day
from pipeline.errors import SettingsError
from pipeline.wording import counted

if TYPE_CHECKING:
    from pipeline.settings import Settings

IMPORTS = ("sessions", "quota", "activity")

crm = typer.Typer(help="Accounts for your CRM: as CSV, or sent to an address that you set.", no_args_is_help=True)

Rep = Annotated[str | None, typer.Option("--rep", metavar="R", help="One rep.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write there instead of to the terminal.", parser=given_path),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("import")(import_)
    app.command("accountability")(accountability)
    app.command("commitments")(commitments)
    app.command("digest")(digest)
    app.command("calendar")(calendar)


def import_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of: {', '.join(IMPORTS)}.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV files with a heading.", parser=given_path)
    ],
    data: Data = None,
) -> None:
    """Coaching sessions, quota or activity from CSV files. The same rows again change nothing."""
    if kind not in IMPORTS:
        raise typer.BadParameter(f"{kind}: one of {', '.join(IMPORTS)}", param_hint="KIND")
    from pipeline.coach.commands import import_csv
    from pipeline.errors import InputError
    from pipeline.store import Store

    problems: list[str] = []
    unheard: set[str] = set()
    taken = 0
    with Store(settings_of(data).data) as store:
        store.ingest()
        for file in files:
            try:
                found = import_csv(store, file, kind)
            except InputError as error:
                problems.append(str(error))
                continue
            taken += found.lines
            problems += found.problems
            unheard |= {*found.unheard}
    console().print(f"{counted(taken, 'row')} taken in")
    if unheard:
        names = ", ".join(sorted(unheard))
        console().print(one_line(f"no calls yet of {names}; names count as on the calls"), soft_wrap=True)
    for line in problems:
        print(f"debrief: {one_line(line)}", file=sys.stderr)
    if problems:
        raise typer.Exit(1)


def accountability(rep: Rep = None, as_json: Json = False, data: Data = None) -> None:
    """Support given beside results, per rep, with warnings where holding to account is not fair."""
    from pipeline.cli.render import accountability_text
    from pipeline.coach.commands import support_rows

    settings = settings_of(data)
    with open_store(settings) as store:
        rows = support_rows(store, settings=settings, name=rep)
    if as_json:
        for row in rows:
            emit(row)
        return
    out = console()
    for row in rows:
        out.print(accountability_text(row))
    if not rows:
        out.print("no reps yet")


def commitments(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="An account or a rep.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """What was promised on calls: by whom, for when, and whether later calls show that it was done."""
    from pipeline.cli.render import commitment_text
    from pipeline.coach.commands import commitment_rows

    settings = settings_of(data)
    with open_store(settings) as store:
        rows = commitment_rows(store, settings=settings, name=name)
    out = console()
    for row in rows:
        emit(row) if as_json else out.print(commitment_text(row))
    if not rows and not as_json:
        out.print("nobody promised anything on the calls of the last year")


def digest(
    rep: Rep = None,
    team: Annotated[str | None, typer.Option("--team", metavar="T", help="One team.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="Last day of the week shown.")] = None,
    html: Annotated[bool, typer.Option("--html", help="An HTML page instead of text.")] = False,
    base: Annotated[
        str, typer.Option("--base", metavar="URL", help="The web app's address, for links; else `public_url`.")
    ] = "",
    send: Annotated[
        bool, typer.Option("--send", help="Write it and send it, quotes of calls too, where the nightly digest goes.")
    ] = False,
    out: Out = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """The week of all teams, of a team (--team), or of a rep (--rep)."""
    from pipeline.coach.commands import digest_of
    from pipeline.coach.digest import digest_html, digest_text, to_send
    from pipeline.settings import public_address

    if rep is not None and team is not None:
        raise typer.BadParameter("the week of a rep or of a team, not both", param_hint="--rep / --team")
    settings = settings_of(data)
    base = (base or (public_address(settings) if html else settings.public_url)).rstrip("/")
    with open_store(settings) as store:
        found = digest_of(store, settings=settings, rep=rep, team=team, as_of=iso_day(as_of) if as_of else None)
    if send:
        from pipeline.deliver import deliver

        done = deliver(to_send(found, base=base), settings)
        console().print(
            one_line(f"written to {done['file']}; sent by: {', '.join(done['sent']) or 'nothing'}"), soft_wrap=True
        )
        for line in done["problems"]:
            print(f"debrief: {one_line(line)}", file=sys.stderr)
        raise typer.Exit(1 if done["problems"] else 0)
    if as_json:
        emit(found.to_json())
        return
    _write(digest_html(found, base=base) if html else digest_text(found, base=base), out, of=settings)


def calendar(rep: Rep = None, out: Out = None, data: Data = None) -> None:
    """Coaching sessions, training due and days agreed with buyers as a calendar file (.ics)."""
    from pipeline.coach.commands import calendar_of

    settings = settings_of(data)
    with open_store(settings) as store:
        content = calendar_of(store, settings=settings, rep=rep)
    _write(content, out, of=settings)


@crm.command("export")
def crm_export(out: Out = None, as_json: Json = False, data: Data = None) -> None:
    """One line per account under the field names of your CRM (setting `crm`), as CSV."""
    from pipeline.coach.commands import crm_records
    from pipeline.coach.crm import to_csv

    settings = settings_of(data)
    with open_store(settings) as store:
        rows, fields = crm_records(store, settings=settings)
    if as_json:
        for row in rows:
            emit(row)
        return
    _write(to_csv(rows, fields) if out is None else to_csv(rows, fields).encode("utf-8-sig"), out, of=settings)


@crm.command("fields")
def crm_fields(as_json: Json = False, data: Data = None) -> None:
    """The fields that are written, and what type a custom one must be."""
    from pipeline.coach.crm import field_rows, fields_for

    settings = settings_of(data)
    rows = field_rows(fields_for(settings.crm, settings.data))
    columns = {"field": "Field", "fact": "Holds", "type": "Type"}
    show_table(f"Fields of {settings.crm}", columns, rows, "crm.yaml leaves no field", as_json=as_json)


@crm.command("push")
def crm_push(data: Data = None) -> None:
    """Send the same to `crm_url`. Nothing is sent unless that is set."""
    from pipeline.coach.commands import crm_records
    from pipeline.coach.crm import checked_url, push

    settings = settings_of(data)
    if not settings.crm_url:
        raise SettingsError(
            "crm_url is not set, so nothing is sent; set it in debrief.toml, or use `debrief crm export`"
        )
    checked_url(settings.crm_url)
    with open_store(settings) as store:
        rows, _ = crm_records(store, settings=settings)
    console().print(f"{counted(push(settings.crm_url, settings.crm, rows), 'account')} sent")


def _write(content: str | bytes, out: Path | None, *, of: Settings) -> None:
    """To the file where one is named, else to the terminal or pipe. As an export `of` a data folder it is remembered
    there: it goes when somebody is erased."""
    from pipeline.cli.shared import clean
    from pipeline.keep import write_atomically
    from pipeline.register import wrote

    if out is None:
        text = content if isinstance(content, str) else content.decode()
        if sys.stdout.isatty():
            sys.stdout.write(clean(text.replace("\r\n", "\n")))
        else:  # `> team.ics`: calendars want the ends of lines that the standard wants
            sys.stdout.buffer.write(text.encode())
        return
    write_atomically(out.absolute(), content.encode() if isinstance(content, str) else content)
    wrote(of.data, "export", out, [out])
    console().print(one_line(f"written to {out}"), soft_wrap=True)
