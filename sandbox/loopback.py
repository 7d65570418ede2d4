"""This machine: the only place the sandbox listens at, is called from and sends to."""

from __future__ import annotations

from urllib.parse import urlsplit

HOST = "127.0.0.1"
"""Where the servers listen."""
NAMES = frozenset({HOST, "localhost", "::1"})


def is_here(url: str) -> bool:
    """Whether an http(s) address leads to this machine; one that cannot be read does not."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and parts.hostname in NAMES
    except ValueError:
        return False
