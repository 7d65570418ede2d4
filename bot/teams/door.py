"""Takes deliveries in: verified, once each, answered in time, and finished before the bot stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from botbuilder.schema import Activity
from botframework.connector.auth import AuthenticateRequestResult

from bot.conversation import Listener, PlaceKind, Sender, SendFailed
from bot.recent import Recent
from bot.store import seen
from bot.store.engine import Store
from bot.store.errors import StoreError
from bot.store.seen import Stored
from bot.teams import invokes
from bot.teams.activity import (
    Delivered,
    delivery_parts,
    place_of,
    read_activity,
    sender_id,
    tenant_of,
)
from bot.teams.adapter import TeamsAdapter
from bot.teams.app_token import AppToken
from bot.teams.authentication import TeamsAuthentication, Verified
from bot.teams.body import parse_body
from bot.teams.handler import TeamsHandler, is_added, is_removed
from bot.teams.keys import Freshness, SigningKeys
from bot.teams.outside import Outside
from bot.teams.refusal import Reason, Refused

ACCEPTED = Stored(200)
_KEEP = timedelta(hours=48)
_LATELY = timedelta(minutes=10)
_MOST_LATELY = 10_000
_POLL_SECONDS = 0.2
_AT_ONCE = 500
"""Deliveries dropped in one transaction: a few milliseconds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long Teams is kept waiting, in seconds; it gives up at 10 to 15 and sends again."""

    message: float = 10.0
    invoke: float = 8.0
    typing: float = 1.5
    typing_again: float = 4.0
    abandoned: float = 60.0
    """Age at which a delivery another process began is taken over."""


class Door:
    """One bot's door. `now` gives aware UTC times."""

    def __init__(
        self,
        *,
        bot_id: str,
        authentication: TeamsAuthentication,
        sender: Sender,
        outside: Outside,
        token: AppToken,
        keys: SigningKeys,
        store: Store,
        listener: Listener,
        now: Callable[[], datetime],
        patience: Patience | None = None,
    ) -> None:
        self._outside = outside
        self._token = token
        self._keys = keys
        self._bot_id = bot_id
        self._authentication = authentication
        self._sender = sender
        self._adapter = TeamsAdapter(authentication)
        self._handler = TeamsHandler(listener, sender, bot_id)
        self._store = store
        self._now = now
        self._patience = patience or Patience()
        self._turns: dict[str, asyncio.Task[Stored]] = {}
        self._answered: Recent[str, Stored] = Recent(_MOST_LATELY, _LATELY, now)
        self._nameless = 0
        self._stopping = False
        self._began = now()

    async def open(self) -> None:
        """Open the way out and begin to keep the signing keys and the bot's token."""
        await self._outside.open()
        self._keys.start()
        self._token.start()

    async def close(self) -> None:
        """Close the way out. Nothing can be sent any more."""
        self._stopping = True
        await self._keys.stop()
        await self._token.close()
        await self._outside.close()

    async def verify(self, header: str | None) -> Verified:
        """What the token of an Authorization header says. Raises Refused."""
        if self._stopping:
            raise Refused(503, Reason.STOPPING)
        return await self._authentication.verify(header)

    async def receive(self, verified: Verified, raw: bytes) -> Stored:
        """Take one delivery in and give the answer back, in time. Raises Refused."""
        activity = read_activity(parse_body(raw))
        admitted = self._authentication.admit(verified, activity)
        if is_removed(activity, self._bot_id):
            await self._left(activity)
        turn = self._turn_of(activity, admitted)
        is_invoke = activity.type == "invoke"
        limit = self._patience.invoke if is_invoke else self._patience.message
        await asyncio.wait({turn}, timeout=limit)
        if not turn.done():
            return self._answer_of_ours(activity, invokes.STILL_WORKING)
        if turn.cancelled():
            raise Refused(503, Reason.STOPPING)
        try:
            return turn.result()
        except StoreError as error:
            raise Refused(503, Reason.STORE) from error

    @property
    def is_stopping(self) -> bool:
        """Whether new deliveries are turned away."""
        return self._stopping

    @property
    def freshness(self) -> Freshness:
        """How far the signing keys can be trusted."""
        return self._keys.freshness

    async def drain(self, seconds: float = 10.0) -> None:
        """Turn new deliveries away and finish those under way, at most for `seconds`."""
        self._stopping = True
        turns = set(self._turns.values())
        if not turns:
            return
        _done, late = await asyncio.wait(turns, timeout=seconds)
        for turn in late:
            turn.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.warning("turns cut off", count=len(late))

    async def reach_store(self) -> None:
        """Ask the store for nothing. Raises StoreError when it does not answer."""
        async with self._store.read() as connection:
            await connection.execute(sa.select(1))

    async def tidy(self) -> None:
        """Drop the memory of deliveries that Teams no longer repeats, a few at a time: other turns
        come between."""
        before, more = self._now() - _KEEP, True
        while more:
            async with self._store.begin(flush=False) as connection:
                more = await seen.purge(connection, before, _AT_ONCE)
            await asyncio.sleep(0)

    def _turn_of(
        self, activity: Delivered, admitted: AuthenticateRequestResult
    ) -> asyncio.Task[Stored]:
        key = self._key_of(activity)
        name = key or self._new_name()
        running = self._turns.get(name)
        if running is not None:
            return running
        run = self._once(key, activity, admitted) if key else self._run(activity, admitted)
        task = asyncio.create_task(run, name=f"turn {activity.type}")
        self._turns[name] = task
        task.add_done_callback(lambda ended: self._ended(name, ended))
        return task

    def _ended(self, name: str, task: asyncio.Task[Stored]) -> None:
        self._turns.pop(name, None)
        if not task.cancelled() and isinstance(task.exception(), StoreError):
            log.error("delivery not taken in", reason=str(task.exception()))

    def _new_name(self) -> str:
        self._nameless += 1
        return f"nameless {self._nameless}"

    def _key_of(self, activity: Activity) -> str | None:
        """The same for the same delivery; a token is exchanged once, an arrival greeted once."""
        if is_added(activity, self._bot_id):
            return self._arrival_key(activity)
        parts = delivery_parts(activity)
        if parts is None:
            return None
        match activity.name, activity.value:
            case "signin/tokenExchange", {"id": str(exchange_id)}:
                who = sender_id(activity) or ""
                return seen.key_of("exchange", parts[0], parts[1], who, exchange_id)
            case _:
                return seen.key_of("activity", *parts)

    def _arrival_key(self, activity: Activity) -> str:
        where = activity.conversation.id.partition(";messageid=")[0]
        return seen.key_of("arrival", tenant_of(activity) or "", where)

    async def _left(self, activity: Activity) -> None:
        try:
            async with self._store.begin() as connection:
                await seen.forget(connection, self._arrival_key(activity))
        except StoreError as error:
            raise Refused(503, Reason.STORE) from error

    async def _once(
        self, key: str, activity: Delivered, admitted: AuthenticateRequestResult
    ) -> Stored:
        if self._handler.may_repeat(activity):
            return await self._lightly(key, activity, admitted)
        try:
            known = await self._claim(key)
        except StoreError as error:
            return await self._not_taken_in(activity, error)
        if known is not None:
            log.info("delivered again", kind=activity.type, name=activity.name)
            return known
        answer = await self._run(activity, admitted)
        try:
            async with self._store.each() as connection:
                await seen.settle(connection, key, answer)
        except StoreError as error:
            log.error("answer not kept", reason=str(error))
        return answer

    async def _lightly(
        self, key: str, activity: Delivered, admitted: AuthenticateRequestResult
    ) -> Stored:
        """A turn that changes nothing: only this process remembers that it was taken in."""
        known = self._answered.get(key)
        if known is not None:
            log.info("delivered again", kind=activity.type, name=activity.name)
            return known
        answer = await self._run(activity, admitted)
        if answer.body is None:
            self._answered.put(key, answer)
        return answer

    async def _not_taken_in(self, activity: Delivered, error: StoreError) -> Stored:
        """Nothing may be begun that cannot be noted, and people are told so. Raises StoreError
        where there is nobody to tell, or no way: then Teams brings it again."""
        log.error("delivery not taken in", reason=str(error), kind=activity.type)
        try:
            told = await self._handler.not_taken_in(activity, error)
        except SendFailed as failed:
            raise error from failed
        if told is None:
            raise error
        return told

    async def _claim(self, key: str) -> Stored | None:
        """The answer somebody else gave, or None when the delivery is ours to run.

        A claim is not flushed: whatever the turn does is, and the claim with it.
        """
        while True:
            now = self._now()
            abandoned = now - timedelta(seconds=self._patience.abandoned)
            if self._store.is_sqlite:
                abandoned = max(abandoned, self._began)
            async with self._store.each() as connection:
                found = await seen.claim(connection, key, now=now, abandoned=abandoned)
            match found:
                case seen.Mine():
                    return None
                case seen.Stored():
                    return found
                case seen.Running():
                    await asyncio.sleep(_POLL_SECONDS)

    async def _run(self, activity: Delivered, admitted: AuthenticateRequestResult) -> Stored:
        """The turn itself. What it raises is logged, and answered so that Teams does not repeat."""
        try:
            async with self._typing(activity):
                answer = await self._adapter.process_activity(
                    admitted, activity, self._handler.on_turn
                )
        except Refused as refused:
            log.warning("refused", status=refused.status, reason=refused.reason.value)
            return Stored(refused.status)
        except Exception:
            log.exception("turn failed", kind=activity.type, name=activity.name)
            return self._answer_of_ours(activity, invokes.WENT_WRONG)
        return Stored(answer.status, answer.body) if answer is not None else ACCEPTED

    def _answer_of_ours(self, activity: Delivered, said: str) -> Stored:
        """What the door says itself under a button; a message is only accepted."""
        if activity.type != "invoke":
            return ACCEPTED
        return self._handler.beside_card(activity, said)

    @asynccontextmanager
    async def _typing(self, activity: Activity) -> AsyncIterator[None]:
        """Shows the bot working when a message takes long (Teams store: within 2 s)."""
        typing: list[asyncio.Task[None]] = []

        def begin() -> None:
            typing.append(asyncio.create_task(self._type_on(activity)))

        timer = None
        if activity.type == "message":
            timer = asyncio.get_running_loop().call_later(self._patience.typing, begin)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            for task in typing:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _type_on(self, activity: Activity) -> None:
        place = place_of(activity, self._bot_id)
        if place.kind is PlaceKind.CHANNEL:
            return
        with contextlib.suppress(SendFailed):
            while True:
                await self._sender.typing(place)
                await asyncio.sleep(self._patience.typing_again)
