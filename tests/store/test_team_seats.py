"""The roster of a team as kept: the newest asked for, its owners and members, forgotten in time."""

from datetime import UTC, datetime, timedelta

from bot.store import team_seats
from bot.store.engine import Store
from bot.store.team_seats import TeamSeat
from tests.store.test_decisions import contest, won

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT, WINS = "tenant", "19:wins@thread.tacv2"
ADA = TeamSeat("ada", True, "ada@contoso.example")
BEN = TeamSeat("ben", False, None)
CLEO = TeamSeat("cleo", False, "cleo@contoso.example")


async def keep(store: Store, *seats: TeamSeat, after: float = 0, where: str = WINS) -> bool:
    """A roster asked for so many seconds after NOW."""
    async with store.begin() as connection:
        asked = NOW + timedelta(seconds=after)
        return await team_seats.put(connection, TENANT, where, seats, asked)


async def kept(store: Store, *, owners: bool = False, limit: int = 60) -> list[TeamSeat]:
    async with store.read() as connection:
        return await team_seats.some(connection, TENANT, WINS, owners=owners, limit=limit)


async def test_a_later_roster_replaces_the_one_before(store: Store) -> None:
    assert await keep(store, ADA, BEN)
    assert await kept(store) == [ADA, BEN]
    promoted = TeamSeat("ben", True, "ben@contoso.example")
    assert await keep(store, promoted, CLEO, after=1)
    assert await kept(store) == [promoted, CLEO]
    assert await kept(store, owners=True) == [promoted]
    assert await kept(store, limit=1) == [promoted]
    async with store.read() as connection:
        assert await team_seats.find(connection, TENANT, WINS, "ada") is None
        assert await team_seats.find(connection, TENANT, WINS, "cleo") == CLEO
        assert await team_seats.find(connection, TENANT, "19:other", "cleo") is None
        asked = await team_seats.asked_at(connection, TENANT, WINS)
    assert asked == NOW + timedelta(seconds=1)


async def test_B3_an_answer_that_comes_late_does_not_give_a_right_back(store: Store) -> None:
    """Asked for earlier than what is kept: whoever owned the team then does so no longer."""
    assert await keep(store, BEN, after=2)
    assert not await keep(store, ADA, BEN, after=1)
    assert not await keep(store, ADA, BEN, after=2)
    assert await kept(store) == [BEN]


async def test_two_instances_that_read_it_at_once_keep_it_once(store: Store, other: Store) -> None:
    results = await contest(
        store, other, lambda c: team_seats.put(c, TENANT, WINS, (ADA, BEN, CLEO), NOW)
    )
    assert won(results) == 1
    assert await kept(store) == [ADA, BEN, CLEO]


async def test_a_large_team_is_kept_whole(store: Store) -> None:
    crowd = [TeamSeat(f"person-{number:05}", number == 7, None) for number in range(2500)]
    assert await keep(store, *crowd)
    assert await kept(store, owners=True) == [crowd[7]]
    assert await keep(store, *crowd[:3], after=1)
    assert await kept(store) == crowd[:3]


async def test_a_roster_nobody_asked_for_since_long_is_forgotten(store: Store) -> None:
    await keep(store, ADA)
    await keep(store, BEN, after=100, where="19:other")
    async with store.begin() as connection:
        await team_seats.prune(connection, NOW + timedelta(seconds=50))
    assert await kept(store) == []
    async with store.read() as connection:
        assert await team_seats.asked_at(connection, TENANT, WINS) is None
        assert await team_seats.find(connection, TENANT, "19:other", "ben") == BEN
