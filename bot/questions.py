"""Asking back: the choices are commands, and a press says the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from bot.command import Choice
from bot.desk import Desk, Turn
from bot.replies import Reply
from bot.store import questions
from cards.choices import choice_card


async def ask(desk: Desk, turn: Turn, prompt: str, choices: Sequence[Choice]) -> Reply:
    """A card with one button a choice; only the person who was asked can press it."""
    async with desk.store.begin() as connection:
        question = await questions.ask(
            connection,
            turn.person.tenant,
            turn.person.id,
            turn.place,
            prompt,
            [choice.text for choice in choices],
            desk.now(),
        )
    labels = [choice.label for choice in choices]
    return Reply(card=choice_card(question, prompt, labels, turn.reader), summary=prompt)


async def chosen(desk: Desk, turn: Turn, question_id: str, index: int) -> str | None:
    """The command behind a pressed choice, once; None when it was not put to this person here."""
    async with desk.store.begin() as connection:
        question = await questions.find(connection, question_id)
        if (
            question is None
            or question.place.conversation_id != turn.place.conversation_id
            or not 0 <= index < len(question.choices)
        ):
            return None
        mine = await questions.answer(connection, question_id, turn.person.tenant, turn.person.id)
    return question.choices[index] if mine else None
