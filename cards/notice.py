"""Refusals and faults in one shape: what happened, what did not, what to do now."""

from __future__ import annotations

from collections.abc import Sequence

from cards.actions import Action
from cards.elements import (
    Size,
    Style,
    Text,
    button,
    card,
    container,
    heading,
    paragraph,
    text,
    words,
)
from cards.problems import problem_text

__all__ = ["Button", "Words", "notice_card", "problem_text", "said"]

Words = Text | str
"""Our own words, or a plain string, which is treated as outside text."""
Button = tuple[Words, Action]
"""What a button says and does."""


def notice_card(
    title: Words,
    what_happened: Words,
    what_did_not: Words = "",
    what_to_do: Words = "",
    actions: Sequence[Button] = (),
    *,
    request_id: str | None = None,
    style: Style = Style.WARNING,
) -> dict[str, object]:
    """A notice. The first action is the primary one; `request_id` is what support asks for."""
    lines = [said(part) for part in (what_happened, what_did_not)]
    body = [
        container([heading(said(title), size=Size.MEDIUM)], style=style),
        *[paragraph(line) for line in lines if line],
    ]
    if what_to_do:
        body.append(paragraph(said(what_to_do), strong=True))
    if request_id:
        code = words("For support: request {id}", id=text(request_id, limit=80))
        body.append(paragraph(code, subtle=True, size=Size.SMALL))
    return card(
        body,
        [
            button(said(label), action, primary=index == 0)
            for index, (label, action) in enumerate(actions[:6])
        ],
        summary=words("{title} {happened}", title=said(title), happened=lines[0]),
    )


def line_card(now: Text) -> dict[str, object]:
    """What stays of a card that is over: one quiet line without buttons."""
    return card([paragraph(now, subtle=True)], summary=now)


def said(value: Words, *, limit: int = 600) -> Text:
    """The words as Text; a plain string is outside text."""
    return value if isinstance(value, Text) else text(value, limit=limit)
