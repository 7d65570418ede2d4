"""What a typed line means: one value for each command, a question, or a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.changes import NewValue
from bot.feed_rules import Wish
from bot.store.feeds import Kind
from bot.targets import Target
from cards.language import Language
from partner_center.referral import Field, Move


class Filter(StrEnum):
    """Which deals `list` shows."""

    ALL = "all"
    MINE = "mine"
    NEW = "new"
    ACTIVE = "active"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Help:
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    pass


@dataclass(frozen=True, slots=True)
class SignOut:
    pass


@dataclass(frozen=True, slots=True)
class WhoAmI:
    pass


@dataclass(frozen=True, slots=True)
class ListDeals:
    filter: Filter = Filter.MINE
    text: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The deals added up: one's own, or all one may see."""

    mine: bool = True


@dataclass(frozen=True, slots=True)
class Show:
    target: Target


@dataclass(frozen=True, slots=True)
class History:
    """What was done to one deal from chat."""

    target: Target


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the last change of whoever says it."""


@dataclass(frozen=True, slots=True)
class Update:
    """Changes to one deal; without changes the seller gets a form."""

    target: Target
    changes: tuple[tuple[Field, NewValue], ...] = ()


@dataclass(frozen=True, slots=True)
class Create:
    """A new deal, as far as it was said; the form asks for the rest. `country` is as typed."""

    customer: str = ""
    country: str = ""
    phone: str = ""
    changes: tuple[tuple[Field, NewValue], ...] = ()


@dataclass(frozen=True, slots=True)
class AddMember:
    """A new member of the deal's team; parts that were not said are empty."""

    target: Target
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""


@dataclass(frozen=True, slots=True)
class MoveDeal:
    target: Target
    move: Move
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Eligible:
    """The checklist of one deal; without a deal, whether the company may register at all."""

    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Register:
    target: Target


@dataclass(frozen=True, slots=True)
class Drafts:
    pass


@dataclass(frozen=True, slots=True)
class Cancel:
    pass


@dataclass(frozen=True, slots=True)
class Approvals:
    pass


@dataclass(frozen=True, slots=True)
class Delegate:
    """Let `person` decide until the end of a day; without a day, show who stands in."""

    person: str = ""
    until: date | None = None
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Tell this conversation of what happens to deals."""

    kind: Kind
    wish: Wish


@dataclass(frozen=True, slots=True)
class NotifyMe:
    """Tell the person in their personal chat, wherever this is said."""

    kind: Kind
    wish: Wish


@dataclass(frozen=True, slots=True)
class Subscriptions:
    pass


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """End the feeds of this conversation, or those of one kind."""

    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Languages:
    """Which languages there are to choose from."""


@dataclass(frozen=True, slots=True)
class Speak:
    """Answer here in `language`; None takes a former choice back."""

    language: Language | None


Command = (
    Help
    | SignIn
    | SignOut
    | WhoAmI
    | ListDeals
    | Pipeline
    | Show
    | History
    | Undo
    | Update
    | Create
    | AddMember
    | MoveDeal
    | Eligible
    | Register
    | Drafts
    | Cancel
    | Approvals
    | Delegate
    | Subscribe
    | NotifyMe
    | Subscriptions
    | Unsubscribe
    | Languages
    | Speak
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: its words, and the command it says when pressed."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The text has several meanings: which one?"""

    prompt: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """The text cannot be carried out as it is: why, and what to say instead.

    `known` tells that the command itself was recognised.
    """

    why: str
    instead: str
    choices: tuple[Choice, ...] = ()
    known: bool = True


Parsed = Command | Ask | Unclear
