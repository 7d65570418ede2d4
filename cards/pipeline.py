"""The pipeline: how many deals and how much in each state, and how many of the decided are won."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from cards.actions import Help, ListDeals, Pipeline
from cards.charts import Ink, Kind, Share, chart
from cards.deal import as_of
from cards.elements import (
    Piece,
    Size,
    Text,
    button,
    card,
    counted,
    heading,
    paragraph,
    text,
    words,
)
from cards.reader import Reader
from partner_center.pipeline import Pipeline as Sums
from partner_center.pipeline import Stage

_INKS: Final[Mapping[Stage, Ink]] = {
    Stage.NEW: Ink.BLUE,
    Stage.ACTIVE: Ink.TEAL,
    Stage.WON: Ink.GOOD,
    Stage.LOST: Ink.NEUTRAL,
}
"""The stages that are drawn, in their order."""


def pipeline_card(
    title: Text, sums: Sums, reader: Reader, *, mine: bool, complete: bool
) -> dict[str, object]:
    """Both pictures with their words. Unless `complete`, there are more deals than were read."""
    body: list[Piece] = [heading(title), _covers(sums, complete=complete)]
    if sums.count:
        body += [*_funnel(sums, reader), *_win_rate(sums, reader), as_of(reader)]
    other = words("All I may see") if mine else words("My pipeline")
    buttons = [
        button(words("Active deals"), ListDeals("active"), primary=bool(sums.count)),
        button(other, Pipeline("all" if mine else "mine")),
        button(words("Refresh"), Pipeline("mine" if mine else "all")),
        button(words("Help"), Help("pipeline")),
    ]
    summary = words("{title}: {open}", title=title, open=_open(sums, reader))
    return card(body, buttons, summary=summary)


def _covers(sums: Sums, *, complete: bool) -> Piece:
    if not sums.count:
        return paragraph(words("There are no deals to add up."))
    said = counted("Made of {count} deal.", "Made of {count} deals.", sums.count)
    if not complete:
        said = counted(
            "Made of the {count} deal that changed last; there are more.",
            "Made of the {count} deals that changed last; there are more.",
            sums.count,
        )
    return paragraph(said, subtle=True, size=Size.SMALL, spacing="none")


def _funnel(sums: Sums, reader: Reader) -> list[Piece]:
    code = sums.currency
    shares = [
        _counted(stage, sums, reader) if code is None else _worth(stage, code, sums, reader)
        for stage in _INKS
    ]
    counts = words("Deals") if code is None else text(code, limit=10)
    pieces = [
        paragraph(_open(sums, reader), spacing="medium"),
        chart(Kind.BARS, words("Deals by state"), shares, counts=counts),
    ]
    note = _left_out(sums, reader)
    if note:
        pieces.append(paragraph(note, subtle=True, size=Size.SMALL))
    return pieces


def _open(sums: Sums, reader: Reader) -> Text:
    """`12 open deals, worth USD 340,000.`"""
    new, active = sums.sums[Stage.NEW], sums.sums[Stage.ACTIVE]
    count = new.count + active.count
    code = sums.currency or ""
    worth = new.values.get(code, Decimal(0)) + active.values.get(code, Decimal(0))
    if not worth:
        return counted("{count} open deal.", "{count} open deals.", count)
    return counted(
        "{count} open deal, worth {money}.",
        "{count} open deals, worth {money}.",
        count,
        money=reader.money(worth, code),
    )


def _worth(stage: Stage, code: str, sums: Sums, reader: Reader) -> Share:
    here = sums.sums[stage]
    name = words("{state} ({count})", state=_stage(stage), count=here.count)
    value = here.values.get(code)
    said = words("–") if value is None else reader.number(value)
    return Share(name, value or Decimal(0), said, _INKS[stage])


def _counted(stage: Stage, sums: Sums, reader: Reader) -> Share:
    count = sums.sums[stage].count
    return Share(_stage(stage), Decimal(count), reader.number(count), _INKS[stage])


def _left_out(sums: Sums, reader: Reader) -> Text | None:
    """What the amounts do not hold: other currencies and deals without a value."""
    others: dict[str, Decimal] = {}
    for stage in _INKS:
        for code, value in sums.sums[stage].values.items():
            if code != sums.currency:
                others[code] = others.get(code, Decimal(0)) + value
    unvalued = sum(sums.sums[stage].unvalued for stage in _INKS)
    if others:
        first = sorted(others)[0]
        money = reader.money(others[first], first)
        if len(others) > 1:
            return words("Amounts in other currencies are not added, such as {money}.", money=money)
        return words("{money} in another currency is not added.", money=money)
    if unvalued:
        return counted(
            "{count} deal has no value yet.", "{count} deals have no value yet.", unvalued
        )
    return None


def _win_rate(sums: Sums, reader: Reader) -> list[Piece]:
    percent = sums.won_percent
    if percent is None:
        return [paragraph(words("No deal is won or lost yet."), spacing="medium")]
    won, lost = sums.sums[Stage.WON].count, sums.sums[Stage.LOST].count
    said = counted(
        "{won} of {count} decided deal was won: {percent} %.",
        "{won} of {count} decided deals were won: {percent} %.",
        sums.decided,
        won=won,
        percent=percent,
    )
    shares = [
        Share(_stage(Stage.WON), Decimal(won), reader.number(won), Ink.GOOD),
        Share(_stage(Stage.LOST), Decimal(lost), reader.number(lost), Ink.NEUTRAL),
    ]
    pieces = [
        paragraph(said, spacing="large"),
        chart(Kind.DONUT, words("Won and lost"), shares, counts=words("Deals")),
    ]
    aside = sums.sums[Stage.OTHER].count
    if aside:
        note = counted(
            "Not counted: {count} deal that was declined, expired or closed as an error.",
            "Not counted: {count} deals that were declined, expired or closed as an error.",
            aside,
        )
        pieces.append(paragraph(note, subtle=True, size=Size.SMALL))
    return pieces


def _stage(stage: Stage) -> Text:
    match stage:
        case Stage.NEW:
            return words("○ New")
        case Stage.ACTIVE:
            return words("● Active")
        case Stage.WON:
            return words("✔ Won")
        case Stage.LOST:
            return words("✖ Lost")
        case Stage.OTHER:
            return words("Closed otherwise")
