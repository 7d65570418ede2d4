"""Countries as people write them: two letters, or the name in English or in their own language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from babel import Locale, UnknownLocaleError

_NO_COUNTRY = frozenset({"EU", "UN", "ZZ", "EZ", "QO"})
_OTHERS = {"uk": "GB", "usa": "US", "england": "GB"}


def country_code(said: str, language: str = "en") -> str | None:
    """The two capital letters of a country, or None when nobody can tell which is meant."""
    wanted = " ".join(said.casefold().split())
    return codes("en").get(wanted) or codes(language.partition("-")[0]).get(wanted)


@lru_cache(maxsize=8)
def codes(language: str = "en") -> Mapping[str, str]:
    """Country codes by themselves and by their names in a language, in small letters."""
    try:
        names = Locale(language).territories
    except (UnknownLocaleError, ValueError):
        return {}
    found: dict[str, str] = {}
    for code, name in names.items():
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY:
            found[name.casefold()] = code
            found[code.casefold()] = code
    return found | _OTHERS
