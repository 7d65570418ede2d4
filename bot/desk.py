"""What every feature works with: the parts of the house, and the turn it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from bot.chosen_languages import Choices
from bot.conversation import Person, Place, PlaceKind, Sender
from bot.identity import Identity
from bot.numbers import Numbers
from bot.policy import NO_POLICY, Policy
from bot.replies import Reply
from bot.seals import Seals
from bot.store.engine import Store
from bot.store.people import Known
from bot.store.proposals import Proposal
from cards.deal import DealView
from cards.reader import Reader
from partner_center.client import Bearer, PartnerCenter
from partner_center.referral import Referral


class Gate(Protocol):
    """Stands before every write of a proposal."""

    async def __call__(
        self, desk: Desk, turn: Turn, proposal: Proposal, *, asking: bool
    ) -> Reply | None:
        """What happens instead of the write; None when it may happen."""


async def open_gate(desk: Desk, turn: Turn, proposal: Proposal, *, asking: bool) -> Reply | None:
    """Lets every write through: for a house without a policy."""
    return None


def nobody_to_wake() -> None:
    """Does nothing: for a house without approvals."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of the house. `now` gives aware UTC times, `new_id` an id nobody can guess."""

    store: Store
    partner_center: PartnerCenter
    identity: Identity
    sender: Sender
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    sleep: Callable[[float], Awaitable[None]]
    bot_id: str = ""
    """The bot as Teams names it, for messages that answer nothing."""
    policy: Policy = NO_POLICY
    gate: Gate = open_gate
    languages: Choices = field(default_factory=Choices)
    numbers: Numbers = field(default_factory=Numbers)
    wake_approvals: Callable[[], None] = nobody_to_wake
    """Called when something about a request for approval has to be carried out or sent."""
    seals: Seals = field(kw_only=True)

    def personal(self, known: Known) -> Place | None:
        """The personal chat with somebody the bot has met; None when there was none yet."""
        return known.personal(self.bot_id)


@dataclass(frozen=True, slots=True)
class Turn:
    """Who acts, where, and how they read numbers and dates."""

    person: Person
    place: Place
    reader: Reader
    activity_id: str
    pressed: str | None = None
    """The message whose button was pressed."""
    approval: str | None = None
    """The approval under which this is carried out; set by nobody but who carries it out."""

    @property
    def today(self) -> date:
        """The day it is where the person sits."""
        return self.reader.today

    @property
    def is_personal(self) -> bool:
        return self.place.kind is PlaceKind.PERSONAL


async def bearer(desk: Desk, turn: Turn) -> Bearer:
    """The token of the person who acts. Raises SignInNeeded when there is none."""
    return await desk.identity.bearer(turn.person)


async def fetch(desk: Desk, turn: Turn, referral_id: str) -> Referral:
    """A deal as Partner Center holds it now, for the person who acts.

    Raises SignInNeeded, SignInUnavailable, and what PartnerCenter.get raises.
    """
    return await desk.partner_center.get(desk.identity.acting(turn.person), referral_id)


async def view(desk: Desk, turn: Turn, referral: Referral, *, related: bool = False) -> DealView:
    """A referral with its handle and, with `related`, Microsoft's side of a co-sell deal."""
    microsoft = await microsofts(desk, turn, referral) if related else None
    return (await views(desk, turn, [referral], microsoft))[0]


async def views(
    desk: Desk, turn: Turn, referrals: Sequence[Referral], microsoft: Referral | None = None
) -> tuple[DealView, ...]:
    """Referrals with their handles, which are given on first sight and only read from then on."""
    ids = [referral.id for referral in referrals]
    numbers = await desk.numbers.of(desk.store, turn.person.tenant, ids)
    return tuple(
        DealView(referral=referral, handle=numbers[referral.id], microsoft=microsoft)
        for referral in referrals
    )


async def microsofts(desk: Desk, turn: Turn, referral: Referral) -> Referral | None:
    """Microsoft's own referral in the same engagement, for a co-sell deal (API reference 4.5)."""
    if not referral.is_cosell:
        return None
    token = await bearer(desk, turn)
    others = await desk.partner_center.related(token, referral.engagement_id)
    return next((other for other in others if other.is_microsofts), None)
