"""RS256 signing keys of one issuer: published as a JWKS, rolled over on demand."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class BadToken(Exception):
    """A token that this issuer did not sign, or that is not meant for the one who asks."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One RSA key pair and the name it is published under."""

    kid: str
    private: rsa.RSAPrivateKey

    def public_jwk(self) -> dict[str, object]:
        """The public half as a JWKS entry."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _base64url(numbers.n),
            "e": _base64url(numbers.e),
        }


class KeyRing:
    """The keys of one issuer. The last one signs; all that are published verify."""

    def __init__(self, *, endorsements: Sequence[str] = ()) -> None:
        self._endorsements = tuple(endorsements)
        self._keys = [_new_key()]

    def roll(self, *, keep_old: bool) -> None:
        """Sign with a new key from now on; withdraw the older ones unless they are kept."""
        self._keys = [*(self._keys if keep_old else ()), _new_key()]

    def jwks(self) -> dict[str, object]:
        """The published key set, with the channel endorsements Bot Framework adds."""
        endorsed = {"endorsements": list(self._endorsements)} if self._endorsements else {}
        return {"keys": [{**key.public_jwk(), **endorsed} for key in self._keys]}

    def sign(
        self, claims: Mapping[str, object], *, headers: Mapping[str, object] | None = None
    ) -> str:
        """Sign claims as they are: times are the caller's business."""
        key = self._keys[-1]
        named = {"kid": key.kid, "x5t": key.kid, **(headers or {})}
        return jwt.encode(dict(claims), key.private, algorithm="RS256", headers=named)

    def verify(self, token: str, *, audience: str | None, now: float) -> dict[str, object]:
        """Claims of a token of this issuer for `audience` (None: any), valid at `now`.

        Times are compared with `now` (epoch seconds) and not with the machine's clock, because
        the sandbox's clock can be moved. Raises BadToken.
        """
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = next(key for key in self._keys if key.kid == kid)
            claims: dict[str, object] = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=["RS256"],
                audience=audience,
                options={
                    "require": ["exp", "nbf", "iss", "aud"],
                    "verify_aud": audience is not None,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, StopIteration) as error:
            raise BadToken(type(error).__name__) from error
        _check_times(claims, now)
        return claims


def _check_times(claims: Mapping[str, object], now: float) -> None:
    not_before, expires = claims["nbf"], claims["exp"]
    if not isinstance(not_before, int | float) or not isinstance(expires, int | float):
        raise BadToken("times are not numbers")
    if now >= expires:
        raise BadToken("expired")
    if now < not_before:
        raise BadToken("not yet valid")


def _new_key() -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kid = base64.urlsafe_b64encode(hashlib.sha256(public).digest()[:20]).rstrip(b"=").decode()
    return SigningKey(kid, private)


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
