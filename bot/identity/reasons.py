"""Why a person has to sign in, and why a sign-in came to nothing."""

from __future__ import annotations

from enum import StrEnum

from bot.identity.entra import EntraRefused

_MFA_CODES = frozenset({50072, 50074, 50076, 50078, 50079})
_EXPIRED_CODES = frozenset({70008, 70043, 700082, 700084})
_SIGN_IN_ERRORS = frozenset(
    {"invalid_grant", "interaction_required", "consent_required", "login_required"}
)


class Reason(StrEnum):
    """Why a person has to sign in."""

    SIGNED_OUT = "signed_out"
    EXPIRED = "expired"
    REVOKED = "revoked"
    MFA = "mfa"
    CLAIMS = "claims"


class SignInNeeded(Exception):
    """There is no token for this person until they sign in. `claims` is Entra's challenge."""

    def __init__(self, reason: Reason, claims: str | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.claims = claims


class SignInUnavailable(Exception):
    """Entra does not answer, or not usably; nobody was signed out by it. Try again later."""


class Refusal(StrEnum):
    """Why a sign-in in the browser came to nothing. No token was stored for any of them."""

    UNKNOWN_LINK = "unknown_link"
    EXPIRED = "expired"
    USED = "used"
    OTHER_BROWSER = "other_browser"
    OTHER_PERSON = "other_person"
    DECLINED = "declined"
    NOT_ALLOWED = "not_allowed"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


class SignInRefused(Exception):
    """A sign-in in the browser was not completed."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code.value)
        self.code = code


def needed(refused: EntraRefused) -> SignInNeeded | SignInUnavailable:
    """What a refusal of the token endpoint means for the person (AADSTS numbers).

    Anything that signing in would not mend, such as a wrong client secret, is SignInUnavailable.
    """
    if refused.codes & _MFA_CODES:
        return SignInNeeded(Reason.MFA, refused.claims)
    if refused.claims is not None:
        return SignInNeeded(Reason.CLAIMS, refused.claims)
    if refused.error not in _SIGN_IN_ERRORS:
        return SignInUnavailable(str(refused))
    if refused.codes & _EXPIRED_CODES:
        return SignInNeeded(Reason.EXPIRED)
    return SignInNeeded(Reason.REVOKED)


def declined(error: str) -> Refusal:
    """What an error on the way back from the authorize page means (RFC 6749 4.1.2.1)."""
    return {
        "access_denied": Refusal.DECLINED,
        "consent_required": Refusal.NOT_ALLOWED,
        "unauthorized_client": Refusal.NOT_ALLOWED,
        "server_error": Refusal.UNAVAILABLE,
        "temporarily_unavailable": Refusal.UNAVAILABLE,
    }.get(error, Refusal.FAILED)
