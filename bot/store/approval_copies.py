"""The cards of requests on their way to people: promised in the outbox, known once sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.conversation import Place
from bot.store import jsontext
from bot.store.approvals import State
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import approvals, outbox

_TABLE = approvals.c


@dataclass(frozen=True, slots=True)
class Promised:
    """A card that somebody gets in their personal chat; without an id it is not sent yet."""

    person: str
    place: Place
    message_id: str | None


def key_of(approval_id: str, person: str) -> str:
    """The outbox key of one person's card: it is promised once for all time."""
    return f"approval:{approval_id}:to:{person}"


_OVERDUE = (
    sa.select(_TABLE.id)
    .where(_TABLE.state == State.WAITING.value, _TABLE.expires <= sa.bindparam("now"))
    .limit(1)
)


async def any_overdue(connection: Runs, now: datetime) -> bool:
    """Whether a request waits although its time is over."""
    result = await connection.execute(_OVERDUE, {"now": now})
    return result.one_or_none() is not None


_LIVE = (
    sa.select(_TABLE.id, _TABLE.version)
    .where(sa.or_(_TABLE.state == State.WAITING.value, _TABLE.updated >= sa.bindparam("since")))
    .order_by(_TABLE.created)
    .limit(200)
)


async def live(connection: Runs, since: datetime) -> dict[str, int]:
    """Requests that wait, or that changed since a moment: their ids and versions."""
    result = await connection.execute(_LIVE, {"since": since})
    return {row.id: row.version for row in result}


async def promised(
    connection: AsyncConnection, approval_id: str, persons: Sequence[str]
) -> list[Promised]:
    """Which of these people were promised the card of a request."""
    keys = {key_of(approval_id, person): person for person in persons}
    result = await connection.execute(
        sa.select(outbox.c.key, outbox.c.place, outbox.c.activity_id).where(
            outbox.c.key.in_(sorted(keys))
        )
    )
    return [
        Promised(keys[row.key], Place.from_json(jsontext.read(row.place)), row.activity_id)
        for row in result
    ]
