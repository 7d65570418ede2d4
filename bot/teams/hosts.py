"""Which addresses the bot may send its token to: exact hosts, decided before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_ADDRESS = re.compile(r"(https?)://([a-z0-9.:-]+)((?:/[A-Za-z0-9_.~-]*)*)", re.ASCII)
_MAX = 512
_MOST_KNOWN = 64


class Hosts:
    """The connectors Teams may name as `serviceUrl`.

    Plain host names mean https on the default port. `127.0.0.1:PORT` means http and
    `https://127.0.0.1:PORT` https, and settings allow such entries in sandbox mode only.
    `*.trafficmanager.net` is open to any Azure customer, so nothing is ever matched by its ending.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._origins = frozenset(_origin(entry) for entry in entries)
        self._decided = lru_cache(maxsize=_MOST_KNOWN)(self._decide)

    def allow(self, url: str) -> bool:
        """Whether `url` is a connector's base: no user-info, query, fragment or dot segments."""
        return self._decided(url)

    def _decide(self, url: str) -> bool:
        match = _ADDRESS.fullmatch(url) if len(url) <= _MAX else None
        if match is None or (match[1], match[2]) not in self._origins:
            return False
        return not {".", ".."} & set(match[3].split("/"))


def _origin(entry: str) -> tuple[str, str]:
    if entry.startswith("https://"):
        return "https", entry.removeprefix("https://")
    return "http" if ":" in entry else "https", entry
