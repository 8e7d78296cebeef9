"""Commands about users of the web app. Whoever may run them on this machine is an admin."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.shared import Data, Json, console, emit, one_line, require_data, settings_of
from pipeline.errors import AccessError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.access.book import AccessBook

app = typer.Typer(help="Who may sign in to the web app, as what, and API tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name, in any case.")]
Role = Annotated[str, typer.Option("--role", help="admin, manager, trainer or rep.")]
Rep = Annotated[str | None, typer.Option("--rep", metavar="R", help="A rep's name as on calls, else NAME.")]
Team = Annotated[list[str] | None, typer.Option("--team", metavar="T", help="A manager's team; repeat it for more.")]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]

WHO = "command line"
_LAST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC).timestamp()
"""The last day that can be shown: tokens could be made for longer once."""


@app.command("add")
def add(
    name: Name,
    role: Role,
    rep: Rep = None,
    team: Team = None,
    email: Annotated[
        str, typer.Option("--email", metavar="E", help="E-mail by which the sign-in provider finds them.")
    ] = "",
    password_stdin: Stdin = False,
    link: Annotated[bool, typer.Option("--link", help="No password: print a link to choose one by.")] = False,
    data: Data = None,
) -> None:
    """Add a user; asks for the password, unless they sign in with --email."""
    from pipeline.access.identities import Identities, checked_email
    from pipeline.access.people import checked_name, checked_role
    from pipeline.oidc.plan import passwords_count

    # a password is typed twice: what else is wrong is said before
    checked_name(name)
    checked_role(role)
    with _book(data, make=True) as book:
        email = checked_email(email) if email else ""
        link = link and passwords_count(settings_of(data))
        password = None if link or (email and not password_stdin) else _password(password_stdin)
        people = Identities(book)
        user = people.add_user(name, role, email=email, rep=rep, teams=team or (), password=password)
        _note(book, f"user {user.name}", f"added as {user.role_and_reach}")
        console().print(one_line(f"{user.name}: added as {user.role}"))
        if link:
            _print_link(book, user.name, data)


@app.command("list")
def list_users(as_json: Json = False, data: Data = None) -> None:
    """The users, and the API tokens."""
    from pipeline.cli.render import rows_table

    with _book(data) as book:
        users, tokens = book.users(), book.tokens()
    rows = [user.to_json() | {"seen": _day(user.seen_at)} for user in users]
    mine = [
        {"token": t.token_id, "user": t.user, "label": t.label, "writes": t.writes, "expires": _day(t.expires_at)}
        for t in tokens
    ]
    if as_json:
        for row in rows:
            emit(row | {"tokens": [token for token in mine if token["user"] == row["name"]]})
        return
    out = console()
    if not rows:
        out.print("no users yet; `debrief users add NAME --role admin` adds the first")
        return
    shown = [
        row
        | {"sees": row["rep"] or ", ".join(row["teams"]), "state": "disabled" if row["disabled"] else ""}
        | {"email": row["email"] or ""}
        for row in rows
    ]
    heads = {"name": "Name", "role": "Role", "sees": "Rep or teams", "state": "State", "seen": "Last seen"}
    heads |= {"email": "E-mail"} if any(row["email"] for row in rows) else {}
    out.print(rows_table("Users", heads, shown))
    if mine:
        heads = {"token": "Token", "user": "User", "label": "For", "may": "May", "expires": "Until"}
        out_of_use = {user.name for user in users if user.disabled}
        shown = [
            row | {"may": "nothing: disabled" if row["user"] in out_of_use else "write" if row["writes"] else "read"}
            for row in mine
        ]
        out.print(rows_table("API tokens", heads, shown))


@app.command("role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="admin, manager, trainer or rep.")],
    rep: Rep = None,
    team: Team = None,
    data: Data = None,
) -> None:
    """Give a user another role, rep name or teams."""
    with _book(data) as book:
        user = book.set_role(name, role, rep=rep, teams=team or ())
        _note(book, f"user {user.name}", f"role {user.role_and_reach}")
    console().print(one_line(f"{user.name}: {role} now"))


@app.command("email")
def set_email(
    name: Name,
    email: Annotated[str, typer.Argument(metavar="[EMAIL]", help="Nothing takes it away.")] = "",
    data: Data = None,
) -> None:
    """Say by which e-mail the sign-in provider finds a user the first time."""
    from pipeline.access.identities import Identities

    with _book(data) as book:
        user = Identities(book).set_email(name, email)
        _note(book, f"user {user.name}", "e-mail kept" if user.email else "e-mail taken away")
    console().print(one_line(f"{user.name}: {user.email or 'no e-mail'}"))


@app.command("unlink")
def unlink(name: Name, data: Data = None) -> None:
    """Forget who a user is at the sign-in provider; signs them out."""
    from pipeline.access.identities import Identities

    with _book(data) as book:
        user = book.user(name)
        Identities(book).unlink(user.name)
        _note(book, f"user {user.name}", "unlinked from the sign-in provider")
    console().print(one_line(f"{user.name}: linked to nobody at the sign-in provider now"))


@app.command("disable")
def disable(name: Name, data: Data = None) -> None:
    """Shut a user out, at once; what they did stays in the log."""
    with _book(data) as book:
        user = book.set_disabled(name, True)
        _note(book, f"user {user.name}", "disabled")
    console().print(one_line(f"{user.name}: disabled"))


@app.command("enable")
def enable(name: Name, data: Data = None) -> None:
    """Let a disabled user in again."""
    with _book(data) as book:
        user = book.set_disabled(name, False)
        _note(book, f"user {user.name}", "enabled")
    console().print(one_line(f"{user.name}: enabled"))


@app.command("password")
def set_password(name: Name, password_stdin: Stdin = False, data: Data = None) -> None:
    """Set a user's password; signs them out everywhere."""
    with _book(data) as book:
        user = book.user(name)
        book.set_password(user.name, _password(password_stdin))
        _note(book, f"user {user.name}", "new password")
    console().print(one_line(f"{user.name}: password set"))


