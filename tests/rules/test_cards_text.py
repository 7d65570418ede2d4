"""Outside text on cards: a person reads exactly what it says, and nothing of it acts."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards import wording
from cards.wording import Text, counted, is_longer, passage, text, words

ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
ACTIVE = re.compile(r"[*_`~\[\]<>&{}|]")
BLOCK = re.compile(r"(?:#{1,6}|[-+]|\d{1,9}[.)])(?:\s|$)|[-=]+$")


def rendered(markdown: str) -> str:
    """What CommonMark makes of backslash escapes (spec 2.4), when nothing else is active."""
    unescaped = ESCAPE.sub("", markdown)
    assert not ACTIVE.search(unescaped), f"active Markdown in {markdown!r}"
    assert "\\" not in unescaped
    for line in markdown.split("\n\n"):
        assert not BLOCK.match(line), f"block syntax in {line!r}"
    return ESCAPE.sub(r"\1", markdown)


PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
HARMLESS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=150
).filter(lambda value: "&" not in value)


@given(HARMLESS)
def test_c1_rendered_text_is_the_input(value: str) -> None:
    shown = text(value)
    assert rendered(shown.markdown) == shown.plain
    blank = set("\u2800\u115f\u1160\u3164\uffa0\u034f")
    if not blank & set(value):
        assert shown.plain == value


@given(st.text(max_size=400))
def test_c1_any_text_is_inert(value: str) -> None:
    assert rendered(text(value).markdown) == text(value).plain
    assert rendered(passage(value).markdown).replace("\n\n", "\n") == passage(value).plain


@given(st.text(max_size=400))
def test_c3_nothing_invisible_remains(value: str) -> None:
    for character in text(value).plain:
        if character not in "\u200c\u200d":
            assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    assert "\n" not in text(value).plain
    text(value).plain.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "markdown"),
    [
        ("[Approve here](https://evil.example)", r"\[Approve here\](https://evil.example)"),
        ("**bold** and _slanted_", r"\*\*bold\*\* and \_slanted\_"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. first", r"1\. first"),
        ("![x](https://evil.example/a.png)", r"!\[x\](https://evil.example/a.png)"),
        ("<https://evil.example>", r"\<https://evil.example\>"),
        ("a | b", r"a \| b"),
        ("`code` ~~gone~~", r"\`code\` \~\~gone\~\~"),
        ("back\\slash", r"back\\slash"),
        ("#1042", "#1042"),
        ("+1 425 555 0100", "+1 425 555 0100"),
    ],
)
def test_c1_markdown_is_shown_literally(value: str, markdown: str) -> None:
    assert text(value) == Text(value, markdown)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("<at>Boss</at>", "<at>Boss</at>"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Smith &amp; Sons", "Smith & Sons"),
        ("&lt;at&gt;Boss&lt;/at&gt;", "<at>Boss</at>"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("&#x202E;", "(U+202E)"),
        ("R&D, AT&T, &notanentity", "R&D, AT&T, &notanentity"),
    ],
)
def test_c2_tags_are_literal_and_entities_decoded_once(value: str, plain: str) -> None:
    shown = text(value)
    assert shown.plain == plain
    assert rendered(shown.markdown) == plain
    assert "<at>" not in shown.markdown


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("Fabrikam\n✅ Approved by CFO", "Fabrikam ↵ ✅ Approved by CFO"),
        ("a\u202etxt.exe", "a(U+202E)txt.exe"),
        ("zero\u200bwidth\ufeff", "zero(U+200B)width(U+FEFF)"),
        ("bell\x07", "bell(U+0007)"),
        ("lone\ud800", "lone(U+D800)"),
        ("blank\u3164", "blank(U+3164)"),
        ("e" + "\u0301" * 200, "e" + "\u0301" * 4),
        ("👩\u200d💻 ❤\ufe0f", "👩\u200d💻 ❤\ufe0f"),
        (PERSIAN, PERSIAN),
        ("a\u200db", "a(U+200D)b"),
        ("  two   spaces\t", "two spaces"),
    ],
)
def test_c3_hidden_characters_are_shown(value: str, plain: str) -> None:
    assert text(value).plain == plain


@pytest.mark.parametrize("value", ["${name}", "{{DATE(2026-01-01)}}", "{value}", "{0}", "{{x}}"])
def test_c6_templates_are_literal(value: str) -> None:
    assert text(value).plain == value
    assert words("Deal {name}", name=value).plain == f"Deal {value}"
    assert "{{" not in text(value).markdown


def test_c4_long_text_is_cut_and_said_to_be() -> None:
    long = "word " * 30_000
    assert len(text(long).plain) <= 200
    assert text(long).plain.endswith("…")
    assert len(passage(long).plain) <= 600
    assert is_longer(long)
    assert not is_longer("short\nnote")
    lines = passage("\n".join(map(str, range(100))), lines=5).plain
    assert lines.split("\n")[-1] == "4 …"


def test_words_escape_what_they_are_given_and_count() -> None:
    assert words("*{a}*", a="_b_") == Text("*_b_*", r"\*\_b\_\*")
    assert counted("{count} day", "{count} days", 1).plain == "1 day"
    assert counted("{count} day", "{count} days", 2).plain == "2 days"


LETTERS = st.sampled_from("aü „“–…●✔■→€日本語カナ゙\u0301\u200d\u00ad\u2800\u3000 \u00a0")


@given(st.text(max_size=40) | st.text(LETTERS))
def test_c3_the_short_way_to_harmless_text_ends_where_the_long_one_does(row: str) -> None:
    assert wording._visible(row) == wording._inspected(row)
