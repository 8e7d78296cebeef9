"""An OpenID Connect provider on this machine: strict where it is honest, and able to misbehave as a test tells it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from local_server import Quiet, Served, breaks_off, drips, floods, hangs, serving

CLIENT, SECRET = "debrief", "s3cret with : % and ü"
Claims = dict[str, Any]


@cache
def rsa(number: int = 0) -> RSAKey:
    """Keys are slow to make: the tests share some."""
    return RSAKey.generate_key(2048, {"kid": f"rsa-{number}", "use": "sig", "alg": "RS256"})


@dataclass
class Company(Served):
    """The provider's state: who signs in there (`person`: their claims), its `keys` (the first one signs), the `lies`
    it tells now, and what was asked of it."""

    host: str = "127.0.0.1"
    person: Claims = field(default_factory=dict)
    extra: Claims = field(default_factory=dict)
    """Claims that only the userinfo endpoint tells."""
    keys: list[Any] = field(default_factory=lambda: [rsa()])
    lies: set[str] = field(default_factory=set)
    public: bool = False
    """The client has no secret."""
    asked: list[str] = field(default_factory=list)
    redirect_uri: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"http://{self.host}:{self.port}"

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=a",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def claims(self, nonce: str, access_token: str) -> Claims:
        now = int(time.time())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        own = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, "at_hash": b64(half)}
        found = own | self.person
        for lie in self.lies & LIES_OF_CLAIMS.keys():
            found |= LIES_OF_CLAIMS[lie](found)
        return {name: value for name, value in found.items() if value is not None}

    def id_token(self, claims: Claims) -> str:
        signing = self.keys[0]
        for lie in self.lies & LIES_OF_SIGNING.keys():
            return LIES_OF_SIGNING[lie](claims, signing)
        return signed(claims, signing)


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def signed(claims: Claims, key: Any, **header: Any) -> str:
    alg = "ES256" if isinstance(key, ECKey) else "RS256"
    return jwt.encode({"alg": alg, "kid": key.kid} | header, claims, key)


def by_hand(claims: Claims, header: Claims, sign: Callable[[bytes], bytes]) -> str:
    head = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{head}.{b64(sign(head.encode()))}"


def tampered(claims: Claims, key: Any) -> str:
    head, _, mac = signed(claims, key).split(".")
    return f"{head}.{b64(json.dumps(claims | {'sub': 'ada'}).encode())}.{mac}"


def with_public_key(claims: Claims, key: RSAKey) -> str:
    """HS256, the secret being the public key that everybody can read."""
    pem = key.as_pem(private=False)
    return by_hand(claims, {"alg": "HS256", "kid": key.kid}, lambda text: hmac.digest(pem, text, "sha256"))


def with_client_secret(claims: Claims, key: Any) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 2), algorithms=["HS256"])


LIES_OF_CLAIMS: dict[str, Callable[[Claims], Claims]] = {
    "wrong nonce": lambda c: {"nonce": "another"},
    "no nonce": lambda c: {"nonce": None},
    "expired": lambda c: {"exp": c["iat"] - 61, "iat": c["iat"] - 400},
    "never expires": lambda c: {"exp": None},
    "expires at no time": lambda c: {"exp": "soon"},
    "from the future": lambda c: {"iat": c["iat"] + 90},
    "not yet valid": lambda c: {"nbf": c["iat"] + 90},
    "wrong audience": lambda c: {"aud": "another-app"},
    "no audience": lambda c: {"aud": None},
    "two audiences": lambda c: {"aud": [CLIENT, "another-app"]},
    "for another party": lambda c: {"aud": [CLIENT, "another-app"], "azp": "another-app"},
    "wrong issuer": lambda c: {"iss": "https://evil.example"},
    "no issuer": lambda c: {"iss": None},
    "no subject": lambda c: {"sub": None},
    "subject is a list": lambda c: {"sub": ["ada"]},
    "subject without end": lambda c: {"sub": "a" * 256},
    "another access token": lambda c: {"at_hash": b64(b"x" * 16)},
}

LIES_OF_SIGNING: dict[str, Callable[[Claims, Any], str]] = {
    "alg none": lambda c, key: by_hand(c, {"alg": "none"}, lambda text: b""),
    "alg None with a kid": lambda c, key: by_hand(c, {"alg": "None", "kid": key.kid}, lambda text: b""),
    "HS256 with the public key": with_public_key,
    "HS256 with the client secret": with_client_secret,
    "unknown kid": lambda c, key: signed(c, rsa(7)),
    "another key under its kid": lambda c, key: signed(c, rsa(7), kid=key.kid),
    "a key of its own in the header": lambda c, key: signed(c, rsa(7), kid=key.kid, jwk=rsa(7).as_dict(private=False)),
    "no kid among several keys": lambda c, key: jwt.encode({"alg": "RS256"}, c, key),
    "tampered": tampered,
    "cut short": lambda c, key: signed(c, key).rpartition(".")[0],
    "no token at all": lambda c, key: "not.a.token",
    "claims are a list": lambda c, key: jwt.encode({"alg": "RS256", "kid": key.kid}, {}, key).replace("e30", "W10"),
    "critical header": lambda c, key: by_hand(
        c, {"alg": "RS256", "kid": key.kid, "crit": ["b64"], "b64": False}, lambda text: b"x" * 256
    ),
}


class Handler(Quiet, BaseHTTPRequestHandler):
    shared: Company

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.shared.asked.append(parts.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if self.misbehaved(parts.path):
            return
        pages: dict[str, Callable[[dict[str, str]], None]] = {
            "/.well-known/openid-configuration": lambda _: self.say(self.metadata()),
            "/jwks": lambda _: self.say(self.key_set()),
            "/authorize": self.authorize,
            "/userinfo": self.userinfo,
        }
        pages.get(parts.path, lambda _: self.say({"error": "not_found"}, 404))(query)

    def metadata(self) -> dict[str, Any]:
        found = self.shared.metadata()
        for lie in self.shared.lies & LIES_OF_METADATA.keys():
            found |= LIES_OF_METADATA[lie]
        return {name: value for name, value in found.items() if value is not None}

    def key_set(self) -> dict[str, Any]:
        if "no keys" in self.shared.lies:
            return {"keys": [{"kty": "oct", "k": b64(b"x" * 32)}, {"kty": "new"}, "no key", {"kty": "RSA"}]}
        encrypts = rsa(9).as_dict(private=False) | {"use": "enc", "alg": "RSA-OAEP"}
        return {
            "keys": [{"kty": "AKP", "kid": "later"}, encrypts, *(k.as_dict(private=False) for k in self.shared.keys)]
        }

    def authorize(self, query: dict[str, str]) -> None:
        company = self.shared
        sound = (
            query.get("client_id") == CLIENT
            and query.get("redirect_uri") == company.redirect_uri
            and query.get("response_type") == "code"
            and query.get("code_challenge_method") == "S256"
            and "openid" in query.get("scope", "").split()
            and query.get("tenant") == "a"
        )
        if not sound:
            self.say({"error": "invalid_request"}, 400)
            return
        answer = {"state": query["state"], "iss": company.issuer}
        if "access denied" in company.lies:
            answer["error"] = "access_denied"
        elif "server error" in company.lies:
            answer |= {"error": "server_error", "error_description": "<b>no</b>\x1b[31m"}
        else:
            answer["code"] = code = secrets.token_urlsafe(16)
            company.codes[code] = query
        if "another issuer answers" in company.lies:
            answer["iss"] = "https://evil.example"
        if "no issuer in the answer" in company.lies:
            del answer["iss"]
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{urlencode(answer)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        company = self.shared
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        company.asked.append(self.path)
        if self.misbehaved(self.path):
            return
        form = {name: values[-1] for name, values in parse_qs(body).items()}
        if not self.knows_client(form):
            self.say({"error": "invalid_client", "error_description": 'who "are"\r\nyou?'}, 401)
            return
        replayed = "takes codes again" in company.lies
        query = company.codes.get(form.get("code", "")) if replayed else company.codes.pop(form.get("code", ""), None)
        made = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if query is None or made != query["code_challenge"] or form.get("redirect_uri") != query["redirect_uri"]:
            self.say({"error": "invalid_grant", "error_description": "Code not valid"}, 400)
            return
        access_token = secrets.token_urlsafe(16)
        company.tokens.append(access_token)
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300}
        if "no ID token" not in company.lies:
            answer["id_token"] = company.id_token(company.claims(query.get("nonce", ""), access_token))
        self.say(answer)

    def knows_client(self, form: dict[str, str]) -> bool:
        if self.shared.public:
            return form.get("client_id") == CLIENT and "Authorization" not in self.headers
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        name, _, secret = base64.b64decode(given).decode().partition(":")
        return (unquote(name), unquote(secret)) == (CLIENT, SECRET)

    def userinfo(self, query: dict[str, str]) -> None:
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.shared.tokens:
            self.say({"error": "invalid_token"}, 401)
            return
        subject = "somebody-else" if "userinfo of somebody else" in self.shared.lies else self.shared.person["sub"]
        self.say({"sub": subject} | self.shared.extra)

    def misbehaved(self, path: str) -> bool:
        for lie in self.shared.lies:
            where, _, how = lie.partition(": ")
            if how in MISBEHAVIOURS and path.endswith(where):
                MISBEHAVIOURS[how](self)
                return True
        return False

    def say(self, body: object, status: int = 200) -> None:
        self.say_bytes(json.dumps(body).encode(), status)

    def say_bytes(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


LIES_OF_METADATA: dict[str, dict[str, Any]] = {
    "calls itself otherwise": {"issuer": "https://evil.example"},
    "token endpoint without TLS": {"token_endpoint": "http://203.0.113.7/token"},
    "keys without TLS": {"jwks_uri": "http://203.0.113.7/jwks"},
    "authorizes in a script": {"authorization_endpoint": "javascript:alert(1)"},
    "authorizes nowhere": {"authorization_endpoint": None},
    "no PKCE": {"code_challenge_methods_supported": ["plain"]},
    "signs with secrets only": {"id_token_signing_alg_values_supported": ["HS256", "none"]},
}


MISBEHAVIOURS: dict[str, Callable[[Handler], None]] = {
    "500": lambda handler: handler.say({"error": "oops"}, 500),
    "404": lambda handler: handler.say({"error": "oops"}, 404),
    "HTML": lambda handler: handler.say_bytes(b"<h1>Welcome</h1>"),
    "a list": lambda handler: handler.say([]),
    "nested": lambda handler: handler.say_bytes(b"[" * 200_000),
    "redirect": lambda handler: handler.say_bytes(b"{}", 302, Location="http://203.0.113.7/"),
    "slow": hangs,
    "drips": drips,
    "floods": floods,
    "breaks off": breaks_off,
}
"""How an endpoint fails; `"/token: slow"` among the lies makes that one do so."""


def company() -> AbstractContextManager[Company]:
    return serving(Handler, Company())
