"""A browser starts on every machine: the installed one, and the one npm carries."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox import browser

pytestmark = pytest.mark.client


def _names(folder: Path) -> list[str]:
    return [found.name for found in folder.iterdir()]


async def _title(chromium: browser.Chromium) -> str:
    async with browser.launched(chromium) as started:
        page = await started.new_page()
        await page.set_content("<title>Started</title>")
        return await page.title()


async def test_the_carried_browser_starts_without_an_installed_one() -> None:
    chromium = browser.carried()
    assert browser.CHECKOUT in chromium.program.parents
    assert await _title(chromium) == "Started"


async def test_unpacking_twice_at_once_leaves_one_whole_browser(tmp_path: Path) -> None:
    first, second = await asyncio.gather(
        asyncio.to_thread(browser.carried, tmp_path), asyncio.to_thread(browser.carried, tmp_path)
    )
    assert first == second
    assert _names(tmp_path) == [first.program.parent.name]
    assert await _title(first) == "Started"


def test_an_installed_browser_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chosen = tmp_path / "my-chrome"
    chosen.write_text("")
    monkeypatch.setenv("CHROME", str(chosen))
    assert browser.find().program == chosen


def test_the_carried_browser_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROME", "carried")
    assert browser.CHECKOUT in browser.find().program.parents


def test_a_wrong_choice_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROME", "no-such-browser")
    with pytest.raises(browser.NoBrowser, match="no-such-browser"):
        browser.find()
