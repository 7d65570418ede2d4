"""What channels and people are told: wins, reminders, digests; and the subscriptions to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from cards.elements import words
from cards.expiring import hand_over_card
from cards.feeds import FeedView, ended_card, feed_card, feed_form_card, feeds_card
from cards.reader import Reader
from cards.samples.deals import DEAL, NEW, NOW, REFERRAL, Card
from cards.won import (
    Audience,
    Happening,
    accepted_card,
    approval_notice,
    digest_card,
    expiring_card,
    follow_up_card,
    registered_notice,
    won_card,
)

HAPPENING: Final = Happening(
    deal=DEAL,
    handle=1042,
    at=NOW - timedelta(hours=2),
    name=REFERRAL.name,
    customer=REFERRAL.customer,
    country="US",
    value=Decimal(30000),
    currency="USD",
    owner="Ben Okafor",
    by="Ben Okafor",
    accepted=NOW - timedelta(days=54),
    is_cosell=True,
)
SENT_BACK: Final = replace(
    HAPPENING,
    by="",
    registration="ActionRequired",
    reason="The customer's name on the contract differs from the deal.",
)
EXPIRING: Final = replace(
    HAPPENING, handle=1043, name=NEW.referral.name, by="", expires=NOW + timedelta(days=3)
)
WAITING: Final = replace(
    HAPPENING, by="", value=None, owner="", approval="waiting", asked_by="Ben Okafor"
)
CHANNEL: Final = Audience()
GUESTS: Final = Audience(hidden=True)
PERSONAL: Final = Audience(personal=True, unasked=True)
FEED: Final = FeedView("c" * 32, "won", "on", owner="Ben Okafor", in_channel=True)
NARROW: Final = replace(
    FEED,
    above=Decimal(100000),
    currency="USD",
    countries=("DE", "AT"),
    solution="Contoso Experience Platform",
    mine=True,
    outsiders=True,
    flat=False,
    quiet=(18 * 60, 8 * 60),
    zone="Europe/Berlin",
)
OFF: Final = replace(
    FEED, kind="expiring", state="off", reason="Teams no longer takes messages here."
)


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    return {
        "won": lambda: won_card(HAPPENING, CHANNEL, reader),
        "won-registered": lambda: won_card(
            replace(HAPPENING, by="", registration="ReviewPending"), CHANNEL, reader
        ),
        "won-guests": lambda: won_card(HAPPENING, GUESTS, reader),
        "won-test": lambda: won_card(HAPPENING, Audience(is_test=True), reader),
        "notice-registered": lambda: registered_notice(SENT_BACK, CHANNEL, reader),
        "notice-accepted": lambda: accepted_card(
            replace(HAPPENING, by="", by_microsoft=True), CHANNEL, reader
        ),
        "notice-expiring": lambda: expiring_card(EXPIRING, CHANNEL, reader),
        "notice-approval": lambda: approval_notice(WAITING, CHANNEL, reader),
        "expiring-owner": lambda: expiring_card(EXPIRING, PERSONAL, reader),
        "expiring-handed": lambda: expiring_card(
            EXPIRING, PERSONAL, reader, handed_by="Cleo Marchetti"
        ),
        "follow-up": lambda: follow_up_card(SENT_BACK, reader),
        "digest": lambda: digest_card([HAPPENING, SENT_BACK] * 7, "won", CHANNEL, reader),
        "digest-guests": lambda: digest_card([HAPPENING] * 3, "won", GUESTS, reader),
        "hand-over": lambda: hand_over_card(NEW, [("a", "Ben Okafor"), ("b", "Cleo")], reader),
        "feed": lambda: feed_card(FEED, reader, title=words("Subscribed")),
        "feed-narrow": lambda: feed_card(NARROW, reader),
        "feed-off": lambda: feed_card(OFF, reader),
        "feeds": lambda: feeds_card([FEED, NARROW, OFF], reader),
        "feeds-none": lambda: feeds_card([], reader),
        "feeds-ended": lambda: ended_card(2),
        "feed-form": lambda: feed_form_card(NARROW),
        "feed-form-error": lambda: feed_form_card(
            FEED,
            given={"country": "Atlantis"},
            problem=words("I do not know the country “{said}”.", said="Atlantis"),
        ),
    }
