"""What is said beside the cards can be translated too."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import bot
from bot.commands import COMMANDS
from cards.catalogues import sentences
from cards.reader import Reader
from cards.samples.deals import READER


def test_what_help_tells_of_a_command_can_be_translated() -> None:
    held = {each.source for each in sentences()}
    missing = [
        said
        for spec in COMMANDS
        for said in (spec.name, spec.usage, spec.summary, *spec.examples)
        if said not in held
    ]
    assert not missing


_ANSWERS = {"Reply": ("summary", "text"), "Message": ("summary", "text"), "Answer": ("text",)}
_ASKED = {"Unclear": 2, "Ask": 1, "Choice": 1, "BadFilter": 2}


def test_no_answer_is_written_out_in_english() -> None:
    """A string in an answer comes out of `sentence` or a card; a literal is never translated."""
    found: list[str] = []
    for path in sorted(Path(bot.__file__ or "").parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            name = node.func.id
            parts = [part.value for part in node.keywords if part.arg in _ANSWERS.get(name, ())]
            parts += node.args[: _ASKED.get(name, 0)]
            found += [f"{path.name}:{part.lineno}" for part in parts if _is_english(part)]
    assert not found


def _is_english(part: ast.expr) -> bool:
    pieces = part.values if isinstance(part, ast.JoinedStr) else [part]
    return any(
        isinstance(piece, ast.Constant)
        and isinstance(piece.value, str)
        and re.search(r"[A-Za-z]", piece.value) is not None
        for piece in pieces
    )


def test_numbers_and_days_are_written_in_the_language_of_the_words() -> None:
    """A locale we do not speak is answered in English, its days and numbers too."""
    day = READER.date(READER.now)
    assert Reader("pt-BR", READER.timezone, READER.now).date(READER.now) == day
    assert Reader("zh-CN", READER.timezone, READER.now).date(READER.now) == day
    assert Reader("de-AT", READER.timezone, READER.now).date(READER.now) != day
