"""Notices of what happened to a deal: won, registered, accepted, expiring, and many in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cards.actions import Approvals, Feeds, HandOver, OpenPersonally, ProposeMove, Show, Snooze
from cards.approval import State, state_title
from cards.deal import as_of
from cards.elements import (
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
    heading,
    paragraph,
    passage,
    text,
    words,
)
from cards.feeds import KIND_TITLES
from cards.reader import Reader
from cards.registered import registration_state

REGISTER_WITHIN: Final = 60
"""Days after the signature in which a deal can be registered (API reference 10.3 rule 1)."""
_MOST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that became true of a deal, with what a notice may say about it."""

    deal: str
    handle: int
    at: datetime
    """When it happened (won, accepted, ...), aware."""
    name: str = ""
    customer: str = ""
    country: str = ""
    value: Decimal | None = None
    currency: str | None = None
    owner: str = ""
    """The first person of the deal's team."""
    by: str = ""
    """Who did it through Dealdesk; empty when it was done elsewhere."""
    by_microsoft: bool = False
    """It was Microsoft who accepted."""
    accepted: datetime | None = None
    expires: datetime | None = None
    is_cosell: bool = False
    registration: str = "None"
    """The registration's state as the wire spells it."""
    reason: str = ""
    """What Microsoft wrote about the registration."""
    approval: str = ""
    """The state of a request for approval: waiting, approved, rejected, ..."""
    asked_by: str = ""
    """Who asked for the approval."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who reads a notice. `hidden`: guests or others read along, so names and amounts are left
    out. `personal`: it is one person's own chat; `unasked`: they are told for being on the team."""

    hidden: bool = False
    personal: bool = False
    unasked: bool = False
    is_test: bool = False


def won_card(what: Happening, audience: Audience, reader: Reader) -> dict[str, object]:
    """A deal was won: customer, deal, value, owner, days to win, registration and its next step."""
    lines = [
        *_who_and_what(what, audience, reader),
        (words("Won on"), reader.date(what.at)),
        (words("Accepted to won"), _days(what)),
        (words("Registration"), _registration(what)),
    ]
    return _notice(
        words("★ Deal won"),
        what,
        audience,
        lines,
        reader,
        next_step=_next_step(what),
        style=Style.GOOD,
    )


def registered_notice(what: Happening, audience: Audience, reader: Reader) -> dict[str, object]:
    """The registration of a deal has reached a new state, with Microsoft's reason."""
    state = registration_state(what.registration)
    lines = [*_who_and_what(what, audience, reader), (words("Registration"), state.title)]
    return _notice(
        words("Registration: {state}", state=state.title),
        what,
        audience,
        lines,
        reader,
        said=state.meaning,
        quoted=_reason(what, audience),
        next_step=state.next_step,
        style=state.style,
    )


def accepted_card(what: Happening, audience: Audience, reader: Reader) -> dict[str, object]:
    """A new deal was accepted and is active now."""
    lines = [*_who_and_what(what, audience, reader), (words("Accepted on"), reader.date(what.at))]
    title = words("Microsoft accepted the deal") if what.by_microsoft else words("Deal accepted")
    return _notice(
        title,
        what,
        audience,
        lines,
        reader,
        next_step=words("Contact the customer and keep value and closing date up to date."),
        style=Style.ACCENT,
    )


def expiring_card(
    what: Happening, audience: Audience, reader: Reader, *, handed_by: str = ""
) -> dict[str, object]:
    """A new deal that nobody has answered expires soon. `handed_by` left it to the reader."""
    left = left_until(what.expires, reader.now)
    lines = _who_and_what(what, audience, reader)
    if what.expires is not None:
        lines.append((words("Expires"), reader.moment(what.expires)))
    mine = (
        button(words("Accept"), ProposeMove(what.deal, "accept"), primary=True),
        button(words("Decline"), ProposeMove(what.deal, "decline")),
        button(words("Snooze"), Snooze(what.deal)),
        button(words("Hand over"), HandOver(what.deal)),
    )
    return _notice(
        words("⚠ A new deal expires {left}", left=left),
        what,
        audience,
        lines,
        reader,
        said=words("{name} hands this deal to you.", name=text(handed_by, limit=80))
        if handed_by
        else words("Nobody has accepted or declined it yet."),
        next_step=words("Accept or decline it; after that day it is closed for good."),
        style=Style.WARNING,
        actions=mine if audience.personal else (),
    )


