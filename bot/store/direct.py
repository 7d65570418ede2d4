"""Runs statements past SQLAlchemy's machinery, which costs many times what they do.

The statements are those of the nouns, made once as modules are loaded; what they say and how
values are stored comes from them, compiled once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import make_dataclass
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from bot.store.sqlite_inline import Kind

_Turned = Callable[[Any], Any]


class Found(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...
    def one(self) -> Any: ...  # noqa: ANN401 - a row has the names of its columns
    def one_or_none(self) -> Any: ...  # noqa: ANN401
    def __iter__(self) -> Iterator[Any]: ...


class Runs(Protocol):
    """Where a statement made once can be run: here, or in any transaction."""

    @property
    def dialect(self) -> Dialect: ...
    async def execute(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None, /
    ) -> Found: ...


class Opened(Protocol):
    """A driver's connection, SQLite's or PostgreSQL's."""

    def is_closed(self) -> bool: ...
    async def answers(self) -> bool: ...
    async def begin(self, kind: Kind) -> None: ...
    async def run(
        self, text: str, values: Sequence[object], *, gives: bool
    ) -> tuple[Sequence[Sequence[Any]], int]: ...


class Direct:
    """Runs statements on a driver's connection."""

    def __init__(self, opened: Opened, dialect: Dialect) -> None:
        self._opened = opened
        self.dialect = dialect

    async def execute(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None, /
    ) -> Rows:
        """Runs a statement. Raises sqlalchemy.exc.DBAPIError."""
        values = parameters or {}
        ready = _ready(statement, tuple(values), self.dialect)
        found, count = await self._opened.run(ready.text, ready.stored(values), gives=ready.gives)
        return Rows([ready.read(each) for each in found], count)


class Rows:
    """The rows of a result."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def one(self) -> Any:  # noqa: ANN401
        """The only row. Raises NoResultFound."""
        if not self._rows:
            raise NoResultFound("no row was found")
        return self.one_or_none()

    def one_or_none(self) -> Any:  # noqa: ANN401
        """The only row, if there is one."""
        if len(self._rows) > 1:
            raise MultipleResultsFound("more than one row was found")
        return self._rows[0] if self._rows else None


class _Ready:
    """A compiled statement."""

    def __init__(self, statement: sa.Executable, names: tuple[str, ...], dialect: Dialect) -> None:
        made: Any = statement
        keys = list(names) if made.is_insert else None
        compiled = made.compile(dialect=dialect, column_keys=keys)
        self.text = str(compiled)
        self._order: list[str] = list(compiled.positiontup)
        self._fixed = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required
        }
        processors = [_processor(compiled.binds[name].type, dialect) for name in self._order]
        self._turned = [(at, turn) for at, turn in enumerate(processors) if turn]
        columns = list(made.selected_columns) if made.is_select else []
        self.gives = bool(columns)
        self._row: Callable[..., Any] = make_dataclass("Row", [each.key for each in columns])
        self._turns: list[_Turned | None] = [
            each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns
        ]

    def stored(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the text, as they are stored. Raises KeyError for one that
        is missing."""
        given = {**self._fixed, **values}
        found = [given[name] for name in self._order]
        for at, turn in self._turned:
            found[at] = turn(found[at])
        return found

    def read(self, stored: Sequence[Any]) -> Any:  # noqa: ANN401
        """A row as it was before it was stored."""
        turned = (
            turn(value) if turn else value for turn, value in zip(self._turns, stored, strict=True)
        )
        return self._row(*turned)


@lru_cache(maxsize=256)
def _ready(statement: sa.Executable, names: tuple[str, ...], dialect: Dialect) -> _Ready:
    return _Ready(statement, names, dialect)


def _processor(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Turned | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)
