"""What a feed lets through and when: filters and quiet hours, pure, with their stored form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.store.feeds import Feed, Kind
from bot.store.jsontext import Json
from partner_center.money import Amount, plain
from partner_center.referral import Referral

SLACK = timedelta(minutes=2)
"""How far Partner Center's clock may be behind ours when a feed begins."""
DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Filters:
    """Which deals a feed tells of, and how much of them.

    An amount without a currency is compared in the deal's own. With one, a deal in another
    currency passes: what cannot be compared is rather told than missed.
    """

    above: Amount | None = None
    countries: tuple[str, ...] = ()
    """ISO 3166 codes; empty: every country."""
    solution: str = ""
    """A piece of a solution's name, or its id."""
    mine: bool = False
    """Only deals whose team holds the person who subscribed."""
    names: bool = False
    """Names and amounts are shown even where guests or other organisations read along."""

    def to_json(self) -> dict[str, Json]:
        """The filters as they are stored."""
        above = self.above
        return {
            "above": None if above is None else plain(above.value),
            "currency": None if above is None else above.currency,
            "countries": list(self.countries),
            "solution": self.solution,
            "mine": self.mine,
            "names": self.names,
        }


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day without notices, in minutes after midnight of a time zone (UTC if None)."""

    start: int
    end: int
    timezone: str | None = None

    def to_json(self) -> dict[str, Json]:
        """The hours as they are stored."""
        return {"start": self.start, "end": self.end, "timezone": self.timezone}

    def over_at(self, now: datetime) -> datetime | None:
        """When the quiet that reigns now ends (UTC); None when it does not reign."""
        zone = _zone(self.timezone)
        there = now.astimezone(zone)
        minute = there.hour * 60 + there.minute
        if (minute - self.start) % DAY >= (self.end - self.start) % DAY:
            return None
        day = there.date() + timedelta(days=1 if minute >= self.end else 0)
        ends = datetime.combine(day, time(self.end // 60 % 24, self.end % 60), zone)
        return ends.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything a person said about one feed."""

    filters: Filters = Filters()
    flat: bool = True
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a stored feed holds besides its columns."""

    wish: Wish
    since: datetime
    """Nothing that happened before is told."""
    outsiders: bool
    """Whether guests or other organisations read along, as last seen."""
    email: str | None = None
    """The subscriber's address, by which teams of deals name them."""

    @property
    def hides(self) -> bool:
        """Whether names and amounts are left out."""
        return self.outsiders and not self.wish.filters.names

    def to_json(self) -> dict[str, Json]:
        """The `filters` column."""
        return {
            **self.wish.filters.to_json(),
            "since": self.since.isoformat(),
            "outsiders": self.outsiders,
            "email": self.email,
        }


def kept_in(feed: Feed) -> Kept:
    """What a feed holds. Raises ValueError for a row that none of ours wrote."""
    stored = feed.filters
    if not isinstance(stored, Mapping):
        raise ValueError("filters of a feed are an object")
    since, email = stored.get("since"), stored.get("email")
    return Kept(
        Wish(_filters(stored), feed.flat, quiet_of(feed.quiet)),
        datetime.fromisoformat(since) if isinstance(since, str) else feed.created,
        stored.get("outsiders") is not False,
        email if isinstance(email, str) else None,
    )


def quiet_of(stored: Json) -> Quiet | None:
    """The quiet hours a row holds. Raises ValueError as `kept_in`."""
    match stored:
        case None:
            return None
        case {"start": int(start), "end": int(end), "timezone": str() | None as zone}:
            return Quiet(start, end, zone)
        case _:
            raise ValueError("quiet hours of a feed have a start, an end and a zone")


def _filters(stored: Mapping[str, Json]) -> Filters:
    above, currency = stored.get("above"), stored.get("currency")
    countries, solution = stored.get("countries"), stored.get("solution")
    try:
        value = Decimal(above) if isinstance(above, str) else None
    except InvalidOperation as error:
        raise ValueError("an amount of a feed is a number") from error
    return Filters(
        Amount(value, currency if isinstance(currency, str) else None) if value else None,
        tuple(str(code) for code in countries) if isinstance(countries, list) else (),
        solution if isinstance(solution, str) else "",
        stored.get("mine") is True,
        stored.get("names") is True,
    )


def fits(filters: Filters, referral: Referral, email: str | None) -> bool:
    """Whether a deal passes. `email` is the subscriber's, for `mine`."""
    if filters.mine and not on_team(referral, email):
        return False
    if filters.countries and referral.country.upper() not in filters.countries:
        return False
    if filters.solution and not _has_solution(referral, filters.solution):
        return False
    return filters.above is None or _is_above(referral, filters.above)


def on_team(referral: Referral, email: str | None) -> bool:
    """Whether somebody with this address is on the deal's team."""
    return bool(email) and str(email).casefold() in {
        member.email.casefold() for member in referral.team
    }


def _has_solution(referral: Referral, wanted: str) -> bool:
    piece = wanted.casefold()
    return any(
        piece == solution.id.casefold() or piece in (solution.name or "").casefold()
        for solution in referral.solutions
    )


def _is_above(referral: Referral, above: Amount) -> bool:
    if above.currency is not None and referral.currency not in (None, above.currency):
        return True
    return referral.deal_value is not None and referral.deal_value > above.value


def restarted(kept: Kept, now: datetime) -> Kept:
    """The same feed, deaf to what happened before now."""
    return replace(kept, since=now)


def tells(kind: Kind, feed: Feed, happened: datetime) -> bool:
    """Whether a feed was listening for this kind when it happened."""
    return feed.kind is kind and happened >= kept_in(feed).since - SLACK


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
