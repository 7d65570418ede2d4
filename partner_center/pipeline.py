"""A seller's deals added up: how many and how much in each state, how many of the decided are won.

Pure: it knows only the deals it is given. Amounts of different currencies are never added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from partner_center.referral import Referral, Status, Substatus


class Stage(StrEnum):
    """Where a deal stands on its way, in the order of the way."""

    NEW = "new"
    ACTIVE = "active"
    WON = "won"
    LOST = "lost"
    OTHER = "other"
    """Declined, expired, closed as an error, or in a state we do not know."""


@dataclass(frozen=True, slots=True)
class Sum:
    """The deals of one stage. `values` are sums by currency code; `unvalued` deals have none."""

    count: int
    values: Mapping[str, Decimal]
    unvalued: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All stages. `currency` is the one that most deals are in, None when no deal has a value."""

    sums: Mapping[Stage, Sum]
    currency: str | None

    @property
    def count(self) -> int:
        """The deals it was made of."""
        return sum(each.count for each in self.sums.values())

    @property
    def decided(self) -> int:
        """Deals that were won or lost; declined and expired ones were never fought for."""
        return self.sums[Stage.WON].count + self.sums[Stage.LOST].count

    @property
    def won_percent(self) -> int | None:
        """Of the deals won or lost, the share won, rounded half up; None when there are none."""
        if not self.decided:
            return None
        return (200 * self.sums[Stage.WON].count + self.decided) // (2 * self.decided)


def stage_of(referral: Referral) -> Stage:
    """The stage of a deal."""
    closed = {Substatus.WON: Stage.WON, Substatus.LOST: Stage.LOST}
    match referral.status:
        case Status.NEW:
            return Stage.NEW
        case Status.ACTIVE:
            return Stage.ACTIVE
        case Status.CLOSED if referral.substatus in set(closed):
            return closed[Substatus(referral.substatus)]
        case _:
            return Stage.OTHER


def pipeline(referrals: Iterable[Referral]) -> Pipeline:
    """The deals added up; a deal given twice counts once."""
    by_stage: dict[Stage, dict[str, Referral]] = {stage: {} for stage in Stage}
    for referral in {each.id: each for each in referrals}.values():
        by_stage[stage_of(referral)][referral.id] = referral
    sums = {stage: _sum(deals.values()) for stage, deals in by_stage.items()}
    used: dict[str, int] = {}
    for deals in by_stage.values():
        for deal in deals.values():
            if deal.deal_value is not None and deal.currency:
                used[deal.currency] = used.get(deal.currency, 0) + 1
    return Pipeline(sums, max(sorted(used), key=lambda code: used[code], default=None))


def _sum(deals: Iterable[Referral]) -> Sum:
    count, unvalued = 0, 0
    values: dict[str, Decimal] = {}
    for deal in deals:
        count += 1
        if deal.deal_value is None or not deal.currency:
            unvalued += 1
        else:
            values[deal.currency] = values.get(deal.currency, Decimal(0)) + deal.deal_value
    return Sum(count, values, unvalued)
