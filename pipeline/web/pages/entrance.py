"""Signing in and out, choosing a password by an invitation, and the operator's link from the terminal."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote

from pipeline.access.passwords import MIN_LENGTH
from pipeline.access.people import EVERYONE
from pipeline.errors import AccessError, NotAllowed, SettingsError, TooManyAttempts
from pipeline.oidc.plan import anyone_can_sign_in, is_on
from pipeline.settings import public_address
from pipeline.web import gate
from pipeline.web.ask import ANYBODY, Ask, Go, Html, get, post


def sign_in_form(ask: Ask, *, next: str = "/", out: str = "", lost: str = "") -> Any:
    """The sign-in page, or what to do where nobody can sign in yet; `lost`: a form was sent by nobody signed in."""
    if ask.signed_in:
        return Go(gate.inside(next))
    if not anyone_can_sign_in(ask.book, ask.settings):
        return ask.show("first_run.html")
    return show_sign_in(ask, gate.inside(next), out=bool(out), lost=bool(lost))


def show_sign_in(
    ask: Ask,
    goal: str,
    *,
    name: str = "",
    problem: str = "",
    status: int = 200,
    out: bool = False,
    lost: bool = False,
) -> Html:
    """The sign-in page: with a password, with the company's provider, or both, as the settings say; after signing `out`
    with the way to sign out at the provider too, after a form was `lost` with the word that nothing was saved."""
    here = public_address(ask.settings)
    provider_out = ""
    if out and is_on(ask.settings):
        with contextlib.suppress(SettingsError):
            provider_out = ask.desk.provider.sign_out_url(f"{here}/sign-in") if ask.desk.provider else ""
    return ask.show(
        "sign_in.html",
        status=status,
        next=goal,
        name=name,
        problem=problem,
        lost=lost,
        passwords=ask.passwords,
        provider=ask.settings.oidc_name if is_on(ask.settings) else "",
        provider_in=f"{here}/sign-in/provider?next={quote(goal, safe='')}",
        provider_out=provider_out,
    )


def sign_in(ask: Ask) -> Any:
    """Start a session, or say that name and password do not belong together."""
    require_passwords(ask)
    name, goal = ask.form.get("name", ""), gate.inside(ask.form.get("next", "/"))
    try:
        user, secret = ask.book.sign_in(name, ask.form.get("password", ""), address=ask.address)
    except AccessError as error:
        ask.book.note(" ".join(name.split())[:80], "", "failed sign-in", "/sign-in", f"from {ask.address}")
        status = 429 if isinstance(error, TooManyAttempts) else 401
        return show_sign_in(ask, goal, status=status, name=name, problem=str(error))
    return begin(ask, user.name, user.role, secret, goal)


def sign_out(ask: Ask) -> Go:
    """End the session."""
    ask.book.end_session(ask.secret)
    ask.cookies |= {gate.SESSION: None}
    ask.detail = "signed out"
    return Go("/sign-in?out=1" if is_on(ask.settings) else "/sign-in")


def enter(ask: Ask, *, link: str = "") -> Any:
    """Use the link that the terminal shows to whoever started the app."""
    found = ask.book.enter(link)
    if found is None:
        return ask.show("link_over.html", status=410, remedy="Start `debrief serve` again for a new one.")
    user, secret = found
    return begin(ask, user.name, user.role, secret, "/")


def welcome_form(ask: Ask, *, link: str = "") -> Any:
    """Where an invited user chooses a password; looking at it does not use the link up."""
    require_passwords(ask)
    user = ask.book.invited(link)
    if user is None:
        return ask.show("link_over.html", status=410, remedy="Ask an admin for a new one.")
    return ask.show("welcome.html", invited=user, link=link, problem="", min_length=MIN_LENGTH)


def welcome(ask: Ask) -> Any:
    """Set the invited user's password and start a session."""
    require_passwords(ask)
    link, password = ask.form.get("link", ""), ask.form.get("password", "")
    user = ask.book.invited(link)
    if user is None:
        return ask.show("link_over.html", status=410, remedy="Ask an admin for a new one.")
    try:
        if password != ask.form.get("again", ""):
            raise AccessError("the two passwords are not the same")
        user, secret = ask.book.accept_invitation(link, password)
    except AccessError as error:
        return ask.show("welcome.html", status=400, invited=user, link=link, problem=str(error), min_length=MIN_LENGTH)
    return begin(ask, user.name, user.role, secret, "/")


def password_form(ask: Ask) -> Any:
    """Where users change their own password."""
    require_passwords(ask)
    return ask.show("password.html", problem="", min_length=MIN_LENGTH)


def change_password(ask: Ask) -> Any:
    """A new password after the old one; other sessions of the user end."""
    require_passwords(ask)
    try:
        if ask.user.has_password:
            _require_old_password(ask)
        if ask.form.get("password", "") != ask.form.get("again", ""):
            raise AccessError("the two new passwords are not the same")
        ask.book.set_password(ask.user.name, ask.form.get("password", ""))
    except AccessError as error:
        return ask.show("password.html", status=400, problem=str(error), min_length=MIN_LENGTH)
    ask.detail = "new password"
    ask.cookies[gate.SESSION] = ask.book.start_session(ask.user)
    return Go("/", "Password changed")


def _require_old_password(ask: Ask) -> None:
    """Raises `AccessError`; a wrong one counts as a failed sign-in, or one could be guessed here without end."""
    try:
        _, session = ask.book.sign_in(ask.user.name, ask.form.get("old", ""), address=ask.address)
    except TooManyAttempts:
        raise
    except AccessError:
        raise AccessError("that is not your password now") from None
    ask.book.end_session(session)


def require_passwords(ask: Ask) -> None:
    """Raises `NotAllowed` where people sign in with the company's provider only."""
    if not ask.passwords:
        raise NotAllowed(f"passwords do not count here; sign in with {ask.settings.oidc_name}")


def begin(ask: Ask, name: str, role: str, secret: str, goal: str) -> Go:
    """Go on with a new session, whatever the browser had before."""
    ask.book.note(name, role, "signed in", ask.path, f"from {ask.address}")
    ask.cookies |= {gate.SESSION: secret, gate.VISIT: None}
    return Go(goal)


ROUTES = (
    get("/sign-in", sign_in_form, who=ANYBODY),
    post("/sign-in", sign_in, who=ANYBODY),
    get("/enter", enter, who=ANYBODY),
    get("/welcome", welcome_form, who=ANYBODY),
    post("/welcome", welcome, who=ANYBODY),
    post("/sign-out", sign_out, who=EVERYONE),
    get("/password", password_form, who=EVERYONE),
    post("/password", change_password, who=EVERYONE),
)