@app.command("link")
def link(name: Name, data: Data = None) -> None:
    """Print a link by which a user chooses a password, once, within 3 days."""
    with _book(data) as book:
        user = book.user(name)
        _print_link(book, user.name, data)
        _note(book, f"user {user.name}", "invited")


@app.command("token")
def token(
    name: Name,
    label: Annotated[str, typer.Option("--for", metavar="TEXT", help="What the token is for.")] = "",
    days: Annotated[float, typer.Option("--days", min=0, max=36_500, help="Days it works; 0 for ever.")] = 365,
    write: Annotated[bool, typer.Option("--write", help="It may change things too.")] = False,
    revoke: Annotated[str | None, typer.Option("--revoke", metavar="ID", help="Revoke a token instead.")] = None,
    data: Data = None,
) -> None:
    """Make an API token that acts as a user, and print it once; or revoke one."""
    with _book(data) as book:
        user = book.user(name)
        if revoke is not None:
            if revoke not in {made.token_id for made in book.tokens() if made.user == user.name}:
                raise AccessError(f"{revoke}: no such token of {user.name}; `debrief users list` shows them")
            book.drop_token(revoke)
            _note(book, f"token {revoke}", f"revoked, of {user.name}")
            console().print(one_line(f"{revoke}: revoked"))
            return
        made, secret = book.add_token(user.name, label=label, writes=write, days=days or None)
        _note(book, f"token {made.token_id}", f"made for {user.name}")
    print(secret)


def _book(data: Path | None, *, make: bool = False) -> AccessBook:
    """The users of the data folder; `make` makes it, as only the first user may."""
    from pipeline.access.book import AccessBook

    settings = settings_of(data)
    return AccessBook(settings.data if make else require_data(settings))


def _note(book: AccessBook, what: str, detail: str) -> None:
    book.note(WHO, "admin", "changed", what, detail)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise AccessError("no terminal to ask for the password at; use --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _print_link(book: AccessBook, name: str, data: Path | None) -> None:
    from pipeline.oidc.plan import passwords_count
    from pipeline.settings import public_address

    settings = settings_of(data)
    if not passwords_count(settings):
        raise AccessError(
            f"passwords do not count here (oidc_only): {name} signs in with {settings.oidc_name}, no link"
        )
    print(f"{public_address(settings)}/welcome?link={book.invite(name)}")


def _day(at: float | None) -> str | None:
    return None if at is None else dt.datetime.fromtimestamp(min(at, _LAST), dt.UTC).date().isoformat()
