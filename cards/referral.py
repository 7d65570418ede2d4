"""A deal as its seller works with it: facts, what is missing next, what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from cards.actions import EditForm, Eligible, ListDeals, MemberForm, ProposeMove, Show
from cards.changes import FieldChange, change_pieces
from cards.deal import DealView, answer_of, as_of, header, name_of, state_of, summary_of
from cards.elements import (
    Color,
    Fact,
    Piece,
    Size,
    Style,
    Text,
    button,
    card,
    container,
    counted,
    fact,
    facts,
    is_longer,
    paragraph,
    passage,
    text,
    words,
)
from cards.reader import Reader
from cards.registered import registration_state
from cards.since import Since, marked, news
from partner_center.referral import Member, Referral, Status

_MOST_NAMES: Final = 6
_NOTES: Final = 400
_CHECK_FIRST: Final = words("Check the registration before you mark this deal as won.")


def deal_card(
    view: DealView,
    reader: Reader,
    *,
    saved: Sequence[FieldChange] = (),
    since: Since | None = None,
    created: bool = False,
) -> dict[str, object]:
    """One deal. `saved` is what was just written, with the values Partner Center now holds;
    `since` is what changed since the reader last looked; `created` says that the deal itself is
    new."""
    referral = view.referral
    body = header(view)
    if created:
        note = paragraph(words("✔ Created in Partner Center"), strong=True, color=Color.GOOD)
        body.append(container([note], style=Style.GOOD))
    if saved:
        note = paragraph(words("✔ Saved in Partner Center"), strong=True, color=Color.GOOD)
        body.append(container([note, *change_pieces(saved, referral, reader)], style=Style.GOOD))
    if since is not None:
        body.append(news(since, reader))
    body.append(facts(_facts(view, reader, since)))
    body += _notes(referral, is_new=since is not None and "notes" in since.was)
    body += _next(view, reader)
    body.append(as_of(reader))
    state, _color = state_of(referral.status, referral.substatus)
    done = words("Saved in Partner Center") if saved else state
    return card(body, _buttons(view, reader), summary=summary_of(view, done))


def _facts(view: DealView, reader: Reader, since: Since | None) -> list[Fact]:
    referral = view.referral
    state, _color = state_of(referral.status, referral.substatus)
    lines = [
        ("status", words("State"), _if_new("status", state, since)),
        ("name", words("Name"), _if_new("name", name_of(view), since)),
        ("value", words("Deal value"), _value(referral, reader)),
        ("close", words("Close date"), _close(referral, reader)),
        ("", words("Country"), reader.country(referral.country) if referral.country else text("")),
        ("", words("Deal type"), _deal_type(referral)),
        ("microsoft", words("Microsoft"), _microsoft(view)),
        ("registration", words("Registration"), _registration(referral)),
        ("team", words("Team"), _names([_member(member) for member in referral.team])),
        (
            "solutions",
            words("Solutions"),
            _names([each.name or each.id for each in referral.solutions]),
        ),
        ("crm", words("CRM ID"), text(referral.own_crm_id or "", limit=60)),
        ("campaign", words("Campaign ID"), text(referral.campaign_id or "", limit=60)),
        ("", words("Reason"), text(referral.status_reason or "", limit=200)),
        ("", words("Closed"), reader.date(referral.closed) if referral.closed else text("")),
    ]
    told = [(title, marked(name, value, since, reader)) for name, title, value in lines]
    return [fact(title, value) for title, value in told if value]


def _if_new(field: str, now: Text, since: Since | None) -> Text:
    """What the top of the card says already, only where it changed."""
    return now if since is not None and field in since.was else text("")


def _close(referral: Referral, reader: Reader) -> Text:
    return reader.date(referral.closing) if referral.closing else words("not set")


def _value(referral: Referral, reader: Reader) -> Text:
    if referral.deal_value is None:
        return words("not set")
    return reader.money(referral.deal_value, referral.currency)


def _deal_type(referral: Referral) -> Text:
    if referral.is_cosell:
        return words("Co-sell with Microsoft")
    if referral.shared_with_microsoft:
        return words("Partner-led, visible to Microsoft")
    return words("Private: Microsoft does not see it")


def _microsoft(view: DealView) -> Text:
    if view.microsoft is None:
        return text("")
    return answer_of(view.microsoft.status, view.microsoft.substatus)


def _registration(referral: Referral) -> Text:
    status = referral.registrations[0].status if referral.registrations else None
    status = status or referral.registration_status
    return registration_state(status).title if status not in {"", "None"} else text("")


def _member(member: Member) -> str:
    return f"{member.first_name} {member.last_name}".strip() or member.email


def _names(names: Sequence[str]) -> Text:
    if not names:
        return words("none")
    shown = text(", ".join(name[:60] for name in names[:_MOST_NAMES]), limit=400)
    rest = len(names) - _MOST_NAMES
    if rest <= 0:
        return shown
    return words("{shown}, and {count} more in Partner Center", shown=shown, count=rest)


def _notes(referral: Referral, *, is_new: bool) -> list[Piece]:
    if not referral.notes:
        return []
    title = words("Notes ◆ changed") if is_new else words("Notes")
    lines = [
        paragraph(title, subtle=True, size=Size.SMALL),
        paragraph(passage(referral.notes, limit=_NOTES), spacing="small"),
    ]
    if is_longer(referral.notes, limit=_NOTES):
        more = words(
            "Shortened. The whole note is in Partner Center, and under “Edit” while the "
            "deal is open."
        )
        lines.append(paragraph(more, subtle=True, size=Size.SMALL))
    return [container(lines, style=Style.CALM, spacing="medium")]


def _next(view: DealView, reader: Reader) -> list[Piece]:
    hints = _hints(view, reader)[:2]
    if not hints:
        return []
    lines = [paragraph(hint, spacing="small") for hint in hints]
    title = paragraph(words("Next"), strong=True, size=Size.SMALL)
    return [container([title, *lines], style=Style.ACCENT, spacing="medium")]


def _hints(view: DealView, reader: Reader) -> list[Text]:
    referral = view.referral
    if referral.is_won and not referral.registrations:
        return [words("Check whether this deal can be registered.")]
    match referral.status:
        case Status.NEW:
            return [_answer_by(referral, reader)]
        case Status.ACTIVE:
            return _active_hints(view, reader)
        case _:
            return []


def _answer_by(referral: Referral, reader: Reader) -> Text:
    if referral.expires is None:
        return words("Accept or decline this deal.")
    days = (referral.expires.astimezone(UTC).date() - reader.now.astimezone(UTC).date()).days
    if days < 0:
        return words("The time to accept this deal is over.")
    return counted(
        "Accept or decline by {day} ({count} day left). After that the deal expires.",
        "Accept or decline by {day} ({count} days left). After that the deal expires.",
        days,
        day=reader.date(referral.expires),
    )


def _active_hints(view: DealView, reader: Reader) -> list[Text]:
    referral = view.referral
    hints: list[Text] = []
    if referral.deal_value is None:
        hints.append(words("Add the deal value."))
    if referral.closing is None:
        hints.append(words("Add the close date."))
    elif referral.closing.astimezone(UTC).date() < reader.now.astimezone(UTC).date():
        hints.append(words("The close date has passed: change it, or close the deal."))
    if not referral.solutions:
        hints.append(
            words("Add a solution in Partner Center; without one it cannot be registered.")
        )
    if view.microsoft is not None and view.microsoft.status == Status.NEW:
        hints.append(words("Microsoft has not answered yet. It may take 14 days."))
    if not hints and referral.is_cosell and not referral.registrations:
        hints.append(_CHECK_FIRST)
    return hints


def _buttons(view: DealView, reader: Reader) -> list[Piece]:
    referral, deal = view.referral, view.referral.id
    refresh = button(words("Refresh"), Show(deal))
    if referral.is_microsofts:
        return [refresh]
    if referral.status == Status.NEW:
        accept = button(words("Accept"), ProposeMove(deal, "accept"), primary=True)
        return [accept, button(words("Decline"), ProposeMove(deal, "decline")), refresh]
    if referral.is_open:
        check_first = _CHECK_FIRST in _hints(view, reader)
        main = [
            button(words("Edit"), EditForm(deal), primary=not check_first),
            button(words("Check registration"), Eligible(deal), primary=check_first),
        ]
        return [
            *(reversed(main) if check_first else main),
            button(words("Add member"), MemberForm(deal)),
            button(words("Won"), ProposeMove(deal, "won")),
            button(words("Lost"), ProposeMove(deal, "lost")),
            refresh,
        ]
    if referral.is_won:
        return [button(words("Check registration"), Eligible(deal), primary=True), refresh]
    return [button(words("My deals"), ListDeals()), refresh]
