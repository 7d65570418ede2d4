"""What whoever runs the bot does: upgrade, back up while it runs, check, and what is forgotten."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import maintenance, retention
from bot.settings import load
from bot.store import (
    audit,
    drafts,
    events,
    handles,
    inbox,
    looks,
    migrations,
    outbox,
    proposals,
    schema,
    snoozes,
)
from bot.store.connection import AsyncConnection
from bot.store.engine import Store, open_store
from tests.house.test_floors import ROOT
from tests.store.places import BEN, NOW, place

OLD = NOW - timedelta(days=1000)


async def db(database: str, *words: str) -> tuple[int, str]:
    """What `python app.py db ...` ends with and says."""
    said: list[str] = []
    code = await maintenance.run(load(None, database_url=database), words, said.append)
    return code, "\n".join(said)


def files(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(folder.glob(pattern))


async def revise(database: str, revision: str) -> None:
    store = open_store(database)
    async with store.begin() as connection:
        await connection.execute(
            sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )
    await store.close()


async def test_an_empty_database_is_upgraded_and_then_sound(database: str) -> None:
    code, _ = await db(database, "check")
    assert code == 1
    code, said = await db(database, "upgrade")
    assert code == 0
    assert migrations.newest() in said
    code, said = await db(database, "check")
    assert code == 0
    assert "0 messages wait" in said


async def test_i2_another_schema_is_named(database: str) -> None:
    await db(database, "upgrade")
    await revise(database, "9999")
    code, said = await db(database, "check")
    assert code == 1
    assert "9999" in said
    code, said = await db(database, "upgrade")
    assert code == 1
    assert "newer Dealdesk" in said


@pytest.mark.parametrize("words", [(), ("backup", "a", "b"), ("drop",), ("check", "now")])
async def test_other_words_are_answered_with_the_usage(tmp_path: Path, words: list[str]) -> None:
    code, said = await db(f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db", *words)
    assert code == 2
    assert maintenance.USAGE in said
    assert files(tmp_path) == []


async def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    for word in ("check", "backup"):
        code, said = await db(f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db", word)
        assert code == 1
        assert "dealdesk.db" in said
    assert files(tmp_path) == []


async def test_a_backup_made_while_others_write_is_whole(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db"
    await db(database, "upgrade")
    store = open_store(database)

    async def write(number: int) -> None:
        async with store.begin() as connection:
            deals = [f"deal-{number}-{n}" for n in range(20)]
            await handles.number_of(connection, "tenant", deals)

    copy = tmp_path / "copy.db"
    first = [asyncio.create_task(write(number)) for number in range(10)]
    code, said = await db(database, "backup", str(copy))
    await asyncio.gather(*first)
    await store.close()
    assert code == 0
    assert "sealed tokens" in said
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as opened:
        ((count,),) = opened.execute("SELECT count(*) FROM handles")
    assert count % 20 == 0
    code, said = await db(f"sqlite+aiosqlite:///{copy}", "check")
    assert code == 0
    assert not copy.with_name("copy.db.part").exists()


async def test_a_backup_has_a_name_of_its_own_and_overwrites_nothing(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db"
    await db(database, "upgrade")
    code, _ = await db(database, "backup")
    assert code == 0
    (copy,) = files(tmp_path, "dealdesk-*.db")
    before = copy.read_bytes()
    code, said = await db(database, "backup", str(copy))
    assert code == 1
    assert "not overwritten" in said
    assert copy.read_bytes() == before


async def test_i2_a_damaged_file_is_found_and_not_backed_up(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db"
    await db(database, "upgrade")
    store = open_store(database)
    async with store.begin() as connection:
        for number in range(300):
            await handles.number_of(connection, "tenant", [f"deal-{number}"])
    await store.close()
    path = tmp_path / "dealdesk.db"
    spoiled = bytearray(path.read_bytes())
    for page in range(8, len(spoiled) // 4096):
        spoiled[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(spoiled)
    code, said = await db(database, "check")
    assert code == 1
    assert "dealdesk.db" in said
    code, _ = await db(database, "backup", str(tmp_path / "copy.db"))
    assert code == 1
    assert not (tmp_path / "copy.db").exists()


async def test_no_room_for_a_backup_leaves_nothing_behind(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db"
    await db(database, "upgrade")
    code, said = await db(database, "backup", str(tmp_path / "no" / "such" / "folder.db"))
    assert code == 1
    assert said
    assert not (tmp_path / "no").exists()


@pytest.mark.postgres
async def test_postgresql_is_backed_up_with_its_own_tool(postgres: str) -> None:
    code, said = await db(postgres, "backup")
    assert code == 1
    assert "pg_dump" in said


async def _proposal(connection: AsyncConnection, deal: str, now: datetime) -> str:
    made = await proposals.create(
        connection,
        tenant=BEN.tenant,
        person=BEN.id,
        place=place(),
        referral_id=deal,
        kind=proposals.Kind.CHANGE,
        operations=[],
        base_etag="1",
        base={},
        after={},
        now=now,
    )
    return made.id


def _draft(draft_id: str, state: drafts.State) -> drafts.Draft:
    return drafts.Draft(
        id=draft_id,
        tenant=BEN.tenant,
        person=BEN.id,
        referral_id=draft_id,
        place=place(),
        message_id=None,
        locale="en-US",
        timezone=None,
        step="value",
        answers={},
        state=state,
        created=OLD,
        updated=OLD,
        expires=OLD,
    )


async def _fill(connection: AsyncConnection) -> None:
    """Old work, ended and not."""
    await audit.record(connection, audit.Entry(OLD, BEN.tenant, BEN.id, "update", "done", "deal"))
    done, _open = [await _proposal(connection, deal, OLD) for deal in ("done", "open")]
    found = await proposals.find(connection, done)
    assert found is not None
    await proposals.advance(connection, found, proposals.State.DONE, now=OLD)
    for state in (drafts.State.OPEN, drafts.State.SUBMITTED):
        await drafts.insert(connection, _draft(state.value, state))
    await outbox.put(connection, place(), {"text": "waits"}, OLD)
    await snoozes.put(connection, BEN.tenant, "deal", BEN.id, OLD)
    await looks.put(connection, BEN.tenant, BEN.id, "deal", looks.Look(OLD, {"value": "1"}))
    await events.record(
        connection,
        tenant=BEN.tenant,
        referral_id="deal",
        kind="won",
        state_key="won",
        facts={},
        now=OLD,
    )
    for body in ("a", "b"):
        await inbox.add(
            connection,
            body_hash=body,
            business_key=body,
            event_name="referral-updated",
            referral_id="deal",
            changed=OLD,
            now=OLD,
        )
    held, _left = await inbox.claim_due(connection, OLD, "bot", OLD + timedelta(minutes=1))
    await inbox.settle(connection, held, inbox.State.DONE)
    await connection.execute(
        schema.questions.insert().values(
            id="q",
            tenant=BEN.tenant,
            person=BEN.id,
            place="{}",
            prompt="",
            choices="[]",
            state="open",
            created=OLD,
        )
    )


async def count(store: Store, table: sa.Table) -> int:
    async with store.read() as connection:
        found = await connection.scalar(sa.select(sa.func.count()).select_from(table))
    return found or 0


async def test_finished_work_is_forgotten_by_age_and_nothing_else(store: Store) -> None:
    async with store.begin() as connection:
        await _fill(connection)
    await retention.prune(store, OLD)
    tables = (
        schema.audit,
        schema.events,
        schema.outbox,
        schema.proposals,
        schema.drafts,
        schema.inbox,
        schema.snoozes,
        schema.questions,
        schema.looks,
    )
    assert [await count(store, table) for table in tables] == [1, 1, 1, 2, 2, 2, 1, 1, 1]
    await retention.prune(store, NOW)
    await retention.prune(store, NOW)
    assert [await count(store, table) for table in tables] == [1, 1, 1, 1, 1, 1, 0, 0, 0]
    async with store.read() as connection:
        assert (await connection.scalars(sa.select(schema.proposals.c.state))).all() == ["open"]
        assert (await connection.scalars(sa.select(schema.drafts.c.state))).all() == ["open"]
        assert (await connection.scalars(sa.select(schema.inbox.c.state))).all() == ["working"]


def test_every_kind_is_kept_for_a_month_at_least() -> None:
    assert min(age for age, _ in retention.KEPT.values()) >= timedelta(days=30)
    assert not any("audit" in name for name in retention.KEPT)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [(("db", "upgrade"), 0, "has schema"), (("db", "check"), 1, "no database"), (("x",), 2, "db")],
)
async def test_the_command_line_does_it_without_serving(
    tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "app.py"),
        *words,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert (process.returncode, says in said.decode()) == (code, True), said.decode()
