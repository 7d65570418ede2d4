"""A draft in the hands of its owner, with everything its cards need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot import walk
from bot.desk import Turn
from bot.steps import Name, first_open
from bot.store.drafts import Draft
from bot.walk import Scene
from cards.deal import DealView

INVITED = "_invited"
"""Kept with the answers: when Microsoft's referral of the engagement was made."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft of the person who acts, and the deal as it is now."""

    draft: Draft
    scene: Scene
    deal: DealView

    @property
    def answers(self) -> dict[str, str]:
        """The answers that still read as answers today."""
        return walk.usable(self.draft.answers, self.scene)

    @property
    def step(self) -> Name:
        """Where the draft stands; a step this version does not know is the first open one."""
        open_step = first_open(self.answers)
        if self.draft.step not in set(Name):
            return open_step
        return open_step if self.draft.step == Name.READ_BACK else Name(self.draft.step)


def opened(turn: Turn, draft: Draft, deal: DealView, now: datetime) -> Opened:
    """The draft with its deal, as the person who acts sees them."""
    invited = draft.answers.get(INVITED)
    since = datetime.fromisoformat(invited) if invited else None
    return Opened(draft, Scene(deal.referral, turn.reader, now, since), deal)


def kept(answers: Mapping[str, str], invited: datetime | None) -> dict[str, str]:
    """What is stored of a walk: its answers, and when Microsoft was invited."""
    return {**answers, **({INVITED: invited.isoformat()} if invited else {})}
