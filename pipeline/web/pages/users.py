"""Users: who may sign in, as what; invitations and API tokens. For admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.access.identities import Identities, checked_email
from pipeline.access.people import ADMINS, User
from pipeline.errors import AccessError
from pipeline.oidc.plan import is_on
from pipeline.settings import public_address
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.pages.entrance import require_passwords


def listing(ask: Ask) -> Html:
    """All users and tokens, and the form to add one."""
    return _page(ask)


def add(ask: Ask) -> Html:
    """A new user, and the link by which they choose their password: shown once, on the page that follows."""
    form, teams = ask.form, ask.forms.get("team", [])
    try:
        email = checked_email(form["email"]) if form.get("email", "").strip() else ""
        user = Identities(ask.book).add_user(
            form.get("name", ""), form.get("role", ""), email=email, rep=form.get("rep") or None, teams=teams
        )
    except AccessError as error:
        given = {name: form.get(name, "") for name in ("name", "email", "role", "rep")}
        return _page(ask, status=400, problem=str(error), given={**given, "teams": teams})
    ask.detail = f"added {user.name} as {user.role_and_reach}"
    warning = sees_nothing(ask, user)
    link = _link(ask, user.name) if ask.passwords else ""
    return _page(ask, link_for=user.name, link=link, warning=warning)


def change(ask: Ask) -> Html | Go:
    """Another role for a user, or shut out, let in, invited again, as the form's `do` says."""
    form, name = ask.form, ask.form.get("name", "")
    do = form.get("do", "")
    try:
        if do == "role":
            ask.book.set_role(name, form.get("role", ""), rep=form.get("rep") or None, teams=ask.forms.get("team", ()))
        elif do in ("disable", "enable"):
            if do == "disable" and ask.book.user(name).user_id == ask.user.user_id:
                raise AccessError("you cannot shut yourself out")
            ask.book.set_disabled(name, do == "disable")
        elif do == "email":
            _set_email(ask, name, form.get("email", ""))
        elif do == "unlink":
            Identities(ask.book).unlink(name)
        elif do == "invite":
            link = _link(ask, name)
            ask.detail = f"invited {name}"
            return _page(ask, link_for=name, link=link)
        else:
            raise AccessError("nothing was chosen to do")
    except AccessError as error:
        return _page(ask, status=400, problem=str(error))
    ask.detail = f"role {name} {ask.book.user(name).role_and_reach}" if do == "role" else f"{do} {name}"
    words = {
        "role": f"{name} is {form.get('role', '')} now",
        "disable": f"{name} is shut out",
        "enable": f"{name} is in again",
        "email": f"{name}'s e-mail is kept",
        "unlink": f"{name} is linked to nobody at the provider now",
    }
    warning = sees_nothing(ask, ask.book.user(name)) if do == "role" else ""
    return Go("/settings/users", f"{words[do]}. {warning}" if warning else words[do])


def sees_nothing(ask: Ask, user: User) -> str:
    """A word on a rep whose name is on no call, and on a manager without a team: they see nothing, and a slip of the
    pen looks like that."""
    if user.role == "manager" and not user.teams:
        return f"{user.name} has no team: they see nothing until one is ticked."
    if user.role != "rep" or ask.store.query("SELECT 1 FROM calls WHERE rep = $rep LIMIT 1", {"rep": user.rep}):
        return ""
    return f"No call has a rep called {user.rep}: {user.name} sees nothing until one has."


def add_token(ask: Ask) -> Html:
    """A new API token for a user, shown once."""
    form = ask.form
    try:
        token, secret = ask.book.add_token(
            form.get("name", ""), label=form.get("label", ""), writes=form.get("writes") == "yes"
        )
    except AccessError as error:
        return _page(ask, status=400, problem=str(error))
    ask.detail = f"token {token.token_id} for {token.user}"
    return _page(ask, secret=secret, secret_for=token.user)


def drop_token(ask: Ask) -> Go | Html:
    """Revoke an API token."""
    try:
        ask.book.drop_token(ask.form.get("token_id", ""))
    except AccessError as error:
        return _page(ask, status=400, problem=str(error))
    ask.detail = f"revoked token {ask.form.get('token_id', '')}"
    return Go("/settings/users", "Token revoked")


def _set_email(ask: Ask, name: str, email: str) -> None:
    """Say by which e-mail the provider finds a user. Not their own: who may say so chooses who signs in as them."""
    Identities(ask.book).set_email(name, email)


def _link(ask: Ask, name: str) -> str:
    require_passwords(ask)
    return f"{public_address(ask.settings)}/welcome?link={ask.book.invite(name)}"


def _page(
    ask: Ask,
    *,
    status: int = 200,
    problem: str = "",
    link: str = "",
    link_for: str = "",
    warning: str = "",
    secret: str = "",
    secret_for: str = "",
    given: Mapping[str, Any] | None = None,
) -> Html:
    """The page; `given` is what a refused form of a new user holds."""
    users = ask.book.users()
    heard = {row["team"] for row in ask.store.query("SELECT DISTINCT team FROM calls WHERE team IS NOT NULL")}
    # a team that a manager has already, though it has no call yet: saving their role would take away what is not shown
    teams = heard.union(*(user.teams for user in users))
    return ask.show(
        "users.html",
        status=status,
        users=users,
        tokens=ask.book.tokens(),
        teams=sorted(teams),
        reps=ask.store.reps(),
        problem=problem,
        given=given,
        link=link,
        link_for=link_for,
        warning=warning,
        provider=ask.settings.oidc_name if is_on(ask.settings) else "",
        secret=secret,
        secret_for=secret_for,
    )


ROUTES = (
    get("/settings/users", listing, who=ADMINS),
    post("/settings/users", add, who=ADMINS),
    post("/settings/users/change", change, who=ADMINS),
    post("/settings/users/tokens", add_token, who=ADMINS),
    post("/settings/users/tokens/drop", drop_token, who=ADMINS),
)
