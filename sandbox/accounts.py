"""The sign-in state of each person: second factor, disabled, consent and live tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sandbox.people import BY_OID, PEOPLE, Person


@dataclass(slots=True)
class Account:
    """One person's account as Entra sees it now."""

    person: Person
    mfa: bool = True
    """Whether this person signs in with a second factor."""
    disabled: bool = False
    consented: bool = True
    """False after a revocation, until the next interactive sign-in."""
    claims: str | None = None
    """A claims challenge that an interactive sign-in has yet to satisfy."""
    token_seconds: int = 3_599
    """How long access tokens live."""
    generation: int = 0
    """Raised by a revocation: access tokens of an older generation are dead."""


class Accounts:
    """All accounts, and which access token belongs to which generation of its owner."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._generations: dict[str, int] = {}
        self.reset()

    def reset(self) -> None:
        """Everybody back to the start: enabled, consented, second factor."""
        self._accounts = {key: Account(person=person) for key, person in PEOPLE.items()}
        self._generations.clear()

    def __getitem__(self, key: str) -> Account:
        return self._accounts[key]

    def by_oid(self, oid: str) -> Account | None:
        """The account with this object id."""
        person = BY_OID.get(oid)
        return self._accounts[person.key] if person else None

    def new_token_id(self, account: Account) -> str:
        """An id (`uti`) for a new access token of this account's present generation."""
        token_id = secrets.token_urlsafe(16)
        self._generations[token_id] = account.generation
        return token_id

    def is_live(self, account: Account, token_id: object) -> bool:
        """Whether a token with this id was not revoked since, and its owner may still sign in."""
        return (
            not account.disabled
            and isinstance(token_id, str)
            and self._generations.get(token_id) == account.generation
        )

    def revoke(self, key: str, *, tokens: bool) -> None:
        """Withdraw consent; with `tokens` the access tokens given out die at once too."""
        account = self._accounts[key]
        account.consented = False
        if tokens:
            account.generation += 1
