"""A Partner Center on loopback for these tests, and callers with tokens."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.clock import Clock
from sandbox.partner_center import app
from sandbox.people import PEOPLE, TENANT_ID
from sandbox.tokens import Claims, TokenProblem
from sandbox.world import World

PREFIX = "/partnercenter"
REFERRALS = "/v1.0/engagements/referrals"
AUDIENCE = "https://api.partner.microsoft.com"
NOW = datetime(2026, 2, 20, 10, 0, tzinfo=UTC)


@dataclass(slots=True)
class Badges:
    """A token reader that knows tokens by name: `Bearer ben`."""

    known: dict[str, Claims] = field(
        default_factory=lambda: {
            key: Claims(person.oid, TENANT_ID, person.email, AUDIENCE, ("pwd", "mfa"))
            for key, person in PEOPLE.items()
        }
    )

    def read(self, authorization: str | None) -> Claims | TokenProblem:
        """Look the name up."""
        scheme, _, name = (authorization or "").partition(" ")
        if scheme != "Bearer" or name not in self.known:
            return TokenProblem("Access token is missing or not valid.")
        return self.known[name]

    def change(self, key: str, claims: Claims) -> None:
        """Another token for somebody."""
        self.known[key] = claims


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read whole."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        """The body, numbers with a point as Decimal."""
        parsed: dict[str, Any] = json.loads(self.text, parse_float=Decimal)
        return parsed

    @property
    def error(self) -> dict[str, Any]:
        """The error object of the documented body."""
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def inner_codes(self) -> list[str]:
        """The codes of the inner errors, outermost first."""
        codes, inner = [], self.error.get("innerError")
        while inner:
            codes.append(inner["code"])
            inner = inner.get("innerError")
        return codes

    @property
    def ids(self) -> list[str]:
        """The ids of a page."""
        return [entry["id"] for entry in self.json["value"]]


@dataclass(slots=True)
class Desk:
    """The running API with its world, and one shared session."""

    world: World
    badges: Badges
    server: TestServer
    session: aiohttp.ClientSession

    def url(self, path: str) -> str:
        """The address of a path under the mount."""
        return str(self.server.make_url(PREFIX)) + path

    async def call(
        self,
        method: str,
        path: str,
        *,
        by: str | None = "ben",
        body: object = None,
        data: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `body` is sent as JSON."""
        sent = dict(headers or {})
        if by is not None:
            sent.setdefault("Authorization", f"Bearer {by}")
        if body is not None:
            data = json.dumps(body)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        address = path if path.startswith("http") else self.url(path)
        async with self.session.request(
            method, address, data=_stream(data), headers=sent, params=params, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers.copy(), await response.text())

    async def get(
        self,
        referral: str,
        *,
        by: str | None = "ben",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Read one referral."""
        return await self.call("GET", f"{REFERRALS}/{referral}", by=by, headers=headers)

    async def list(self, by: str = "ada", **options: str) -> Answer:
        """One page; options by their name without the dollar."""
        params = {f"${name}": value for name, value in options.items()}
        return await self.call("GET", REFERRALS, by=by, params=params)

    async def patch(
        self,
        referral: str,
        *operations: Mapping[str, object],
        by: str | None = "ben",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Change one referral."""
        return await self.call(
            "PATCH", f"{REFERRALS}/{referral}", by=by, body=list(operations), headers=headers
        )

    async def eligibility(self, referral: str, *, by: str = "ben") -> Answer:
        """May this referral be registered?"""
        path = f"{REFERRALS}/{referral}/dealregistrations/eligibility"
        return await self.call("POST", path, by=by)


def _stream(text: str | None) -> io.BytesIO | None:
    return None if text is None else io.BytesIO(text.encode())


@asynccontextmanager
async def open_desk(now: datetime = NOW) -> AsyncIterator[Desk]:
    """A Partner Center mounted as in the sandbox, with a clock that only moves when told."""
    world, badges = World(Clock(lambda: now)), Badges()
    house = web.Application(client_max_size=4 * 1024 * 1024)
    house.add_subapp(PREFIX, app(world, badges))
    server = TestServer(house)
    await server.start_server()
    try:
        async with aiohttp.ClientSession() as session:
            yield Desk(world, badges, server, session)
    finally:
        world.faults.clear()
        await server.close()


def put(path: str, value: object) -> dict[str, Any]:
    """A replace operation."""
    return {"op": "replace", "path": path, "value": value}


def add(path: str, value: object) -> dict[str, Any]:
    """An add operation."""
    return {"op": "add", "path": path, "value": value}
