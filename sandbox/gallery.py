"""`python app.py cards`: every card as JSON and as pictures in `out/cards/`, beside each other."""

from __future__ import annotations

import argparse
import fnmatch
import html
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sandbox.browser import NoBrowser
from sandbox.drawing import THEMES, WIDTHS, Cards, DrawingRoom, Found, Look

OUT = Path("out/cards")
INDEX = Path(__file__).resolve().parent / "page" / "gallery" / "index.html"
_CARDS_AT_ONCE = 24
"""A longer page takes longer for each picture of it."""

Samples = Mapping[str, Callable[[], Cards]]
"""By language, what makes every card by name in it."""
Say = Callable[[str], None]


async def run(samples: Samples, words: Sequence[str], say: Say) -> int:
    """Draw what `words` ask for and say what breaks a rule. 1 when something does; 2: nothing was
    drawn, and why."""
    try:
        asked = _parser(samples).parse_args(words)
    except SystemExit as ended:
        return int(ended.code or 0)
    languages = asked.language or list(samples)
    cards = {language: _chosen(samples[language](), asked.names) for language in languages}
    if not any(cards.values()):
        say(f"No card is called {' or '.join(asked.names)}.")
        return 2
    looks = [
        Look(width, theme, language)
        for language in languages
        for theme in asked.theme or THEMES
        for width in asked.width or WIDTHS
    ]
    try:
        began = time.monotonic()
        found = await draw(cards, looks, asked.out)
    except NoBrowser as problem:
        say(f"Nothing was drawn: {problem}")
        return 2
    for line in dict.fromkeys(_said(found)):
        say(line)
    count = sum(len(cards[look.language]) for look in looks)
    seconds = time.monotonic() - began
    say(f"{asked.out / 'index.html'}: {count} pictures in {seconds:.0f} s")
    return 1 if found else 0


async def draw(cards: Mapping[str, Cards], looks: Sequence[Look], out: Path) -> dict[Look, Found]:
    """Write the JSON of these cards (by language), their pictures and the index below `out`.

    Returns what breaks the rules. Raises NoBrowser.
    """
    found: dict[Look, Found] = {}
    for language, made in cards.items():
        (out / language).mkdir(parents=True, exist_ok=True)
        for name, card in made.items():
            written = json.dumps(card, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
            (out / language / f"{name}.json").write_text(written, encoding="utf-8")
    async with DrawingRoom() as room:
        for look in looks:
            problems = await _look_at(room, cards[look.language], look, out)
            if problems:
                found[look] = problems
    (out / "index.html").write_text(_index(cards, looks, found), encoding="utf-8")
    return found


async def _look_at(room: DrawingRoom, cards: Cards, look: Look, out: Path) -> Found:
    found: Found = {}
    names = list(cards)
    for start in range(0, len(names), _CARDS_AT_ONCE):
        some = {name: cards[name] for name in names[start : start + _CARDS_AT_ONCE]}
        await room.hang(some, look)
        found |= await room.problems()
        async for name, png in room.pictures():
            (out / picture(name, look)).write_bytes(png)
    return found


def picture(name: str, look: Look) -> str:
    """Where a picture lies below the folder of the gallery."""
    return f"{look.language}/{name}-{look.width}-{look.theme}.png"


def _parser(samples: Samples) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python app.py cards", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as deal-new or 'step-*'")
    for name, choices, kind in (
        ("language", list(samples), str),
        ("theme", THEMES, str),
        ("width", WIDTHS, int),
    ):
        parser.add_argument(
            f"--{name}", action="append", type=kind, choices=choices, help="may be said again"
        )
    parser.add_argument("--out", type=Path, default=OUT, help=f"the folder ({OUT})")
    return parser


def _chosen(cards: Cards, patterns: Sequence[str]) -> Cards:
    if not patterns:
        return cards
    return {
        name: card
        for name, card in cards.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }


def _said(found: Mapping[Look, Found]) -> Iterator[str]:
    for look, cards in found.items():
        for name, problems in cards.items():
            for problem in problems:
                yield f"{picture(name, look).removesuffix('.png')}: {problem}"


def _index(cards: Mapping[str, Cards], looks: Sequence[Look], found: Mapping[Look, Found]) -> str:
    """The page that shows each card's pictures beside each other."""
    hung: dict[str, list[Look]] = defaultdict(list)
    for look in looks:
        for name in cards[look.language]:
            hung[name].append(look)
    rows = "\n".join(
        f'<section id="{html.escape(name)}"><h2>{html.escape(name)}</h2><div class="wall">'
        + "".join(_frame(name, look, found.get(look, {}).get(name, ())) for look in seen)
        + "</div></section>"
        for name, seen in hung.items()
    )
    page = INDEX.read_text("utf-8")
    return page.replace("<!-- cards -->", rows)


def _frame(name: str, look: Look, problems: Sequence[str]) -> str:
    said = "".join(f"<li>{html.escape(problem)}</li>" for problem in problems)
    return (
        f'<figure data-language="{look.language}" data-theme="{look.theme}"'
        f' data-width="{look.width}"><img loading="lazy" width="{look.width}"'
        f' src="{html.escape(picture(name, look))}" alt="{html.escape(name)}">'
        f"<figcaption>{look.width} · {look.theme} · {look.language} ·"
        f' <a href="{look.language}/{html.escape(name)}.json">JSON</a></figcaption>'
        f"{f'<ul>{said}</ul>' if said else ''}</figure>"
    )
