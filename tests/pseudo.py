"""A language nobody speaks: every sentence of ours, longer and marked, so that what is not
translated, or has no room to grow, is seen."""

from __future__ import annotations

import re
from gettext import NullTranslations

OPEN, CLOSE = "⟦", "⟧"
_PLACE = re.compile(r"(\{[^}]*\})")
_LETTERS = str.maketrans("aceilnorsuyzACEILNORSUYZ", "áčéîļñöŕšüýžÁČÉÎĻÑÖŔŠÜÝŽ")
_GROWTH = ((10, 1.0), (20, 0.8), (30, 0.6), (50, 0.4), (10_000, 0.3))
"""How much longer a translation may be, by the length of the English."""
_FILLER = " löñg"


class Pseudo(NullTranslations):
    """Answers every sentence with itself, accented, lengthened and in brackets."""

    def gettext(self, message: str) -> str:
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return message


def pseudo(sentence: str) -> str:
    """The sentence with its places, as a longer language might say it."""
    parts = _PLACE.split(sentence)
    said = "".join(part if part.startswith("{") else part.translate(_LETTERS) for part in parts)
    length = len(_PLACE.sub("", sentence))
    share = next(share for most, share in _GROWTH if length <= most)
    more = round(length * share / len(_FILLER) + 0.5)
    return f"{OPEN}{said}{_FILLER * more}{CLOSE}"
