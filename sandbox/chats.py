"""The conversations of the sandbox's Teams and the messages in them, as each person sees them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sandbox.people import BOT_NAME, PEOPLE, TENANT_ID

BOT = "bot"
"""The author of the bot's own messages."""
ADAPTIVE = "application/vnd.microsoft.card.adaptive"
OAUTH = "application/vnd.microsoft.card.oauth"
TEAM_NAME = "Contoso Sales"
GENERAL = "19:general@thread.tacv2"
WINS = "19:wins@thread.tacv2"
TEAM_ID = GENERAL
"""A team is named by its General channel, as in Teams."""
OWNERS = frozenset({"ada"})
"""Who owns the team at first."""
DEAL_ROOM = "19:deal-room@thread.v2"


class ChatKind(StrEnum):
    """What Teams writes into `conversationType`."""

    PERSONAL = "personal"
    GROUP = "groupChat"
    CHANNEL = "channel"


@dataclass(slots=True)
class Chat:
    """One conversation; a channel's threads are told apart by their first message."""

    id: str
    kind: ChatKind
    name: str
    members: tuple[str, ...]
    installed: bool = True
    """Whether the bot is a member."""

    @property
    def team_id(self) -> str | None:
        """The team of a channel."""
        return TEAM_ID if self.kind is ChatKind.CHANNEL else None

    def thread_id(self, root: str | None) -> str:
        """The id by which a bot knows a thread of this conversation."""
        return f"{self.id};messageid={root}" if root else self.id


@dataclass(slots=True)
class Message:
    """One message. What only some people see of it is kept by person key."""

    id: str
    chat: str
    author: str
    at: datetime
    text: str = ""
    attachments: tuple[Mapping[str, object], ...] = ()
    summary: str = ""
    thread: str | None = None
    only_for: str | None = None
    """The one person who sees it (a targeted message)."""
    reply_to: str | None = None
    updated: int = 0
    deleted: bool = False
    views: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """A person's own version of the card, from the answer to their press."""
    notices: dict[str, str] = field(default_factory=dict)
    """A line shown to one person under the message: a text answer, or that something failed."""
    signed_in: set[str] = field(default_factory=set)
    """For whom the client hid the sign-in card after a silent sign-in."""

    def card_for(self, key: str) -> Mapping[str, object] | None:
        """The Adaptive Card this person sees."""
        if key in self.views:
            return self.views[key]
        for attachment in self.attachments:
            content = attachment.get("content")
            if attachment.get("contentType") == ADAPTIVE and isinstance(content, Mapping):
                return content
        return None

    def sign_in_card(self) -> Mapping[str, object] | None:
        """The content of the OAuth card, when the message has one."""
        for attachment in self.attachments:
            content = attachment.get("content")
            if attachment.get("contentType") == OAUTH and isinstance(content, Mapping):
                return content
        return None

    def seen_by(self, key: str) -> dict[str, object]:
        """The message as this person sees it."""
        return {
            "id": self.id,
            "conversation": self.chat,
            "thread": self.thread,
            "from": self.author,
            "from_name": BOT_NAME if self.author == BOT else PEOPLE[self.author].name,
            "text": "" if self.deleted else self.text,
            "attachments": [] if self.deleted else self._attachments_for(key),
            "summary": self.summary,
            "updated": self.updated,
            "deleted": self.deleted,
            "at": self.at.isoformat(),
            "reply_to": self.reply_to,
            "only_for": self.only_for,
            "notice": self.notices.get(key),
            "own_view": key in self.views,
            "signed_in": key in self.signed_in,
        }

    def _attachments_for(self, key: str) -> list[Mapping[str, object]]:
        shown: list[Mapping[str, object]] = []
        for attachment in self.attachments:
            kind = attachment.get("contentType")
            if kind == OAUTH and key in self.signed_in:
                continue
            own = self.views.get(key) if kind == ADAPTIVE else None
            shown.append({**attachment, "content": own} if own is not None else attachment)
        return shown


class NoSuchChat(Exception):
    """No conversation or message has this id."""


