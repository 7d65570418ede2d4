"""Who somebody is to Partner Center, and the ways back in when it no longer knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cards.actions import Action, Help, ListDeals, SignIn, SignOut
from cards.elements import (
    Piece,
    Style,
    Text,
    button,
    card,
    fact,
    facts,
    heading,
    paragraph,
    text,
    words,
)
from cards.notice import notice_card

ROLE_HINTS: Final[Mapping[str, Text]] = {
    "admin": words("Referral Admin: all deals of the company"),
    "user": words("Referral User: the deals whose team you are on"),
    "none": words("No referral role: Partner Center shows you no deals"),
}

_TROUBLE: Final[Mapping[str, tuple[Text, Text, Text]]] = {
    "signed_out": (
        words("Sign in first"),
        words("You are not signed in to Partner Center."),
        words("Sign in, and what you asked for is done right after."),
    ),
    "expired": (
        words("Your sign-in has expired"),
        words("Partner Center wants you to sign in again."),
        words("Sign in, and what you asked for is done right after."),
    ),
    "revoked": (
        words("Your sign-in was withdrawn"),
        words("Your organisation or you have withdrawn the permission given earlier."),
        words("Sign in again; if that fails, ask your administrator to allow this app."),
    ),
    "mfa": (
        words("A second sign-in factor is needed"),
        words("Partner Center accepts only a sign-in with two factors."),
        words("Sign in again and confirm with your phone or key."),
    ),
    "claims": (
        words("Partner Center asks for a fresh sign-in"),
        words("Your organisation's rules changed, or something about your sign-in did."),
        words("Sign in again to go on."),
    ),
    "role": (
        words("Partner Center does not let you see deals"),
        words("Your account has no referral role, or this deal is not shared with you."),
        words("Ask your Partner Center administrator for the role Referral User."),
    ),
    "someone_else": (
        words("That was another account"),
        words("The account that signed in is not the one you use in Teams."),
        words("Sign in again with your own work account."),
    ),
    "failed": (
        words("Signing in did not work"),
        words("Microsoft's sign-in gave no usable answer."),
        words("Try again; if it keeps failing, ask your administrator."),
    ),
}
_NOT_DONE: Final = words("Nothing was read or changed.")


def signed_in_card(name: str, upn: str | None, role_hint: str | None = None) -> dict[str, object]:
    """Right after signing in. `role_hint` is a key of ROLE_HINTS."""
    title = words("✔ You are signed in, {name}", name=text(name, limit=80))
    return card(
        [heading(title), *_account(upn, role_hint)],
        [button(words("My deals"), ListDeals(), primary=True), button(words("Help"), Help())],
        summary=title,
    )


def signed_out_card() -> dict[str, object]:
    """After `sign out`, or when there was nothing to sign out of."""
    title = words("You are signed out")
    return card(
        [
            heading(title),
            paragraph(words("Dealdesk has forgotten your sign-in. Teams itself is unchanged.")),
        ],
        [button(words("Sign in"), SignIn())],
        summary=title,
    )


def who_card(
    name: str, upn: str | None, role_hint: str | None = None, organization: str | None = None
) -> dict[str, object]:
    """The account with which Partner Center is asked."""
    title = words("Signed in as {name}", name=text(name, limit=80))
    return card(
        [heading(title), *_account(upn, role_hint, organization)],
        [button(words("My deals"), ListDeals()), button(words("Sign out"), SignOut())],
        summary=title,
    )


def trouble_card(reason: str, *, request_id: str | None = None) -> dict[str, object]:
    """Why Partner Center is closed to this person now; an unknown reason counts as `failed`."""
    title, happened, next_step = _TROUBLE.get(reason.lower(), _TROUBLE["failed"])
    ways: list[tuple[Text | str, Action]] = [(words("Sign in"), SignIn()), (words("Help"), Help())]
    if reason.lower() == "role":
        ways = [(words("Help"), Help()), (words("Sign out"), SignOut())]
    return notice_card(
        title, happened, _NOT_DONE, next_step, ways, request_id=request_id, style=Style.WARNING
    )


def _account(
    upn: str | None, role_hint: str | None, organization: str | None = None
) -> list[Piece]:
    lines = []
    if upn:
        lines.append(fact(words("Account"), text(upn, limit=120)))
    if organization:
        lines.append(fact(words("Company"), text(organization, limit=120)))
    if role_hint:
        role = ROLE_HINTS.get(role_hint) or text(role_hint)
        lines.append(fact(words("Role"), role))
    return [facts(lines)] if lines else []
