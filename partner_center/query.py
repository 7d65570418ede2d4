"""List queries: OData filter, order and cap, quoted so that no value can leave its literal."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from partner_center.errors import UnexpectedAnswer

NEWEST_FIRST = "updatedDateTime desc"
LATEST_FIRST = "createdDateTime desc"
_LONGEST_LITERAL = 320


@dataclass(frozen=True, slots=True)
class Query:
    """`filter` is an OData expression, `order` one of the two sortable times (API reference 6),
    `top` caps the referrals returned."""

    filter: str | None = None
    order: str | None = NEWEST_FIRST
    top: int | None = None

    def encode(self) -> str:
        """The query string, percent-encoded, blanks as %20; empty when there is nothing to say."""
        options = {
            "$filter": self.filter,
            "$orderby": self.order,
            "$top": None if self.top is None else str(self.top),
        }
        return "&".join(
            f"{name}={quote(value, safe='')}"
            for name, value in options.items()
            if value is not None
        )

    def also(self, other: "Query") -> Self:
        """Both filters at once; order and cap stay this one's."""
        parts = [each for each in (self.filter, other.filter) if each]
        joined = " and ".join(f"({part})" for part in parts) if len(parts) > 1 else "".join(parts)
        return type(self)(joined or None, self.order, self.top)


def quoted(value: str) -> str:
    """An OData string literal; `'` is doubled. Raises ValueError for control characters or more
    than 320 characters."""
    if len(value) > _LONGEST_LITERAL or not value.isprintable():
        raise ValueError("not a value for a filter")
    return "'" + value.replace("'", "''") + "'"


def everything(top: int | None = None) -> Query:
    """All the person may see, last changed first."""
    return Query(top=top)


def newly_made() -> Query:
    """All the person may see, last created first."""
    return Query(order=LATEST_FIRST)


def mine(email: str, top: int | None = None) -> Query:
    """Deals whose team holds this e-mail address."""
    return Query(f"team/any(t:t/email eq {quoted(email)})", top=top)


def status(status: str, substatus: str | None = None, top: int | None = None) -> Query:
    """Deals in a status, or in a status and substatus."""
    expression = f"status eq {quoted(status)}"
    if substatus is not None:
        expression += f" and substatus eq {quoted(substatus)}"
    return Query(expression, top=top)


_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def engagement(engagement_id: str) -> Query:
    """All parties' referrals of one deal. Raises ValueError unless it is a GUID."""
    if not _GUID.fullmatch(engagement_id):
        raise ValueError("not an engagement id")
    return Query(f"engagementId eq {quoted(engagement_id)}")


_LONGEST_LINK = 8192
_QUERY_SAFE = "=&$%+'()/,:;@!*?-._~"
_PORTS = {"http": 80, "https": 443}


def following(next_link: str, collection_url: str) -> str:
    """The URL of the next page, always on the collection itself (API reference 6).

    The documented nextLink is http and lacks a part of the path. So only its query is taken, or
    only its `$skiptoken` when the path is not the collection's. Raises UnexpectedAnswer for a link
    to another host or port, with user info, of another scheme, or without a token.
    """
    if len(next_link) > _LONGEST_LINK or not next_link.isprintable():
        raise UnexpectedAnswer("unreadable_next_link")
    try:
        link, collection = urlsplit(next_link), urlsplit(collection_url)
        own = _is_own(link, collection)
    except ValueError as error:
        raise UnexpectedAnswer("unreadable_next_link") from error
    if not own:
        raise UnexpectedAnswer("foreign_next_link")
    if link.path.rstrip("/") == collection.path.rstrip("/") and link.query:
        return f"{collection_url}?{quote(link.query, safe=_QUERY_SAFE)}"
    tokens = parse_qs(link.query).get("$skiptoken", [])
    if len(tokens) != 1:
        raise UnexpectedAnswer("unreadable_next_link")
    return f"{collection_url}?$skiptoken={quote(tokens[0], safe='')}"


def _is_own(link: SplitResult, collection: SplitResult) -> bool:
    if not link.scheme and not link.netloc:
        return link.path.startswith("/")
    if link.scheme not in _PORTS or link.username is not None or link.password is not None:
        return False
    own_port = collection.port or _PORTS[collection.scheme]
    link_port = link.port or (own_port if collection.port is None else _PORTS[link.scheme])
    return link.hostname == collection.hostname and link_port == own_port