class Chats:
    """All conversations and messages."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._chats: dict[str, Chat] = {}
        self._messages: dict[str, list[Message]] = {}
        self._last_stamp = 0
        self.owners: frozenset[str] = OWNERS
        """Keys of the people who own the team."""
        self.reset()

    def reset(self) -> None:
        """Back to empty conversations with the bot in all of them."""
        self._chats = {chat.id: chat for chat in _all_chats()}
        self.owners = OWNERS
        self._messages = {chat_id: [] for chat_id in self._chats}

    def add_channels(self, count: int) -> list[str]:
        """More channels of the team, with everybody in them; gives their ids."""
        made = []
        for number in range(len(self._chats), len(self._chats) + count):
            chat = Chat(
                f"19:more-{number}@thread.tacv2", ChatKind.CHANNEL, f"More {number}", tuple(PEOPLE)
            )
            self._chats[chat.id], self._messages[chat.id] = chat, []
            made.append(chat.id)
        return made

    def role_of(self, chat: Chat, key: str) -> str:
        """What the roster calls somebody: only a team has owners."""
        return "owner" if chat.kind is ChatKind.CHANNEL and key in self.owners else "user"

    def of(self, key: str) -> list[Chat]:
        """The conversations a person is in."""
        return [chat for chat in self._chats.values() if key in chat.members]

    def find(self, conversation_id: str) -> tuple[Chat, str | None]:
        """The conversation and, for a thread's id, its first message. Raises NoSuchChat."""
        base, _, root = conversation_id.partition(";messageid=")
        chat = self._chats.get(base)
        if chat is None:
            raise NoSuchChat(conversation_id)
        return chat, root or None

    def message(self, conversation_id: str, message_id: str) -> Message:
        """One message by id. Raises NoSuchChat."""
        chat, _ = self.find(conversation_id)
        for message in self._messages[chat.id]:
            if message.id == message_id:
                return message
        raise NoSuchChat(message_id)

    def add(self, message: Message) -> None:
        """Append a message to its conversation."""
        self._messages[message.chat].append(message)

    def seen(self, conversation_id: str, key: str) -> Iterator[Message]:
        """Messages of a conversation, or of one thread, that this person can see; oldest first."""
        chat, root = self.find(conversation_id)
        if key not in chat.members:
            return
        for message in self._messages[chat.id]:
            if root and root not in (message.id, message.thread):
                continue
            if message.only_for in (None, key):
                yield message

    def new_id(self, chat: Chat, author: str) -> str:
        """An id in Teams' form: epoch milliseconds, or `1:...` for the bot in personal chat."""
        if chat.kind is ChatKind.PERSONAL and author == BOT:
            return f"1:1{secrets.token_urlsafe(24)}"
        self._last_stamp = max(self._last_stamp + 1, int(self._now().timestamp() * 1000))
        return str(self._last_stamp)


def people_who_see(chat: Chat, message: Message) -> tuple[str, ...]:
    """Keys of the people who see a message."""
    return (message.only_for,) if message.only_for else chat.members


def _all_chats() -> Iterator[Chat]:
    for person in PEOPLE.values():
        yield Chat(f"a:personal-{person.key}", ChatKind.PERSONAL, BOT_NAME, (person.key,))
    everyone = tuple(PEOPLE)
    team = tuple(key for key in everyone if key != "eve")
    yield Chat(DEAL_ROOM, ChatKind.GROUP, "Deal room", team)
    yield Chat(GENERAL, ChatKind.CHANNEL, "General", everyone)
    yield Chat(WINS, ChatKind.CHANNEL, "Wins", everyone)


def chat_facts(chat: Chat) -> dict[str, object]:
    """A conversation as the control routes tell it."""
    return {
        "id": chat.id,
        "kind": chat.kind.value,
        "name": chat.name,
        "team": TEAM_NAME if chat.kind is ChatKind.CHANNEL else None,
        "members": list(chat.members),
        "installed": chat.installed,
        "tenant": TENANT_ID,
    }
