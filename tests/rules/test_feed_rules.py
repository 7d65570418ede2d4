"""What a feed lets through and when, and what a deal has to tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import Place, PlaceKind
from bot.deal_events import facts_of, happening, moments
from bot.expiry import LADDER, rung_of
from bot.feed_rules import Filters, Kept, Quiet, Wish, fits, kept_in, tells
from bot.polling import EVERY, LONGEST_WAIT, wait_after
from bot.store.events import Event
from bot.store.feeds import Feed, Kind, State
from cards.samples.deals import MICROSOFT, NEW, NOW, REFERRAL, WON
from cards.samples.registrations import REGISTRATION
from partner_center import errors
from partner_center.money import Amount
from partner_center.referral import Referral

BEN = "ben.okafor@contoso.example"
GERMAN = replace(REFERRAL, country="DE", currency="EUR", deal_value=Decimal(50))


@pytest.mark.parametrize(
    ("filters", "referral", "passes"),
    [
        (Filters(), REFERRAL, True),
        (Filters(Amount(Decimal(30000))), REFERRAL, False),
        (Filters(Amount(Decimal("29999.99"))), REFERRAL, True),
        (Filters(Amount(Decimal(1), "USD")), replace(REFERRAL, deal_value=None), False),
        (Filters(Amount(Decimal(100000), "USD")), GERMAN, True),
        (Filters(Amount(Decimal(100000), "EUR")), GERMAN, False),
        (Filters(Amount(Decimal(100000))), GERMAN, False),
        (Filters(countries=("DE",)), REFERRAL, False),
        (Filters(countries=("DE", "US")), REFERRAL, True),
        (Filters(solution="deal-123456-xyz"), REFERRAL, True),
        (Filters(solution="experience"), REFERRAL, True),
        (Filters(solution="DEAL-1"), REFERRAL, False),
        (Filters(mine=True), REFERRAL, True),
        (Filters(mine=True), replace(REFERRAL, team=()), False),
    ],
)
def test_filters(filters: Filters, referral: Referral, passes: bool) -> None:
    assert fits(filters, referral, BEN) is passes


def test_mine_without_an_address_lets_nothing_through() -> None:
    assert not fits(Filters(mine=True), REFERRAL, None)


@pytest.mark.parametrize(
    ("quiet", "now", "ends"),
    [
        (Quiet(18 * 60, 8 * 60), datetime(2026, 3, 2, 17, 59, tzinfo=UTC), None),
        (
            Quiet(18 * 60, 8 * 60),
            datetime(2026, 3, 2, 18, 0, tzinfo=UTC),
            datetime(2026, 3, 3, 8, 0, tzinfo=UTC),
        ),
        (
            Quiet(18 * 60, 8 * 60),
            datetime(2026, 3, 3, 7, 59, tzinfo=UTC),
            datetime(2026, 3, 3, 8, 0, tzinfo=UTC),
        ),
        (Quiet(18 * 60, 8 * 60), datetime(2026, 3, 3, 8, 0, tzinfo=UTC), None),
        (
            Quiet(12 * 60, 14 * 60),
            datetime(2026, 3, 3, 13, 0, tzinfo=UTC),
            datetime(2026, 3, 3, 14, 0, tzinfo=UTC),
        ),
        (
            Quiet(22 * 60, 0, "Europe/Berlin"),
            datetime(2026, 3, 2, 21, 30, tzinfo=UTC),
            datetime(2026, 3, 2, 23, 0, tzinfo=UTC),
        ),
        (
            Quiet(18 * 60, 8 * 60, "Nowhere/Land"),
            datetime(2026, 3, 2, 23, 0, tzinfo=UTC),
            datetime(2026, 3, 3, 8, 0, tzinfo=UTC),
        ),
    ],
)
def test_quiet_hours(quiet: Quiet, now: datetime, ends: datetime | None) -> None:
    assert quiet.over_at(now) == ends


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
)
def test_quiet_always_ends_within_a_day_and_is_over_then(
    start: int, end: int, moment: datetime
) -> None:
    quiet, now = Quiet(start, end, "Europe/Berlin"), moment.replace(tzinfo=UTC)
    over = quiet.over_at(now)
    if over is not None:
        assert now < over <= now + timedelta(hours=25)
        assert quiet.over_at(over) is None


WISHES = st.builds(
    Wish,
    st.builds(
        Filters,
        st.none()
        | st.builds(
            Amount,
            st.decimals(1, 10**9, places=2),
            st.sampled_from([None, "USD", "EUR"]),
        ),
        st.lists(st.sampled_from(["DE", "US", "FR"]), unique=True).map(tuple),
        st.text(max_size=20),
        st.booleans(),
        st.booleans(),
    ),
    st.booleans(),
    st.none() | st.builds(Quiet, st.integers(0, 1439), st.integers(0, 1439), st.none()),
)


def feed(kept: Kept, kind: Kind = Kind.WON) -> Feed:
    place = Place(PlaceKind.CHANNEL, "t", "19:c@thread.tacv2", "https://example.com", "28:a")
    quiet = kept.wish.quiet.to_json() if kept.wish.quiet else None
    return Feed(
        "f", "t", place, "o", kind, kept.to_json(), kept.wish.flat, quiet, State.ON, None,
        "en-US", NOW, NOW, 1,
    )  # fmt: skip


@given(WISHES, st.booleans())
def test_what_is_stored_is_what_was_wished(wish: Wish, outsiders: bool) -> None:
    kept = Kept(wish, NOW, outsiders, BEN)
    assert kept_in(feed(kept)) == kept


def test_guests_see_no_names_unless_that_was_said() -> None:
    assert Kept(Wish(), NOW, outsiders=True).hides
    assert not Kept(Wish(Filters(names=True)), NOW, outsiders=True).hides
    assert not Kept(Wish(), NOW, outsiders=False).hides


def test_i4_a_row_that_none_of_ours_wrote_is_refused() -> None:
    with pytest.raises(ValueError, match="filters of a feed"):
        kept_in(replace(feed(Kept(Wish(), NOW, False)), filters=["py/object"]))
    with pytest.raises(ValueError, match="quiet hours"):
        kept_in(replace(feed(Kept(Wish(), NOW, False)), quiet={"start": "x"}))


def test_a_feed_hears_only_its_kind_and_only_from_its_beginning() -> None:
    listening = feed(Kept(Wish(), NOW, False))
    assert tells(Kind.WON, listening, NOW)
    assert not tells(Kind.ACCEPTED, listening, NOW)
    assert not tells(Kind.WON, listening, NOW - timedelta(hours=1))


def test_what_a_deal_has_to_tell() -> None:
    assert moments(REFERRAL) == ()
    (one,) = moments(WON.referral)
    assert (one.kind, one.state_key, one.at) == (Kind.WON, "Closed/Won", WON.referral.closed)
    assert moments(MICROSOFT) == ()
    (theirs,) = moments(REFERRAL, MICROSOFT)
    assert theirs.by_microsoft
    incoming = replace(REFERRAL, direction="Incoming")
    assert [each.state_key for each in moments(incoming)] == ["ours"]
    assert moments(NEW.referral) == ()


def test_each_state_of_a_registration_is_told_once_and_again_when_it_comes_back() -> None:
    def at(status: str, began: str) -> str:
        name = f"{status[0].lower()}{status[1:]}DateTime"
        entry = replace(REGISTRATION, status=status, raw={"statusHistory": {name: began}})
        (moment,) = moments(replace(REFERRAL, registrations=(entry,)))
        return moment.state_key

    first = at("ActionRequired", "2026-03-01T10:00:00Z")
    assert first == at("ActionRequired", "2026-03-01T11:00:00.000+01:00")
    assert first != at("ActionRequired", "2026-03-05T10:00:00Z")
    assert first != at("Failed", "2026-03-01T10:00:00Z")


def test_an_event_keeps_what_its_card_needs() -> None:
    (moment,) = moments(WON.referral)
    facts = facts_of(WON.referral, moment, 1042, "save", "Ben Okafor")
    what = happening(Event("e", "t", WON.referral.id, "won", moment.state_key, facts, NOW))
    assert (what.customer, what.value, what.currency) == ("Fabrikam Inc", Decimal(30000), "USD")
    assert (what.owner, what.by, what.handle) == ("Ben Okafor", "Ben Okafor", 1042)
    assert (what.at - (what.accepted or NOW)).days == 54
    with pytest.raises(ValueError, match="facts of an event"):
        happening(Event("e", "t", "d", "won", "k", ["x"], NOW))


@pytest.mark.parametrize(
    ("left", "name"),
    [
        (timedelta(days=8), None),
        (timedelta(days=7), "7d"),
        (timedelta(days=3, seconds=1), "7d"),
        (timedelta(days=3), "3d"),
        (timedelta(days=1), "1d"),
        (timedelta(hours=4), "4h"),
        (timedelta(seconds=1), "4h"),
        (timedelta(0), None),
        (timedelta(days=-1), None),
    ],
)
def test_the_ladder(left: timedelta, name: str | None) -> None:
    rung = rung_of(NOW + left, NOW)
    assert (rung.name if rung else None) == name


def test_the_last_rungs_are_for_the_whole_team() -> None:
    assert [rung.name for rung in LADDER if rung.whole_team] == ["4h", "1d"]


def test_f3_a_poll_that_fails_is_left_longer_and_what_is_asked_for_is_obeyed() -> None:
    waits = [wait_after(errors.Unavailable("x"), failures) for failures in range(12)]
    assert waits[0] == EVERY
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
