"""Sends the messages the bot owes: what was promised in a transaction is sent after any crash.

What is promised: a conversation gets its messages in the order they were put; Teams' windows and
`Retry-After` are kept; no two instances send the same row; and a message whose arrival nobody
confirmed is sent once more after a minute, marked as a possible repeat, and never a third time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Set
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import feed_closing
from bot.answering import Latest
from bot.conversation import Message, Place, Sender, SendFailed, SendFailure
from bot.crash import Point, crash_at
from bot.store import outbox
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.engine import Store
from bot.store.errors import StoreError
from bot.store.jsontext import Json
from bot.store.outbox import Op, Owed
from bot.store.together import Together
from bot.stored_messages import as_repeat, read, shortened, written
from bot.windows import NONE, Windows

__all__ = ["LEASE", "OutboxWorker", "owe", "written"]

_log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=60)
"""How long one send may take; after it another instance may take the message."""
SEND_SECONDS = 45.0
"""How long one send is waited for, well inside the lease."""
IDLE_SECONDS = 1.0
MOST_AT_ONCE = 100
"""How many messages of a tenant are sent, or wait for their moment, together: more than it may get
in a second, so that the next is at hand when its moment comes."""
FEWEST_FREE = 25
"""How many more must be possible before messages are looked for: looking costs a transaction."""
OTHERS_SECONDS = 0.25
"""How long nothing is looked for, when nothing was found while some tenants may get no more."""
MOST_WAIT = timedelta(seconds=3)
"""How long a message that was taken waits here for its moment; one of a later moment goes back."""
LEAD = timedelta(milliseconds=150)
"""How long before its moment a message is marked as leaving, so that the moment is not missed for
a transaction."""
MOST_READY = 25
"""How many messages of a tenant are marked as leaving and have not left, for the same reason."""
_FULL = MOST_AT_ONCE - FEWEST_FREE
_MOST_MOMENTS = 4
"""How often others may be faster before a message goes back."""
MOST_AGE = timedelta(hours=24)
"""How long a message is tried that definitely did not arrive."""
LEAST_ATTEMPTS = 6
SETTLE = timedelta(seconds=60)
"""How long to wait before a message that may have arrived is sent again."""
MOST_DOUBTS = 1
"""How often a message is sent again although it may have arrived."""
_LONGEST_BACK_OFF = 300.0
_WINDOW_MEMORY = timedelta(hours=1)
_LATE_COMMIT = timedelta(seconds=10)
"""How much later than its time a send of another instance may be seen."""
_FINISH_SECONDS = 5.0
_MARK_TRIES = 20
_MARK_SECONDS = 0.5
_GONE = frozenset({SendFailure.FORBIDDEN, SendFailure.GONE})


Stands = Callable[[AsyncConnection, Json, Place, str], Awaitable[None]]
"""Remembers, in the transaction that notes a message as sent, which row stands in it."""


class OutboxWorker:
    """Takes due messages under a lease and sends them, one at a time for each conversation.

    `jitter` gives numbers from 0 to 1, so that instances do not try again in step. `windows` and
    `latest` are those of whatever sends beside it; `stands` remembers what stands in a message.
    """

    def __init__(
        self,
        store: Store,
        sender: Sender,
        now: Callable[[], datetime],
        owner: str,
        *,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        windows: Windows | None = None,
        latest: Latest | None = None,
        stands: Stands | None = None,
    ) -> None:
        self._store = store
        self._sender = sender
        self._now = now
        self._owner = owner
        self._jitter = jitter
        self._sleep = sleep
        self._windows = windows or Windows(now)
        self._latest = Latest(now) if latest is None else latest
        self._stands = stands
        self._together = Together(store)
        self._counted = now() - _WINDOW_MEMORY
        self._others: dict[str, datetime] = {}
        self._is_idle = True
        self._resume: dict[str, datetime] = {}
        self._look_at = now()
        self._sending: set[asyncio.Task[None]] = set()
        self._of_tenant: Counter[str] = Counter()
        self._woken = asyncio.Event()
        self._gates: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ready = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(MOST_READY))

    def wake(self) -> None:
        """Something was put in the outbox: look now rather than in a second."""
        self._look_at = self._now()
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; what is under way then is waited for, a little."""
        try:
            while True:
                self._woken.clear()
                if not await self._begin_some():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._idle_seconds()):
                            await self._woken.wait()
        finally:
            await self._finish()

    def _idle_seconds(self) -> float:
        now = self._now()
        pauses = [(each - now).total_seconds() for each in self._resume.values() if each > now]
        return min([*pauses, IDLE_SECONDS])

    async def send_due(self) -> int:
        """Send what is due now; how many messages were taken."""
        begun = await self._begin()
        if self._sending:
            await asyncio.wait(set(self._sending))
        return begun

    async def _begin_some(self) -> int:
        try:
            return await self._begin()
        except StoreError as error:
            _log.warning("outbox waits for the store", error=str(error))
        except Exception:
            _log.exception("outbox stumbled")
        return 0

    async def _begin(self) -> int:
        now = self._now()
        self._resume = {each: until for each, until in self._resume.items() if until > now}
        full = {tenant for tenant, count in self._of_tenant.items() if count > _FULL}
        held = full | self._resume.keys()
        if held and now < self._look_at:
            return 0
        most = max((n for tenant, n in self._of_tenant.items() if tenant not in full), default=0)
        owed = await self._claimed(now, MOST_AT_ONCE - most, held)
        if held and not owed:
            self._look_at = now + timedelta(seconds=OTHERS_SECONDS)
        for one in owed:
            crash_at(Point.OUTBOX_CLAIMED)
            task = asyncio.create_task(self._one(one), name=f"outbox {one.id}")
            self._sending.add(task)
            self._of_tenant[one.place.tenant] += 1
            task.add_done_callback(partial(self._ended, one.place.tenant))
        return len(owed)

    async def _claimed(self, now: datetime, free: int, held: Set[str]) -> list[Owed]:
        """As many of the due messages as are free, but for tenants that may get no more now."""
        if not await self._look(now):
            return []
        async with self._store.begin() as connection:
            until = now + LEASE
            owed = await outbox.claim_ready(connection, now, self._owner, until, free, but_for=held)
        self._is_idle = len(owed) < free
        return owed

    async def _look(self, now: datetime) -> bool:
        """Counts what others sent, and says whether anything is due: reading only, so that an
        idle bot takes no lock. After a full claim there is more, surely enough."""
        async with self._store.each(writes=False) as connection:
            await self._count_others(connection, now)
            waiting = await outbox.replies_waiting(connection) if self._latest else []
            is_due = not self._is_idle or await outbox.is_due(connection, now)
        for reply in waiting:
            shown = self._latest.of(reply.conversation, reply.target_message)
            if shown is not None and reply.as_of <= shown:
                async with self._store.begin() as connection:
                    await outbox.overtake(
                        connection, reply.conversation, reply.target_message, shown
                    )
        return is_due

    async def _count_others(self, connection: Runs, now: datetime) -> None:
        for sent in await outbox.sent_since(connection, self._counted, self._owner):
            if sent.id not in self._others:
                self._others[sent.id] = sent.at
                self._windows.note(sent.tenant, sent.channel, sent.at)
        self._counted = max(self._counted, now - _LATE_COMMIT)
        self._others = {each: at for each, at in self._others.items() if at > self._counted}

    def _ended(self, tenant: str, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._of_tenant -= Counter([tenant])
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("owed message not settled", work=task.get_name(), exc_info=error)

    async def _finish(self) -> None:
        if not self._sending:
            return
        _done, late = await asyncio.wait(set(self._sending), timeout=_FINISH_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._together.finish()

    async def _one(self, owed: Owed) -> None:
        try:
            await self._settle(owed)
        except StoreError as error:
            _log.warning("outbox waits for the store", outbox=owed.id, error=str(error))

    async def _settle(self, owed: Owed) -> None:
        if owed.op is Op.SEND and owed.doubts > MOST_DOUBTS:
            await self._give_up(owed, "not confirmed twice", in_doubt=True)
            return
        if await self._is_overtaken(owed):
            return
        tenant, channel = owed.place.tenant, owed.place.channel
        if self._windows.wait(tenant, channel) > MOST_WAIT:
            await self._defer(owed)
            return
        left = await self._left(owed)
        if left is None:
            return
        crash_at(Point.OUTBOX_SENDING)
        try:
            message_id = await self._deliver(owed)
        except SendFailed as error:
            await self._after_failure(owed, error)
            return
        self._windows.arrived(tenant, channel, left)
        crash_at(Point.OUTBOX_SENT)
        await self._mark_sent(owed, message_id)

    async def _is_overtaken(self, owed: Owed) -> bool:
        """Gives up a reply whose message shows something later by now."""
        if owed.as_of is None or owed.target_message is None:
            return False
        shown = self._latest.of(owed.place.conversation_id, owed.target_message)
        if shown is None or shown < owed.as_of:
            return False
        await self._together.write(partial(outbox.mark_failed, owed=owed, error="superseded"))
        return True

    async def _left(self, owed: Owed) -> datetime | None:
        """Waits until the message may leave, marked as such in time, and gives that moment; None
        when it is not for us any more, or goes back to wait for a later one."""
        tenant, channel = owed.place.tenant, owed.place.channel
        moment = self._windows.reserve(channel)
        try:
            await self._sleep_until(moment - LEAD)
            async with self._ready[tenant]:
                if not await self._may_leave(owed):
                    return None
                await self._sleep_until(moment)
                left = await self._leave(tenant, channel)
        except asyncio.CancelledError:
            await self._take_back(owed)
            raise
        finally:
            self._windows.release(channel, moment)
        if left is None:
            await self._defer(owed)
        return left

    async def _leave(self, tenant: str, channel: str) -> datetime | None:
        """Waits, one message of a tenant after the other, for room as others really left; counts
        the message as leaving and gives the moment, or None when others were faster again and
        again."""
        for _ in range(_MOST_MOMENTS):
            async with self._gates[tenant]:
                await self._until_open(tenant)
                left = self._windows.leave(tenant, channel)
            if left is not None:
                return left
            await self._sleep_until(self._now() + self._windows.wait(tenant, channel))
        return None

    async def _until_open(self, tenant: str) -> None:
        """Waits for room in a tenant's windows, also when answers take it meanwhile."""
        for _ in range(_MOST_MOMENTS):
            wait = self._windows.tenant_wait(tenant)
            if wait == NONE:
                return
            await self._sleep(wait.total_seconds())

    async def _sleep_until(self, moment: datetime) -> None:
        wait = moment - self._now()
        if wait > NONE:
            await self._sleep(wait.total_seconds())

    async def _defer(self, owed: Owed) -> None:
        now, tenant = self._now(), owed.place.tenant
        self._resume[tenant] = now + self._windows.tenant_wait(tenant)
        wait = self._windows.wait(tenant, owed.place.channel)
        async with self._store.begin() as connection:
            await outbox.defer(connection, owed, now + wait)

    async def _take_back(self, owed: Owed) -> None:
        """The process ends before a message left: it is owed as before, and is no repeat."""
        async with self._store.begin() as connection:
            await outbox.put_back(connection, owed, self._now(), "the process ended")

    async def _mark_sent(self, owed: Owed, message_id: str) -> None:
        """Notes what has arrived, again and again while the store cannot: it was sent once."""
        for left in reversed(range(_MARK_TRIES)):
            try:
                await self._together.write(partial(self._note_sent, owed, message_id))
                return
            except StoreError:
                if not left:
                    raise
                await self._sleep(_MARK_SECONDS)

    async def _note_sent(self, owed: Owed, message_id: str, connection: AsyncConnection) -> None:
        noted = await outbox.mark_sent(connection, owed, message_id, self._now())
        if noted and owed.stands is not None and self._stands is not None:
            await self._stands(connection, owed.stands, owed.place, message_id)

    async def _may_leave(self, owed: Owed) -> bool:
        """Marks the message as leaving, under a fresh lease that must not be over already."""
        until = self._now() + LEASE
        if not await self._together.write(partial(outbox.begin, owed=owed, lease_until=until)):
            return False
        if self._now() < until - timedelta(seconds=SEND_SECONDS):
            return True
        async with self._store.begin() as connection:
            await outbox.put_back(connection, owed, self._now(), "the lease ran out")
        return False

    async def _deliver(self, owed: Owed) -> str:
        try:
            message = read(owed.message)
        except ValueError as error:
            raise SendFailed(SendFailure.REFUSED, code="unreadable") from error
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await self._hand_over(owed, message)
        except TimeoutError as error:
            raise SendFailed(SendFailure.UNKNOWN, code="no answer in time") from error

    async def _hand_over(self, owed: Owed, message: Message) -> str:
        if owed.op is Op.UPDATE and owed.target_message is not None:
            await self._sender.update(owed.place, owed.target_message, message)
            return owed.target_message
        shown = as_repeat(message) if owed.may_repeat else message
        return await self._sender.send(owed.place, shown)

    async def _after_failure(self, owed: Owed, error: SendFailed) -> None:
        now, reason = self._now(), str(error)
        if error.kind in _GONE and owed.op is Op.SEND and owed.feed_id is not None:
            _log.warning("feed switched off", outbox=owed.id, feed=owed.feed_id, error=reason)
            await feed_closing.close(self._store, self._sender, owed, error.kind, now, reason)
            return
        short = shortened(owed.message, error.kind) if error.kind in _SHORTENED else None
        if short is not None:
            _log.error("message refused as it is", outbox=owed.id, error=reason)
            async with self._store.begin() as connection:
                await outbox.replace(connection, owed, short, now, reason)
            return
        if error.kind is SendFailure.UNKNOWN and owed.op is Op.SEND:
            await self._after_doubt(owed, error)
            return
        wait = self._wait(owed, error)
        if wait is None:
            await self._give_up(owed, reason, in_doubt=False)
            return
        if error.kind is SendFailure.THROTTLED:
            self._windows.hold(owed.place.channel, now + wait)
        async with self._store.begin() as connection:
            await outbox.put_back(connection, owed, now + wait, reason)

    async def _after_doubt(self, owed: Owed, error: SendFailed) -> None:
        if owed.doubts >= MOST_DOUBTS:
            await self._give_up(owed, str(error), in_doubt=True)
            return
        wait = max(SETTLE, timedelta(seconds=error.retry_after or 0))
        async with self._store.begin() as connection:
            await outbox.put_back_in_doubt(connection, owed, self._now() + wait, str(error))

    async def _give_up(self, owed: Owed, reason: str, *, in_doubt: bool) -> None:
        _log.warning("owed message given up", outbox=owed.id, error=reason)
        await feed_closing.give_up(
            self._store, self._sender, owed, self._now(), reason, in_doubt=in_doubt
        )

    def _wait(self, owed: Owed, error: SendFailed) -> timedelta | None:
        """How long until the next try; None for never."""
        if error.kind in _FINAL:
            return None
        is_old = self._now() - owed.created > MOST_AGE
        if is_old and owed.attempts >= LEAST_ATTEMPTS:
            return None
        if error.retry_after is not None:
            return timedelta(seconds=error.retry_after + self._jitter())
        ceiling = min(_LONGEST_BACK_OFF, 2.0 ** min(owed.attempts, 10))
        return timedelta(seconds=ceiling / 2 * (1 + self._jitter()))


_SHORTENED = {SendFailure.TOO_BIG, SendFailure.REFUSED}
_FINAL = _GONE | _SHORTENED


async def owe(
    store: Store, place: Place, message: Message, now: datetime, *, key: str | None = None
) -> None:
    """Promise a message by itself, outside any other transaction."""
    async with store.begin() as connection:
        await outbox.put(connection, place, written(message), now, key=key)
