"""What the provider says about a person, believed only where OpenID Connect Core 1.0, 3.1.3.7, lets it be.

Only signatures by a key of the provider's own key set count. Secrets shared with it (HS256) are not taken for keys: a
public key used as one is the oldest way to forge a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import ProviderError
from pipeline.oidc.fetch import plain

LEEWAY_S = 60
"""How far the provider's clock may be from ours."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_SMALLEST_RSA = 2048


class KeyNotThere(ProviderError):
    """The key that signed is not in the key set at hand: the provider may have changed its keys since."""


def key_set(document: Mapping[str, Any]) -> Any:
    """The provider's keys for signatures; others in the document are left out. Raises `ProviderError`."""
    import warnings

    from joserfc.errors import SecurityWarning
    from joserfc.jwk import JWKRegistry, KeySet, RSAKey

    listed = document.get("keys")
    keys: list[Any] = []
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or each.get("kty") == "oct" or each.get("use", "sig") != "sig":
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", SecurityWarning)
                key = JWKRegistry.import_key(each)
                if not (isinstance(key, RSAKey) and key.raw_value.key_size < _SMALLEST_RSA):
                    keys.append(key)
        except Exception:
            # a kind of key that is not known here, or one that is too weak: a token signed by it finds no key
            continue
    if not keys:
        raise ProviderError("its key set holds no key for signatures that can be used")
    return KeySet(keys)


def algorithms_of(metadata: Mapping[str, Any]) -> list[str]:
    """The signatures that both sides know. Raises `ProviderError` where there are none."""
    named = metadata.get("id_token_signing_alg_values_supported")
    offered = named if isinstance(named, list) else ["RS256"]
    found = [name for name in ALGORITHMS if name in offered]
    if not found:
        raise ProviderError(f"it signs with {plain(offered)} only, none of {', '.join(ALGORITHMS)}")
    return found


def read_id_token(
    text: object,
    keys: Any,
    *,
    algorithms: list[str],
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: object,
    now: float,
) -> dict[str, Any]:
    """The claims of an ID token that is what it has to be. Raises `KeyNotThere`, `ProviderError` with what is wrong."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
    from joserfc.jws import JWSRegistry

    if not isinstance(text, str):
        raise ProviderError("it gave no ID token")
    try:
        token = jwt.decode(text, keys, registry=JWSRegistry(algorithms=algorithms, strict_check_header=False))
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise KeyNotThere(f"its ID token does not hold: {plain(error)}") from None
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise ProviderError(f"its ID token does not hold: {plain(error)}") from None
    claims = CodeIDToken(
        token.claims,
        token.header,
        {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
        {"nonce": nonce, "client_id": client_id, "access_token": access_token},
    )
    try:
        claims.validate(now=int(now), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderError(f"its ID token does not hold: {plain(error)}") from None
    subject = token.claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise ProviderError("its ID token does not hold: sub is no name of 1 to 255 characters")
    return dict(token.claims)
