"""Which deal a person means: `#1042`, an id, a pasted link, or a piece of the name or customer.

rapidfuzz is loaded when somebody first names a deal in words: it takes 2.4 MB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.words import Word, join
from partner_center.referral import Referral

_HANDLE = re.compile(r"#?([0-9]{4,9})")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FILLERS = frozenset({"on", "for", "of", "in", "to", "deal", "referral", "the"})
_CLEAR = 82.0
"""Score from which a fragment counts as meant; below it, typos are indistinguishable."""


@dataclass(frozen=True, slots=True)
class Handle:
    """`#1042`: the tenant-wide short number of a deal."""

    number: int

    def __str__(self) -> str:
        return f"#{self.number}"


@dataclass(frozen=True, slots=True)
class ReferralId:
    """A referral's GUID, typed or inside a pasted link; lower case."""

    id: str

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a deal's or customer's name."""

    text: str

    def __str__(self) -> str:
        return f'"{self.text}"'


Target = Handle | ReferralId | Fragment


def exact(word: Word, *, bare_number: bool = False) -> Handle | ReferralId | None:
    """The deal a single word names for certain, or None.

    A number without `#` counts only with `bare_number`, so that an amount is never taken for one.
    """
    if word.quoted:
        return None
    text = word.text.rstrip(",;:.")
    found = _GUID.search(text) if "/" in text else _GUID.fullmatch(text)
    if found is not None:
        return ReferralId(found[0].lower())
    handle = _HANDLE.fullmatch(text)
    if handle is not None and (bare_number or text.startswith("#")):
        return Handle(int(handle[1]))
    return None


def named(words: Sequence[Word]) -> Target | None:
    """The deal these words name, all of them together; None when there are no words."""
    rest = list(words)
    while rest and rest[0].plain in _FILLERS:
        rest.pop(0)
    if len(rest) == 1:
        found = exact(rest[0], bare_number=True)
        if found is not None:
            return found
    text = join(rest)
    return Fragment(text) if text else None


def take_exact(words: Sequence[Word]) -> tuple[Target | None, tuple[Word, ...]]:
    """Take the one certain deal out of a line, with a filler word in front of it."""
    for index, word in enumerate(words):
        found = exact(word, bare_number=index == 0)
        if found is None:
            continue
        cut = index
        while cut and words[cut - 1].plain in _FILLERS:
            cut -= 1
        return found, (*words[:cut], *words[index + 1 :])
    return None, tuple(words)


def ranked(fragment: str, referrals: Sequence[Referral]) -> tuple[Referral, ...]:
    """The deals a fragment may mean, best first; typos tolerated.

    One deal whose name or customer equals the fragment is returned alone.
    """
    wanted = _plain(fragment)
    if not wanted:
        return ()
    scored = [(_score(wanted, referral), referral) for referral in referrals]
    same = [referral for score, referral in scored if score > 100]
    if same:
        return tuple(same)
    close = sorted(
        ((score, referral) for score, referral in scored if score >= _CLEAR),
        key=lambda pair: -pair[0],
    )
    return tuple(referral for _score, referral in close)


def named_by(words: Sequence[str], referral: Referral) -> int:
    """How many of the first words name the deal: each is, but for typos, one of its or its
    customer's name, and they are no more than that has; a sign may stand behind each."""
    from rapidfuzz import fuzz

    known = _plain(f"{referral.name} {referral.customer}").split()
    count = spent = 0
    for word in words[: 2 * len(known)]:
        parts = _plain(word).split()
        if spent + len(parts) > len(known) or not all(
            any(fuzz.ratio(part, each) >= _CLEAR for each in known) for part in parts
        ):
            break
        count, spent = count + 1, spent + len(parts)
    return count if spent else 0


def _plain(text: str) -> str:
    from rapidfuzz import utils

    return utils.default_process(text)


def _score(wanted: str, referral: Referral) -> float:
    from rapidfuzz import fuzz

    names = [_plain(name) for name in (referral.name, referral.customer) if name]
    if wanted in names:
        return 101.0
    best = 0.0
    for name in names:
        if f" {wanted}" in f" {name}":
            return 100.0
        fair = _fair(wanted, name)
        if len(wanted) >= 4 and 100 * fair >= _CLEAR:
            best = max(best, fuzz.partial_ratio(wanted, name) * fair)
    return best


def _fair(wanted: str, name: str) -> float:
    """A fragment much longer than the name must not count as a part of it."""
    return min(1.0, len(name) / len(wanted)) if len(wanted) > len(name) else 1.0
