"""A deal that is to be created: its form, what will be created, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from cards.actions import ChangeDeal, CreateDeal, DropDeal, ListDeals, NewDeal, Show
from cards.changes import FieldChange, Value, label_of, shown
from cards.elements import (
    Piece,
    Size,
    Style,
    Text,
    button,
    card,
    container,
    date_input,
    fact,
    facts,
    heading,
    paragraph,
    text,
    text_input,
    words,
)
from cards.forms import beside, loose
from cards.inputs import entered_day
from cards.reader import Reader
from partner_center.new_deal import CUSTOMER_LIMIT, NOTES_LIMIT
from partner_center.referral import REASON_LIMIT, TEXT_LIMITS, Field, Problem

_LONGEST: Final[Mapping[str, int]] = {
    "customer": CUSTOMER_LIMIT,
    "country": 60,
    "name": TEXT_LIMITS[Field.NAME],
    "value": 40,
    "currency": 3,
    "notes": NOTES_LIMIT,
    "first": REASON_LIMIT,
    "last": REASON_LIMIT,
    "email": REASON_LIMIT,
    "phone": REASON_LIMIT,
}
_KINDS: Final[Mapping[str, str]] = {"email": "email", "phone": "tel"}
_LATEST: Final = timedelta(days=3650)


def new_deal_form_card(
    given: Mapping[str, str], reader: Reader, *, problems: Sequence[Problem] = ()
) -> dict[str, object]:
    """What a new deal needs. `given` is what is known already, problems stand at their fields."""
    title = words("New deal")
    body: list[Piece] = [
        heading(title),
        paragraph(words("It will be a private deal; Microsoft is not invited."), subtle=True),
        *loose(problems, reader),
    ]
    for name in ("customer", "country", "name", "value", "currency", "close", "notes"):
        body += [_input(name, given, reader), *beside(name, problems, reader)]
    body.append(paragraph(words("Who of us Partner Center may contact"), strong=True))
    for name in ("first", "last", "email", "phone"):
        body += [_input(name, given, reader), *beside(name, problems, reader)]
    return card(
        body,
        [
            button(words("Preview"), NewDeal(), primary=True, inputs=True),
            button(words("Cancel"), ListDeals()),
        ],
        summary=title,
    )


def new_deal_card(
    fields: Sequence[FieldChange], proposal_id: str, reader: Reader, *, warnings: Sequence[Text]
) -> dict[str, object]:
    """What will be created, with the one button that does it."""
    title = words("Create this deal?")
    body: list[Piece] = [heading(title), new_deal_facts(fields, reader)]
    if warnings:
        lines = [paragraph(line) for line in warnings]
        first = paragraph(words("⚠ Before you do"), strong=True)
        body.append(container([first, *lines], style=Style.WARNING, spacing="medium"))
    body += [
        paragraph(
            words("It is a private deal: Microsoft does not see it and is not invited."),
            size=Size.SMALL,
            spacing="medium",
        ),
        paragraph(
            words(
                "By creating it you say that the customer agrees to be contacted about it, "
                "which Partner Center demands."
            ),
            size=Size.SMALL,
        ),
        paragraph(
            words("The customer and country cannot be changed afterwards."),
            size=Size.SMALL,
            subtle=True,
        ),
    ]
    return card(
        body,
        [
            button(words("Create deal"), CreateDeal(proposal_id), primary=True),
            button(words("Change"), ChangeDeal(proposal_id)),
            button(words("Discard"), DropDeal(proposal_id)),
        ],
        summary=title,
    )


def new_deal_facts(fields: Sequence[FieldChange], reader: Reader) -> Piece:
    """The fields of a deal that does not exist yet."""
    values = {each.field: each.after for each in fields}
    lines = [
        fact(label_of(name), _said(name, values, reader))
        for name in ("customer", "country", "name", "value", "close", "contact", "notes")
        if values.get(name)
    ]
    return facts(lines)


def uncertain_card(
    deal: Text, proposal_id: str, *, accepted: bool, asking: bool
) -> dict[str, object]:
    """The answer to a creation was lost. `accepted`: it said yes before it was; `asking`: the deal
    was looked for long enough for its person to decide."""
    if accepted:
        title = words("Partner Center created the deal, but has not shown it yet")
        happened = words("Partner Center accepted the deal; the rest of its answer was lost.")
    else:
        title = words("I do not know yet whether the deal was created")
        happened = words("The request left, but Partner Center's answer did not arrive.")
    lines = [words("I have not sent it again. I keep looking and will correct this card.")]
    if asking:
        lines = [
            words("I have looked for more than ten minutes and do not find it."),
            words(
                "It may still appear. If you start over and it does, there are two deals; "
                "I would show you both."
            ),
        ]
    body = [
        container([heading(title, size=Size.MEDIUM)], style=Style.WARNING),
        paragraph(deal, strong=True),
        paragraph(happened),
        *[paragraph(line) for line in lines],
    ]
    look = button(words("Look again"), CreateDeal(proposal_id), primary=True)
    over = button(words("Start over"), ChangeDeal(proposal_id)) if asking else None
    return card(body, [look, over], summary=words("{title}: {deal}", title=title, deal=deal))


def doubled_card(deal: Text, found: Sequence[tuple[int, str]]) -> dict[str, object]:
    """The same deal was created more than once: `found` are number and id of each."""
    title = words("This deal is there more than once")
    first, last = found[0][0], found[-1][0]
    body = [
        container([heading(title, size=Size.MEDIUM)], style=Style.WARNING),
        paragraph(deal, strong=True),
        paragraph(
            words("Partner Center holds it as #{first} and as #{last}.", first=first, last=last)
        ),
        paragraph(words("Close one of them as an error, with “duplicate” as the reason.")),
    ]
    buttons = [
        button(words("Show #{handle}", handle=handle), Show(deal_id), primary=not index)
        for index, (handle, deal_id) in enumerate(found[:5])
    ]
    return card(body, buttons, summary=title)


def deal_line(fields: Sequence[FieldChange]) -> Text:
    """A deal that has no number yet, in a line."""
    values = {each.field: str(each.after or "?") for each in fields}
    return words(
        "{customer} · {name}",
        customer=text(values.get("customer", "?"), limit=80),
        name=text(values.get("name", "?"), limit=80),
    )


def _said(name: str, values: Mapping[str, Value], reader: Reader) -> Text:
    if name == "country":
        return reader.country(str(values[name]))
    currency = values.get("currency")
    return shown(name, values[name], str(currency) if currency else None, reader, limit=600)


def _input(name: str, given: Mapping[str, str], reader: Reader) -> Piece:
    value, missing = given.get(name, ""), None if name == "notes" else _missing(name)
    if name == "close":
        earliest = reader.today
        return date_input(
            name,
            label_of(name),
            value=entered_day(value),
            least=earliest,
            most=earliest + _LATEST,
            required=missing,
        )
    return text_input(
        name,
        label_of(name),
        value=value[: _LONGEST[name]],
        required=missing,
        hint=_hint(name),
        multiline=name == "notes",
        max_length=_LONGEST[name],
        kind=_KINDS.get(name),
    )


def _missing(name: str) -> Text:
    return words("{field} is needed.", field=label_of(name))


def _hint(name: str) -> Text | None:
    match name:
        case "customer":
            return words("The company's full name")
        case "country":
            return words("For example DE or Germany")
        case "name":
            return words("What you call this deal")
        case "value":
            return words("For example 30k or 30,000")
        case "currency":
            return words("Three letters, for example USD")
        case _:
            return None
