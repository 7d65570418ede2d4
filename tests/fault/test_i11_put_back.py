"""Case I11: yesterday's database is put back, and Partner Center and Teams have moved on since.

Everything that was open in the copy was finished afterwards: nothing of it is written twice, and
what may have been told says so.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import maintenance, put_back
from bot.conversation import Message
from bot.settings import load
from bot.store import handles, lives, outbox, schema
from bot.store.engine import Store, open_store, upgrade
from bot.stored_messages import written
from sandbox.deals import ALPINE, PROSEWARE, WOODGROVE
from tests.chaos import REPEAT, until
from tests.fault.test_b_approvals import approval_in, comes_to, presses
from tests.scenario.conftest import patches
from tests.scenario.test_approvals import DANA, DONE, WAITING, open_house, sees
from tests.scenario.test_feeds import looks, notices, subscribes
from tests.scenario.test_register import begins, registered, walks_to_the_end
from tests.seen import Heard
from tests.store.places import NOW, place
from tests.world import World

DATABASE = "dealdesk.db"
POLICY = "value>400000 USD"
NOTICED = "an older copy of the database was put back"


def copied(folder: Path, source: str, target: str) -> None:
    """Copy a database with what its journal holds, as a tool that knows SQLite does."""
    for end in ("", "-wal", "-shm"):
        (folder / f"{target}{end}").unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / source)) as one:
        one.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(folder / source, folder / target)


async def asked(world: World, what: str, until: str) -> Heard:
    await world.says("ben", what)
    return await world.hears("ben", until=until)


def has(*pieces: str) -> Callable[[list[Heard]], bool]:
    """Whether one message holds all of these words."""
    return lambda seen: any(all(piece in one for piece in pieces) for one in seen)


async def considered(world: World) -> int:
    """The PATCH requests that Partner Center looked at: hours later the first call of a person may
    be one of them, and is told to come with a newer token."""
    return sum(one["status"] != 401 for one in await patches(world))


def caught(folder: Path, write: str) -> None:
    """As if the copy had been made while the writes were under way."""
    with closing(sqlite3.connect(folder / "yesterday.db")) as rows, rows:
        own = "UPDATE proposals SET state = ? WHERE referral_id IN (?, ?)"
        assert rows.execute(own, (write, WOODGROVE, PROSEWARE)).rowcount == 2


async def open_work(world: World) -> tuple[Heard, ...]:
    """Something of everything that can be open; its cards."""
    await subscribes(world, "ben", "won")
    await begins(world)
    await walks_to_the_end(world)
    draft = world.heard("ben")
    change = await asked(world, f'update {WOODGROVE} notes "Pilot agreed"', "Save this change?")
    await asked(world, f"update {ALPINE} value USD 450k", "Save this change?")
    await world.clicks("ben", "Save")
    await world.hears("ben", until=WAITING)
    request = await world.hears("dana", until=WAITING)
    won = await asked(world, f"won {PROSEWARE}", "Mark this deal as won?")
    return draft, change, won, request


async def finished(world: World) -> None:
    """All of it is done."""
    await world.clicks("ben", "Submit")
    await world.hears("ben", until="Approved")
    await world.clicks("ben", "Save")
    await world.sees("ben", has("Pilot agreed", "Saved"))
    await world.clicks("dana", "Approve")
    await sees(world, "dana", DONE)
    await world.clicks("ben", "Mark as won")
    await world.sees("dana", lambda seen: bool(notices(seen)), "wins")


@pytest.mark.parametrize("write", ["open", "applying", "unknown"])
async def test_I11_yesterdays_database_is_put_back_and_nothing_happens_twice(
    world: World, write: str, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await open_house(world, POLICY)
    draft, change, won, request = await open_work(house)
    await house._bots.pop().stop()
    await asyncio.to_thread(copied, world.folder, DATABASE, "yesterday.db")
    await asyncio.to_thread(caught, world.folder, write)

    await house.advance(6 * 3600)
    await house.bot(approval_policy=POLICY, approvers=DANA)
    await finished(house)
    ledger, sent = await house.ledger(), await considered(house)
    assert len(ledger) == sent == 4
    await house._bots.pop().stop()

    await asyncio.to_thread(copied, world.folder, "yesterday.db", DATABASE)
    await house.bot(approval_policy=POLICY, approvers=DANA)
    assert NOTICED in capsys.readouterr().out
    for card, verb, wanted in ((change, "save", "Saved"), (won, "save", "Won")):
        pressed = await presses(house, "ben", verb, data_of(card), card.id)
        await comes_to(house, "ben", pressed, wanted)
    data = {"approval": approval_in(request)}
    assert (await presses(house, "dana", "approve", data, request.id)).status == 200
    await sees(house, "dana", "The deal has changed since")
    await presses(house, "ben", "submit", data_of(draft, "submit"), draft.id)
    await sees(house, "ben", "Registered")
    await looks(house, "dana", where="wins")
    told = await house.sees("dana", lambda seen: len(notices(seen)) == 2, "wins")
    assert [REPEAT in one for one in notices(told)] == [False, True]
    assert await house.ledger() == ledger
    assert len(await registered(house)) == 1
    assert await considered(house) <= sent + 2


def reopened(folder: Path, state: str) -> None:
    """As if the copy had been made between the intent and the end of a registration."""
    with closing(sqlite3.connect(folder / DATABASE)) as rows, rows:
        own = (
            "UPDATE registrations SET state = ?, result = NULL, told = NULL, look_at = created,"
            " version = version + 1"
        )
        if state == "INTENT":
            own += ", client_request_ids = '[]', attempt = 0, base_etag = NULL, base_updated = NULL"
        assert rows.execute(own, (state,)).rowcount == 1


@pytest.mark.parametrize("hours", [6, 20])
@pytest.mark.parametrize("state", ["INTENT", "UNKNOWN"])
async def test_I11_a_registration_under_way_in_the_copy_is_looked_for_and_not_sent_again(
    world: World, state: str, hours: int
) -> None:
    house = await open_house(world, "")
    await begins(house)
    await walks_to_the_end(house)
    await house.clicks("ben", "Submit")
    await house.hears("ben", until="Approved")
    ledger = await house.ledger()
    await house._bots.pop().stop()
    await asyncio.to_thread(reopened, world.folder, state)

    await house.advance(hours * 3600)
    await house.bot(approval_policy="", approvers=DANA)
    database = f"sqlite+aiosqlite:///{world.folder / DATABASE}"
    await until(world, database, lambda books: books.registrations[0]["state"] == "DONE")
    assert await house.ledger() == ledger
    assert len(await registered(house)) == await considered(house) == 1


async def test_I11_what_was_approved_in_the_copy_and_done_since_is_not_done_again(
    world: World,
) -> None:
    house = await open_house(world, POLICY)
    await asked(house, f"update {ALPINE} value USD 450k", "Save this change?")
    await house.clicks("ben", "Save")
    await house.hears("dana", until=WAITING)
    await house.revoke("ben")
    await house.clicks("dana", "Approve")
    await sees(house, "ben", "Approved: please sign in")
    await house._bots.pop().stop()
    await asyncio.to_thread(copied, world.folder, DATABASE, "yesterday.db")

    await house.advance(6 * 3600)
    await house.bot(approval_policy=POLICY, approvers=DANA)
    await house.signs_in("ben")
    await sees(house, "dana", DONE)
    ledger = await house.ledger()
    assert len(ledger) == await considered(house) == 1
    await house._bots.pop().stop()

    await asyncio.to_thread(copied, world.folder, "yesterday.db", DATABASE)
    await house.bot(approval_policy=POLICY, approvers=DANA)
    await house.signs_in("ben")
    await sees(house, "dana", "The deal has changed since")
    assert await house.ledger() == ledger
    assert await considered(house) == 1


def data_of(card: Heard, verb: str = "") -> dict[str, object]:
    """What the button with this verb carries, or the first one."""
    found = [one for one in (card.card or {})["actions"] if one.get("verb", "").startswith(verb)]
    return dict(found[0]["data"])


async def owe_one(store: Store) -> None:
    async with store.begin() as connection:
        await outbox.put(connection, place(), written(Message(text="Hello")), NOW)


async def claimed(store: Store, now: datetime) -> list[bool]:
    """Whether the messages still owed say that they may be there."""
    async with store.begin() as connection:
        owed = await outbox.claim_ready(connection, now, "me", now + timedelta(minutes=1))
    return [one.may_repeat for one in owed]


async def test_I11_a_backup_says_that_it_is_one_and_what_it_owes_is_marked(tmp_path: Path) -> None:
    store = await opened(tmp_path / DATABASE)
    await put_back.reconcile(store, NOW)
    await owe_one(store)
    async with store.begin() as connection:
        before = await handles.number_of(connection, "tenant", ["deal-1"])
    said: list[str] = []
    words = ["backup", str(tmp_path / "copy.db")]
    given = load(None, database_url=str(store.engine.url))
    assert await maintenance.run(given, words, said.append) == 0
    assert not await put_back.reconcile(store, NOW + timedelta(minutes=1))
    assert await claimed(store, NOW) == [False]
    await store.close()

    copy = await opened(tmp_path / "copy.db")
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await put_back.reconcile(copy, later)
    assert await claimed(copy, later) == [True]
    async with copy.begin() as connection:
        gap = await lives.gap(connection)
        after = await handles.number_of(connection, "tenant", ["deal-1", "deal-2"])
    assert gap is not None
    assert gap.holds(later - timedelta(minutes=5))
    assert not gap.holds(NOW)
    assert after["deal-1"] == before["deal-1"]
    assert after["deal-2"] == before["deal-1"] + put_back.SKIPPED_NUMBERS + 1
    assert not await put_back.reconcile(copy, later + timedelta(days=3))
    await copy.close()


@pytest.mark.parametrize("beside", ["rubbish", "", "2026-03-02T09:00:00", "\x00"])
async def test_I11_an_unreadable_file_beside_the_database_means_nothing(
    tmp_path: Path, beside: str
) -> None:
    store = await opened(tmp_path / DATABASE)
    await put_back.note_alive(store, NOW - timedelta(days=1))
    (tmp_path / f"{DATABASE}.alive").write_text(beside)
    assert not await put_back.reconcile(store, NOW)
    await store.close()


@pytest.mark.parametrize(("minutes", "older"), [(0, False), (4, False), (6, True), (1440, True)])
async def test_I11_a_database_that_was_alive_less_long_than_the_file_beside_it_says(
    tmp_path: Path, minutes: int, older: bool
) -> None:
    store = await opened(tmp_path / DATABASE)
    await put_back.note_alive(store, NOW + timedelta(minutes=minutes))
    async with store.begin() as connection:
        await connection.execute(schema.lives.update().values(alive=NOW))
    assert await put_back.reconcile(store, NOW + timedelta(days=2)) is older
    await store.close()


async def test_I11_time_without_a_bot_is_no_older_copy(tmp_path: Path) -> None:
    store = await opened(tmp_path / DATABASE)
    assert not await put_back.reconcile(store, NOW)
    await put_back.note_alive(store, NOW)
    await owe_one(store)
    assert not await put_back.reconcile(store, NOW + timedelta(days=30))
    assert await claimed(store, NOW) == [False]
    await store.close()


@pytest.mark.parametrize(
    ("said", "code"), [("2026-03-01T22:00+01:00", 0), ("2026-03-01 21:00", 0), ("yesterday", 2)]
)
async def test_I11_the_operator_can_say_it(tmp_path: Path, said: str, code: int) -> None:
    store = await opened(tmp_path / DATABASE)
    given = load(None, database_url=str(store.engine.url))
    told: list[str] = []
    assert await maintenance.run(given, ["restored", said], told.append) == code
    assert "2026-03-01" in told[0] or code
    assert await put_back.reconcile(store, NOW) is (code == 0)
    async with store.begin() as connection:
        gap = await lives.gap(connection)
    assert (gap is not None and gap.start == datetime(2026, 3, 1, 21, tzinfo=UTC)) is (code == 0)
    await store.close()


async def opened(file: Path) -> Store:
    store = open_store(f"sqlite+aiosqlite:///{file}")
    await upgrade(store)
    return store
