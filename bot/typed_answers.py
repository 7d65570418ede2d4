"""Reads what a person typed at a step: which of its fields the words answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from bot.dates import AmbiguousDate, DateError, parse_date
from bot.keywords import in_english
from bot.steps import Asked, Name, Step, is_finite, solutions_of
from partner_center.money import CURRENCIES

_ANY_DAY = date(2026, 1, 1)

KEEP = frozenset({"ok", "okay", "next", "keep", "same", "fine", "go on", "continue", "correct"})
"""Words that take what stands there already."""

_YES = frozenset({"yes", "y", "yep", "yeah", "true", "sure"})
_NO = frozenset({"no", "n", "nope", "false", "not"})


def read_typed(step: Step, typed: str, asked: Asked) -> dict[str, str]:
    """What each field of the step was answered with, still as typed; {} when nothing fits."""
    tidy = " ".join(typed.replace("\u00a0", " ").split())
    if step.name in _BY_KEYWORDS:
        tidy = in_english(tidy)
    found = _READERS[step.name](tidy, asked)
    return {name: value for name, value in found.items() if value}


_VALUE_LABEL = re.compile(r"(?i)(?:the )?(?:total )?(?:contract )?(?:value|amount)(?: is|:|=)? +")


def _value(typed: str, _asked: Asked) -> dict[str, str]:
    """`250k`, `EUR 250k`, `250k EUR`, `EUR`."""
    if typed.upper() in CURRENCIES:
        return {"currency": typed}
    named = _VALUE_LABEL.match(typed)
    amount = typed[named.end() :] if named else typed
    currencies = {
        word.upper() for word in re.findall(r"[A-Za-z]{3}", amount) if word.upper() in CURRENCIES
    }
    return {"value": amount, "currency": currencies.pop() if len(currencies) == 1 else ""}


_TERMS: Mapping[str, str] = {
    "finite": "Finite",
    "fixed term": "Finite",
    "fixed": "Finite",
    "with an end date": "Finite",
    "perpetual": "Perpetual",
    "no end date": "Perpetual",
    "no end": "Perpetual",
    "forever": "Perpetual",
    "unlimited": "Perpetual",
}
_LABELS: Mapping[str, str] = {
    "signed on": "sign",
    "signed": "sign",
    "signing": "sign",
    "sign": "sign",
    "starts on": "start",
    "starting": "start",
    "starts": "start",
    "start": "start",
    "from": "start",
    "begins": "start",
    "ends on": "end",
    "ending": "end",
    "ends": "end",
    "end": "end",
    "until": "end",
    "till": "end",
    "through": "end",
    "to": "end",
}
_LABEL = re.compile(
    r"(?i)\b("
    + "|".join(sorted(map(re.escape, _LABELS), key=len, reverse=True))
    + r")\b(?! of\b):?"
)


def _dates(typed: str, asked: Asked) -> dict[str, str]:
    """`signed 10 Feb 2026, 12 Feb 2026 to 11 Feb 2027 finite` in any order of its parts."""
    found: dict[str, str] = {}
    rest = typed
    for phrase, term in _TERMS.items():
        cut = re.sub(rf"(?i)\b{phrase}\b", " ", rest)
        if cut != rest:
            found["term"], rest = term, cut
            break
    rest = re.sub(r"\s[\u2013\u2014-]\s", " to ", rest)
    parts = _LABEL.split(rest)
    bare = _bits(parts[0])
    for label, words in zip(parts[1::2], parts[2::2], strict=True):
        name = _LABELS[label.casefold()]
        first, *others = _bits(words) or [""]
        found[name] = first
        bare += others
    found.update(zip(_unnamed(found, asked, bare, parts[0]), bare, strict=False))
    return found


def _bits(words: str) -> list[str]:
    """Day texts separated by commas, `and` or semicolons; `Feb 12, 2026` stays one."""
    whole = words.strip(" ,;.")
    if not whole or _is_day(whole):
        return [whole] if whole else []
    return [bit.strip() for bit in re.split(r"(?i)[,;]|\band\b", whole) if bit.strip(" .")]


def _is_day(words: str) -> bool:
    try:
        parse_date(words, _ANY_DAY)
    except AmbiguousDate:
        return True
    except DateError:
        return False
    return True


def _unnamed(found: Mapping[str, str], asked: Asked, bare: list[str], head: str) -> list[str]:
    """Which fields the days without a label are for: all of them in the order of the card, fewer
    the unanswered ones first; before `to` stands the start."""
    if "end" in found and "start" not in found and len(_bits(head)) == 1:
        return ["start", "sign"]
    days = ("sign", "start", "end") if is_finite({**asked.answers, **found}) else ("sign", "start")
    open_days = [name for name in days if name not in found]
    if len(bare) >= len(open_days):
        return open_days
    return sorted(open_days, key=lambda name: name in asked.answers)


def _solution(typed: str, asked: Asked) -> dict[str, str]:
    """`solution 2`, `2`, a name or an id, `solution 2 200k`, `200k`."""
    options = solutions_of(asked.referral)
    match = re.match(r"(?i)^(?:solution )?#?(\d{1,2})(?:[ ,:]+(.+))?$", typed)
    if match and 1 <= int(match[1]) <= len(options):
        return {"solution": match[1], "solution_value": _plain_amount(match[2] or "")}
    lowered = typed.casefold()
    for value, said in sorted(options, key=lambda option: -len(option[1].plain)):
        for name in (value.casefold(), said.plain.casefold()):
            if name in lowered:
                at = lowered.index(name)
                rest = typed[:at] + " " + typed[at + len(name) :]
                return {"solution": value, "solution_value": _plain_amount(rest)}
    if any(character.isdigit() for character in typed):
        return {"solution_value": _plain_amount(typed)}
    return {"solution": typed}


def _plain_amount(words: str) -> str:
    cut = re.sub(r"(?i)^\W*(?:solution|value|worth|for|at|is|of|with|,|:|=| )+", "", words)
    return cut.strip(" ,;.:=")


_DEPLOYMENT: tuple[tuple[str, str, str], ...] = (
    ("azure", "false", r"not (?:on|in) azure|no azure|not azure|without azure"),
    ("azure", "true", r"(?:on |in )?azure"),
    ("pricing", "PayAsYouGo", r"pay[ -]?as[ -]?you[ -]?go|payg|consumption"),
    ("pricing", "Other", r"other(?: pricing)?|subscription|licen[cs]e|fixed price"),
    ("tenant", "Customer", r"customer'?s?(?: own)?(?: tenant)?"),
    ("tenant", "Partner", r"(?:partner'?s?|our(?:s| own)?)(?: tenant)?"),
)


def _deployment(typed: str, asked: Asked) -> dict[str, str]:
    """`yes, customer, other`, `on azure in our tenant, payg`."""
    found: dict[str, str] = {}
    rest = typed.casefold().replace("\u2019", "'")
    for name, value, pattern in _DEPLOYMENT:
        cut = re.sub(rf"\b(?:{pattern})\b", " ", rest, count=1)
        if name not in found and cut != rest:
            found[name], rest = value, cut
    if "azure" not in found:
        found["azure"] = _yes_no(rest)
    return found


def _marketplace(typed: str, asked: Asked) -> dict[str, str]:
    """`no`, `yes 11 Feb 2026`, `11 Feb 2026`."""
    first, _, rest = typed.partition(" ")
    said = _yes_no(first)
    if said == "false":
        return {"marketplace": said}
    day = (rest if said else typed).strip(" ,;.")
    day = re.sub(r"(?i)^(?:on|estimated|about|around)\s+", "", day)
    if not said and not any(character.isdigit() for character in day):
        return {"marketplace": typed}
    return {"marketplace": "true", "marketplace_date": day}


def _yes_no(words: str) -> str:
    spoken = set(re.findall(r"[a-z]+", words.casefold()))
    if spoken & _NO:
        return "false"
    return "true" if spoken & _YES else ""


_BY_KEYWORDS = frozenset({Name.DATES, Name.DEPLOYMENT, Name.MARKETPLACE})
"""Steps whose answers hold keywords and days, and no names."""
_READERS: Mapping[Name, Callable[[str, Asked], dict[str, str]]] = {
    Name.VALUE: _value,
    Name.DATES: _dates,
    Name.SOLUTION: _solution,
    Name.DEPLOYMENT: _deployment,
    Name.MARKETPLACE: _marketplace,
}
