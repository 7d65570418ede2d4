"""The drawing room tells good cards from bad ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser import CHECKOUT
from tests.render import CardRenderer, Shot

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, object]
OUT = CHECKOUT / "out" / "screens"
PNG = b"\x89PNG\r\n\x1a\n"


def card(*body: Json, actions: tuple[Json, ...] = ()) -> Json:
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": list(body),
        "actions": list(actions),
    }


def text(words: str, **more: object) -> Json:
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def button(title: str, **more: object) -> Json:
    return {"type": "Action.Execute", "title": title, "verb": "sample", **more}


SAMPLE = card(
    text("Fabrikam: cloud migration", style="heading"),
    text("Ready to **save**. See [the deal](https://example.com/1042).", isSubtle=True),
    {
        "type": "FactSet",
        "facts": [
            {"title": "Deal value", "value": "USD 25,000.00 → **USD 30,000.00**"},
            {"title": "Closing date", "value": "31 March 2026"},
        ],
    },
    {
        "type": "Container",
        "style": "warning",
        "items": [text("Changes to this deal are final after 60 days.", color="warning")],
    },
    {"type": "Container", "style": "good", "items": [text("✔ Passed", color="good")]},
    {"type": "Container", "style": "attention", "items": [text("✘ Failed", color="attention")]},
    {"type": "Container", "style": "emphasis", "items": [text("Note", isSubtle=True)]},
    {"type": "Container", "style": "accent", "items": [text("New", color="accent")]},
    {
        "type": "Input.Text",
        "id": "notes",
        "label": "Notes",
        "isMultiline": True,
        "placeholder": "…",
    },
    {
        "type": "Input.Number",
        "id": "value",
        "label": "Deal value",
        "isRequired": True,
        "errorMessage": "Type a number.",
        "value": 30000,
    },
    {"type": "Input.Date", "id": "close", "label": "Closing date", "value": "2026-03-31"},
    {
        "type": "Input.ChoiceSet",
        "id": "currency",
        "label": "Currency",
        "value": "USD",
        "choices": [{"title": "US dollar", "value": "USD"}, {"title": "Euro", "value": "EUR"}],
    },
    {"type": "Input.Toggle", "id": "azure", "label": "Azure", "title": "Runs on Azure"},
    actions=(
        button("Save", style="positive", fallback={"type": "Action.Submit", "title": "Save"}),
        button("Change something else"),
        button("Discard", style="destructive"),
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def renderer() -> AsyncIterator[CardRenderer]:
    async with CardRenderer() as started:
        yield started


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 800])
async def test_a_good_card_has_no_problem(renderer: CardRenderer, width: int, theme: str) -> None:
    shot = await renderer.draw(SAMPLE, width=width, theme=theme)
    _keep(shot, f"sample-{width}-{theme}.png")
    assert shot.problems == ()
    assert shot.png.startswith(PNG)
    assert int.from_bytes(shot.png[16:20], "big") == width


async def test_the_themes_and_widths_differ(renderer: CardRenderer) -> None:
    shots = {
        (await renderer.draw(SAMPLE, width=width, theme=theme)).png
        for width in (320, 800)
        for theme in ("light", "dark")
    }
    assert len(shots) == 4


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (card(text("W" * 400, wrap=False)), "overflow"),
        (card({"type": "Input.Text", "id": "name", "placeholder": "Name"}), "label"),
        (card({"type": "Chart.Donut", "data": []}), "warning"),
        (
            card({"type": "Image", "url": "http://pictures.example/1.png", "altText": "x"}),
            "network",
        ),
        (card(text("Faint", color="warning"), {"type": "Nonsense"}), "warning"),
        (card({"type": "Input.Text", "label": "No id"}), "warning"),
    ],
)
async def test_a_bad_card_is_found_out(renderer: CardRenderer, bad: Json, kind: str) -> None:
    shot = await renderer.draw(bad, width=320)
    assert any(problem.startswith(f"{kind}: ") for problem in shot.problems), shot.problems


async def test_a_card_for_teams_may_use_what_only_teams_draws(renderer: CardRenderer) -> None:
    chart: Json = {
        "type": "Chart.Donut",
        "data": [],
        "fallback": text("Three deals: 30,000 US dollars"),
    }
    shot = await renderer.draw(card(chart), width=320)
    assert shot.problems == ()


@pytest.mark.parametrize(
    ("words", "html"),
    [
        ("**b** _i_ *i*", "<p><strong>b</strong> <em>i</em> <em>i</em></p>"),
        ("snake_case_name 2*3*4", "<p>snake_case_name 2<em>3</em>4</p>"),
        (r"\*not bold\* \[no\]\(link\)", "<p>*not bold* [no](link)</p>"),
        (
            "[_a_ b](https://x.example/_a_)",
            '<p><a href="https://x.example/_a_" target="_blank" rel="noopener noreferrer">'
            "<em>a</em> b</a></p>",
        ),
        ("[bad](javascript:alert(1))", "<p>[bad](javascript:alert(1))</p>"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
        ("&lt;b&gt; &#42;x&#42; &amp;amp;", "<p>&lt;b&gt; *x* &amp;amp;</p>"),
        ("a\n\nb\nc", "<p>a</p><p>b\nc</p>"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("3. three\n4. four", '<ol start="3"><li>three</li><li>four</li></ol>'),
        ("# no heading", "<p># no heading</p>"),
        ("\ue041\uf000", "<p>\ufffd\ufffd</p>"),
        (
            '[x](https://a.example/?q="onmouseover=alert(1))',
            '<p><a href="https://a.example/?q=&quot;onmouseover=alert(1)" target="_blank" '
            'rel="noopener noreferrer">x</a></p>',
        ),
    ],
)
async def test_markdown_is_what_teams_renders(
    renderer: CardRenderer, words: str, html: str
) -> None:
    assert await renderer.markdown(words) == html


def _keep(shot: Shot, name: str) -> None:
    path: Path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(shot.png)
