"""Reads the JSON bodies of control calls, and writes the answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from aiohttp import web

from sandbox import wire
from sandbox.loopback import is_here
from sandbox.people import PEOPLE

MOST = 1_000_000_000
"""Of anything, seconds included."""


class BadCall(ValueError):
    """A control call that cannot be understood."""


class Body:
    """The members of a control call's JSON object, read by type. Everything raises BadCall."""

    def __init__(self, members: Mapping[str, object]) -> None:
        self.members = members

    @classmethod
    async def of(cls, request: web.Request) -> Body:
        """The body of a request; an empty one has no members."""
        raw = await request.read()
        try:
            members = wire.read(raw) if raw else {}
        except wire.UnreadableJson as error:
            raise BadCall(f"the body is not JSON: {error}") from error
        if not isinstance(members, dict):
            raise BadCall("the body is not a JSON object")
        return cls(members)

    def text(self, name: str, default: str | None = None) -> str:
        """A string; required when there is no default."""
        value = self.optional(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise BadCall(f"{name} is missing")
        return value

    def optional(self, name: str) -> str | None:
        """A string or None."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, str):
            raise BadCall(f"{name} is not text")
        return value

    def here(self, name: str) -> str | None:
        """An address on this machine, or None."""
        url = self.optional(name)
        if url is not None and not is_here(url):
            raise BadCall(f"{name} is not on this machine")
        return url

    def flag(self, name: str, default: bool) -> bool:
        """A boolean."""
        value = self.members.get(name, default)
        if not isinstance(value, bool):
            raise BadCall(f"{name} is not true or false")
        return value

    def count(self, name: str, default: int) -> int:
        """A whole number, 0 or more and below MOST."""
        value = self.members.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST:
            raise BadCall(f"{name} is not a whole number")
        return value

    def mapping(self, name: str) -> Mapping[str, object]:
        """An object; empty when it is not there."""
        value = self.members.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise BadCall(f"{name} is not an object")
        return value

    def person(self, name: str = "person") -> str:
        """The key of somebody who lives here."""
        key = self.text(name)
        if key not in PEOPLE:
            raise BadCall(f"there is no {key!r}; there are {', '.join(PEOPLE)}")
        return key


def answer(value: object, *, status: int = 200) -> web.Response:
    """A JSON answer; dataclasses become objects and times ISO 8601."""
    body = wire.write_bytes(cast("wire.Json", _plain(value)))
    return web.Response(body=body, status=status, content_type="application/json")


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
