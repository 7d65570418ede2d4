"""The exception tree of Partner Center calls.

    PartnerCenterError
    ├── Unauthorized         401: no token, an expired one, or one that is not accepted
    │   ├── MfaRequired      401 with code 900421 anywhere: the sign-in lacked a second factor
    │   └── ClaimsChallenge  conditional access wants more (claims to pass on when signing in)
    ├── Forbidden            403: role or visibility is missing
    ├── NotFound             404: unknown, or not visible to this person (both look alike)
    ├── Refused              400 405 406 409 410 411 413 415 416 422: understood and declined
    ├── Conflict             412: the referral changed since it was read
    ├── Locked               423
    ├── Throttled            429, with the wait the service asked for
    ├── Unavailable          a read got no answer in its tries and time, or the circuit is open
    ├── UnexpectedAnswer     a read was answered with something that cannot be understood
    ├── NotSent              a write that certainly never left this machine
    └── OutcomeUnknown       a write that may have been applied: read back before saying anything

For a write everything but OutcomeUnknown, and Throttled without `own_body`, is definite: it was not
applied. The text of an exception holds numbers and ids only; `message` is the service's own English
for developers: for people who debug, never for sellers (API reference 12.1).
"""


class PartnerCenterError(Exception):
    """Any failed call.

    `code` is the innermost error code, `codes` all of them from the outside in. `retry_after` is
    the wait the service asked for, in seconds. `own_body`: the answer carried the service's own
    error body, so it is not the word of something in between.
    """

    def __init__(
        self,
        reason: str = "",
        *,
        status: int | None = None,
        request_id: str | None = None,
        code: str | None = None,
        codes: tuple[str, ...] = (),
        target: str | None = None,
        client_request_id: str | None = None,
        message: str | None = None,
        retry_after: float | None = None,
        own_body: bool = False,
    ) -> None:
        self.reason = reason
        self.status = status
        self.request_id = request_id
        self.code = code
        self.codes = codes
        self.target = target
        self.client_request_id = client_request_id
        self.message = message
        self.retry_after = retry_after
        self.own_body = own_body
        super().__init__(self._facts())

    def _facts(self) -> str:
        facts = {
            "reason": self.reason or None,
            "status": self.status,
            "code": self.code,
            "target": self.target,
            "request": self.request_id,
            "client request": self.client_request_id,
        }
        return ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)


class Unauthorized(PartnerCenterError):
    """401: the person has to sign in again."""


class MfaRequired(Unauthorized):
    """401 with code 900421: sign in again with a second factor (API reference 2.4)."""


class ClaimsChallenge(Unauthorized):
    """Conditional access: sign in again with these `claims` (JSON text, None when not given)."""

    claims: str | None = None


class Forbidden(PartnerCenterError):
    """403: Referral Admin or Referral User is missing, or the deal is out of sight."""


class NotFound(PartnerCenterError):
    """404: no such referral, or not one of this person's."""


class Refused(PartnerCenterError):
    """The service understood and said no; trying the same again is pointless."""


class Conflict(PartnerCenterError):
    """412: If-Match did not match, somebody changed the referral."""


class Locked(PartnerCenterError):
    """423: locked for the moment."""


class Throttled(PartnerCenterError):
    """429: too many calls. A write was surely not applied only when `own_body` is true."""


class Unavailable(PartnerCenterError):
    """Partner Center is not answering; nothing was changed."""


class UnexpectedAnswer(PartnerCenterError):
    """An answer that is not what the reference describes; `reason` is a short code."""


class NotSent(PartnerCenterError):
    """A write that failed before a byte of it could leave: nothing was changed."""


class OutcomeUnknown(PartnerCenterError):
    """A write that may have been applied. Read a version newer than the base before you say no."""
