"""The sandbox's truth for tests: every write that was applied, and every request that came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.wire import Json


@dataclass(frozen=True, slots=True)
class Write:
    """One change that Partner Center really made; `owner` is whose token it carried."""

    seq: int
    at: datetime
    owner: str
    oid: str
    method: str
    path: str
    body: Json
    referral: str
    etag_before: str | None
    etag_after: str
    client_request_id: str | None


@dataclass(slots=True)
class Request:
    """One request as it arrived; `status` is None while it runs or when no answer was sent."""

    seq: int
    at: datetime
    owner: str | None
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    status: int | None = None


@dataclass(slots=True)
class Ledger:
    """Both lists, oldest first; sequence numbers start at 1 after each reset."""

    writes: list[Write] = field(default_factory=list)
    edits: list[Write] = field(default_factory=list)
    """Changes made in the portal, without a token: a colleague's or Microsoft's."""
    requests: list[Request] = field(default_factory=list)

    def wrote(
        self,
        *,
        at: datetime,
        owner: str,
        oid: str,
        method: str,
        path: str,
        body: Json,
        referral: str,
        etag_before: str | None,
        etag_after: str,
        client_request_id: str | None,
    ) -> Write:
        """Record an applied write."""
        write = Write(
            len(self.writes) + 1,
            at,
            owner,
            oid,
            method,
            path,
            body,
            referral,
            etag_before,
            etag_after,
            client_request_id,
        )
        self.writes.append(write)
        return write

    def edited(
        self,
        *,
        at: datetime,
        owner: str,
        oid: str,
        body: Json,
        referral: str,
        etag_before: str,
        etag_after: str,
    ) -> None:
        """Record a change made in the portal."""
        number = len(self.edits) + 1
        self.edits.append(
            Write(
                number, at, owner, oid, "PORTAL", "", body, referral, etag_before, etag_after, None
            )
        )

    def came(
        self,
        *,
        at: datetime,
        owner: str | None,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: str,
    ) -> Request:
        """Record a request; the token must not be among the headers."""
        request = Request(len(self.requests) + 1, at, owner, method, path, query, headers, body)
        self.requests.append(request)
        return request

    def reset(self) -> None:
        """Forget everything."""
        self.writes.clear()
        self.edits.clear()
        self.requests.clear()
