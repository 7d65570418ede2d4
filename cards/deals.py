"""The list of deals: a page of rows, each of which opens its deal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cards.actions import Action, Help, ListDeals, Show
from cards.deal import DealView, as_of, customer_of, name_of, state_of
from cards.elements import (
    Piece,
    Size,
    Text,
    button,
    card,
    column,
    columns,
    container,
    heading,
    paragraph,
    shortened,
    tap,
    words,
)
from cards.notice import Words, said
from cards.reader import Reader

MOST_ROWS: Final = 10
"""Deals on one card: more are turned by page, so that a card stays small on a phone."""

_FILTERS: Final[Mapping[str, Text]] = {
    "mine": words("My deals"),
    "new": words("New deals"),
    "active": words("Active deals"),
    "won": words("Won deals"),
}
_LONGEST_TEXT: Final = 200


def list_card(
    title: Words,
    rows: Sequence[DealView],
    page: int,
    has_more: bool,
    filter: str,
    text: str,
    reader: Reader,
) -> dict[str, object]:
    """A page of at most MOST_ROWS deals. `filter`, `text` and `page` are those of ListDeals."""
    shown = rows[:MOST_ROWS]
    body: list[Piece] = [heading(said(title))]
    if page > 1:
        body.append(paragraph(words("Page {page}", page=page), subtle=True, size=Size.SMALL))
    body += [_row(view, reader) for view in shown]
    body += _below(shown)
    body.append(as_of(reader))
    more = has_more or len(rows) > len(shown)
    return card(body, _buttons(page, more, filter, text), summary=said(title))


def _below(rows: Sequence[DealView]) -> list[Piece]:
    if rows:
        hint = words("Select a deal to open it, or say “show #{handle}”.", handle=rows[0].handle)
        return [paragraph(hint, subtle=True, size=Size.SMALL, spacing="medium")]
    return [
        paragraph(words("There are no deals here.")),
        paragraph(words("Say “list” with a status, or with part of a name or customer.")),
    ]


def _row(view: DealView, reader: Reader) -> Piece:
    referral = view.referral
    state, color = state_of(referral.status, referral.substatus)
    name = words("#{handle} {name}", handle=view.handle, name=name_of(view))
    customer, shown = customer_of(view), shortened(state, 18)
    left = [paragraph(name, strong=True), paragraph(customer, size=Size.SMALL, spacing="none")]
    names = [name, customer]
    if referral.closing is not None and referral.is_open:
        due = words("Closes {day}", day=reader.date(referral.closing))
        left.append(paragraph(due, subtle=True, size=Size.SMALL, spacing="none"))
        names.append(due)
    right = [paragraph(shown, color=color, size=Size.SMALL, right=True, spacing="none")]
    if referral.deal_value is not None:
        money = reader.money(referral.deal_value, referral.currency)
        right.insert(0, paragraph(money, right=True))
        names.append(money)
    row = columns([column(left), column(right, width="auto")])
    return container([row], separator=True, tap=tap(Show(referral.id), *names, shown))


def _buttons(page: int, more: bool, filter: str, text: str) -> list[Piece]:
    wanted: list[tuple[Text, Action]] = []
    searched = text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
    if page > 1:
        wanted.append((words("Previous page"), ListDeals(filter, searched, page - 1)))
    if more:
        wanted.append((words("Next page"), ListDeals(filter, searched, page + 1)))
    wanted += [
        (label, ListDeals(name)) for name, label in _FILTERS.items() if name != filter or text
    ]
    wanted.append((words("Help"), Help("list")))
    return [button(label, action) for label, action in wanted[:6]]
