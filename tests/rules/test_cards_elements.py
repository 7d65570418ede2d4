"""The parts of a card: exact, built once, and closed to outside text that was not made harmless."""

from __future__ import annotations

import json
import re
from typing import cast

import pytest

from cards import buttons, charts, elements, inputs, pieces, signs
from cards.actions import RefreshApproval, Show
from cards.elements import (
    Choice,
    Mention,
    Piece,
    Refresh,
    Text,
    button,
    card,
    choice_input,
    container,
    date_input,
    fact,
    facts,
    heading,
    link,
    paragraph,
    table,
    text,
    text_input,
    toggle,
    toggle_input,
    with_line_on_top,
    words,
)
from cards.pieces import TextBlock

DEAL = "c5fbb3b6-be74-4795-9fb5-4324c73fed37"
HELLO = words("Hello")


@pytest.mark.parametrize(
    "kind",
    dict.fromkeys(
        kind
        for module in (pieces, inputs, buttons, signs, charts)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Piece)
    ),
)
def test_unknown_properties_are_refused(kind: type[Piece]) -> None:
    with pytest.raises(TypeError, match="is_subtle"):
        kind(is_subtle=True)


def test_unknown_keywords_of_builders_are_refused() -> None:
    with pytest.raises(TypeError):
        paragraph(HELLO, is_subtle=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("make", [paragraph, heading, lambda said: facts([fact(said, said)])])
def test_plain_strings_reach_no_text(make: object) -> None:
    with pytest.raises((TypeError, AttributeError)):
        make("hello")  # type: ignore[operator]


def test_a_piece_is_built_once() -> None:
    built = paragraph(HELLO)
    with pytest.raises(AttributeError, match="cannot change"):
        built.text = words("Bye")
    with pytest.raises(AttributeError, match="cannot change"):
        built.set_data("size", "large")


def test_a_card_is_a_plain_dict_all_the_way_down() -> None:
    made = card(
        [container([paragraph(HELLO)], tap=button(HELLO, Show(DEAL)))],
        [button(HELLO, Show(DEAL), primary=True)],
        summary=HELLO,
    )
    assert json.loads(json.dumps(made)) == made
    assert made["version"] == "1.5"
    assert made["speak"] == made["fallbackText"] == "Hello"
    assert made["msteams"] == {"width": "Full"}
    body = cast("list[dict[str, object]]", made["body"])
    assert [part["type"] for part in body] == ["Container"]


def test_every_text_wraps() -> None:
    made = card([paragraph(HELLO), heading(HELLO)], summary=HELLO)
    assert all(part["wrap"] is True for part in cast("list[dict[str, object]]", made["body"]))


def test_a_press_falls_back_to_submit_with_its_verb() -> None:
    made = card([], [button(HELLO, Show(DEAL), inputs=True)], summary=HELLO)
    (execute,) = cast("list[dict[str, object]]", made["actions"])
    fallback = cast("dict[str, object]", execute["fallback"])
    assert (execute["type"], execute["verb"]) == ("Action.Execute", "show")
    assert execute["data"] == {"deal": DEAL}
    assert fallback["type"] == "Action.Submit"
    assert fallback["data"] == {"deal": DEAL, "verb": "show"}
    assert execute["associatedInputs"] == fallback["associatedInputs"] == "auto"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,hi",
        "http://partner.microsoft.com/",
        "https://evil.example/",
        "https://partner.microsoft.com.evil.example/",
        "https://evil.example/partner.microsoft.com",
        "https://partner.microsoft.com@evil.example/",
        "https://user@partner.microsoft.com/",
        "https://partner.microsoft.com:8443/",
        "https://partner.microsoft.com:x/",
        "https://partner.microsoft.com\\@evil.example/",
        "https://p\u0430rtner.microsoft.com/",
        "https://partner.microsoft.com/\u202e",
        "//partner.microsoft.com/",
        "https://[::1/",
        "",
    ],
)
def test_c5_other_addresses_make_no_button(url: str) -> None:
    assert link(HELLO, url) is None


def test_c5_partner_center_makes_a_button() -> None:
    made = link(HELLO, "https://partner.microsoft.com/dashboard/home")
    assert card([], [made, None], summary=HELLO)["actions"] == [
        {
            "type": "Action.OpenUrl",
            "title": "Hello",
            "url": "https://partner.microsoft.com/dashboard/home",
        }
    ]


def test_inputs_have_labels_and_say_what_is_missing() -> None:
    inputs = [
        text_input("a", HELLO, required=words("Say it.")),
        date_input("b", HELLO),
        choice_input("c", HELLO, [Choice("x", text("*x*"))]),
        toggle_input("d", HELLO, HELLO),
    ]
    made = cast("list[dict[str, object]]", card(inputs, summary=HELLO)["body"])
    assert [part["label"] for part in made] == ["Hello"] * 4
    assert (made[0]["isRequired"], made[0]["errorMessage"]) == (True, "Say it.")
    assert made[2]["choices"] == [{"title": "*x*", "value": "x"}]
    assert made[3]["value"] == "false"


