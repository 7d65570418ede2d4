"""Events that Partner Center announced: stored before they are acknowledged, worked off later.

Every event is claimed under a lease; whoever lost the lease can no longer settle it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import Utc, inbox

_TABLE = inbox.c
_NOW = sa.bindparam("now", type_=Utc())


class State(StrEnum):
    """Where an event stands. DONE, IGNORED and FAILED are ends."""

    READY = "ready"
    WORKING = "working"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"


_WAITING = (State.READY.value, State.WORKING.value)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One announced event, held under a lease by whoever claimed it."""

    id: str
    event_name: str
    referral_id: str
    changed: datetime | None
    received: datetime
    attempts: int
    """How often it was claimed, this time included."""
    lease_owner: str


async def add(
    connection: AsyncConnection,
    *,
    body_hash: str,
    business_key: str,
    event_name: str,
    referral_id: str,
    changed: datetime | None,
    now: datetime,
) -> bool:
    """Stores an event; False when the same body or the same occurrence is stored already."""
    return await rows.insert_if_absent(
        connection,
        inbox,
        id=uuid.uuid4().hex,
        body_hash=body_hash,
        business_key=business_key,
        event_name=event_name,
        referral_id=referral_id,
        changed=changed,
        received=now,
        state=State.READY.value,
        attempts=0,
        not_before=now,
    )


async def waiting(connection: AsyncConnection) -> int:
    """How many events are stored and not settled."""
    found = await connection.scalar(
        sa.select(sa.func.count()).select_from(inbox).where(_TABLE.state.in_(_WAITING))
    )
    return found or 0


_ANY_DUE = (
    sa.select(_TABLE.id)
    .where(
        sa.or_(
            sa.and_(
                _TABLE.state == State.READY.value,
                _TABLE.not_before <= _NOW,
            ),
            sa.and_(
                _TABLE.state == State.WORKING.value,
                _TABLE.lease_until <= _NOW,
            ),
        )
    )
    .limit(1)
)


async def is_due(connection: Runs, now: datetime) -> bool:
    """Whether a claim would find anything; it only reads."""
    return (await connection.execute(_ANY_DUE, {"now": now})).one_or_none() is not None


async def claim_due(
    connection: AsyncConnection,
    now: datetime,
    lease_owner: str,
    lease_until: datetime,
    limit: int = 20,
) -> list[Arrived]:
    """Takes due events under a lease, and those whose lease ran out; the oldest first."""
    ready = sa.and_(_TABLE.state == State.READY.value, _TABLE.not_before <= now)
    abandoned = sa.and_(_TABLE.state == State.WORKING.value, _TABLE.lease_until <= now)
    result = await connection.execute(
        inbox.select()
        .where(sa.or_(ready, abandoned))
        .order_by(_TABLE.received, _TABLE.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [
        _arrived(row, lease_owner)
        for row in result.all()
        if await _take(connection, row, lease_owner, lease_until)
    ]


async def settle(
    connection: AsyncConnection, held: Arrived, to: State, *, error: str | None = None
) -> bool:
    """Ends an event as DONE, IGNORED or FAILED; False when its lease has passed on meanwhile."""
    return await _close(connection, held, state=to.value, error=error)


async def put_back(
    connection: AsyncConnection, held: Arrived, not_before: datetime, error: str
) -> bool:
    """Leaves an event for later; False when its lease has passed on meanwhile."""
    return await _close(
        connection, held, state=State.READY.value, not_before=not_before, error=error
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets settled events received before a moment.

    A repeat of one that was forgotten is taken in again: the moment must lie beyond the age at
    which announcements are refused.
    """
    await connection.execute(
        inbox.delete().where(_TABLE.state.not_in(_WAITING), _TABLE.received < before)
    )


async def _take(
    connection: AsyncConnection,
    row: sa.Row[tuple[object, ...]],
    lease_owner: str,
    lease_until: datetime,
) -> bool:
    kept = row._mapping
    return await rows.changed(
        connection,
        inbox.update()
        .where(
            _TABLE.id == kept["id"],
            _TABLE.state == kept["state"],
            _TABLE.attempts == kept["attempts"],
        )
        .values(
            state=State.WORKING.value,
            attempts=kept["attempts"] + 1,
            lease_owner=lease_owner,
            lease_until=lease_until,
        ),
    )


async def _close(connection: AsyncConnection, held: Arrived, **values: object) -> bool:
    return await rows.changed(
        connection,
        inbox.update()
        .where(
            _TABLE.id == held.id,
            _TABLE.state == State.WORKING.value,
            _TABLE.lease_owner == held.lease_owner,
            _TABLE.attempts == held.attempts,
        )
        .values(lease_owner=None, lease_until=None, **values),
    )


def _arrived(row: sa.Row[tuple[object, ...]], lease_owner: str) -> Arrived:
    kept = row._mapping
    return Arrived(
        id=kept["id"],
        event_name=kept["event_name"],
        referral_id=kept["referral_id"],
        changed=kept["changed"],
        received=kept["received"],
        attempts=kept["attempts"] + 1,
        lease_owner=lease_owner,
    )
