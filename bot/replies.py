"""What a feature answers, and the only code that sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.conversation import Message, Place, Sender


class Where(StrEnum):
    """Where an answer appears."""

    EDIT = "edit"
    """In place of the card that was pressed; a new message when nothing was pressed."""
    NEW = "new"
    """As a new message at the end of the conversation."""


@dataclass(frozen=True, slots=True)
class Left:
    """What an earlier message of the bot becomes: a short card without buttons."""

    place: Place
    message_id: str
    card: Mapping[str, object]


class Row(StrEnum):
    """What of ours can stand in a message."""

    DRAFT = "draft"
    REGISTRATION = "registration"
    APPROVAL = "approval"
    SIGN_IN = "sign_in"
    """No row: a line that asks a person to sign in first."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Which row of ours a message shows; remembered with the message's id once that is known,
    however much later and by whichever instance the message is sent."""

    row: Row
    id: str
    person: str | None = None
    """For whom a copy of a request for approval is."""
    version: int | None = None
    """Which version of a request for approval it shows."""
    message_id: str | None = None
    """Where the row was remembered to stand when the reply was made."""

    def to_json(self) -> dict[str, str | int | None]:
        """As the outbox keeps it."""
        return {"row": self.row, "id": self.id, "person": self.person, "version": self.version}

    @classmethod
    def from_json(cls, stored: object) -> Stand:
        """What `to_json` gave. Raises ValueError for anything else."""
        match stored:
            case {
                "row": str(row),
                "id": str(found),
                "person": str() | None as person,
                "version": int() | None as version,
            }:
                return cls(Row(row), found, person, version)
            case _:
                raise ValueError("what stands in a message is a row with its id")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to one turn: a card or a sentence, never both (Teams splits them)."""

    text: str | None = None
    card: Mapping[str, object] | None = None
    summary: str = ""
    where: Where = Where.EDIT
    only_me: bool = False
    """For the person who pressed alone: the card everybody sees stays as it is."""
    view: bool = False
    """This person's own view of a card whose message the outbox keeps: never put in the message."""
    own: Mapping[str, object] | None = None
    """What the one who pressed sees of `card`: the answer to an invoke is shown to them alone."""
    unsettled: str | None = None
    """The proposal whose outcome is still unknown, to be looked at again later."""
    leaves: Left | None = None
    """An earlier message that this reply takes the place of, at the end of the conversation."""
    stands: Stand | None = None
    """The row that the message shows, to be remembered with the message's id."""
    shown: Callable[[str], Awaitable[None]] | None = None
    """Told the id of the message that the reply ended up in, when it is known in this turn: for
    what need not survive it."""

    def message(self) -> Message:
        """The reply as the message that is sent."""
        return Message(text=self.text, card=self.card, summary=self.summary)


async def post(sender: Sender, place: Place, reply: Reply, *, pressed: str | None = None) -> str:
    """Send `reply`, or put it in place of the message `pressed`; give back the message's id.

    Raises SendFailed when Teams did not confirm it.
    """
    message = reply.message()
    if pressed is not None and reply.where is Where.EDIT:
        await sender.update(place, pressed, message)
        return pressed
    return await sender.send(place, message)
