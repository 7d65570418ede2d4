"""Where to reach a person: learnt from what Teams sends, used for messages nobody asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.conversation import Person, Place, PlaceKind
from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import languages, people

_TABLE = people.c
_MET = sa.select(people, languages.c.locale.label("chosen")).select_from(
    people.outerjoin(
        languages,
        sa.and_(
            languages.c.tenant == _TABLE.tenant,
            languages.c.conversation == _TABLE.personal_conversation,
        ),
    )
)
"""People, and the language they have chosen in their personal chat."""
_KEPT = ("personal_conversation", "upn", "locale")


@dataclass(frozen=True, slots=True)
class Known:
    """A person as last seen, and their personal conversation once there was one."""

    person: Person
    service_url: str
    personal_conversation: str | None
    upn: str | None
    locale: str | None
    """Chosen in the personal chat, else that of their Teams."""
    updated: datetime

    def personal(self, bot_id: str) -> Place | None:
        """Their personal chat with the bot; None when there was none yet."""
        if not self.personal_conversation:
            return None
        return Place(
            PlaceKind.PERSONAL,
            self.person.tenant,
            self.personal_conversation,
            self.service_url,
            bot_id,
        )


async def remember(
    connection: Runs,
    person: Person,
    service_url: str,
    now: datetime,
    *,
    personal_conversation: str | None = None,
    upn: str | None = None,
    locale: str | None = None,
) -> None:
    """Notes a person as just seen; what is not given now stays as known before."""
    await rows.put(
        connection,
        people,
        ("tenant", "person"),
        {
            "tenant": person.tenant,
            "person": person.id,
            "teams_id": person.teams_id,
            "service_url": service_url,
            "personal_conversation": personal_conversation,
            "name": person.name,
            "upn": None if upn is None else upn.lower(),
            "locale": locale,
            "updated": now,
        },
        keep_when_none=_KEPT,
    )


async def note_upn(connection: AsyncConnection, tenant: str, person: str, upn: str) -> None:
    """Notes the sign-in name of a person the bot has met."""
    await connection.execute(
        people.update()
        .where(_TABLE.tenant == tenant, _TABLE.person == person)
        .values(upn=upn.lower())
    )


async def find(connection: AsyncConnection, tenant: str, person: str) -> Known | None:
    """The person with this Entra object id, if the bot has met them."""
    return await _first(connection, _TABLE.tenant == tenant, _TABLE.person == person)


async def find_by_upn(connection: AsyncConnection, tenant: str, upn: str) -> Known | None:
    """The person with this sign-in name, in any case, if they have signed in before."""
    return await _first(connection, _TABLE.tenant == tenant, _TABLE.upn == upn.lower())


async def named(connection: AsyncConnection, tenant: str, said: str) -> list[Known]:
    """Everybody the bot has met whom these words name: sign-in name, whole name or a part of it.

    Whoever is named by the whole of the words goes before those of whom they are one name.
    """
    wanted = " ".join(said.casefold().lstrip("@").split())
    result = await connection.execute(
        _MET.where(_TABLE.tenant == tenant).order_by(_TABLE.name, _TABLE.person)
    )
    met = [_known(row) for row in result]
    whole = [one for one in met if wanted in {one.upn, one.person.name.casefold()}]
    return whole or [one for one in met if wanted in one.person.name.casefold().split()]


async def _first(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> Known | None:
    result = await connection.execute(
        _MET.where(*conditions).order_by(_TABLE.updated.desc()).limit(1)
    )
    row = result.one_or_none()
    return None if row is None else _known(row)


def _known(row: sa.Row[tuple[object, ...]]) -> Known:
    return Known(
        person=Person(row.tenant, row.person, row.name, row.teams_id),
        service_url=row.service_url,
        personal_conversation=row.personal_conversation,
        upn=row.upn,
        locale=row.chosen or row.locale,
        updated=row.updated,
    )
