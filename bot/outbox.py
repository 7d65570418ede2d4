"""Sends the messages the bot owes: what was promised in a transaction is sent after any crash."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import cast

import structlog

from bot.conversation import Message, Place, Sender, SendFailed, SendFailure
from bot.store import outbox
from bot.store.engine import Store
from bot.store.errors import StoreError
from bot.store.jsontext import Json
from bot.store.outbox import Op, Owed

_log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=60)
"""How long one send may take; after it another instance may take the message."""
IDLE_SECONDS = 1.0
_FINAL = frozenset({SendFailure.FORBIDDEN, SendFailure.GONE, SendFailure.TOO_BIG})
MOST_ATTEMPTS = 12
SETTLE = timedelta(seconds=60)
"""How long to wait before a message that may have arrived is sent again."""
_POSSIBLE_REPEAT = "(You may have got this message already.)"


def written(message: Message) -> Json:
    """A message as it is stored. A sign-in card is never owed."""
    if message.sign_in is not None:
        raise ValueError("a sign-in card is never owed")
    card = cast("Json", dict(message.card)) if message.card is not None else None
    return {"text": message.text, "card": card, "summary": message.summary}


def _read(stored: Json) -> Message:
    if not isinstance(stored, Mapping):
        raise TypeError("a stored message is an object")
    text, card, summary = stored.get("text"), stored.get("card"), stored.get("summary")
    return Message(
        text=text if isinstance(text, str) else None,
        card=card if isinstance(card, Mapping) else None,
        summary=summary if isinstance(summary, str) else "",
    )


class OutboxWorker:
    """Takes due messages under a lease and sends them, one at a time for each conversation."""

    def __init__(
        self, store: Store, sender: Sender, now: Callable[[], datetime], owner: str
    ) -> None:
        self._store = store
        self._sender = sender
        self._now = now
        self._owner = owner
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was put in the outbox: look now rather than in a second."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._woken.clear()
            try:
                sent = await self.send_due()
            except StoreError as error:
                _log.warning("outbox waits for the store", error=str(error))
                sent = 0
            if not sent:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._woken.wait()

    async def send_due(self) -> int:
        """Send what is due now; how many messages were taken."""
        now = self._now()
        async with self._store.begin() as connection:
            owed = await outbox.claim_ready(connection, now, self._owner, now + LEASE)
        await asyncio.gather(*(self._send(one) for one in owed))
        return len(owed)

    async def _send(self, owed: Owed) -> None:
        try:
            message_id = await self._deliver(owed)
        except SendFailed as error:
            await self._after_failure(owed, error)
            return
        async with self._store.begin() as connection:
            await outbox.mark_sent(connection, owed, message_id, self._now())

    async def _deliver(self, owed: Owed) -> str:
        message = _read(owed.message)
        if owed.op is Op.UPDATE and owed.target_message is not None:
            await self._sender.update(owed.place, owed.target_message, message)
            return owed.target_message
        if owed.may_repeat and message.text is not None:
            message = Message(text=f"{message.text} {_POSSIBLE_REPEAT}")
        return await self._sender.send(owed.place, message)

    async def _after_failure(self, owed: Owed, error: SendFailed) -> None:
        now = self._now()
        async with self._store.begin() as connection:
            if error.kind in _FINAL or owed.attempts >= MOST_ATTEMPTS:
                _log.warning("owed message given up", outbox=owed.id, error=str(error))
                await outbox.mark_failed(connection, owed, str(error))
                return
            await outbox.put_back(connection, owed, now + _wait(owed, error), str(error))


def _wait(owed: Owed, error: SendFailed) -> timedelta:
    if error.kind is SendFailure.UNKNOWN:
        return SETTLE
    if error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    ceiling = min(300.0, 2.0**owed.attempts)
    return timedelta(seconds=random.uniform(ceiling / 2, ceiling))  # noqa: S311


async def owe(
    store: Store, place: Place, message: Message, now: datetime, *, key: str | None = None
) -> None:
    """Promise a message by itself, outside any other transaction."""
    async with store.begin() as connection:
        await outbox.put(connection, place, written(message), now, key=key)
