"""Signing in with the company's OpenID Connect provider: going there, and coming back."""

from __future__ import annotations

import time

from pipeline.access.book import LIMITS
from pipeline.access.identities import Identities
from pipeline.errors import DebriefError, NotLetIn, NotThere, ProviderError, SignInRefused, TooManyAttempts
from pipeline.oidc.fetch import plain
from pipeline.oidc.flow import FLOW_S, goal_of, new_state, nonce_of, verifier_of
from pipeline.oidc.person import let_in, who
from pipeline.oidc.provider import Provider
from pipeline.settings import public_address
from pipeline.web import gate
from pipeline.web.ask import ANYBODY, Ask, Away, Go, Html, get
from pipeline.web.pages.entrance import begin

FAILED = "failed sign-in"
BACK = "/sign-in/back"
"""Where the provider sends people back to; registered there behind the public address."""
SAYS_NO = frozenset({"access_denied", "login_required", "interaction_required", "consent_required"})
"""What the provider answers where the person is not signed in there, or does not want to be (Core, 3.1.2.6)."""

BEGIN_AGAIN = "Go to the sign-in page and begin again."
WORDS: dict[type[DebriefError], tuple[int, str, str]] = {
    TooManyAttempts: (429, "Too many sign-ins failed for now.", "Wait {minutes} minutes and try again."),
    SignInRefused: (400, "This sign-in took too long, was stopped, or was begun in another browser.", BEGIN_AGAIN),
    NotLetIn: (
        403,
        "You are signed in with {name}, but debrief is not open to you.",
        "Ask {contact} to let you in, and say that you are {known}.",
    ),
    DebriefError: (
        502,
        "Signing in with {name} does not work right now.",
        "Try again in a few minutes. If it stays so, tell {contact}: the reason is in the audit log.",
    ),
}
"""What a visitor is told, and what to do; the first that fits. The reason itself may say too much."""


def go_there(ask: Ask, *, next: str = "/") -> Away | Go | Html:
    """Send the visitor to the provider; nothing is asked of it before somebody does this."""
    goal = gate.inside(next)
    try:
        provider = _provider(ask)
        if ask.signed_in:
            return Go(goal)
        ask.book.refuse_when_tried_too_often({"address": ask.address})
        state = new_state(ask.visit, goal, now=time.time())
        url = provider.authorization(
            state=state,
            nonce=nonce_of(ask.visit, state),
            verifier=verifier_of(ask.visit, state),
            redirect_uri=_back(ask),
        )
    except NotThere:
        raise
    except DebriefError as error:
        return _not_signed_in(ask, error)
    return Away(url)


def come_back(ask: Ask, *, code: str = "", state: str = "", error: str = "", iss: str = "") -> Go | Html:
    """Start a session for whom the provider names, or say in a line why not."""
    known = ""
    try:
        provider = _provider(ask)
        if ask.signed_in:
            return Go("/")
        ask.book.refuse_when_tried_too_often({"address": ask.address})
        goal = goal_of(ask.visit, state, now=time.time())
        if not Identities(ask.book).spend(state, seconds=FLOW_S):
            raise SignInRefused("it is finished already")
        if error:
            kind = SignInRefused if error in SAYS_NO else ProviderError
            raise kind(f"the provider says {plain(error, longest=60)}")
        person = provider.person(
            code=code,
            issuer=iss,
            nonce=nonce_of(ask.visit, state),
            verifier=verifier_of(ask.visit, state),
            redirect_uri=_back(ask),
        )
        known = who(person)
        user = let_in(ask.book, provider.plan, person)
    except NotThere:
        raise
    except DebriefError as problem:
        return _not_signed_in(ask, problem, known=known)
    return begin(ask, user.name, user.role, ask.book.start_session(user), goal)


def _provider(ask: Ask) -> Provider:
    found = ask.desk.provider
    if found is None or ask.method != "GET":
        raise NotThere("people sign in with a name and a password here")
    return found


def _back(ask: Ask) -> str:
    return f"{public_address(ask.settings)}{BACK}"


def _not_signed_in(ask: Ask, error: DebriefError, *, known: str = "") -> Html:
    """One plain line for the visitor; the reason for the log, from where `debrief doctor` has it."""
    ask.book.note(known, "", FAILED, ask.path, f"{plain(error, longest=500)}; from {ask.address}")
    if isinstance(error, SignInRefused | NotLetIn):
        ask.book.count_failure({"address": ask.address})
    status, line, remedy = next(words for kind, words in WORDS.items() if isinstance(error, kind))
    values = {
        "name": ask.settings.oidc_name,
        "contact": ask.settings.oidc_contact.strip() or "an admin of debrief",
        "known": known,
        "minutes": round(LIMITS["address"][1] / 60),
    }
    return ask.show("not_signed_in.html", status=status, line=line.format(**values), remedy=remedy.format(**values))


ROUTES = (
    get("/sign-in/provider", go_there, who=ANYBODY),
    get(BACK, come_back, who=ANYBODY),
)
