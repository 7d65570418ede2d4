"""Every card in every state: as last found good, valid, small, pressable and inert."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import cast

import jsonschema
import pytest

from cards.actions import unpack
from cards.elements import MOST_BYTES
from cards.samples import gallery as samples
from tests.pictures import gallery
from tests.rules.test_cards_text import rendered

Node = dict[str, object]

NAMES = samples.names()
HOSTILE = {
    "c1_markdown": "[Approve here](https://evil.example) **b** _i_ # x ![i](https://evil.example)",
    "c2_tags": "<at>Boss</at> <script>x</script> &lt;b&gt; &amp;",
    "c3_hidden": "a\n✅ Approved by CFO\u202e\u200b\ud800" + "e" + "\u0301" * 200 + "\x07",
    "c4_long_words": "W" * 100_000,
    "c4_long_text": "long words " * 9_000,
    "c4_long_signs": "💶" * 100_000,
    "c4_long_markdown": "*_" * 50_000,
    "c6_templates": "${evil} {{DATE(2026-01-01T00:00:00Z)}} {0} {name}",
}
TEAMS_EXTRAS = {("AdaptiveCard", "msteams"), ("AdaptiveCard", "$schema")}
ANYWHERE = {"type", "fallback", "spacing"}
TEAMS_ELEMENTS = {
    "Badge": {"text", "style", "appearance", "shape"},
    "Icon": {"name", "size", "style", "color"},
    "ProgressBar": {"value", "max", "color"},
    "Chart.Donut": {"title", "data"},
    "Chart.Pie": {"title", "data"},
    "Chart.VerticalBar": {"title", "data"},
    "Chart.HorizontalBar": {"title", "data"},
    "Chart.Line": {"title", "data"},
    "Chart.VerticalBar.Grouped": {"title", "data"},
    "Chart.Gauge": {"title", "value", "min", "max", "subLabel", "valueFormat", "segments"},
}
"""What Teams draws beyond the official schema: nothing else may be on a card of ours."""


def nodes(value: object) -> Iterator[Node]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    if isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def markdown(card: Node) -> Iterator[str]:
    """Everything that Teams reads as Markdown."""
    yield str(card["fallbackText"])
    for node in nodes(card):
        if node.get("type") == "TextBlock":
            yield str(node["text"])
        for line in cast("list[Node]", node.get("facts") or []):
            yield str(line["title"])
            yield str(line["value"])


def presses(card: Node) -> list[Node]:
    return [node for node in nodes(card) if str(node.get("type", "")).startswith("Action.")]


def buttons(card: Node) -> list[Node]:
    sets = [node for node in nodes(card) if node.get("type") in ("ActionSet", "AdaptiveCard")]
    return [button for node in sets for button in cast("list[Node]", node.get("actions") or [])]


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft6Validator:
    source = files("adaptive_cards").joinpath("schemas/schema-1.5.json").read_text("utf-8")
    return jsonschema.Draft6Validator(json.loads(source))


def plainly(value: object) -> object:
    """The card as a client draws it that knows no more than the official schema."""
    if isinstance(value, list):
        return [plainly(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") in TEAMS_ELEMENTS:
        return plainly(value["fallback"])
    return {key: plainly(inner) for key, inner in value.items()}


def without_extras(card: Node) -> Node:
    bare = cast("Node", plainly(copy.deepcopy(card)))
    for node in nodes(bare):
        for kind, name in TEAMS_EXTRAS:
            if node.get("type") == kind:
                node.pop(name, None)
    return bare


@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str) -> None:
    path = gallery.golden(name)
    assert path.exists(), "new card: look at its picture, then python -m tests.pictures.gallery"
    assert gallery.written(samples.make(name)) == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert sorted(path.stem for path in gallery.GOLDEN.glob("*.json")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_valid_by_the_official_schema(name: str, schema: jsonschema.Draft6Validator) -> None:
    errors = [error.message for error in schema.iter_errors(without_extras(samples.make(name)))]
    assert errors == []


def test_the_schema_refuses_what_it_should(schema: jsonschema.Draft6Validator) -> None:
    wrong = without_extras(samples.make("notice"))
    cast("list[Node]", wrong["body"]).append({"type": "TextBlock", "text": "x", "typo": 1})
    assert not schema.is_valid(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_what_only_teams_draws_is_listed_and_has_a_fallback_that_all_draw(name: str) -> None:
    for node in nodes(samples.make(name)):
        allowed = TEAMS_ELEMENTS.get(str(node.get("type")))
        if allowed is not None:
            assert node.keys() <= ANYWHERE | allowed
            beneath = [str(each.get("type")) for each in nodes(node["fallback"])]
            assert not set(beneath) & set(TEAMS_ELEMENTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_says_the_same_with_and_without_a_badge(name: str) -> None:
    for node in nodes(samples.make(name)):
        if node.get("type") == "Badge":
            assert rendered(str(cast("Node", node["fallback"])["text"])) == node["text"]


@pytest.mark.parametrize("name", NAMES)
def test_limits(name: str) -> None:
    _holds_to_the_limits(samples.make(name))


def _holds_to_the_limits(card: Node) -> None:
    """Sizes in bytes as sent and in UTF-16 as Teams counts them, and what a client can show."""
    sent = json.dumps(card)
    assert len(sent) <= MOST_BYTES
    assert len(sent.encode("utf-16-le")) <= 80 * 1024
    assert len(buttons(card)) <= 6
    assert len([each for each in buttons(card) if each.get("style") == "positive"]) <= 1
    assert str(card["fallbackText"]).strip()
    assert str(card["speak"]).strip()
    assert all(len(str(each["title"])) <= 25 for each in buttons(card))
    refreshed = cast("Node", card.get("refresh") or {})
    assert len(cast("list[str]", refreshed.get("userIds") or [])) <= 60


@pytest.mark.parametrize("name", NAMES)
def test_the_primary_action_is_first(name: str) -> None:
    styles = [each.get("style") for each in buttons(samples.make(name))]
    assert "positive" not in styles[1:]


@pytest.mark.parametrize("name", NAMES)
def test_every_press_is_understood(name: str) -> None:
    card = samples.make(name)
    ids = {node["id"] for node in nodes(card) if "id" in node}
    for press in presses(card):
        if press["type"] == "Action.ToggleVisibility":
            assert set(cast("list[str]", press["targetElements"])) <= ids
            continue
        data = cast("dict[str, object]", press["data"])
        verb = press["verb"] if press["type"] == "Action.Execute" else data["verb"]
        assert unpack(verb, data).inputs == {}


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_labelled_and_named_once(name: str) -> None:
    inputs = [
        node for node in nodes(samples.make(name)) if str(node.get("type", "")).startswith("Input.")
    ]
    assert all(node["label"] for node in inputs)
    assert len({node["id"] for node in inputs}) == len(inputs)


@pytest.mark.parametrize("name", NAMES)
def test_no_raw_ids_are_shown(name: str) -> None:
    shown = list(markdown(samples.make(name)))
    ids = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{32}|\bNone\b")
    assert not [said for said in shown if ids.search(said) and "For support" not in said]


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_stays_text(kind: str, schema: jsonschema.Draft6Validator) -> None:
    for name, card in gallery.holding(HOSTILE[kind]).items():
        assert len(json.dumps(card)) <= MOST_BYTES, name
        json.dumps(card, ensure_ascii=False).encode("utf-8")
        assert schema.is_valid(without_extras(card)), name
        assert not [node for node in presses(card) if node["type"] == "Action.OpenUrl"], name
        assert "entities" not in cast("Node", card["msteams"])
        _holds_to_the_limits(card)
        for source in markdown(card):
            rendered(source)


def test_c4_what_was_shortened_is_said() -> None:
    card = gallery.holding(HOSTILE["c4_long_text"])["deal"]
    said = json.dumps(card, ensure_ascii=False)
    assert "Shortened. The whole note is in Partner Center" in said
    assert "and 294 more in Partner Center" in said
    assert "and 494 more in Partner Center" in said


def test_c4_what_is_too_long_to_edit_is_left_as_it_is() -> None:
    inputs = [
        node["id"]
        for node in nodes(gallery.holding(HOSTILE["c4_long_text"])["edit-form"])
        if str(node.get("type", "")).startswith("Input.")
    ]
    assert inputs == ["close"]
