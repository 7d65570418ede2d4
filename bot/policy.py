"""What needs approval, by whom, by how many and for how long: one line of settings, read once.

`register, value>100000 USD, value>20%, quorum=2, expires=24h`. Sections for one tenant or one
channel follow after semicolons: `...; [tenant GUID] won, lost; [channel ID] none`. A section states
its own rules; quorum, time and approvers stay as before unless it names them.

An approver is a person (Entra object id or sign-in name) or a role in the team in which something
is asked: `owners`, or `members`, who are everybody in it but guests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from partner_center.money import Money, MoneyError, UnreadableAmount, parse_amount, plain


class PolicyError(ValueError):
    """A policy that cannot be followed; the message is one sentence that says what to change."""


@dataclass(frozen=True, slots=True)
class Register:
    """Every deal registration."""


@dataclass(frozen=True, slots=True)
class Won:
    """Marking a deal as won."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Marking a deal as lost."""


@dataclass(frozen=True, slots=True)
class Create:
    """Creating a deal."""


@dataclass(frozen=True, slots=True)
class ValueAbove:
    """A change after which the deal is worth more than this."""

    money: Money


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A change of the deal value by more than this many percent, up or down."""

    percent: Decimal


class TeamRole(StrEnum):
    """Who may approve by what they are in the team in which it was asked; never guests."""

    OWNERS = "owners"
    MEMBERS = "members"
    """Owners too."""


Rule = Register | Won | Lost | Create | ValueAbove | ValueChange


@dataclass(frozen=True, slots=True)
class Valuing:
    """A wish to change what a deal is worth. A deal may have had no value yet."""

    before: Decimal | None
    before_currency: str | None
    after: Decimal | None
    after_currency: str | None


Wish = Register | Won | Lost | Create | Valuing
"""What somebody wants to do; the first four are asked for by the rules of the same name."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one place. `approvers` are Entra object ids or sign-in names, lower-case;
    `roles` are held in the team of the place."""

    rules: tuple[Rule, ...] = ()
    quorum: int = 1
    expires: timedelta = timedelta(hours=24)
    approvers: frozenset[str] = frozenset()
    roles: frozenset[TeamRole] = frozenset()
    tenants: Mapping[str, Policy] = field(default_factory=dict)
    channels: Mapping[str, Policy] = field(default_factory=dict)

    def at(self, tenant: str, channel: str) -> Policy:
        """The policy of a conversation: its channel's own, else its tenant's, else this one."""
        return self.channels.get(channel) or self.tenants.get(tenant.lower()) or self

    def asks(self, wish: Wish) -> bool:
        """Whether this needs approval.

        An amount that cannot be compared (another currency than any rule names, no value before)
        needs it: what is not known to be small is not treated as small.
        """
        if not isinstance(wish, Valuing):
            return wish in self.rules
        return self._asks_for_amount(wish) or self._asks_for_change(wish)

    def asks_to_create(self, value: Decimal, currency: str) -> bool:
        """Whether a new deal of this value needs approval, by its kind or by its amount."""
        wish = Valuing(None, None, value, currency)
        return Create() in self.rules or self._asks_for_amount(wish)

    def is_approver(self, person: str, upn: str | None) -> bool:
        """Whether somebody with this object id and sign-in name is listed as an approver."""
        return person.lower() in self.approvers or (upn or "").lower() in self.approvers

    def is_anywhere_approver(self, person: str, upn: str | None) -> bool:
        """Whether they may approve here, or in any tenant or channel with rules of its own.

        Where roles approve, everybody may have one in some team.
        """
        parts = (self, *self.tenants.values(), *self.channels.values())
        return any(part.roles or part.is_approver(person, upn) for part in parts)

    def _asks_for_amount(self, wish: Valuing) -> bool:
        limits = [rule.money for rule in self.rules if isinstance(rule, ValueAbove)]
        if not limits or wish.after is None:
            return False
        comparable = [limit for limit in limits if limit.currency == wish.after_currency]
        return not comparable or any(wish.after > limit.amount for limit in comparable)

    def _asks_for_change(self, wish: Valuing) -> bool:
        percents = [rule.percent for rule in self.rules if isinstance(rule, ValueChange)]
        if not percents or wish.after is None:
            return False
        if not wish.before or wish.before_currency != wish.after_currency:
            return True
        moved = abs(wish.after - wish.before) * 100 / abs(wish.before)
        return moved > min(percents)


NO_POLICY = Policy()
"""Nothing needs approval."""

_SECTION = re.compile(r"\[\s*(?P<kind>[a-z]+)\s+(?P<id>[^\]\s]+)\s*\]\s*(?P<rest>.*)", re.I | re.S)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_UPN = re.compile(r"[^\s@,;]+@[^\s@,;]+")
_ROLES = frozenset(TeamRole)
_GROUPED = re.compile(r"[.,'\s][0-9]{3}(?![0-9])", re.ASCII)
"""A limit is written without separators, so that nobody can read it in another way."""
_SPAN = re.compile(r"([0-9]{1,4})\s*([mhd])", re.ASCII)
_SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_WORDS: Mapping[str, Rule] = {
    "register": Register(),
    "won": Won(),
    "lost": Lost(),
    "create": Create(),
}
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=30)
MOST_PEOPLE = 9


def parse_policy(policy: str, approvers: Sequence[str]) -> Policy:
    """Reads DEALDESK_APPROVAL_POLICY and DEALDESK_APPROVERS. Raises PolicyError."""
    people, roles = approvers_among(approvers)
    first, *sections = policy.split(";")
    if first.strip().startswith("["):
        first, sections = "", policy.split(";")
    main = _checked(_read(first, Policy(approvers=people, roles=roles)))
    tenants: dict[str, Policy] = {}
    channels: dict[str, Policy] = {}
    for section in filter(str.strip, sections):
        kind, name, rest = _named(section)
        book = tenants if kind == "tenant" else channels
        if name in book:
            raise PolicyError(f"has two sections for {kind} {name}; keep one.")
        book[name] = _checked(_read(rest, replace(main, rules=())))
    return replace(main, tenants=tenants, channels=channels)


def approvers_among(said: Sequence[str]) -> tuple[frozenset[str], frozenset[TeamRole]]:
    """People, lower-case, and roles in a list of approvers. Raises PolicyError."""
    people, roles = set[str](), set[TeamRole]()
    for name in filter(None, (each.strip().lower() for each in said)):
        if name in _ROLES:
            roles.add(TeamRole(name))
        elif _GUID.fullmatch(name) or _UPN.fullmatch(name):
            people.add(name)
        else:
            raise PolicyError(
                f"cannot have the approver {name[:60]!r}; write an Entra object id, a sign-in "
                "name, owners or members."
            )
    return frozenset(people), frozenset(roles)


def _named(section: str) -> tuple[str, str, str]:
    found = _SECTION.fullmatch(section.strip())
    if found is None:
        raise PolicyError(
            f"has a section {section.strip()[:40]!r} that does not begin with "
            "[tenant GUID] or [channel ID]."
        )
    kind, name = found["kind"].lower(), found["id"]
    if kind not in ("tenant", "channel"):
        raise PolicyError(f"has a section for a {kind}; only tenant and channel are known.")
    if kind == "tenant" and not _GUID.fullmatch(name := name.lower()):
        raise PolicyError(f"names the tenant {name!r}, which is no GUID.")
    return kind, name, found["rest"]


def _read(text: str, start: Policy) -> Policy:
    made, said = start, list[str]()
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if parts == ["none"]:
        return made
    for part in parts:
        word = part.lower()
        if word.startswith("by="):
            said.append(word.removeprefix("by="))
        elif word.startswith("quorum="):
            made = replace(made, quorum=_quorum(word))
        elif word.startswith("expires="):
            made = replace(made, expires=_span(word))
        else:
            made = replace(made, rules=(*made.rules, _rule(part)))
    people, roles = approvers_among(said)
    return replace(made, approvers=people, roles=roles) if people or roles else made


def _checked(made: Policy) -> Policy:
    if not made.rules or made.roles:
        return made
    if not made.approvers:
        raise PolicyError("asks for approval, but DEALDESK_APPROVERS names nobody who may give it.")
    if made.quorum > len(made.approvers):
        raise PolicyError(
            f"asks for {made.quorum} approvals, but only {len(made.approvers)} may approve."
        )
    return made


def _rule(part: str) -> Rule:
    word = part.lower()
    if word in _WORDS:
        return _WORDS[word]
    name, above, limit = word.partition(">")
    if name.strip() != "value" or not above:
        raise PolicyError(
            f"has {part[:40]!r}; known are register, won, lost, create, value>AMOUNT CURRENCY, "
            "value>PERCENT%, quorum=N, expires=24h, by=PERSON, by=owners, by=members and none."
        )
    return _percent(limit) if limit.strip().endswith("%") else _amount(limit)


def _percent(limit: str) -> ValueChange:
    try:
        percent = Decimal(limit.strip().removesuffix("%").strip())
    except InvalidOperation:
        raise PolicyError(f"has {limit.strip()!r}, which is no percentage.") from None
    if not percent.is_finite() or percent < 0:
        raise PolicyError(f"has {limit.strip()!r}, which is no percentage.")
    return ValueChange(percent)


def _amount(limit: str) -> ValueAbove:
    try:
        if _GROUPED.search(limit):
            raise UnreadableAmount("separators")
        amount = parse_amount(limit.strip())
    except MoneyError:
        raise PolicyError(
            f"has {limit.strip()!r}, which is no amount; write it like value>100000 USD."
        ) from None
    if amount.currency is None:
        raise PolicyError(
            f"does not say in which currency {plain(amount.value)} is; write value>100000 USD."
        )
    return ValueAbove(Money(amount.value, amount.currency))


def _quorum(word: str) -> int:
    said = word.removeprefix("quorum=").strip()
    if not (said.isascii() and said.isdigit()) or not 1 <= int(said) <= MOST_PEOPLE:
        raise PolicyError(f"has {word!r}; quorum is a number from 1 to {MOST_PEOPLE}.")
    return int(said)


def _span(word: str) -> timedelta:
    found = _SPAN.fullmatch(word.removeprefix("expires=").strip())
    span = int(found[1]) * _SPANS[found[2]] if found else timedelta()
    if not SHORTEST <= span <= LONGEST:
        raise PolicyError(f"has {word!r}; write a time from 5m to 30d, like expires=24h.")
    return span
