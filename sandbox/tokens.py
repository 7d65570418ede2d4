"""What Partner Center needs to know of a bearer token, and who can tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

AUDIENCES = frozenset({"https://api.partner.microsoft.com", "4990cffe-04e8-4e8b-808a-1175604b879f"})
"""The resource as an address (v1 tokens) and as an app id (v2 tokens); API reference 2.1, 2.2."""


@dataclass(frozen=True, slots=True)
class Claims:
    """A token whose signature, issuer and times are in order."""

    oid: str
    tenant: str
    upn: str
    aud: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenProblem:
    """Why there are no claims: no token, unreadable, wrong signature, expired."""

    reason: str


class TokenReader(Protocol):
    """Checks signature, issuer and times; audience, MFA and role are Partner Center's own."""

    def read(self, authorization: str | None) -> Claims | TokenProblem:
        """Read the value of an `Authorization` header."""
        ...
