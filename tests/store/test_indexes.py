"""Every statement of the store finds its rows by an index, on both databases.

Each public function of each noun is called with made-up arguments on tables that are filled; what
it executes is caught on its way to the driver and explained. A new function is found by itself.
"""

from __future__ import annotations

import collections.abc
import enum
import importlib
import inspect
import json
import pkgutil
import re
import types
import typing
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import bot.store
from bot.store import notices, registrations, schema
from bot.store.connection import AsyncConnection
from bot.store.engine import Store, open_store, upgrade
from tests.store.places import NOW, place

ROWS = 600
FRESH = 20
"""So many rows are in every state in turn; the others are over, as most work is."""
_ENDED = {"sent", "done", "DONE", "put", "answered", "submitted"}
NOT_NOUNS = {"engine", "errors", "jsontext", "migrations", "rows", "schema", "together"}
TINY = {
    "team_rosters": "a row for each team that is asked about, forgotten within days",
    "team_seats": "the members of those",
    "handle_counters": "a row for each tenant",
    "lives": "a single row",
}
"""Tables that do not grow with use, and may be read through."""
WHOLE = {
    "ix_outbox_waiting": "holds only what still waits, walked in order until enough is found",
    "ix_registrations_leased": "holds only what is under way",
}
"""Indexes of what is small by itself, which may be read through."""
REASONED = {
    "people.named": "a name said by a person is looked for among everybody of their tenant",
    "proposals.doubt_new_deals": "once after a backup was put back",
    "outbox.doubt_all": "once after a backup was put back",
    "registrations.doubt": "once after a backup was put back",
}
"""Functions that read through more, with the reason."""


HINTS = {**vars(collections.abc), "Json": object}
Executed = tuple[str, Any]
_AFTER = {"expires": timedelta(days=1), "before": timedelta(minutes=5 - ROWS)}
"""Times by their names: what is forgotten by age is little of what there is."""


def nouns() -> list[types.ModuleType]:
    """The modules of the store that have functions over a connection."""
    names = [found.name for found in pkgutil.iter_modules(bot.store.__path__)]
    return [importlib.import_module(f"bot.store.{name}") for name in names if name not in NOT_NOUNS]


def functions() -> list[tuple[str, Callable[..., Awaitable[object]]]]:
    """Every public function of every noun that takes a connection."""
    return [
        (f"{module.__name__.rpartition('.')[2]}.{name}", made)
        for module in nouns()
        for name, made in inspect.getmembers(module, inspect.iscoroutinefunction)
        if not name.startswith("_")
        and made.__module__ == module.__name__
        and next(iter(inspect.signature(made).parameters), "") == "connection"
    ]


