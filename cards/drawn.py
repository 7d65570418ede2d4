"""A whole card as it is sent: what it says, and its JSON, which is written once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

_JSON: Final = json.JSONEncoder(allow_nan=False, check_circular=False).encode


class Drawn(dict[str, object]):
    """A card that is finished: nothing of it changes any more, so its JSON stays true."""

    __slots__ = ("json",)

    def __init__(self, card: Mapping[str, object]) -> None:
        super().__init__(card)
        self.json = _JSON(card)


def as_json(about: Mapping[str, object]) -> str:
    """The JSON of an object; a drawn card in one of its values is not written out again."""
    parts = (
        f"{_JSON(key)}: {value.json if isinstance(value, Drawn) else _JSON(value)}"
        for key, value in about.items()
    )
    return f"{{{', '.join(parts)}}}"
