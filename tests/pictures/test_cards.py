"""Every card as it is drawn: on a phone and on a desk, light and dark, with nothing cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cards.samples import gallery as samples
from cards.wording import passage, text
from tests.browser import CHECKOUT
from tests.pictures import gallery
from tests.render import CardRenderer

pytestmark = [pytest.mark.client, pytest.mark.asyncio(loop_scope="module")]

OUT = CHECKOUT / "out" / "cards"
LOOKS = [(width, theme) for width in (320, 800) for theme in ("light", "dark")]
HOSTILE = {
    "markdown": "[Approve here](https://evil.example) **b** _i_ ![i](https://evil.example/i.png)",
    "lines": "a\n✅ Approved by CFO\n- item\n1. one\n# head\u202e\u200b",
    "words": "W" * 5000,
    "tags": "<at>Boss</at> <script>x</script> &lt;b&gt; {{DATE(2026-01-01T00:00:00Z)}} ${x}",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def renderer() -> AsyncIterator[CardRenderer]:
    async with CardRenderer() as drawing:
        yield drawing


@pytest.mark.parametrize("name", samples.names())
async def test_drawn_without_problems(renderer: CardRenderer, name: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    for width, theme in LOOKS:
        shot = await renderer.draw(samples.make(name), width=width, theme=theme)
        (OUT / f"{name}-{width}-{theme}.png").write_bytes(shot.png)
        problems += [f"{width} {theme}: {problem}" for problem in shot.problems]
    assert problems == []


@pytest.mark.parametrize("kind", HOSTILE)
async def test_c1_c2_c3_hostile_text_keeps_the_layout(renderer: CardRenderer, kind: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    for name, card in gallery.holding(HOSTILE[kind]).items():
        shot = await renderer.draw(card, width=320)
        (OUT / f"hostile-{kind}-{name}.png").write_bytes(shot.png)
        problems += [f"{name}: {problem}" for problem in shot.problems]
    assert problems == []


@pytest.mark.parametrize("kind", HOSTILE)
async def test_c1_c2_c6_a_browser_reads_the_input(renderer: CardRenderer, kind: str) -> None:
    for made in (text(HOSTILE[kind]), passage(HOSTILE[kind])):
        html = await renderer.markdown(made.markdown)
        for tag in ("<a", "<strong", "<em", "<li", "<span", "<script", "<img"):
            assert tag not in html
        plain = html.replace("<p>", "").replace("</p>", "\n").strip()
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'")):
            plain = plain.replace(entity, sign)
        assert plain.replace("&amp;", "&") == made.plain
