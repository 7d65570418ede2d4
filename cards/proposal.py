"""A change to a deal from preview to result: proposed, saving, in conflict, given up, uncertain."""

from __future__ import annotations

from collections.abc import Sequence

from cards.actions import ApplyAgain, Discard, EditForm, Save, Show
from cards.changes import ConflictRow, FieldChange, change_pieces, conflict_pieces
from cards.deal import DealView, header, move_words, summary_of
from cards.elements import (
    Piece,
    Size,
    Style,
    button,
    card,
    container,
    paragraph,
    text,
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
    return card(
        body,
        [
            button(confirm, Save(proposal_id), primary=True),
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
    ]
    return card(
        body,
        [
            button(words("Apply mine again"), ApplyAgain(proposal_id), primary=True),
            button(words("Keep theirs"), Discard(proposal_id)),
        ],
        summary=summary_of(view, title),
    )


def saving_card(
    view: DealView, changes: Sequence[FieldChange], reader: Reader
) -> dict[str, object]:
    """While Partner Center is being written; it has no buttons."""
    title = words("… Saving in Partner Center")
    body = [*header(view, title), *change_pieces(changes, view.referral, reader)]
    return card(body, summary=summary_of(view, title))


def discarded_card(view: DealView, reader: Reader) -> dict[str, object]:
    """A change that was given up."""
    title = words("Nothing was changed")
    body = [*header(view, title), paragraph(words("You discarded the change."))]
    return card(body, [_show(view)], summary=summary_of(view, title))


def unknown_card(
    view: DealView,
    changes: Sequence[FieldChange],
    reader: Reader,
    *,
    request_id: str | None = None,
) -> dict[str, object]:
    """A change of which nobody knows yet whether it arrived."""
    title = words("It is not certain that this was saved")
    body = [
        *header(view, title),
        paragraph(words("Partner Center did not answer in time. It was not sent a second time.")),
        *change_pieces(changes, view.referral, reader),
        paragraph(words("Look at the deal before you try again."), strong=True),
        *_request(request_id),
    ]
    look = button(words("Look at the deal"), Show(view.referral.id), primary=True)
    return card(body, [look], summary=summary_of(view, title))


def failed_card(
    view: DealView,
    problems: Sequence[Problem],
    reader: Reader,
    *,
    request_id: str | None = None,
) -> dict[str, object]:
    """A change that the rules or Partner Center refused."""
    title = words("Not saved")
    lines = [paragraph(problem_words(problem, reader)) for problem in problems]
    if not lines:
        lines = [paragraph(words("Partner Center refused the change. The deal is as it was."))]
    body = [*header(view, title), container(lines, style=Style.WARNING), *_request(request_id)]
    edit = button(words("Edit"), EditForm(view.referral.id), primary=True)
    return card(body, [edit, _show(view)], summary=summary_of(view, title))


def _request(request_id: str | None) -> list[Piece]:
    if not request_id:
        return []
    code = words("For support: request {id}", id=text(request_id, limit=80))
    return [paragraph(code, subtle=True, size=Size.SMALL)]


def _show(view: DealView) -> Piece:
    return button(words("Show the deal"), Show(view.referral.id))
