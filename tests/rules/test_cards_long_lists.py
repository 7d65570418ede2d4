"""A long list fits on its card, and says what is not on it."""

from __future__ import annotations

import pytest

from cards.approval import MOST_ROWS, ApprovalView, approvals_card
from cards.drawn import as_json
from cards.elements import MOST_BYTES
from cards.feeds import feeds_card
from cards.language import speaking
from cards.samples import gallery
from cards.samples.approvals import REGISTER, VALUE
from cards.samples.deals import READER
from cards.samples.notices import CHANNEL, FEED, HAPPENING
from cards.won import digest_card


def said(card: object) -> str:
    return as_json({"card": card})


@pytest.mark.parametrize("language", gallery.READERS)
@pytest.mark.parametrize("more", [(0, 0), (3, 40)])
def test_both_lists_of_approvals_fit_at_their_longest(language: str, more: tuple[int, int]) -> None:
    reader = gallery.READERS[language]
    with speaking(reader.locale):
        card = approvals_card([REGISTER] * MOST_ROWS, [VALUE] * MOST_ROWS, reader, more=more)
    assert len(said(card)) < MOST_BYTES
    assert said(card).count('"verb": "open_approval", "data"') == 2 * MOST_ROWS


@pytest.mark.parametrize(
    ("given", "more", "line"),
    [
        (MOST_ROWS, 0, None),
        (MOST_ROWS, 1, "1 more appears here"),
        (MOST_ROWS + 1, 0, "1 more appears here"),
        (MOST_ROWS + 2, 3, "5 more appear here"),
    ],
)
def test_what_is_not_on_the_list_is_counted(given: int, more: int, line: str | None) -> None:
    views: list[ApprovalView] = [REGISTER] * given
    card = said(approvals_card(views, [], READER, more=(more, 0)))
    assert f"{given + more} requests wait for your approval." in card
    assert line in card if line else "more appear" not in card


def test_subscriptions_beyond_the_list_are_counted() -> None:
    assert "2 more appear here" in said(feeds_card([FEED] * 22, READER))
    assert "more appear" not in said(feeds_card([FEED] * 20, READER))


@pytest.mark.parametrize(
    ("count", "line"), [(12, None), (13, "And 1 earlier one."), (14, "And 2 earlier ones.")]
)
def test_earlier_changes_are_counted(count: int, line: str | None) -> None:
    card = said(digest_card([HAPPENING] * count, "won", CHANNEL, READER))
    assert line in card if line else "earlier" not in card
