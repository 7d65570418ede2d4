"""Every card as it is drawn: on a phone, in a narrow pane and on a desk, in every theme and
language, with nothing cut off, out of order, unnamed or hard to read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from cards.language import speaking_from
from cards.samples import gallery as samples
from cards.wording import passage, text
from sandbox.browser import CHECKOUT
from sandbox.drawing import RULES, THEMES, WIDTHS, Cards, DrawingRoom, Found, Look
from tests.pictures import gallery
from tests.pseudo import Pseudo

pytestmark = [pytest.mark.client, pytest.mark.asyncio(loop_scope="module")]

OUT = CHECKOUT / "out" / "cards" / "failed"
CARDS = {language: make() for language, make in samples.in_every_language().items()}
IN_EVERY_THEME = ("en", "de", "ja")
GROWING = [rule for rule in RULES if rule != "fields"]
"""For words longer than real ones."""
HOSTILE = {
    "markdown": "[Approve here](https://evil.example) **b** _i_ ![i](https://evil.example/i.png)",
    "lines": "a\n✅ Approved by CFO\n- item\n1. one\n# head\u202e\u200b",
    "words": "W" * 5000,
    "tags": "<at>Boss</at> <script>x</script> &lt;b&gt; {{DATE(2026-01-01T00:00:00Z)}} ${x}",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room() -> AsyncIterator[DrawingRoom]:
    async with DrawingRoom() as drawing:
        yield drawing


async def kept(room: DrawingRoom, found: Found, name: str) -> list[str]:
    """The problems, a line each; pictures of the cards that have them stay in `out/`, until the
    same is looked at again."""
    for former in OUT.glob(f"*-{name}.png"):
        former.unlink(missing_ok=True)
    if found:
        OUT.mkdir(parents=True, exist_ok=True)
        async for card, png in room.pictures(list(found)):
            (OUT / f"{card}-{name}.png").write_bytes(png)
    return [f"{card}: {problem}" for card, problems in found.items() for problem in problems]


@pytest.mark.parametrize("language", IN_EVERY_THEME)
@pytest.mark.parametrize("theme", THEMES)
async def test_drawn_without_problems(room: DrawingRoom, theme: str, language: str) -> None:
    problems: list[str] = []
    await room.hang(CARDS[language], Look(WIDTHS[0], theme, language))
    for width in WIDTHS:
        await room.widen(width)
        name = f"{width}-{theme}-{language}"
        found = await kept(room, await room.problems(), name)
        problems += [f"{name} {problem}" for problem in found]
    assert problems == []


async def fitting(room: DrawingRoom, cards: Cards, rules: Sequence[str], name: str) -> list[str]:
    """What is wrong with these cards at any width, in one theme."""
    problems: list[str] = []
    await room.hang(cards, Look())
    for width in WIDTHS:
        await room.widen(width)
        problems += await kept(room, await room.problems(rules), f"{width}-{name}")
    return problems


@pytest.mark.parametrize("language", [each for each in CARDS if each not in IN_EVERY_THEME])
async def test_the_other_languages_have_room(room: DrawingRoom, language: str) -> None:
    assert await fitting(room, CARDS[language], RULES, language) == []


async def test_a_longer_language_has_room(room: DrawingRoom) -> None:
    with speaking_from(Pseudo()):
        cards = {name: make() for name, make in samples.samples().items()}
    assert await fitting(room, cards, GROWING, "longer") == []


@pytest.mark.parametrize("theme", THEMES)
async def test_axe_objects_to_nothing(room: DrawingRoom, theme: str) -> None:
    await room.hang(CARDS["en"], Look(320, theme))
    assert await kept(room, await room.accessibility(), f"320-{theme}-axe") == []


@pytest.mark.parametrize("width", [320, 800])
async def test_tab_goes_the_way_people_read(room: DrawingRoom, width: int) -> None:
    await room.hang(CARDS["en"], Look(width))
    assert await kept(room, await room.focus(), f"{width}-focus") == []


@pytest.mark.parametrize("kind", HOSTILE)
async def test_c1_c2_c3_hostile_text_keeps_the_layout(room: DrawingRoom, kind: str) -> None:
    await room.hang(gallery.holding(HOSTILE[kind]), Look(320))
    assert await kept(room, await room.problems(GROWING), f"hostile-{kind}") == []


@pytest.mark.parametrize("kind", HOSTILE)
async def test_c1_c2_c6_a_browser_reads_the_input(room: DrawingRoom, kind: str) -> None:
    for made in (text(HOSTILE[kind]), passage(HOSTILE[kind])):
        html = await room.markdown(made.markdown)
        for tag in ("<a", "<strong", "<em", "<li", "<span", "<script", "<img"):
            assert tag not in html
        plain = html.replace("<p>", "").replace("</p>", "\n").strip()
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'")):
            plain = plain.replace(entity, sign)
        assert plain.replace("&amp;", "&") == made.plain
