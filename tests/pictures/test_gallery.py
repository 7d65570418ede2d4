"""`python app.py cards` writes the cards that are asked for, and says what is wrong with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from app import TASKS
from bot.settings import Settings
from cards.samples.gallery import in_every_language, make, names
from sandbox import drawing, gallery
from sandbox.drawing import THEMES, WIDTHS, Cards

pytestmark = pytest.mark.client


def broken() -> Cards:
    long = {"type": "TextBlock", "text": "W" * 400, "wrap": False, "style": "heading"}
    return {"good": make("notice"), "bad": {**make("notice"), "body": [long]}}


def files(out: Path, ending: str = "") -> list[str]:
    return sorted(str(path.relative_to(out)) for path in out.rglob(f"*{ending}"))


async def run(out: Path, *words: str) -> tuple[int, list[str]]:
    said: list[str] = []
    code = await TASKS["cards"](Settings(), [*words, "--out", str(out)], said.append)
    return code, said


async def test_every_look_of_a_card_is_written_and_hung_beside_the_others(tmp_path: Path) -> None:
    code, said = await run(tmp_path, "deal-new")
    assert (code, len(said)) == (0, 1)
    languages = list(in_every_language())
    looks = [(at, theme, width) for at in languages for theme in THEMES for width in WIDTHS]
    wanted = {f"{at}/deal-new-{width}-{theme}.png" for at, theme, width in looks}
    assert files(tmp_path, ".png") == sorted(wanted)
    index = (tmp_path / "index.html").read_text("utf-8")
    assert all(f'src="{path}"' in index for path in wanted)
    card = json.loads((tmp_path / "en" / "deal-new.json").read_text("utf-8"))
    assert card == make("deal-new")
    png = (tmp_path / "en" / "deal-new-320-light.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 320


async def test_one_may_ask_for_less(tmp_path: Path) -> None:
    asked = ("step-*", "who", "--language", "de", "--width", "800", "--theme", "dark")
    code, said = await run(tmp_path, *asked)
    assert code == 0
    steps = [name for name in names() if name.startswith("step-")]
    written = files(tmp_path, ".png")
    assert written == sorted(f"de/{name}-800-dark.png" for name in [*steps, "who"])
    assert f"{len(written)} pictures" in said[-1]


async def test_what_breaks_a_rule_is_said_and_shown(tmp_path: Path) -> None:
    said: list[str] = []
    words = ["--width", "320", "--theme", "light", "--out", str(tmp_path)]
    assert await gallery.run({"en": broken}, words, said.append) == 1
    assert [line.split(": ")[:2] for line in said[:1]] == [["en/bad-320-light", "overflow"]]
    assert not [line for line in said if "good" in line]
    assert "<li>overflow: " in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.parametrize("words", [["no-such-card"], ["--width", "321"], ["--bogus"]])
async def test_what_is_not_understood_draws_nothing(tmp_path: Path, words: list[str]) -> None:
    code, _ = await run(tmp_path, *words)
    assert code == 2
    assert files(tmp_path) == []


async def test_without_what_npm_brings_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(drawing.PLACES, "/axe-core/", drawing.SANDBOX / "node_modules" / "none")
    code, said = await run(tmp_path, "who")
    assert code == 2
    assert said == ["Nothing was drawn: sandbox/node_modules/none is missing: make install."]


async def test_without_the_developers_tools_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    code, said = await run(tmp_path, "who")
    assert code == 2
    assert said == [
        "Nothing was drawn: Playwright is missing, which comes with what developers install: "
        "make install."
    ]
