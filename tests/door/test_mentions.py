"""The bot's own mention is taken off, nothing else, whatever the text (C8)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.teams.mentions import MAX_TEXT, spoken
from tests.door.stage import BOT_ID

IDS = frozenset({BOT_ID})


def mention(text: str | None = "<at>Dealdesk</at>", who: str = BOT_ID) -> dict[str, object]:
    found: dict[str, object] = {"type": "mention", "mentioned": {"id": who, "name": "Dealdesk"}}
    return found if text is None else found | {"text": text}


def heard(text: str | None, *entities: object, name: str = "Dealdesk") -> str:
    return spoken(text, entities, IDS, name)


CASES: list[tuple[str | None, list[object], str]] = [
    ("<at>Dealdesk</at> list", [mention()], "list"),
    ("<at>Dealdesk</at>&nbsp;list&nbsp;mine", [mention()], "list mine"),
    ("\u00a0<at>Dealdesk</at>\u00a0 list\n", [mention()], "list"),
    ("<at>Dealdesk</at>list", [mention()], "list"),
    ('<at id="0">Dealdesk</at> list', [mention('<at id="0">Dealdesk</at>')], "list"),
    (
        "<at>Deal</at> <at>desk</at> list",
        [mention("<at>Deal</at>"), mention("<at>desk</at>")],
        "list",
    ),
    ("<at>Dealdesk</at> <at>Dealdesk</at> list", [mention()], "list"),
    ("list <at>Dealdesk</at>", [mention()], "list"),
    ("<at>Dealdesk</at>", [mention()], ""),
    ("<at>Dealdesk</at> show Dealdesk rollout", [mention()], "show Dealdesk rollout"),
    ("<at>Dealdesk</at> show <at>Dealdesk</at> rollout", [mention()], "show Dealdesk rollout"),
    (
        "<at>Dealdesk</at> delegate to <at>Dana Whitfield</at>",
        [mention(), mention("<at>Dana Whitfield</at>", "29:1dana")],
        "delegate to Dana Whitfield",
    ),
    ("<at>Ben</at> list", [mention("<at>Ben</at>", "29:1ben")], "Ben list"),
    ("<at>Renamed Bot</at> list", [mention("<at>Renamed Bot</at>")], "list"),
    ("<at>Dealdesk</at> list", [], "list"),
    ("<at>Dealdesk</at> list", [{"type": "mention", "text": "<at>Dealdesk</at>"}], "list"),
    ("<at>Dealdesk</at> list", [{"mentioned": {"id": BOT_ID}}], "list"),
    ("<at>Dealdesk</at> list", [{"type": "mention", "mentioned": None}, 5, None], "list"),
    (None, [mention()], ""),
    ("", [mention(None)], ""),
    ("list", [mention(None)], "list"),
    ('update #1 notes "R&amp;D &lt;at&gt;x&lt;/at&gt;"', [], 'update #1 notes "R&D <at>x</at>"'),
    ("show AT&T &copy &#x41;", [], "show AT&T &copy &#x41;"),
    ("&amp;lt;", [], "&lt;"),
]


@pytest.mark.parametrize(("text", "entities", "expected"), CASES)
def test_c8_only_the_bots_mention_goes(
    text: str | None, entities: list[object], expected: str
) -> None:
    assert heard(text, *entities) == expected


def test_c8_a_bot_named_like_a_command_keeps_the_command() -> None:
    assert heard("<at>list</at> list 5", mention("<at>list</at>"), name="list") == "list 5"


HOSTILE = {
    "long_mention": "<at>" + "a" * 80_000 + "</at> list",
    "open_tags": "<at>" * 20_000,
    "open_attributes": "<at " + "x " * 40_000,
    "closing_tags": "</at>" * 16_000,
    "many_mentions": "<at>Dealdesk</at>" * 5_000,
    "entities": "&nbsp;" * 14_000,
    "ampersands": "&" * 80_000,
    "spaces": " " * 80_000,
    "words": "list " * 16_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_c8_80_kb_take_less_than_50_ms(text: str) -> None:
    began = time.process_time()
    result = heard(text, mention(text), mention())
    assert time.process_time() - began < 0.05
    assert len(result) <= MAX_TEXT


def test_c8_a_text_is_capped() -> None:
    assert heard("x" * 10_000) == "x" * MAX_TEXT


@given(st.text(), st.lists(st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.text()))))
def test_c8_any_text_is_survived(text: str, entities: list[object]) -> None:
    assert len(heard(text, *entities)) <= MAX_TEXT


@given(st.text(alphabet="abc #1042\u00e5\u00f6$.,-", max_size=200))
def test_c8_an_ordinary_text_is_kept(text: str) -> None:
    assert heard(f"<at>Dealdesk</at> {text}", mention()) == text.strip()
