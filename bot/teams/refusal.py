"""Why a request is turned away at the door."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What a log line says about a refusal; the caller is told the status only."""

    NO_TOKEN = "no token"  # noqa: S105
    UNREADABLE_TOKEN = "unreadable token"  # noqa: S105
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TOO_LATE = "token expired"
    TOO_EARLY = "token not yet valid"
    CHANNEL = "channel"
    ENDORSEMENT = "endorsement"
    SERVICE_URL = "service url"
    HOST = "host not allowed"
    TENANT = "tenant"
    PERSON = "person"
    TYPE = "content type"
    ENCODING = "content encoding"
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    MALFORMED = "malformed"
    NO_KEYS = "no signing keys yet"
    STORE = "store"
    STOPPING = "stopping"


class Refused(Exception):
    """A request the door does not let in. The answer is `status` with an empty body."""

    def __init__(self, status: int, reason: Reason) -> None:
        super().__init__(f"{status} {reason.value}")
        self.status = status
        self.reason = reason


def malformed() -> Refused:
    """A body that is not an activity as Teams sends it."""
    return Refused(400, Reason.MALFORMED)
