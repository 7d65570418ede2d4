"""A change to a deal before it is made: proposed, or in conflict with somebody else's."""

from __future__ import annotations

from collections.abc import Sequence

from cards.actions import ApplyAgain, Discard, Eligible, Save
from cards.changes import ConflictRow, FieldChange, change_pieces, conflict_pieces
from cards.deal import DealView, as_of, header, move_words, summary_of
from cards.elements import (
    Size,
    Style,
    button,
    card,
    container,
    paragraph,
    words,
)
from cards.problems import problem_words
from cards.reader import Reader
from partner_center.referral import Problem


def proposal_card(
    view: DealView,
    changes: Sequence[FieldChange],
    warnings: Sequence[Problem],
    proposal_id: str,
    reader: Reader,
    *,
    move: str | None = None,
) -> dict[str, object]:
    """Before and after of a change that is not yet made, with the one button that makes it."""
    asked = move_words(move)
    title, confirm = asked.question, asked.confirm
    body = [*header(view, title), *change_pieces(changes, view.referral, reader)]
    if warnings:
        lines = [paragraph(problem_words(problem, reader)) for problem in warnings]
        body.append(
            container(
                [paragraph(words("⚠ Before you do"), strong=True), *lines],
                style=Style.WARNING,
                spacing="medium",
            )
        )
    hint = words("Nothing is changed until you press “{confirm}”.", confirm=confirm)
    body.append(paragraph(hint, subtle=True, size=Size.SMALL))
    check_first = any(each.code == "check_registration_first" for each in warnings)
    return card(
        body,
        [
            button(confirm, Save(proposal_id), primary=True),
            button(words("Check registration"), Eligible(view.referral.id))
            if check_first
            else None,
            button(words("Discard"), Discard(proposal_id)),
        ],
        summary=summary_of(view, title),
    )


def conflict_card(
    view: DealView, rows: Sequence[ConflictRow], proposal_id: str, reader: Reader
) -> dict[str, object]:
    """Somebody else changed the deal between preview and save."""
    title = words("Someone changed this deal meanwhile")
    body = [
        *header(view, title),
        paragraph(words("Your change was not saved, so that theirs is not lost.")),
        *conflict_pieces(rows, view.referral, reader),
        as_of(reader),
    ]
    return card(
        body,
        [
            button(words("Apply mine again"), ApplyAgain(proposal_id), primary=True),
            button(words("Keep theirs"), Discard(proposal_id)),
        ],
        summary=summary_of(view, title),
    )
