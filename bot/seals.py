"""Seals rows on which a write rests, so that nobody who can only write to the database forges one.

HMAC-SHA-256 over every field that matters, with a key made from each encryption key: the newest
seals, any of them is believed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence

_USE = b"dealdesk: seals of rows"


class Seals:
    """Seals with the newest key and believes any of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._keys = [hmac.digest(key.encode(), _USE, "sha256") for key in keys]

    def of(self, *fields: str | None) -> str:
        """The seal of these fields, in this order."""
        return _seal(self._keys[0], fields)

    def holds(self, seal: str | None, *fields: str | None) -> bool:
        """Whether this is their seal."""
        given = (seal or "").encode()
        return any(hmac.compare_digest(_seal(key, fields).encode(), given) for key in self._keys)


def _seal(key: bytes, fields: Sequence[str | None]) -> str:
    return hmac.digest(key, json.dumps(fields).encode(), "sha256").hex()
