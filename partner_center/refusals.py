"""A failed answer -> the exception that says what it means (API reference 12)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

import httpx

from partner_center.errors import (
    ClaimsChallenge,
    Conflict,
    Forbidden,
    Locked,
    MfaRequired,
    NotFound,
    OutcomeUnknown,
    PartnerCenterError,
    Refused,
    Throttled,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from partner_center.exchange import Answer

_LONGEST_MESSAGE = 1024
_LONGEST_CODE = 128
_DEEPEST = 10
_BODY_READ = 65536

_BY_STATUS: Mapping[int, type[PartnerCenterError]] = MappingProxyType(
    {401: Unauthorized, 403: Forbidden, 404: NotFound, 412: Conflict, 423: Locked, 429: Throttled}
)
_MFA = re.compile(r"(?<!\d)900421(?!\d)", re.ASCII)
_INSUFFICIENT = re.compile(r"insuffici?ent_claims", re.IGNORECASE)
_CLAIMS = re.compile(r'\bclaims="?([A-Za-z0-9+/=_-]{1,8192})', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an error body says; empty when it is none of the service's shapes."""

    codes: tuple[str, ...] = ()
    target: str | None = None
    message: str | None = None
    own_body: bool = False


def error_of(answer: Answer, *, write: bool, now: datetime) -> PartnerCenterError:
    """The exception for an answer that is not a success. Never raises, whatever the body."""
    body = answer.body[:_BODY_READ].decode("utf-8", "replace")
    said = _said(body)
    kind = _kind(answer, body, write=write)
    error = kind(
        "redirect" if 300 <= answer.status < 400 else (answer.flaw or ""),
        status=answer.status,
        request_id=answer.request_id,
        code=said.codes[-1] if said.codes else None,
        codes=said.codes,
        target=said.target,
        client_request_id=answer.client_request_id,
        message=said.message,
        retry_after=retry_after(answer.headers.get("retry-after"), now),
        own_body=said.own_body,
    )
    if isinstance(error, ClaimsChallenge):
        error.claims = _claims(answer.headers)
    return error


def _kind(answer: Answer, body: str, *, write: bool) -> type[PartnerCenterError]:
    if answer.status in (401, 403) and _is_challenge(answer.headers, body):
        return ClaimsChallenge
    if answer.status == 401 and _MFA.search(body):
        return MfaRequired
    if answer.status >= 500 or answer.status == 408:
        return OutcomeUnknown if write else Unavailable
    if answer.status < 400:
        return OutcomeUnknown if write else UnexpectedAnswer
    return _BY_STATUS.get(answer.status, Refused)


def _is_challenge(headers: httpx.Headers, body: str) -> bool:
    asked = ", ".join(headers.get_list("www-authenticate"))
    return bool(_INSUFFICIENT.search(asked + body) or _CLAIMS.search(asked))


def _claims(headers: httpx.Headers) -> str | None:
    """The claims as JSON text; Entra sends them as base64 (usual or URL alphabet)."""
    found = _CLAIMS.search(", ".join(headers.get_list("www-authenticate")))
    if found is None:
        return None
    packed = found[1].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
        return text if isinstance(json.loads(text), dict) else None
    except (binascii.Error, ValueError, RecursionError):
        return None


def _said(body: str) -> _Said:
    """Reads the three known shapes (API reference 12.1); keys without regard to case."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _Said()
    outer = _lowered(document)
    levels = _levels(outer.get("error") if isinstance(outer.get("error"), dict) else outer)
    codes = tuple(code for level in levels if (code := _code(level.get("code"))))
    if not codes and (status := _code(outer.get("statuscode"))):
        codes = (status,)
    message = levels[0].get("message") or levels[0].get("description")
    return _Said(
        codes=codes,
        target=_code(levels[0].get("target")),
        message=message[:_LONGEST_MESSAGE] if isinstance(message, str) else None,
        own_body=bool(codes),
    )


def _lowered(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        return {}
    return {str(key).lower(): inner for key, inner in value.items()}


def _levels(error: object) -> Sequence[Mapping[str, object]]:
    """An error object and the inner errors below it, outermost first."""
    levels = [_lowered(error)]
    while len(levels) < _DEEPEST and isinstance(levels[-1].get("innererror"), dict):
        levels.append(_lowered(levels[-1]["innererror"]))
    return levels


def _code(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)[:_LONGEST_CODE]
    return text if text.isprintable() and text else None


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait: from a number, or from an HTTP date in any of its three forms.

    0 for a past date; None when absent or not understood.
    """
    text = (header or "").strip()
    if not text or not text.isascii():
        return None
    if text.isdigit():
        return float(text) if len(text) <= 9 else None
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - now).total_seconds())
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
