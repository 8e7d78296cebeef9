"""The provider as debrief uses it: where it sends people, and whom it says came back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pipeline.errors import ProviderError, SignInRefused
from pipeline.oidc.fetch import DEADLINE_S, Line, plain
from pipeline.oidc.id_token import KeyNotThere, algorithms_of, key_set, read_id_token
from pipeline.oidc.plan import Plan, address
from pipeline.settings import LOOPBACK

KNOWN_S = 3600.0
"""How long the provider's addresses and keys are kept; keys are fetched again at once when one is missing."""
DOWN_S = 10.0
"""How long a provider that failed is left alone, so that a crowd of visitors does not wait for it one by one."""
DISCOVERY = "/.well-known/openid-configuration"
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LONGEST_CODE = 4096


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider says this is: the `subject` is theirs for ever, the rest may change.

    `email` is empty unless the provider says that it is verified; `login` is the name they sign in by there; `rep` is
    what the claim of a rep's name holds.
    """

    issuer: str
    subject: str
    email: str = ""
    login: str = ""
    groups: tuple[str, ...] = ()
    rep: str = ""


class Provider:
    """One provider; threads may share it. Everything is fetched when it is first needed, nothing before."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float] = time.time, deadline_s: float = DEADLINE_S) -> None:
        self.plan = plan
        self._clock = clock
        self._line = Line(deadline_s=deadline_s)
        self._guard = threading.Lock()
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, Any] | None = None
        self._down: tuple[float, ProviderError] | None = None

    def authorization(self, *, state: str, nonce: str, verifier: str, redirect_uri: str) -> str:
        """The address to send a visitor to. Raises `ProviderError`."""
        metadata = self.metadata()
        url, _ = self._client(metadata, redirect_uri).create_authorization_url(
            metadata["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
        )
        return str(url)

    def person(self, *, code: str, issuer: str, nonce: str, verifier: str, redirect_uri: str) -> Person:
        """Who came back with this code; `issuer` is what the answer names (RFC 9207), empty where it names none.

        Raises `SignInRefused` where the provider does not take the code, `ProviderError` for what it does wrong.
        """
        metadata = self.metadata()
        expected = metadata["issuer"]
        if issuer != expected and (issuer or metadata.get("authorization_response_iss_parameter_supported") is True):
            raise ProviderError(f"the answer names the issuer {plain(issuer) or 'of nobody'}, not {expected}")
        given = self._exchange(metadata, code, verifier, redirect_uri)
        claims = self._claims(metadata, given, nonce)
        return self._person_of(claims, self._more(metadata, given, claims))

    def check(self) -> str:
        """Fetch addresses and keys anew and say in a line what is there. Raises `ProviderError`."""
        with self._guard:
            self._known = self._keys = self._down = None
        metadata = self.metadata()
        keys = self._key_set(metadata, fresh=True)
        return f"{metadata['issuer']} answers: {len(keys.keys)} keys, {', '.join(algorithms_of(metadata))}"

    def sign_out_url(self, back: str) -> str:
        """Where one signs out at the provider too (RP-Initiated Logout 1.0), coming back to the address `back`; empty
        where that is not known yet: it is not asked for."""
        end = (self._known[1] if self._known else {}).get("end_session_endpoint")
        if not isinstance(end, str) or self._allowed(end) is None:
            return ""
        values = urlencode({"client_id": self.plan.client_id, "post_logout_redirect_uri": back})
        return f"{end}{'&' if urlsplit(end).query else '?'}{values}"

    def metadata(self) -> dict[str, Any]:
        """The provider's own description (OpenID Connect Discovery 1.0), checked. Raises `ProviderError`."""
        with self._guard:
            now = self._clock()
            if self._known and 0 <= now - self._known[0] < KNOWN_S:
                return self._known[1]
            if self._down and 0 <= now - self._down[0] < DOWN_S:
                raise self._down[1]
            try:
                found = self._checked(self._line.get(f"{self.plan.issuer.rstrip('/')}{DISCOVERY}"))
            except ProviderError as error:
                self._down = (self._clock(), error)
                raise
            self._known, self._down = (self._clock(), found), None
            return found

    def _checked(self, found: dict[str, Any]) -> dict[str, Any]:
        issuer = found.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.plan.issuer.rstrip("/"):
            raise ProviderError(f"it calls itself {plain(issuer)}, not {self.plan.issuer}; correct oidc_issuer")
        for name in NEEDED:
            if not isinstance(found.get(name), str) or self._allowed(found[name]) is None:
                raise ProviderError(f"its {name} is no https address: {plain(found.get(name))}")
        methods = found.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            raise ProviderError("it does not take PKCE with S256")
        algorithms_of(found)
        return found

    def _allowed(self, url: str) -> Any:
        """An address of the provider's that may be used: one on this machine only where the issuer is here too."""
        parts = address(url)
        here = urlsplit(self.plan.issuer).hostname in LOOPBACK
        return parts if parts is not None and (here or parts.scheme == "https") else None

    def _client(self, metadata: Mapping[str, Any], redirect_uri: str) -> Any:
        from authlib.oauth2.client import OAuth2Client

        offered = metadata.get("token_endpoint_auth_methods_supported")
        only_post = isinstance(offered, list) and "client_secret_basic" not in offered
        method = "none" if not self.plan.secret else "client_secret_post" if only_post else "client_secret_basic"
        client = OAuth2Client(
            self._line,
            client_id=self.plan.client_id,
            client_secret=self.plan.secret,
            token_endpoint_auth_method=method,
            scope=" ".join(self.plan.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )
        client.oauth_error_class = _TokenRefused
        return client

    def _exchange(self, metadata: Mapping[str, Any], code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        if not 0 < len(code) <= _LONGEST_CODE:
            raise SignInRefused("the answer holds no code")
        client = self._client(metadata, redirect_uri)
        auth = client.client_auth(client.token_endpoint_auth_method)
        if client.token_endpoint_auth_method == "client_secret_basic":
            # RFC 6749, 2.3.1: both are encoded as in a form before they are joined by a colon
            auth.client_id, auth.client_secret = quote(auth.client_id, safe=""), quote(auth.client_secret, safe="")
        try:
            return dict(
                client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    redirect_uri=redirect_uri,
                    auth=auth,
                )
            )
        except _TokenRefused as refused:
            if refused.error == "invalid_grant":
                raise SignInRefused(f"{metadata['issuer']} does not take the code: {refused}") from None
            raise ProviderError(f"it gives no token: {refused}; see the client's registration there") from None
        except (ValueError, TypeError, KeyError) as error:
            raise ProviderError(f"it gives no token: {plain(error)}") from None

    def _claims(self, metadata: dict[str, Any], given: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        def read(*, fresh: bool) -> dict[str, Any]:
            return read_id_token(
                given.get("id_token"),
                self._key_set(metadata, fresh=fresh),
                algorithms=algorithms_of(metadata),
                issuer=metadata["issuer"],
                client_id=self.plan.client_id,
                nonce=nonce,
                access_token=given.get("access_token"),
                now=self._clock(),
            )

        try:
            return read(fresh=False)
        except KeyNotThere:
            # keys are changed by publishing the new one and signing with it: it may be newer than what is known here
            return read(fresh=True)

    def _key_set(self, metadata: Mapping[str, Any], *, fresh: bool) -> Any:
        with self._guard:
            known = self._keys
        if known and not fresh and 0 <= self._clock() - known[0] < KNOWN_S:
            return known[1]
        found = key_set(self._line.get(metadata["jwks_uri"]))
        with self._guard:
            self._keys = (self._clock(), found)
        return found

    def _more(self, metadata: Mapping[str, Any], given: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """The claims that are given at the userinfo endpoint only (Core, 5.3), where any that is needed is missing."""
        plan = self.plan
        needed = {"email" if plan.match == "email" else "preferred_username"}
        needed |= {plan.groups_claim} if plan.groups else set()
        needed |= {plan.rep_claim} if plan.rep_claim else set()
        url, token = metadata.get("userinfo_endpoint"), given.get("access_token")
        missing = any(claim(claims, name) is None for name in needed)
        if not missing or not isinstance(url, str) or not isinstance(token, str) or self._allowed(url) is None:
            return dict(claims)
        found = self._line.get(url, headers={"Authorization": f"Bearer {plain(token, longest=16_384)}"})
        if found.get("sub") != claims["sub"]:
            raise ProviderError("its userinfo speaks of somebody else than its ID token")
        # an address and whether it is verified belong together: never one from here and one from there
        own = {name for name in ("email", "email_verified") if "email" in claims}
        return {**{name: value for name, value in found.items() if name not in own}, **claims}

    def _person_of(self, claims: Mapping[str, Any], more: Mapping[str, Any]) -> Person:
        groups = claim(more, self.plan.groups_claim) if self.plan.groups_claim else None
        named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        verified = more.get("email_verified") in (True, "true")
        return Person(
            issuer=str(claims["iss"]),
            subject=str(claims["sub"]),
            email=_text(more.get("email")) if verified else "",
            login=_text(more.get("preferred_username")),
            groups=tuple(name for name in named if isinstance(name, str)),
            rep=_text(claim(more, self.plan.rep_claim)) if self.plan.rep_claim else "",
        )


class _TokenRefused(Exception):
    """An OAuth error of the token endpoint (RFC 6749, 5.2)."""

    def __init__(self, error: object = None, description: object = None) -> None:
        self.error = plain(error, longest=60)
        super().__init__(f"{self.error} ({plain(description)})" if description else self.error)


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by its path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text if len(text) <= 254 and text.isprintable() else ""
