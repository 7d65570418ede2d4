"""Who lives in the sandbox: its tenant, its app registration and five fictitious people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TENANT_ID = "0e34108c-f6af-4453-a3a7-cd0c0f4ad8af"
APP_ID = "9547df9c-aa93-49cb-986c-10632292dd01"
APP_OBJECT_ID = "b1d2a36c-3def-414f-8d44-d666653b5eb7"
BOT_NAME = "Dealdesk"
BOT_ID = f"28:{APP_ID}"
"""The bot's Teams id: `28:` and the app id."""
TENANT_DOMAIN = "contoso.example"


class Role(StrEnum):
    """Partner Center roles that matter for referrals (API reference 2.5)."""

    ADMIN = "Referral Admin"
    USER = "Referral User"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account in the sandbox's tenant."""

    key: str
    first: str
    last: str
    oid: str
    role: Role
    title: str

    @property
    def name(self) -> str:
        """Display name."""
        return f"{self.first} {self.last}"

    @property
    def email(self) -> str:
        """Sign-in name and mail address, which are the same here."""
        return f"{self.first}.{self.last}@{TENANT_DOMAIN}".lower()

    @property
    def teams_id(self) -> str:
        """The id Teams gives a bot for this person: `29:` and an opaque string."""
        return f"29:1{self.key}-{self.oid.replace('-', '')}"


PEOPLE: dict[str, Person] = {
    person.key: person
    for person in (
        Person(
            "ada",
            "Ada",
            "Lindqvist",
            "91587c2a-633e-4263-a000-307fa96d1741",
            Role.ADMIN,
            "Partner manager",
        ),
        Person("ben", "Ben", "Okafor", "5253a5d1-29bb-4601-abf4-070e8cacc99f", Role.USER, "Seller"),
        Person(
            "cleo", "Cleo", "Marchetti", "b22c709e-09f8-437a-91dd-7a001a61c9da", Role.USER, "Seller"
        ),
        Person(
            "dana",
            "Dana",
            "Whitfield",
            "1da6affc-57c5-4fe8-8ff3-a2878ea41521",
            Role.ADMIN,
            "Sales director, approves",
        ),
        Person(
            "eve",
            "Eve",
            "Novak",
            "2be12d2a-7666-4fce-b4db-8f279efb6796",
            Role.NONE,
            "Stranger without a role",
        ),
    )
}
"""Everyone, by key, in the order the chat page shows them."""

BY_OID: dict[str, Person] = {person.oid: person for person in PEOPLE.values()}
BY_TEAMS_ID: dict[str, Person] = {person.teams_id: person for person in PEOPLE.values()}
