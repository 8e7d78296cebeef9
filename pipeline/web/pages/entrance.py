"""Signing in and out, choosing a password by an invitation, and the operator's link from the terminal."""

from __future__ import annotations

from typing import Any

from pipeline.access.passwords import MIN_LENGTH
from pipeline.access.people import EVERYONE
from pipeline.errors import AccessError, TooManyAttempts
from pipeline.web import gate
from pipeline.web.ask import ANYBODY, Ask, Go, get, post


def sign_in_form(ask: Ask, *, next: str = "/") -> Any:
    """The sign-in page, or what to do where nobody can sign in yet."""
    if ask.signed_in:
        return Go(gate.inside(next))
    if not ask.book.anyone_can_sign_in():
        return ask.show("first_run.html")
    return ask.show("sign_in.html", next=gate.inside(next), name="", problem="")


def sign_in(ask: Ask) -> Any:
    """Start a session, or say that name and password do not belong together."""
    name, goal = ask.form.get("name", ""), gate.inside(ask.form.get("next", "/"))
    try:
        user, secret = ask.book.sign_in(name, ask.form.get("password", ""), address=ask.address)
    except AccessError as error:
        ask.book.note(" ".join(name.split())[:80], "", "failed sign-in", "/sign-in", f"from {ask.address}")
        status = 429 if isinstance(error, TooManyAttempts) else 401
        return ask.show("sign_in.html", status=status, next=goal, name=name, problem=str(error))
    return _begin(ask, user.name, user.role, secret, goal)


def sign_out(ask: Ask) -> Go:
    """End the session."""
    ask.book.end_session(ask.secret)
    ask.cookies |= {gate.SESSION: None}
    ask.detail = "signed out"
    return Go("/sign-in")


def enter(ask: Ask, *, link: str = "") -> Any:
    """Use the link that the terminal shows to whoever started the app."""
    found = ask.book.enter(link)
    if found is None:
        return ask.show("link_over.html", status=410, remedy="Start `debrief serve` again for a new one.")
    user, secret = found
    return _begin(ask, user.name, user.role, secret, "/")


def welcome_form(ask: Ask, *, link: str = "") -> Any:
    """Where an invited user chooses a password; looking at it does not use the link up."""
    user = ask.book.invited(link)
    if user is None:
        return ask.show("link_over.html", status=410, remedy="Ask an admin for a new one.")
    return ask.show("welcome.html", invited=user, link=link, problem="", min_length=MIN_LENGTH)


def welcome(ask: Ask) -> Any:
    """Set the invited user's password and start a session."""
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
    return _begin(ask, user.name, user.role, secret, "/")


def password_form(ask: Ask) -> Any:
    """Where users change their own password."""
    return ask.show("password.html", problem="", min_length=MIN_LENGTH)


def change_password(ask: Ask) -> Any:
    """A new password after the old one; other sessions of the user end."""
    try:
        if ask.user.has_password:
            _, old = ask.book.sign_in(ask.user.name, ask.form.get("old", ""), address=ask.address)
            ask.book.end_session(old)
        if ask.form.get("password", "") != ask.form.get("again", ""):
            raise AccessError("the two new passwords are not the same")
        ask.book.set_password(ask.user.name, ask.form.get("password", ""))
    except AccessError as error:
        return ask.show("password.html", status=400, problem=str(error), min_length=MIN_LENGTH)
    ask.detail = "new password"
    ask.cookies[gate.SESSION] = ask.book.start_session(ask.user)
    return Go("/", "Password changed")


def _begin(ask: Ask, name: str, role: str, secret: str, goal: str) -> Go:
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
