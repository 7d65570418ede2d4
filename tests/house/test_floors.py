"""Imports go only downward: app, bot, cards, partner_center; the sandbox stands beside them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("partner_center", "cards", "bot", "app")
ROOMS = {*FLOORS, "sandbox", "tests"}
BOTBUILDER = ("botbuilder", "botframework", "msrest")
VALUES = {"money", "referral", "patch", "wire", "eligibility", "registration", "query", "errors"}


def sources(*rooms: str) -> Iterator[Path]:
    """Every Python file of these rooms; packages of others below them are not ours."""
    for room in rooms:
        if room == "app":
            yield ROOT / "app.py"
        else:
            folder = ROOT / room
            yield from sorted(folder.glob("*.py") if room == "sandbox" else folder.rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def rooms_of(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)} & ROOMS


@pytest.mark.parametrize("floor", FLOORS[:-1])
def test_no_floor_knows_one_above_it(floor: str) -> None:
    above = {*FLOORS[FLOORS.index(floor) + 1 :], "sandbox", "tests"}
    for path in sources(floor):
        assert not rooms_of(path) & above, path.relative_to(ROOT)


def test_the_sandbox_knows_only_values_of_partner_center() -> None:
    for path in sources("sandbox"):
        assert not rooms_of(path) & {"app", "bot", "cards", "tests"}, path.relative_to(ROOT)
        for name in imports(path):
            if name.startswith("partner_center."):
                assert name.split(".")[1] in VALUES, (path.relative_to(ROOT), name)


def test_only_app_and_tests_start_the_sandbox() -> None:
    for path in sources("bot", "cards", "partner_center"):
        assert "sandbox" not in rooms_of(path), path.relative_to(ROOT)


def test_botbuilder_stays_behind_the_door() -> None:
    for path in sources("partner_center", "cards", "bot", "app"):
        behind = (ROOT / "bot" / "teams") in path.parents
        used = {name for name in imports(path) if name.startswith(BOTBUILDER)}
        assert behind or not used, (path.relative_to(ROOT), used)


def test_adaptivecards_is_imported_by_one_file() -> None:
    users = [
        path
        for path in sources(*FLOORS)
        if any(name.split(".")[0] == "adaptivecards" for name in imports(path))
    ]
    assert [path.relative_to(ROOT).as_posix() for path in users] == ["cards/pieces.py"]


def test_nothing_unpickles() -> None:
    for path in sources(*FLOORS, "sandbox"):
        used = {name.split(".")[0] for name in imports(path)}
        assert not used & {"pickle", "jsonpickle", "marshal", "shelve"}, path


def test_cards_and_rules_are_pure() -> None:
    forbidden = {"aiohttp", "httpx", "sqlalchemy", "asyncio", "os", "socket", "random", "time"}
    impure = {
        "client.py",
        "calls.py",
        "circuit.py",
        "exchange.py",
        "refusals.py",
        "transport.py",
    }
    for path in sources("cards", "partner_center"):
        if path.parent.name == "partner_center" and path.name in impure:
            continue
        used = {name.split(".")[0] for name in imports(path)}
        assert not used & forbidden, (path.relative_to(ROOT), used & forbidden)
