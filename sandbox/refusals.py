"""How Partner Center says no: one exception, one body shape (API reference 12.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.wire import Document


class Code(StrEnum):
    """Error codes of the API, of those that handlers answer with."""

    ACCESS_DENIED = "accessDenied"
    INVALID_REQUEST = "invalidRequest"
    ITEM_NOT_FOUND = "itemNotFound"
    PRECONDITION_FAILED = "preconditionFailed"
    UNAUTHENTICATED = "unauthenticated"


@dataclass(slots=True)
class Refusal(Exception):
    """A request that is answered with an error; nothing was applied."""

    status: int
    code: Code
    message: str
    target: str | None = None
    inner: tuple[tuple[str, str], ...] = ()
    """Inner errors, outermost first: code and message."""

    def body(self) -> Document:
        """The answer's JSON."""
        error: Document = {"code": self.code.value, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        nested: Document | None = None
        for code, message in reversed(self.inner):
            outer: Document = {"code": code, "message": message}
            if nested is not None:
                outer["innerError"] = nested
            nested = outer
        if nested is not None:
            error["innerError"] = nested
        return {"error": error}


def invalid(message: str, target: str | None = None) -> Refusal:
    """400: the request itself is wrong (U4)."""
    return Refusal(400, Code.INVALID_REQUEST, message, target)


def conflict(message: str, target: str | None = None) -> Refusal:
    """409: right in form, but the referral's state does not allow it (U6, U26)."""
    return Refusal(409, Code.INVALID_REQUEST, message, target)


def not_found() -> Refusal:
    """404: no such referral, or not one this person may see (U5)."""
    return Refusal(404, Code.ITEM_NOT_FOUND, "The requested item was not found.", "referral")


def denied(message: str) -> Refusal:
    """403: this person may not do this."""
    return Refusal(403, Code.ACCESS_DENIED, message, "referral")
