"""Which user a person of the provider is, and what they may do. Denied unless something here lets them in."""

from __future__ import annotations

from pipeline.access.book import OPERATOR, AccessBook
from pipeline.access.identities import Identities, checked_email
from pipeline.access.people import User
from pipeline.errors import AccessError, NotLetIn
from pipeline.oidc.fetch import plain
from pipeline.oidc.plan import Plan
from pipeline.oidc.provider import Person

WHO = "sign-in provider"
"""Who changes roles by groups, in the log."""


def let_in(book: AccessBook, plan: Plan, person: Person) -> User:
    """The user that this is, with the role that their groups give where `plan` has rules. Raises `NotLetIn`.

    The subject counts, once it was seen; the first time the verified e-mail or the name at the provider does. Whoever
    has a subject already is never found by another one: an address may have gone to somebody new.
    """
    identities = Identities(book)
    reach = plan.reach_of(person.groups)
    if plan.groups and reach is None:
        raise NotLetIn(f"{who(person)}: none of their groups is in oidc_groups")
    user = identities.user_of(person.issuer, person.subject)
    known = user is not None
    if user is None:
        user = _matched(book, identities, plan, person)
        if user is not None and identities.subject_of(user, person.issuer) is not None:
            raise NotLetIn(f"{who(person)}: {user.name} signs in as somebody else there; unlink them if that is over")
    if user is None:
        user = _created(book, plan, person, reach)
    if user.disabled:
        raise NotLetIn(f"{who(person)}: {user.name} is disabled")
    if reach is not None:
        user = _with_reach(book, person, user, *reach)
    if not known:
        identities.link(user, person.issuer, person.subject)
        book.note(WHO, "", "changed", f"user {user.name}", f"linked to {plain(person.subject)} of {person.issuer}")
    return book.user(user.name)


def who(person: Person) -> str:
    """How a person is called in the log, so that an admin can tell who it was."""
    return plain(person.email or person.login or person.subject)


def _matched(book: AccessBook, identities: Identities, plan: Plan, person: Person) -> User | None:
    if plan.match == "email":
        return identities.user_by_email(person.email) if person.email else None
    # the operator is whoever started the app on this machine, not a person who may be called so at the provider
    named = [user for user in book.users() if user.name != OPERATOR and _same(user.name, person.login)]
    return next(iter(named), None) or identities.user_by_email(person.login)


def _same(name: str, login: str) -> bool:
    """Names are one in any case, as in the sign-in form; of ASCII's letters only, so that none looks like another."""
    return name == login or (name.isascii() and login.isascii() and name.lower() == login.lower())


def _created(book: AccessBook, plan: Plan, person: Person, reach: tuple[str, tuple[str, ...]] | None) -> User:
    if not plan.create or reach is None:
        raise NotLetIn(f"{who(person)}: no user has this {'verified e-mail' if plan.match == 'email' else 'name'}")
    name = person.email if plan.match == "email" else person.login
    if not name or name.lower() == OPERATOR:
        missing = "verified e-mail" if plan.match == "email" else "preferred_username"
        raise NotLetIn(f"{who(person)}: the provider gives no {missing} to make a user by")
    role, teams = reach
    try:
        # named by what is theirs alone at the provider: a display name may be chosen to look like somebody else's
        email = checked_email(name) if plan.match == "email" else None
        user = book.add_user(email or name, role, rep=person.rep or None, teams=teams)
        if email:
            Identities(book).set_email(user.name, email)
    except AccessError as error:
        raise NotLetIn(f"{who(person)}: no user can be made of them: {error}") from None
    book.note(WHO, "", "changed", f"user {user.name}", f"added as {user.role_and_reach}")
    return user


def _with_reach(book: AccessBook, person: Person, user: User, role: str, teams: tuple[str, ...]) -> User:
    rep = (person.rep or user.rep or user.name) if role == "rep" else None
    if (user.role, user.teams, user.rep) == (role, teams, rep):
        return user
    try:
        changed = book.set_role(user.name, role, rep=rep, teams=teams)
    except AccessError as error:
        raise NotLetIn(f"{who(person)}: cannot be made {role}: {error}") from None
    book.note(WHO, "", "changed", f"user {user.name}", f"role {changed.role_and_reach}")
    return changed
