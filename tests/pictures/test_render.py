"""The drawing room tells good cards from bad ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.browser import CHECKOUT
from sandbox.drawing import THEMES, DrawingRoom, Look, Shot

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, object]
OUT = CHECKOUT / "out" / "screens"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
GROUND = "() => getComputedStyle(document.querySelector('.card')).backgroundColor"
TURN_AROUND = """() => {
    const buttons = document.querySelectorAll(".card")[1].querySelector(".ac-actionSet");
    buttons.style.flexDirection = "row-reverse";
}"""
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
async def renderer() -> AsyncIterator[DrawingRoom]:
    async with DrawingRoom() as started:
        yield started


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 800])
async def test_a_good_card_has_no_problem(renderer: DrawingRoom, width: int, theme: str) -> None:
    shot = await renderer.draw(SAMPLE, width=width, theme=theme)
    _keep(shot, f"sample-{width}-{theme}.png")
    assert shot.problems == ()
    assert shot.png.startswith(PNG)
    assert int.from_bytes(shot.png[16:20], "big") == width


async def test_the_themes_and_widths_differ(renderer: DrawingRoom) -> None:
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
        (card(text("Deals"), text("Fabrikam")), "heading"),
        (card(text("One"), text("two"), text("three"), text("Deals", style="heading")), "heading"),
        (
            card(
                {
                    "type": "Container",
                    "items": [text("Fabrikam, USD 30,000")],
                    "selectAction": button("Open"),
                }
            ),
            "label",
        ),
        (
            card(
                {
                    "type": "Input.ChoiceSet",
                    "id": "deal",
                    "label": "Deal",
                    "value": "1",
                    "choices": [{"title": "Fabrikam " * 9, "value": "1"}],
                }
            ),
            "clipped",
        ),
        (card(text("words " * 60, maxLines=1)), "clipped"),
        (
            card(
                {
                    "type": "Input.Text",
                    "id": "value",
                    "label": "Value",
                    "placeholder": "For example " * 9,
                }
            ),
            "clipped",
        ),
    ],
)
async def test_a_bad_card_is_found_out(renderer: DrawingRoom, bad: Json, kind: str) -> None:
    shot = await renderer.draw(bad, width=320)
    assert any(problem.startswith(f"{kind}: ") for problem in shot.problems), shot.problems


async def test_every_theme_is_held_to_its_own_colours(renderer: DrawingRoom) -> None:
    grounds = []
    for theme in THEMES:
        shot = await renderer.draw(SAMPLE, width=320, theme=theme)
        assert shot.problems == ()
        _keep(shot, f"sample-320-{theme}.png")
        grounds.append(await renderer.page.evaluate(GROUND))
    assert len(set(grounds)) == len(THEMES)


async def test_japanese_is_drawn_in_letters_and_not_in_boxes(renderer: DrawingRoom) -> None:
    await renderer.hang({"card": card(text("商談", style="heading"))}, Look(320, language="ja"))
    assert await renderer.page.evaluate("() => document.fonts.check('16px Kosugi', '商談')")
    loaded = "() => [...document.fonts].map((face) => `${face.family} ${face.status}`)"
    assert await renderer.page.evaluate(loaded) == ["Kosugi loaded"]


async def test_axe_finds_what_nobody_can_use(renderer: DrawingRoom) -> None:
    await renderer.hang({"good": SAMPLE, "bad": card({"type": "Image", "url": PIXEL})}, Look())
    found = await renderer.accessibility()
    assert list(found) == ["bad"]
    assert any("alternative text" in problem for problem in found["bad"])


async def test_cards_hung_together_do_not_share_choices(renderer: DrawingRoom) -> None:
    choice: Json = {
        "type": "Input.ChoiceSet",
        "id": "term",
        "label": "Term",
        "style": "expanded",
        "value": "a",
        "choices": [{"title": "With an end", "value": "a"}, {"title": "Without", "value": "b"}],
    }
    await renderer.hang({name: card(choice) for name in ("one", "two")}, Look())
    assert await renderer.problems() == {}
    assert await renderer.accessibility() == {}
    assert await renderer.focus() == {}


async def test_a_walk_against_the_reading_order_is_found_out(renderer: DrawingRoom) -> None:
    await renderer.hang({"good": SAMPLE, "bad": SAMPLE}, Look(320))
    await renderer.page.evaluate(TURN_AROUND)
    found = await renderer.focus()
    assert list(found) == ["bad"]


async def test_a_card_for_teams_may_use_what_only_teams_draws(renderer: DrawingRoom) -> None:
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
async def test_markdown_is_what_teams_renders(renderer: DrawingRoom, words: str, html: str) -> None:
    assert await renderer.markdown(words) == html


def _keep(shot: Shot, name: str) -> None:
    path: Path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(shot.png)
