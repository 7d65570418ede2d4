"""Buttons: what is packed is what is unpacked, and nothing else is ever understood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards import actions
from cards.actions import (
    ACTIONS,
    AddMember,
    Answer,
    Back,
    Choose,
    Edit,
    Pressing,
    Save,
    Show,
    UnknownAction,
    pack,
    unpack,
)

DEAL = "c5fbb3b6-be74-4795-9fb5-4324c73fed37"

IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
WORDS = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)
PHRASES = st.text(st.characters(codec="utf-8"), max_size=200)
COUNTS = st.integers(0, 10_000)
VALUES: Mapping[str, st.SearchStrategy[object]] = {
    "deal": st.uuids().map(str),
    "proposal": IDS,
    "question": IDS,
    "draft": IDS,
    "registration": IDS,
    "feed": IDS,
    "approval": IDS,
    "move": WORDS,
    "step": WORDS,
    "filter": WORDS,
    "language": WORDS,
    "text": PHRASES,
    "topic": PHRASES,
    "page": COUNTS,
    "choice": COUNTS,
}
EVERY_ACTION = st.one_of(
    [
        st.builds(row.action, **{field.name: VALUES[field.name] for field in fields(row.action)})
        for row in ACTIONS.values()
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(EVERY_ACTION)
def test_what_is_packed_is_unpacked(action: actions.Action) -> None:
    packed = pack(action)
    sent = json.loads(json.dumps(packed))
    assert unpack(sent["verb"], sent["data"]) == Pressing(action, {})
    submitted = {**sent["data"], "verb": sent["verb"]}
    assert unpack(submitted["verb"], submitted) == Pressing(action, {})


def test_the_table_holds_every_action_once() -> None:
    listed = [row.action for row in ACTIONS.values()]
    assert sorted(listed, key=str) == sorted(get_args(actions.Action), key=str)
    assert all(is_dataclass(action) for action in listed)


@settings(max_examples=400)
@given(st.sampled_from(sorted(ACTIONS)) | JSON, JSON | st.dictionaries(st.text(max_size=8), JSON))
def test_b2_whatever_is_sent_is_understood_or_unknown(verb: object, data: object) -> None:
    try:
        pressing = unpack(verb, data)
    except UnknownAction:
        return
    assert isinstance(verb, str)
    assert type(pressing.action) is ACTIONS[verb].action
    assert all(isinstance(value, str) for value in pressing.inputs.values())


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("approve", {"deal": DEAL}),
        (None, {"deal": DEAL}),
        (["show"], {"deal": DEAL}),
        ("show", None),
        ("show", [DEAL]),
        ("show", {}),
        ("show", {"deal": [DEAL]}),
        ("show", {"deal": {"deal": DEAL}}),
        ("show", {"deal": 1042}),
        ("show", {"deal": DEAL + "\n"}),
        ("show", {"deal": DEAL.replace("c", "\u0441", 1)}),
        ("show", {"deal": DEAL, "admin": True}),
        ("show", {"deal": DEAL, "verb": "save"}),
        ("save", {"proposal": "x" * 65}),
        ("save", {"proposal": "../x"}),
        ("save", {"proposal": "a\u200bb"}),
        ("choose", {"question": "q", "choice": True}),
        ("choose", {"question": "q", "choice": -1}),
        ("choose", {"question": "q", "choice": "0"}),
        ("edit", {"deal": DEAL, "value": ["30k"]}),
        ("edit", {"deal": DEAL, "value": {"a": 1}}),
        ("edit", {"deal": DEAL, "value": float("nan")}),
        ("edit", {"deal": DEAL, "value": 10**4000}),
        ("edit", {"deal": DEAL, "notes": "x" * 1_000_000}),
        ("edit", {"deal": DEAL, **{f"a{n}": "x" for n in range(100)}}),
        ("answer", {"draft": "d", "step": "contract", "A b": "x"}),
        ("answer", {"draft": "d", "step": "contract", **{f"a{n}": "x" * 9000 for n in range(9)}}),
        ("list", {"filter": "mine", "text": "x" * 201, "page": 1}),
        ("list", {"filter": "mine", "text": "\ud800", "page": 1}),
    ],
)
def test_b2_hostile_press_is_unknown(verb: object, data: object) -> None:
    with pytest.raises(UnknownAction):
        unpack(verb, data)


def test_inputs_are_text_whatever_a_client_sends() -> None:
    sent = {"deal": DEAL, "value": 30000.0, "close": "2026-03-31", "notes": None, "currency": ""}
    assert unpack("edit", sent) == Pressing(
        Edit(DEAL), {"value": "30000", "close": "2026-03-31", "currency": ""}
    )
    answers = {"draft": "d", "step": "azure", "azure": True, "share": 0.1, "count": 7}
    assert unpack("answer", answers) == Pressing(
        Answer("d", "azure"), {"azure": "true", "share": "0.1", "count": "7"}
    )


def test_inputs_an_action_did_not_ask_for_are_dropped() -> None:
    assert unpack("back", {"draft": "d", "value": "30k"}) == Pressing(Back("d"), {})
    assert unpack("show", {"deal": DEAL, "notes": "typed"}) == Pressing(Show(DEAL), {})


@pytest.mark.parametrize(
    "action", [Show("1042"), Save("a b"), Choose("q", -1), AddMember("x" * 36)]
)
def test_a_button_that_could_not_be_pressed_is_not_made(action: actions.Action) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        pack(action)
