"""What is said, pressed and answered in Teams: the values and the two ports of the bot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

CONNECTION_NAME = "PartnerCenter"
"""The one sign-in connection: what an OAuth card asks for and an exchange must name."""


class PlaceKind(StrEnum):
    """The three kinds of Teams conversation a bot can be in."""

    PERSONAL = "personal"
    GROUP = "group"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, as the verified activity names them: never taken from card data."""

    tenant: str
    """The Entra tenant, a lower-case GUID."""
    id: str
    """The Entra object id (`aadObjectId`), a lower-case GUID."""
    name: str
    teams_id: str
    """The id Teams addresses the person by, `29:...`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation and everything needed to send to it later."""

    kind: PlaceKind
    tenant: str
    conversation_id: str
    """With `;messageid=...` at the end for a thread of a channel."""
    service_url: str
    bot_id: str
    """The bot as Teams names it, `28:<app id>`."""
    team_id: str | None = None
    channel_id: str | None = None

    @property
    def channel(self) -> str:
        """The conversation without its thread: a new thread of a channel is still that channel."""
        return self.conversation_id.partition(";messageid=")[0]

    def to_json(self) -> dict[str, str | None]:
        """The place as a plain dict, for a row of the store."""
        return {
            "kind": self.kind.value,
            "tenant": self.tenant,
            "conversation_id": self.conversation_id,
            "service_url": self.service_url,
            "bot_id": self.bot_id,
            "team_id": self.team_id,
            "channel_id": self.channel_id,
        }

    @classmethod
    def from_json(cls, stored: object) -> Place:
        """The place a row holds. Raises ValueError for any other key, type or kind."""
        if not isinstance(stored, Mapping) or set(stored) != _PLACE_KEYS:
            raise ValueError("a stored place has exactly the fields of Place")
        return cls(
            kind=PlaceKind(_text(stored, "kind")),
            tenant=_text(stored, "tenant"),
            conversation_id=_text(stored, "conversation_id"),
            service_url=_text(stored, "service_url"),
            bot_id=_text(stored, "bot_id"),
            team_id=None if stored["team_id"] is None else _text(stored, "team_id"),
            channel_id=None if stored["channel_id"] is None else _text(stored, "channel_id"),
        )


_PLACE_KEYS = frozenset(Place.__dataclass_fields__)


def _text(stored: Mapping[str, object], key: str) -> str:
    value = stored[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} of a stored place must be a text")
    return value


@dataclass(frozen=True, slots=True)
class Said:
    """A person typed something to the bot."""

    person: Person
    place: Place
    activity_id: str
    text: str
    """Without the leading mention of the bot, at most 4096 characters."""
    locale: str
    timezone: str | None
    """An IANA name as Teams gives it, not checked."""
    value: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A person pressed a button of a card, or Teams refreshed a card for them."""

    person: Person
    place: Place
    activity_id: str
    message_id: str | None
    """The message the card is in."""
    verb: str
    data: Mapping[str, object]
    """What the card carried and the person filled in: untrusted."""
    invoke: bool
    """True for Action.Execute, which waits for an answer; False for Action.Submit."""
    trigger: str
    """`manual` for a press, `automatic` for a refresh."""
    locale: str
    timezone: str | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Teams offers a single sign-on token for exchange."""

    person: Person
    place: Place
    activity_id: str
    exchange_id: str
    connection_name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Installed:
    """The bot was added to a conversation, by `person` when Teams says by whom."""

    person: Person | None
    place: Place
    activity_id: str
    locale: str


@dataclass(frozen=True, slots=True)
class SignInCard:
    """A Teams sign-in card: tried silently with `exchange_uri`, else a button that opens `link`."""

    text: str
    button_title: str
    link: str
    connection_name: str
    exchange_id: str
    exchange_uri: str


