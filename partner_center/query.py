"""List queries: OData filter, order and cap, quoted so that no value can leave its literal."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

NEWEST_FIRST = "updatedDateTime desc"
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
