"""Asking back: the choices are commands, and a press says the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from bot.command import Choice
from bot.desk import Desk, Turn
from bot.proposals import not_valid
from bot.replies import Reply
from bot.store import questions
from cards.choices import choice_card
from cards.notice import notice_card
from cards.wording import sentence, words


async def ask(desk: Desk, turn: Turn, prompt: str, choices: Sequence[Choice]) -> Reply:
    """A card with one button a choice; only the person who was asked can press it.

    The disk is not waited for: nothing rests on a question, and one that a power cut took is said
    to be no longer valid.
    """
    async with desk.store.each() as connection:
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
    return Reply(card=choice_card(question, prompt, labels), summary=prompt)


async def chosen(desk: Desk, turn: Turn, question_id: str, index: int) -> str | Reply | None:
    """The command behind a pressed choice, once; else why not. None when its command is said."""
    async with desk.store.begin() as connection:
        question = await questions.find(connection, question_id)
        if (
            question is None
            or question.tenant != turn.person.tenant
            or question.place.conversation_id != turn.place.conversation_id
            or not 0 <= index < len(question.choices)
        ):
            return not_valid()
        if question.person != turn.person.id:
            return _somebody_elses()
        first = await questions.answer(connection, question_id, turn.person.tenant, turn.person.id)
    return question.choices[index] if first else None


async def put_again(desk: Desk, question_id: str) -> None:
    """The chosen command did not get through: its question may be answered once more."""
    async with desk.store.begin() as connection:
        await questions.reopen(connection, question_id)


def _somebody_elses() -> Reply:
    card = notice_card(
        words("This question is someone else's"),
        words("Only the person who was asked can answer it."),
        words("Nothing was changed."),
        words("Say what you want yourself, and I ask you."),
    )
    return Reply(card=card, summary=sentence("This question is someone else's"), only_me=True)
