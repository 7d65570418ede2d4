"""Teams: what its clients do when people speak, press and look, and what becomes of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox import activities
from sandbox.accounts import Accounts
from sandbox.activities import Activity, Client, Origin
from sandbox.buttons import NoSuchButton, Press, has_button, press, titles
from sandbox.chats import BOT, Chat, ChatKind, Chats, Message, people_who_see
from sandbox.delivery import Answer, Delivery
from sandbox.entra_tokens import EntraTokens
from sandbox.events import Events, Kind
from sandbox.invokes import (
    CARD_ANSWER,
    FAILED,
    TEXT_ANSWER,
    exchange_resource,
    execute,
    refresh_action,
    value_of,
)
from sandbox.people import PEOPLE

REFRESH_EVERY = timedelta(minutes=1)
"""A client refreshes a card at most this often (Teams expectations 2.2)."""


class NotThere(Exception):
    """The person is not in this conversation, or nothing there can be pressed."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What pressing did: the bot's answers, or the address an Action.OpenUrl opens."""

    answers: tuple[Answer, ...] = ()
    url: str | None = None


class Teams:
    """The Teams service and everybody's client."""

    def __init__(
        self,
        *,
        chats: Chats,
        events: Events,
        delivery: Delivery,
        tokens: EntraTokens,
        accounts: Accounts,
        now: Callable[[], datetime],
        service_url: str,
    ) -> None:
        self.chats = chats
        self.events = events
        self.delivery = delivery
        self.service_url = service_url
        self.clients: dict[str, Client] = {}
        self.retries = 0
        """How often an activity is posted again after an answer that is no 2xx."""
        self._tokens = tokens
        self._accounts = accounts
        self._now = now
        self._refreshed: dict[tuple[str, str], datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """Empty conversations, clients with their usual settings."""
        for task in tuple(self._tasks):
            task.cancel()
        self.chats.reset()
        self.clients = {key: Client() for key in PEOPLE}
        self.retries = 0
        self._refreshed.clear()
        self.events.add(Kind.RESET, people=tuple(PEOPLE))

    async def say(
        self,
        key: str,
        conversation: str,
        text: str,
        *,
        mention: bool = True,
        activity_id: str | None = None,
        client: Client | None = None,
        times: int = 1,
        together: bool = False,
    ) -> tuple[Message, tuple[Answer, ...]]:
        """A person types a message; in a conversation of several only a mention reaches the bot.

        `times` delivers the same activity again. Raises NotThere or NoSuchChat.
        """
        chat, root = self._in_chat(key, conversation)
        message = Message(
            id=activity_id or self.chats.new_id(chat, key),
            chat=chat.id,
            author=key,
            at=self._now(),
            text=text,
            thread=root,
        )
        self.chats.add(message)
        self._tell(Kind.MESSAGE, chat, message)
        group = chat.kind is not ChatKind.PERSONAL
        if not chat.installed or (group and not mention):
            return message, ()
        if chat.kind is ChatKind.CHANNEL and root is None:
            root = message.id
        origin = self.origin(key, chat, root, client)
        activity = activities.said(origin, message.id, text, mention=group)
        return message, await self._deliver(activity, times, together=together)

    async def click(
        self,
        key: str,
        conversation: str,
        *,
        message_id: str | None = None,
        title: str | None = None,
        verb: str | None = None,
        data: Mapping[str, object] | None = None,
        inputs: Mapping[str, object] | None = None,
        times: int = 1,
        together: bool = False,
    ) -> Pressed:
        """A person presses a button of a card they see, the newest that has it unless named.

        Raises NotThere, NoSuchChat, NoSuchButton or InputRefused.
        """
        chat, _ = self._in_chat(key, conversation)
        message, found = self._button(key, conversation, message_id, title, verb, data, inputs)
        origin = self.origin(key, chat, self._root(chat, message))
        if found.kind == "Action.OpenUrl":
            return Pressed(url=str(found.action.get("url", "")))
        if found.kind == "Action.Execute":
            activity = execute(origin, message, found.action, found.data, "manual")
            answers = await self._deliver(activity, times, together=together)
            self._apply(chat, message, key, answers[0])
            return Pressed(answers)
        if found.kind == "Action.Submit":
            activity_id = self.chats.new_id(chat, key)
            activity = activities.submitted(origin, activity_id, message.id, found.data)
            return Pressed(await self._deliver(activity, times, together=together))
        raise NoSuchButton(f"{found.kind} is not something that is sent")

    def _button(
        self,
        key: str,
        conversation: str,
        message_id: str | None,
        title: str | None,
        verb: str | None,
        data: Mapping[str, object] | None,
        inputs: Mapping[str, object] | None,
    ) -> tuple[Message, Press]:
        seen = [
            message
            for message in self.chats.seen(conversation, key)
            if not message.deleted and message_id in (None, message.id)
        ]
        shown: list[str] = []
        for message in reversed(seen):
            card = message.card_for(key)
            if card is None:
                continue
            if has_button(card, title, verb, data or {}):
                return message, press(card, title=title, verb=verb, data=data, inputs=inputs)
            shown = shown or titles(card)
        raise NoSuchButton(f"no card in sight has {title or verb!r}; the newest has {shown}")

    async def look(self, key: str, conversation: str) -> int:
        """A person opens a conversation: cards that name them refresh; says how many did."""
        due = [message for message in self.chats.seen(conversation, key) if self._due(message, key)]
        for message in due:
            await self._refresh(message, key)
        return len(due)

    async def install(self, key: str, conversation: str, *, added: bool) -> tuple[Answer, ...]:
        """Somebody adds the bot to a conversation or takes it out."""
        chat, _ = self._in_chat(key, conversation)
        chat.installed = added
        told = activities.installed(self.origin(key, chat, None), added=added)
        self.events.add(Kind.INSTALL, chat.id, people=chat.members)
        return tuple([await self.delivery.send(activity) for activity in told])

    async def verify_state(self, key: str, conversation: str, state: str) -> Answer:
        """The sign-in window told the client this state; the client tells the bot."""
        chat, _ = self._in_chat(key, conversation)
        origin = self.origin(key, chat, None)
        value = {"state": state}
        return await self.delivery.send(
            activities.invoked(origin, "signin/verifyState", value, None)
        )

    def origin(
        self, key: str, chat: Chat, root: str | None, client: Client | None = None
    ) -> Origin:
        """Where an activity of this person comes from."""
        return Origin(
            person=PEOPLE[key],
            client=client or replace(self.clients[key]),
            chat=chat,
            root=root,
            service_url=self.service_url,
            at=self._now(),
        )

    def posted(self, message: Message) -> None:
        """The bot sent a message: people see it and their clients act on it."""
        self.chats.add(message)
        chat, _ = self.chats.find(message.chat)
        self._tell(Kind.MESSAGE, chat, message)
        self._clients_act(chat, message)

    def changed(self, message: Message) -> None:
        """The bot edited a message: everybody's own view of it gives way to the new one."""
        message.updated += 1
        message.views.clear()
        message.notices.clear()
        chat, _ = self.chats.find(message.chat)
        self._tell(Kind.UPDATE, chat, message)
        self._clients_act(chat, message)

    def removed(self, message: Message) -> None:
        """The bot deleted a message."""
        message.deleted = True
        chat, _ = self.chats.find(message.chat)
        self._tell(Kind.DELETE, chat, message)

    def typing(self, chat: Chat) -> None:
        """The bot shows that it is writing."""
        self.events.add(Kind.TYPING, chat.id, people=chat.members, by_bot=True)

    async def close(self) -> None:
        """Stop what clients do by themselves."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _clients_act(self, chat: Chat, message: Message) -> None:
        for key in people_who_see(chat, message):
            client = self.clients[key]
            if client.sso and exchange_resource(message) is not None:
                self._start(self._sign_in_silently(chat, message, key))
            if client.refresh and self._due(message, key):
                self._start(self._refresh(message, key))

    async def _sign_in_silently(self, chat: Chat, message: Message, key: str) -> None:
        """Each open device answers the sign-in card with a token of its own request."""
        card, resource = message.sign_in_card(), exchange_resource(message)
        account = self._accounts[key]
        if card is None or resource is None or account.disabled:
            return
        origin = self.origin(key, chat, self._root(chat, message))
        value = {
            "id": resource.get("id"),
            "connectionName": card.get("connectionName"),
            "token": self._tokens.sso(account),
        }
        asked = [
            activities.invoked(origin, "signin/tokenExchange", value, message.id)
            for _ in range(self.clients[key].clients)
        ]
        answers = await asyncio.gather(*(self.delivery.send(activity) for activity in asked))
        if any(answer.status == 200 for answer in answers):
            message.signed_in.add(key)
            self._tell_one(chat, message, key)

    async def _refresh(self, message: Message, key: str) -> None:
        chat, _ = self.chats.find(message.chat)
        action = refresh_action(message, key)
        if action is None:
            return
        self._refreshed[key, message.id] = self._now()
        origin = self.origin(key, chat, self._root(chat, message))
        own = action.get("data")
        data = dict(own) if isinstance(own, Mapping) else {}
        activity = execute(origin, message, action, data, "automatic")
        answer = await self.delivery.send(activity)
        if value_of(answer, CARD_ANSWER) is not None:
            self._apply(chat, message, key, answer)

    def _due(self, message: Message, key: str) -> bool:
        if message.deleted or refresh_action(message, key) is None:
            return False
        last = self._refreshed.get((key, message.id))
        return last is None or self._now() - last >= REFRESH_EVERY

    def _apply(self, chat: Chat, message: Message, key: str, answer: Answer) -> None:
        """An invoke's answer changes the message for the person who pressed, and nobody else."""
        card, text = value_of(answer, CARD_ANSWER), value_of(answer, TEXT_ANSWER)
        message.notices.pop(key, None)
        if isinstance(card, Mapping):
            message.views[key] = card
        elif isinstance(text, str):
            message.notices[key] = text
        else:
            message.notices[key] = FAILED
        self._tell_one(chat, message, key)

    async def _deliver(
        self, activity: Activity, times: int, *, together: bool
    ) -> tuple[Answer, ...]:
        answers = await self.delivery.send_again(activity, times, together=together)
        left = self.retries
        while left and (answers[-1].status or 500) >= 300:
            answers = (*answers, await self.delivery.send(activity))
            left -= 1
        return answers

    def _in_chat(self, key: str, conversation: str) -> tuple[Chat, str | None]:
        chat, root = self.chats.find(conversation)
        if key not in chat.members:
            raise NotThere(f"{key} is not in {conversation}")
        return chat, root

    def _root(self, chat: Chat, message: Message) -> str | None:
        return (message.thread or message.id) if chat.kind is ChatKind.CHANNEL else None

    def _tell(self, kind: Kind, chat: Chat, message: Message) -> None:
        people = people_who_see(chat, message)
        self.events.add(kind, chat.id, message.id, people, by_bot=message.author == BOT)

    def _tell_one(self, chat: Chat, message: Message, key: str) -> None:
        self.events.add(Kind.VIEW, chat.id, message.id, (key,), by_bot=True)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