def left_until(expires: datetime | None, now: datetime) -> Text:
    """`in 3 days`, `in 4 hours`; the part that has begun counts whole."""
    if expires is None or expires <= now:
        return words("soon")
    hours = -(-int((expires - now).total_seconds()) // 3600)
    if hours >= 48:
        return counted("in {count} day", "in {count} days", round(hours / 24))
    return counted("in {count} hour", "in {count} hours", hours)


def approval_notice(what: Happening, audience: Audience, reader: Reader) -> dict[str, object]:
    """A change of a deal waits for approval, or was decided."""
    waits = what.approval == State.WAITING
    state = _WAITS if waits else state_title(what.approval)
    lines = _who_and_what(what, audience, reader)
    if not audience.hidden:
        lines.append((words("Asked by"), text(what.asked_by, limit=80)))
    return _notice(
        words("Approval: {state}", state=state),
        what,
        audience,
        lines,
        reader,
        next_step=words("Approvers say “approvals” to decide.")
        if waits
        else words("There is nothing left to do here."),
        style=Style.ACCENT if waits else Style.CALM,
    )


_WAITS: Final = words("○ A change waits for a decision")


def follow_up_card(what: Happening, reader: Reader) -> dict[str, object]:
    """For the person who registered a deal: what Microsoft decided, in Microsoft's words."""
    state, mine = registration_state(what.registration), Audience(personal=True)
    return _notice(
        words("Your registration: {state}", state=state.title),
        what,
        mine,
        _who_and_what(what, mine, reader),
        reader,
        said=state.meaning,
        quoted=_reason(what, mine),
        next_step=state.next_step,
        style=state.style,
        opt_out=words("You get this because you registered the deal or work on it."),
    )


def digest_card(
    many: Sequence[Happening], kind: str, audience: Audience, reader: Reader
) -> dict[str, object]:
    """Many notices in one: `12 changes`, a line for each, the newest last."""
    title = counted("{count} change", "{count} changes", len(many))
    body: list[Piece] = [
        container([heading(title, size=Size.MEDIUM)], style=Style.CALM),
        paragraph(
            words("{what} since {when}.", what=KIND_TITLES[kind], when=reader.moment(many[0].at))
        ),
    ]
    body += [_line(each, audience, reader) for each in many[-_MOST_LINES:]]
    if len(many) > _MOST_LINES:
        earlier = counted(
            "And {count} earlier one.", "And {count} earlier ones.", len(many) - _MOST_LINES
        )
        body.append(paragraph(earlier, subtle=True))
    body += [paragraph(_opt_out(audience), subtle=True, size=Size.SMALL), as_of(reader)]
    return card(body, [button(words("Subscriptions"), Feeds())], summary=title)


Maker = Callable[[Happening, Audience, Reader], dict[str, object]]
CARDS: Final[Mapping[str, Maker]] = {
    "won": won_card,
    "registered": registered_notice,
    "accepted": accepted_card,
    "expiring": expiring_card,
    "approvals": approval_notice,
}
"""The card of each kind of feed."""


def _notice(
    title: Text,
    what: Happening,
    audience: Audience,
    lines: Sequence[tuple[Text, Text]],
    reader: Reader,
    *,
    said: Text | None = None,
    quoted: Text | None = None,
    next_step: Text,
    style: Style,
    actions: Sequence[Piece] = (),
    opt_out: Text | None = None,
) -> dict[str, object]:
    headed = words("Test: {title}", title=title) if audience.is_test else title
    body: list[Piece] = [
        paragraph(_deal_line(what, audience), subtle=True, size=Size.SMALL),
        container([heading(headed, size=Size.MEDIUM)], style=style),
    ]
    if audience.is_test:
        example = words("This is an example; nothing happened to a deal.")
        body.append(paragraph(example, strong=True))
    if said:
        body.append(paragraph(said))
    if quoted:
        body.append(paragraph(words("Microsoft says:"), size=Size.SMALL, strong=True))
        body.append(paragraph(quoted, spacing="none"))
    body.append(facts(_filled(lines)))
    if audience.hidden:
        kept = words("Names and amounts are left out, because guests can read this channel.")
        body.append(paragraph(kept, subtle=True, size=Size.SMALL))
    body += [
        paragraph(next_step, strong=True),
        paragraph(opt_out or _opt_out(audience), subtle=True, size=Size.SMALL),
        as_of(reader),
    ]
    buttons = () if audience.is_test else (*actions, _opens(what, audience))
    summary = words("#{handle}: {title}", handle=what.handle, title=headed)
    if not what.deal:
        summary = words("New deal: {title}", title=headed)
    return card(body, [*buttons, button(words("Subscriptions"), Feeds())], summary=summary)


def _opens(what: Happening, audience: Audience) -> Piece:
    if not what.deal:
        return button(words("Approvals"), Approvals())
    if audience.personal:
        return button(words("Show the deal"), Show(what.deal))
    return button(words("Open in personal chat"), OpenPersonally(what.deal))


def _deal_line(what: Happening, audience: Audience) -> Text:
    if not what.deal:
        if audience.hidden or not what.name:
            return words("New deal")
        return words("New deal · {name}", name=text(what.name, limit=120))
    if audience.hidden or not what.name:
        return words("#{handle}", handle=what.handle)
    return words("#{handle} · {name}", handle=what.handle, name=text(what.name, limit=120))


def _who_and_what(what: Happening, audience: Audience, reader: Reader) -> list[tuple[Text, Text]]:
    told = text(what.owner, limit=80)
    who = words("{name}, through Dealdesk", name=text(what.by, limit=80))
    people = [(words("Owner"), told), (words("Done by"), who if what.by else words(""))]
    if audience.hidden:
        country = reader.country(what.country) if what.country else words("")
        return [(words("Country"), country)]
    money = reader.money(what.value, what.currency) if what.value is not None else words("")
    return [
        (words("Customer"), text(what.customer, limit=120)),
        (words("Value"), money),
        *people,
    ]


def _filled(lines: Sequence[tuple[Text, Text]]) -> list[Fact]:
    kept = [fact(title, value) for title, value in lines if value]
    return kept or [fact(words("Deal"), words("Only people on its team see more"))]


def _days(what: Happening) -> Text:
    if what.accepted is None or what.at < what.accepted:
        return words("")
    return counted("{count} day", "{count} days", (what.at - what.accepted).days)


def _registration(what: Happening) -> Text:
    if not what.is_cosell and what.registration == "None":
        return words("")
    return registration_state(what.registration).title


def _next_step(what: Happening) -> Text:
    if what.registration != "None":
        return registration_state(what.registration).next_step
    if what.is_cosell:
        return words(
            "Not registered yet: register it within {days} days of signature.",
            days=REGISTER_WITHIN,
        )
    return words("Congratulations! Nothing else has to be done in Partner Center.")


def _reason(what: Happening, audience: Audience) -> Text | None:
    if audience.hidden or not what.reason:
        return None
    return passage(what.reason, limit=500, lines=8)


def _line(what: Happening, audience: Audience, reader: Reader) -> Piece:
    """One of many: the deal, and below it what there is to say about it."""
    if audience.hidden:
        day = words("#{handle}, {day}", handle=what.handle, day=reader.date(what.at))
        return paragraph(day, spacing="small")
    name = words("#{handle} {name}", handle=what.handle, name=text(what.name, limit=80))
    customer = text(what.customer, limit=60)
    money = reader.money(what.value, what.currency) if what.value is not None else words("no value")
    below = words("{customer}, {money}", customer=customer, money=money)
    if what.registration != "None":
        state = registration_state(what.registration).title
        below = words("{customer}, {money}, {state}", customer=customer, money=money, state=state)
    lines = [paragraph(name, strong=True), paragraph(below, size=Size.SMALL, spacing="none")]
    return container(lines, separator=True, spacing="small")


def _opt_out(audience: Audience) -> Text:
    if audience.unasked:
        return words(
            "You get this because you are on the deal's team. To hear no more of deals that "
            "expire, say “unsubscribe expiring”."
        )
    if audience.personal:
        return words("You asked for this. To pause or end it, say “subscriptions”.")
    return words("This conversation subscribed to it. To pause or end it, say “subscriptions”.")