def made_up(kind: object, name: str) -> object:
    """A value of a type, as plausible as its name allows."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return made_up(next(each for each in inside if each is not types.NoneType), name)
    if origin is sa.ColumnElement:
        return registrations.by_id("id-1")
    if origin in (list, tuple, Sequence, Collection, set, frozenset):
        return (made_up(inside[0], name), made_up(inside[0], name))
    if origin in (dict, Mapping):
        return {"x": "y"}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if origin is collections.abc.Callable:
        return lambda *_given: made_up(inside[-1], name)
    if kind is type(place()):
        return place()
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind, localns=HINTS)
        return typing.cast("Callable[..., object]", kind)(
            **{
                each.name: made_up(hints[each.name], each.name)
                for each in fields(kind)
                if each.init and each.default is MISSING
            }
        )
    plain: dict[Any, Any] = {
        str: f"{name}-1",
        int: 7,
        Decimal: Decimal(7),
        bool: True,
        bytes: b"x",
        float: 1.0,
        date: NOW.date(),
        datetime: NOW + _AFTER.get(name, timedelta(minutes=5)),
        timedelta: timedelta(minutes=1),
    }
    return plain.get(kind, {"x": "y"})


def arguments(called: Callable[..., object]) -> dict[str, object]:
    """Arguments for everything that must or may be given."""
    hints = typing.get_type_hints(called, localns=HINTS)
    return {
        name: made_up(hints[name], name)
        for name, parameter in list(inspect.signature(called).parameters.items())[1:]
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def positional(called: Callable[..., object]) -> list[object]:
    """Arguments by position, those of `*given` included."""
    hints = typing.get_type_hints(called, localns=HINTS)
    places = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    return [
        made_up(hints[name], name)
        for name, parameter in list(inspect.signature(called).parameters.items())[1:]
        if parameter.kind in places
    ]


def filled(table: sa.Table) -> list[dict[str, object]]:
    """Rows of a table, each allowed value of a state in turn."""
    allowed = {
        match[1]: re.findall(r"'([^']*)'", match[2])
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
        and (match := re.match(r"(\w+) IN \((.*)\)", str(check.sqltext)))
    }
    return [
        {
            column.name: _cell(column, number, allowed)
            for column in table.columns
            if not (column.name == "seq" and table.name == "outbox")
        }
        for number in range(ROWS)
    ]


def _cell(column: sa.Column[Any], number: int, allowed: Mapping[str, list[str]]) -> object:
    if column.name in allowed:
        states = allowed[column.name]
        ended = next((state for state in states if state in _ENDED), states[number % len(states)])
        return states[number % len(states)] if number < FRESH else ended
    if column.foreign_keys:
        return f"{next(iter(column.foreign_keys)).column.name}-{number}"
    if column.name == "place":
        return json.dumps(place(f"a:{number}").to_json())
    match column.type:
        case schema.Utc():
            return NOW - timedelta(minutes=number)
        case sa.Boolean():
            return bool(number % 2)
        case sa.LargeBinary():
            return b"x"
        case sa.Integer():
            return number
        case _:
            return f"{column.name}-{number}"


@contextmanager
def caught(store: Store) -> Iterator[list[Executed]]:
    """What is sent to the driver meanwhile."""
    sent: list[Executed] = []

    def catch(_c: object, _k: object, said: str, given: object, *_more: object) -> None:
        sent.append((said, given))

    engine = store.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", catch)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", catch)


async def executed(store: Store) -> dict[str, list[Executed]]:
    """The statements of each function. What a function makes of rows that are not its own is not
    asked here: it may raise once it has executed something."""
    found: dict[str, list[Executed]] = {}
    silent: dict[str, str] = {}
    for name, called in functions():
        ended = ""
        with caught(store) as sent:
            try:
                async with store.begin() as connection:
                    await called(connection, *positional(called), **arguments(called))
                    raise _Undone
            except Exception as error:
                ended = repr(error)
        found[name] = [each for each in sent if each[0].lstrip()[:6] in _FINDING]
        if not any(each[0].lstrip()[:6] in {"INSERT", *_FINDING} for each in sent):
            silent[name] = ended
    assert not silent
    return found


_FINDING = {"SELECT", "UPDATE", "DELETE"}


class _Undone(Exception):
    """Ends a transaction without leaving anything."""


async def read_through_sqlite(connection: AsyncConnection, said: Executed) -> set[str]:
    rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[0]}", said[1])
    found = set()
    for row in rows:
        match = re.match(r"SCAN (\S+)(?: USING (?:COVERING )?INDEX (\S+))?", row.detail)
        if match and not match[1].startswith(("CONSTANT", "anon_")) and match[2] not in WHOLE:
            found.add(f"{match[1]}{f' by {match[2]}' if match[2] else ''}")
    return found


async def read_through_postgresql(connection: AsyncConnection, said: Executed) -> set[str]:
    rows = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {said[0]}", said[1])
    plan = rows.scalar_one()
    found: set[str] = set()

    def walk(node: Mapping[str, Any]) -> None:
        kind, index = node["Node Type"], node.get("Index Name")
        if kind == "Seq Scan":
            found.add(node["Relation Name"])
        is_whole = kind.startswith(("Index", "Bitmap Index")) and "Index Cond" not in node
        if is_whole and index not in WHOLE:
            found.add(f"{node.get('Relation Name', '')} by {index}")
        for below in node.get("Plans", ()):
            walk(below)

    walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return found


async def fill(store: Store) -> None:
    """Every table gets rows, and the planner its numbers."""
    async with store.begin() as connection:
        for table in schema.metadata.sorted_tables:
            rows = filled(table)
            unique = table.name in TINY
            await connection.execute(table.insert(), rows[:1] if unique else rows)
    async with store.begin() as connection:
        await connection.exec_driver_sql("ANALYZE")


@pytest.fixture
async def read_through(store: Store) -> dict[str, set[str]]:
    """For each function, what its statements read through from end to end."""
    await fill(store)
    explain = read_through_sqlite if store.is_sqlite else read_through_postgresql
    found: dict[str, set[str]] = {}
    statements = await executed(store)
    async with store.begin() as connection:
        if not store.is_sqlite:
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for name, sent in statements.items():
            for said in sent:
                found.setdefault(name, set()).update(await explain(connection, said))
    return found


async def test_every_statement_finds_its_rows_by_an_index(
    read_through: dict[str, set[str]],
) -> None:
    wrong = {
        name: growing
        for name, tables in read_through.items()
        if (growing := sorted(each for each in tables if each.split(" ")[0] not in TINY))
        and name not in REASONED
    }
    assert not wrong, json.dumps(wrong, indent=1)


async def test_decided_requests_are_found_by_their_time_without_the_planners_numbers(
    tmp_path: Path,
) -> None:
    """Nobody runs ANALYZE on an operator's file. By its state, every ended request would be read,
    in the loop, at every look."""
    store = open_store(f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db")
    try:
        await upgrade(store)
        with caught(store) as sent:
            async with store.read() as connection:
                await notices.approvals_untold(connection, NOW, "approved")
        (said,) = [each for each in sent if each[0].startswith("SELECT")]
        async with store.read() as connection:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[0]}", said[1])
            first = plan.first()
    finally:
        await store.close()
    assert first is not None
    assert "ix_approvals_updated" in first.detail
