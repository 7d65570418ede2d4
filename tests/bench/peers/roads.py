"""What every minimal bot in Python is told, and the way to the stand-ins.

The SDKs name Microsoft's servers themselves; look-ups of those names end at a port of this machine.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

PORT = int(os.environ["PEER_PORT"])
APP_ID = os.environ["PEER_APP_ID"]
SECRET = os.environ["PEER_SECRET"]
TENANT = os.environ["PEER_TENANT"]
ANSWERS: dict[str, dict[str, Any]] = json.loads(Path(os.environ["PEER_ANSWERS"]).read_bytes())
"""The message activity that answers a text."""
_ROADS: dict[str, int] = json.loads(os.environ["PEER_ROADS"])
_look_up = socket.getaddrinfo


def _led(host: Any, port: Any, *more: Any, **named: Any) -> Any:  # noqa: ANN401
    name = host.decode() if isinstance(host, bytes) else host
    if name in _ROADS:
        return _look_up("127.0.0.1", _ROADS[name], *more, **named)
    return _look_up(host, port, *more, **named)


def take_the_roads() -> None:
    """From here on Microsoft's names lead to the stand-ins."""
    socket.getaddrinfo = _led