def test_prefilled_values_stay_as_they_are() -> None:
    value = "**notes** &amp; {{DATE()}}\nnext line"
    made = card([text_input("a", HELLO, value=value + "\ud800")], summary=HELLO)
    (field,) = cast("list[dict[str, object]]", made["body"])
    assert field["value"] == value + "\ufffd"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Close date", "Close\u00a0date"),
        ("Valor de la oportunidad", "Valor de la oportunidad"),
        ("国", "国"),
        ("依頼者", "依\u2060頼\u2060者"),
        ("Azure で動作", "Azure\u00a0で\u2060動\u2060作"),
        ("ソリューションの金額合計", "ソリューションの金額合計"),
    ],
)
def test_a_short_title_of_a_fact_stays_on_one_line(title: str, shown: str) -> None:
    made = fact(text(title), HELLO).title
    assert (made.plain, made.markdown) == (shown, shown)


def test_a_fact_with_an_endless_word_stands_below_its_title() -> None:
    lines = [fact(HELLO, HELLO), fact(HELLO, text("x" * 60)), fact(HELLO, HELLO)]
    (block,) = cast("list[dict[str, object]]", card([facts(lines)], summary=HELLO)["body"])
    kinds = [part["type"] for part in cast("list[dict[str, object]]", block["items"])]
    assert kinds == ["FactSet", "TextBlock", "TextBlock"]
    assert len(cast("list[dict[str, list[object]]]", block["items"])[0]["facts"]) == 2


def test_no_fact_stands_beside_its_title_alone_among_others_below_theirs() -> None:
    lines = [fact(HELLO, text("x" * 60)), fact(HELLO, HELLO)]
    (block,) = cast("list[dict[str, object]]", card([facts(lines)], summary=HELLO)["body"])
    kinds = [part["type"] for part in cast("list[dict[str, object]]", block["items"])]
    assert kinds == ["TextBlock"] * 4


def test_c4_a_card_that_would_be_too_big_is_shortened() -> None:
    made = card([paragraph(text("x" * 199)) for _ in range(500)], summary=HELLO)
    assert len(json.dumps(made)) <= elements.MOST_BYTES
    last = cast("list[dict[str, str]]", made["body"])[-1]
    assert last["text"].startswith("Shortened")


def test_c4_a_line_on_top_makes_no_card_too_big() -> None:
    line = text("y" * 150)
    small = card([paragraph(HELLO)], summary=HELLO)
    full = card([paragraph(text("x" * 199)) for _ in range(500)], summary=HELLO)
    assert len(json.dumps(full)) > elements.MOST_BYTES - 150, "without room for the line"
    for whole in (small, full):
        made = with_line_on_top(whole, line)
        assert len(json.dumps(made)) <= elements.MOST_BYTES
        first, *rest = cast("list[dict[str, str]]", made["body"])
        held = cast("list[dict[str, str]]", whole["body"])
        assert first["text"] == line.plain
        assert rest[-1] == held[-1], "what was shortened says so"
        assert (rest == held) is (whole is small)


def test_toggle_names_its_targets() -> None:
    made = card([], [toggle(HELLO, "more")], summary=HELLO)
    (action,) = cast("list[dict[str, object]]", made["actions"])
    assert action["targetElements"] == ["more"]


def test_text_is_only_made_by_its_makers() -> None:
    assert Text("a", "a") == text("a")


@pytest.mark.parametrize(
    "name", ["Dana Whitfield", "**Dana** <at>Boss</at>", "[x](https://evil.example)", "_#`", ""]
)
def test_a_mention_names_one_person_and_nothing_else(name: str) -> None:
    person = Mention("29:dana", name)
    said = words("{who} may approve.", who=person.said)
    made = card([paragraph(said)], summary=HELLO, mentions=[person])
    (entity,) = cast("dict[str, list[dict[str, object]]]", made["msteams"])["entities"]
    (block,) = cast("list[dict[str, str]]", made["body"])
    assert block["text"].startswith(str(entity["text"]))
    assert block["text"].count("<at>") == 1
    assert not re.search(r"[*_`\[\]#]", block["text"])
    assert entity["mentioned"] == {"id": "29:dana", "name": person.said.plain}


def test_a_part_may_need_a_width_or_a_client_and_say_what_stands_instead() -> None:
    part = TextBlock(
        text=HELLO,
        target_width="atLeast:standard",
        requires={"adaptiveCards": "1.5"},
        fallback=paragraph(words("Less")),
    )
    (made,) = cast("list[dict[str, object]]", card([part], summary=HELLO)["body"])
    assert (made["targetWidth"], made["requires"]) == ("atLeast:standard", {"adaptiveCards": "1.5"})
    assert cast("dict[str, object]", made["fallback"])["text"] == "Less"


def test_a_table_has_a_cell_for_each_column() -> None:
    made = card([table((HELLO, HELLO), [(HELLO, words("5"))])], summary=HELLO)
    (drawn,) = cast("list[dict[str, list[dict[str, list[object]]]]]", made["body"])
    assert [len(row["cells"]) for row in drawn["rows"]] == [len(drawn["columns"])] * 2


def test_sixty_people_refresh_a_card_by_themselves_and_each_is_named_once() -> None:
    people = [f"29:{number}" for number in range(100)]
    made = card([], summary=HELLO, refresh=Refresh(RefreshApproval("a" * 32), people * 2))
    refresh = cast("dict[str, object]", made["refresh"])
    assert refresh["userIds"] == people[:60]
    assert cast("dict[str, object]", refresh["action"])["verb"] == "refresh_approval"
    assert "refresh" not in card([], summary=HELLO)