@dataclass(frozen=True, slots=True)
class Message:
    """One activity to send: exactly one of text, card and sign-in card, as Teams splits others."""

    text: str | None = None
    card: Mapping[str, object] | None = None
    """A complete Adaptive Card."""
    summary: str = ""
    """What a notification shows of a card."""
    sign_in: SignInCard | None = None

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.text, self.card, self.sign_in)) != 1:
            raise ValueError("a message is exactly one of text, card and sign-in card")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an invoke: a card in place of the pressed one, or a short text."""

    card: Mapping[str, object] | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """One member of a conversation, as far as the roster tells."""

    person: str
    """The Entra object id; empty for who has none here."""
    is_outsider: bool
    """A guest, an anonymous person or somebody of another organisation (shared channels)."""
    is_owner: bool
    """An owner of the team: the roster of a channel calls them so."""
    upn: str | None = None
    """The sign-in name, lower-case."""
    name: str = ""
    teams_id: str = ""
    """The id Teams addresses the person by."""


class SendFailure(StrEnum):
    """Why a send is not known to have arrived."""

    FORBIDDEN = "forbidden"
    """The bot may not write there (403): blocked, not installed. Do not try again."""
    GONE = "gone"
    """The conversation or message is no more (404)."""
    TOO_BIG = "too_big"
    """More than a message may hold (413)."""
    THROTTLED = "throttled"
    """Not accepted (429); try again after `retry_after`."""
    PRECONDITION = "precondition"
    """Not accepted now (412); may be tried again."""
    UNKNOWN = "unknown"
    """It may have arrived: time-out, reset or 5xx after sending, or an answer without an id."""
    REFUSED = "refused"
    """Refused for a reason that another try does not change: 4xx, or the host is not allowed."""
    NOT_SENT = "not_sent"
    """It did not arrive: no byte left."""


class SendFailed(Exception):
    """Teams did not confirm a send. Carries what a decision needs and nothing of the message."""

    def __init__(
        self, kind: SendFailure, *, retry_after: float | None = None, code: str | None = None
    ) -> None:
        super().__init__(f"{kind.value}{f' ({code})' if code else ''}")
        self.kind = kind
        self.retry_after = retry_after
        """Seconds, when the connector named them."""
        self.code = code
        """The connector's error code, e.g. `BotNotInConversationRoster`."""


class Sender(Protocol):
    """Sends to Teams. Every method raises SendFailed when Teams did not confirm."""

    async def send(self, place: Place, message: Message, *, reply_to: str | None = None) -> str:
        """Post a message, below `reply_to` when given; give back its id."""

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        """Put `message` in place of one the bot sent."""

    async def delete(self, place: Place, activity_id: str) -> None:
        """Take back a message the bot sent."""

    async def typing(self, place: Place) -> None:
        """Show that the bot is working."""

    async def open_personal(self, tenant: str, teams_id: str, service_url: str) -> Place:
        """The personal conversation with a person, opened when there is none."""

    async def members(self, place: Place) -> list[Person]:
        """Everybody in the conversation who has an Entra object id."""

    async def roster(self, place: Place) -> list[Seat]:
        """Everybody in the conversation, guests and other organisations included."""


class Listener(Protocol):
    """What the bot does when something reaches it. Called with verified activities only."""

    def may_repeat(self, heard: Said | Pressed) -> bool:
        """Whether hearing this twice does no more than hearing it once: it need not be noted."""

    def locale(self, place: Place, wished: str) -> str:
        """How somebody is spoken to there, as far as that is known without reading anything: as
        the conversation has chosen, else as they wish."""

    def not_taken_in(self, heard: Said | Pressed, error: Exception) -> Message:
        """What to say when something could not be noted, and so was not begun; a text under a
        button, whose card stays."""

    async def said(self, said: Said) -> None:
        """Somebody typed something."""

    async def pressed(self, pressed: Pressed) -> Answer | None:
        """Somebody pressed a button; the answer of an invoke, within 2.5 s."""

    async def exchanged(self, exchanged: Exchanged) -> bool:
        """A single sign-on token came; False makes Teams show the sign-in button."""

    async def installed(self, installed: Installed) -> None:
        """The bot was added to a conversation."""
