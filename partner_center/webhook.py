"""Whether a notification is Partner Center's own, and what it tells (API reference 11).

The signature over the raw body decides. Microsoft's sample function checks the certificate only,
so that anybody could send it any body together with the public certificate.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from partner_center.errors import UnexpectedAnswer
from partner_center.wire import Json, as_moment, as_object, parse_json

LARGEST_BODY = 64 * 1024
ALGORITHM = "rsa-sha256"
"""The one algorithm taken: RSA with PKCS#1 v1.5 padding over SHA-256."""

_LONGEST_SIGNATURE = 2048
_SCHEME = re.compile(r"Signature +([A-Za-z0-9+/]+={0,2})", re.ASCII | re.IGNORECASE)
_ADDRESS = re.compile(
    r"https://(?P<host>[a-z0-9.-]{1,253}(?::[0-9]{1,5})?)(?P<path>(?:/[A-Za-z0-9_~.-]{1,128}){1,8})",
    re.ASCII,
)
_RESOURCE = re.compile(
    r"https?://[^\s/?#\\]{1,253}(?:/[A-Za-z0-9_~.-]{1,64}){0,8}/referrals/"
    r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?",
    re.ASCII | re.IGNORECASE,
)
_DOTS = re.compile(r"/\.{1,2}(?:/|\Z)")
_EVENT_NAME = re.compile(r"[A-Za-z][A-Za-z-]{0,63}", re.ASCII)


class Why(StrEnum):
    """What is wrong with a notification; for the log, the sender is told a status only."""

    HEADERS = "a header is missing or given twice"
    SIGNATURE_MISSING = "no readable signature"
    ALGORITHM = "another algorithm"
    ADDRESS = "certificate address not allowed"
    CERTIFICATE = "certificate unreadable"
    CHAIN = "certificate does not chain to a pinned root"
    VALIDITY = "certificate expired or not yet valid"
    ORGANISATION = "certificate of another organisation"
    NAME = "certificate of another service"
    SIGNATURE = "the signature is not of this body"
    BODY = "body is not an event"


class NotGenuine(Exception):
    """A notification that is not to be believed, and the reason."""

    def __init__(self, why: Why) -> None:
        self.why = why
        super().__init__(why.value)


class EventName(StrEnum):
    """The events of referrals, and the one a test sends."""

    CREATED = "referral-created"
    UPDATED = "referral-updated"
    RELATED_CREATED = "related-referral-created"
    RELATED_UPDATED = "related-referral-updated"
    TEST = "test-created"


ABOUT_DEALS = frozenset(EventName) - {EventName.TEST}
"""Events that name a referral which is worth another look."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers claim: this certificate signed the body."""

    signature: bytes
    certificate_url: str


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: a name and a time, and a referral's id when the address names one.

    `name` may be one that is not known. Nothing else of the address is kept (API reference C9).
    """

    name: str
    referral_id: str | None
    changed: datetime

    @property
    def is_about_a_deal(self) -> bool:
        """Whether there is a referral to look at."""
        return self.referral_id is not None and self.name in ABOUT_DEALS

    @property
    def key(self) -> str:
        """The same for every delivery of one change (API reference U32)."""
        return "|".join((self.name, self.referral_id or "", self.changed.isoformat()))


def read_claim(headers: Mapping[str, Sequence[str]], hosts: Collection[str]) -> Claim:
    """The claim of a request; `headers` has all values of each header by lower-case name.

    The signature is in `authorization` or `x-ms-signature`. Raises NotGenuine; nothing has been
    fetched by then.
    """
    found = [
        match[1]
        for name in ("x-ms-signature", "authorization")
        for value in headers.get(name, ())
        if len(value) <= _LONGEST_SIGNATURE and (match := _SCHEME.fullmatch(value.strip()))
    ]
    if len(set(found)) != 1:
        raise NotGenuine(Why.SIGNATURE_MISSING)
    if _only(headers, "x-ms-signature-algorithm") != ALGORITHM:
        raise NotGenuine(Why.ALGORITHM)
    address = _only(headers, "x-ms-certificate-url")
    return Claim(_decoded(found[0]), certificate_address(address, hosts))


def certificate_address(url: str, hosts: Collection[str]) -> str:
    """The address, when it is plain https on exactly one of `hosts`. Raises NotGenuine.

    A host is a name, or `name:port` where a port is meant. Users, queries, fragments, escapes and
    dot segments are never part of such an address.
    """
    parts = _ADDRESS.fullmatch(url)
    if parts is None or parts["host"] not in hosts or _DOTS.search(parts["path"]):
        raise NotGenuine(Why.ADDRESS)
    return url


def check_signature(body: bytes, signature: bytes, key: RSAPublicKey) -> None:
    """Verify the signature over the body as it came. Raises NotGenuine."""
    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise NotGenuine(Why.SIGNATURE) from error


def read_event(body: bytes) -> Event:
    """The event in a body whose signature was checked. Raises NotGenuine.

    Names of members are taken in any case; of the resource's address only a referral's id.
    """
    try:
        members = _members(parse_json(body))
        changed = as_moment(members.get("resourcechangeutcdate"))
    except UnexpectedAnswer as error:
        raise NotGenuine(Why.BODY) from error
    name = members.get("eventname")
    if changed is None or not isinstance(name, str) or not _EVENT_NAME.fullmatch(name):
        raise NotGenuine(Why.BODY)
    return Event(name.lower(), referral_of(members.get("resourceuri")), changed)


def referral_of(address: Json) -> str | None:
    """The id of the referral an address names, in lower case, or None. The address is never used:
    its host differs from the API's anyway (API reference C9)."""
    found = _RESOURCE.fullmatch(address) if isinstance(address, str) else None
    if found is None or _DOTS.search(found.string):
        return None
    return found["id"].lower()


def _members(document: Json) -> Mapping[str, Json]:
    given = as_object(document)
    members = {name.lower(): value for name, value in given.items()}
    if len(members) != len(given):
        raise UnexpectedAnswer("duplicate_key")
    return members


def _only(headers: Mapping[str, Sequence[str]], name: str) -> str:
    values = headers.get(name, ())
    if len(values) != 1:
        raise NotGenuine(Why.HEADERS)
    return values[0]


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except binascii.Error as error:
        raise NotGenuine(Why.SIGNATURE_MISSING) from error
