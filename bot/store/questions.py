"""Questions put to one person, each answered once by choosing one of its commands."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import questions

_TABLE = questions.c
_NEW = questions.insert()


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, of whom, and the command behind each choice."""

    id: str
    tenant: str
    person: str
    place: Place
    prompt: str
    choices: tuple[str, ...]
    is_open: bool
    created: datetime


async def ask(
    connection: Runs,
    tenant: str,
    person: str,
    place: Place,
    prompt: str,
    choices: Sequence[str],
    now: datetime,
) -> str:
    """Stores an open question and gives its id."""
    question_id = uuid.uuid4().hex
    await connection.execute(
        _NEW,
        {
            "id": question_id,
            "tenant": tenant,
            "person": person,
            "place": jsontext.write(place.to_json()),
            "prompt": prompt,
            "choices": jsontext.write(list(choices)),
            "state": "open",
            "created": now,
        },
    )
    return question_id


async def find(connection: AsyncConnection, question_id: str) -> Question | None:
    """The question with this id, answered ones included."""
    result = await connection.execute(questions.select().where(_TABLE.id == question_id))
    row = result.one_or_none()
    if row is None:
        return None
    choices = jsontext.read(row.choices)
    if not isinstance(choices, list):
        raise ValueError("the choices of a stored question must be a list")
    return Question(
        id=row.id,
        tenant=row.tenant,
        person=row.person,
        place=Place.from_json(jsontext.read(row.place)),
        prompt=row.prompt,
        choices=tuple(str(choice) for choice in choices),
        is_open=row.state == "open",
        created=row.created,
    )


async def answer(connection: AsyncConnection, question_id: str, tenant: str, person: str) -> bool:
    """Closes a question; True only for the first answer of the person who was asked."""
    return await rows.changed(
        connection,
        questions.update()
        .where(
            _TABLE.id == question_id,
            _TABLE.tenant == tenant,
            _TABLE.person == person,
            _TABLE.state == "open",
        )
        .values(state="answered"),
    )


async def reopen(connection: AsyncConnection, question_id: str) -> None:
    """Lets an answered question be answered again."""
    await connection.execute(
        questions.update().where(_TABLE.id == question_id).values(state="open")
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets questions asked before a moment."""
    await connection.execute(questions.delete().where(_TABLE.created < before))
