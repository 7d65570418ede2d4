"""Subscriptions of a conversation: what it is told, and the buttons to change that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cards.actions import (
    DeleteFeed,
    EditFeed,
    EditFeedForm,
    Feeds,
    Help,
    OpenFeed,
    PauseFeed,
    ResumeFeed,
    TestFeed,
)
from cards.elements import (
    Choice,
    Color,
    Piece,
    Size,
    Style,
    Text,
    button,
    card,
    choice_input,
    container,
    fact,
    facts,
    heading,
    left_out,
    paragraph,
    tap,
    text,
    text_input,
    toggle_input,
    words,
)
from cards.reader import Reader


@dataclass(frozen=True, slots=True)
class FeedView:
    """A feed as cards need it. Times are minutes after midnight."""

    id: str
    kind: str
    state: str
    reason: str | None = None
    owner: str = ""
    above: Decimal | None = None
    currency: str | None = None
    countries: tuple[str, ...] = ()
    solution: str = ""
    mine: bool = False
    names: bool = False
    outsiders: bool = False
    flat: bool = True
    quiet: tuple[int, int] | None = None
    zone: str | None = None
    personal: bool = False
    in_channel: bool = False


KIND_TITLES: Final[Mapping[str, Text]] = {
    "won": words("Deals won"),
    "registered": words("Registrations"),
    "accepted": words("Deals accepted"),
    "expiring": words("New deals that expire"),
    "approvals": words("Approvals"),
}
"""What each kind of feed tells of."""
_STATES: Final[Mapping[str, tuple[Text, Color | None]]] = {
    "on": (words("● On"), Color.GOOD),
    "paused": (words("○ Paused"), Color.WARNING),
    "off": (words("✖ Off"), Color.BAD),
}
_MOST_ROWS: Final = 20
_SOON: Final = words(
    "Deals are looked at every few minutes, and at once when something is done through Dealdesk."
)


def feed_card(
    view: FeedView, reader: Reader, *, title: Text | None = None, problem: Text | None = None
) -> dict[str, object]:
    """One feed with its buttons. `title` says what was just done to it."""
    state, color = _STATES[view.state]
    told = words("{kind}: {state}", kind=_kind(view), state=state)
    headed, below = (_kind(view), state) if title is None else (title, told)
    body: list[Piece] = [heading(headed, size=Size.MEDIUM), paragraph(below, color=color)]
    if problem:
        body.append(container([paragraph(problem)], style=Style.WARNING))
    if view.reason:
        body.append(paragraph(text(view.reason, limit=200)))
    body.append(facts([fact(name, said) for name, said in _lines(view, reader) if said]))
    if view.outsiders and not view.names and not view.personal:
        hidden = words(
            "Guests or another organisation can read here, so names and amounts are left out. "
            "Edit it to show them all the same."
        )
        body.append(paragraph(hidden))
    body.append(paragraph(_SOON, subtle=True, size=Size.SMALL))
    return card(body, _buttons(view), summary=told)


def feeds_card(views: Sequence[FeedView], reader: Reader) -> dict[str, object]:
    """Every feed of a conversation; a press on a row opens it."""
    title = words("Subscriptions")
    body: list[Piece] = [heading(title)]
    if not views:
        body += [
            paragraph(words("Nothing is told here.")),
            paragraph(words("Say “subscribe won” in a channel, or “notify me won” for yourself.")),
        ]
    for view in views[:_MOST_ROWS]:
        state, color = _STATES[view.state]
        said = [line for _name, line in _lines(view, reader)[1:] if line]
        more = text(" · ".join(line.plain for line in said), limit=200)
        name = words("{kind}: {state}", kind=_kind(view), state=state)
        more = more or words("Every deal")
        row = [
            paragraph(name, color=color),
            paragraph(more, subtle=True, size=Size.SMALL, spacing="none"),
        ]
        body.append(container(row, separator=True, tap=tap(OpenFeed(view.id), name, more)))
    body += left_out(len(views) - _MOST_ROWS)
    if views:
        hint = words("Select one to edit, pause, test or delete it.")
        body.append(paragraph(hint, subtle=True, size=Size.SMALL))
    return card(body, [button(words("Help"), Help("subscribe"))], summary=title)


def ended_card(count: int) -> dict[str, object]:
    """Feeds were deleted."""
    title = words("Unsubscribed") if count else words("There was nothing to end")
    said = words("{n} subscriptions of this conversation have ended.", n=count)
    if count == 1:
        said = words("The subscription has ended; nothing of it comes here any more.")
    body = [
        heading(title, size=Size.MEDIUM),
        paragraph(said if count else words("This conversation has no such subscription.")),
        paragraph(words("Say “subscribe won” to begin again."), subtle=True),
    ]
    return card(body, [button(words("Subscriptions"), Feeds())], summary=title)


def feed_form_card(
    view: FeedView,
    *,
    given: Mapping[str, str] | None = None,
    problem: Text | None = None,
) -> dict[str, object]:
    """The form of a feed, as it is or as it was filled in."""
    entered = given if given is not None else _entered(view)
    title = words("Edit: {kind}", kind=_kind(view))
    body: list[Piece] = [heading(title, size=Size.MEDIUM)]
    if problem:
        body.append(container([paragraph(problem)], style=Style.WARNING))
    for name, label, hint in _FIELDS:
        body.append(text_input(name, label, value=entered.get(name, ""), hint=hint, max_length=100))
    mine = words("Only deals on whose team the subscriber is")
    body.append(toggle_input("mine", words("Mine"), mine, on=entered.get("mine") == "true"))
    if not view.personal:
        names = words("Show names and amounts even where guests read along")
        on = entered.get("names") == "true"
        body.append(toggle_input("names", words("Names"), names, on=on))
    if view.in_channel:
        choices = (
            Choice("flat", words("Each as a post of its own")),
            Choice("thread", words("All in one thread")),
        )
        where = entered.get("place") or "flat"
        body.append(choice_input("place", words("Where"), choices, value=where))
    buttons = [
        button(words("Save"), EditFeed(view.id), primary=True, inputs=True),
        button(words("Back"), OpenFeed(view.id)),
    ]
    return card(body, buttons, summary=title)


_FIELDS: Final = (
    ("value", words("Value above"), words("For example USD 100k")),
    ("country", words("Countries"), words("For example DE, AT")),
    ("solution", words("Solution"), words("A piece of its name, or its id")),
    ("quiet", words("Quiet hours"), words("For example 18-8")),
)


def _entered(view: FeedView) -> dict[str, str]:
    value = "" if view.above is None else f"{view.currency or ''} {view.above:f}".strip()
    return {
        "value": value,
        "country": ", ".join(view.countries),
        "solution": view.solution,
        "quiet": "" if view.quiet is None else "-".join(_clock(each) for each in view.quiet),
        "mine": "true" if view.mine else "false",
        "names": "true" if view.names else "false",
        "place": "flat" if view.flat else "thread",
    }


def _kind(view: FeedView) -> Text:
    return KIND_TITLES.get(view.kind) or text(view.kind, limit=40)


def _lines(view: FeedView, reader: Reader) -> list[tuple[Text, Text]]:
    return [
        (words("Subscribed by"), text(view.owner, limit=80)),
        (words("Value"), _above(view, reader)),
        (words("Country"), text(", ".join(view.countries), limit=120)),
        (words("Solution"), text(view.solution, limit=100)),
        (words("Team"), words("The subscriber's own deals") if view.mine else words("")),
        (words("Quiet"), _quiet(view)),
        (words("Where"), words("") if view.flat else words("All in one thread")),
    ]


def _above(view: FeedView, reader: Reader) -> Text:
    if view.above is None:
        return words("")
    if view.currency is None:
        number = reader.number(view.above)
        return words("above {number} in the deal's own currency", number=number)
    money = reader.money(view.above, view.currency)
    return words("above {money}; other currencies are always told", money=money)


def _quiet(view: FeedView) -> Text:
    if view.quiet is None:
        return words("")
    start, end = (_clock(each) for each in view.quiet)
    return words(
        "{start} to {end} ({zone})",
        start=start,
        end=end,
        zone=(view.zone or "UTC").removeprefix("Etc/"),
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _buttons(view: FeedView) -> list[Piece]:
    on = view.state == "on"
    switch = (
        button(words("Pause"), PauseFeed(view.id))
        if on
        else button(words("Resume"), ResumeFeed(view.id), primary=True)
    )
    return [
        switch,
        button(words("Edit"), EditFeedForm(view.id)),
        button(words("Send a test"), TestFeed(view.id)),
        button(words("Delete"), DeleteFeed(view.id), danger=True),
        button(words("Subscriptions"), Feeds()),
    ]
