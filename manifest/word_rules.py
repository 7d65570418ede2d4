"""What an app may call itself and its commands, and say of itself, in every language.

Source: Teams store validation guidelines (names, descriptions, commands of bots).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from manifest.document import at, items, strings

MOST_WORDS = 500
_OTHERS_NAMES = re.compile(r"\b(microsoft|teams|azure|office|outlook)\b", re.IGNORECASE)
_MAY_END_IN = " for Microsoft Teams"
_RIVALS = re.compile(r"\b(slack|discord|whatsapp|telegram|webex|google chat)\b", re.IGNORECASE)
_UNFINISHED = re.compile(r"\b(alpha|beta|preview|test|dev|debug|draft|todo|tbd)\b", re.IGNORECASE)
_BOASTS = re.compile(r"\b(best|leading|top|number one)\b|#1\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{\w*\}\}|lorem ipsum", re.IGNORECASE)


def word_problems(manifest: object) -> Iterator[str]:
    """What is wrong with the words of a manifest, a sentence each."""
    for place, value in strings(manifest, ""):
        if _PLACEHOLDER.search(value):
            yield f"{place} was not filled in"
        if not value.strip():
            yield f"{place} is blank"
        if found := _RIVALS.search(value):
            yield f"{place} names {found[0]}, another place to chat"
    yield from _name_problems(manifest)
    yield from _description_problems(manifest)
    for number, listed in enumerate(items(at(manifest, "bots", 0, "commandLists"))):
        yield from _command_problems(listed, f"commandLists[{number}]")


def _name_problems(manifest: object) -> Iterator[str]:
    for place, value in strings(at(manifest, "name"), "name"):
        if _OTHERS_NAMES.search(value.removesuffix(_MAY_END_IN)):
            yield f"{place} uses the name of a product of Microsoft"
        if found := _UNFINISHED.search(value):
            yield f"{place} calls the app {found[0]!r}, as if it were not finished"
        if value != value.strip() or re.search(r"\s\s", value):
            yield f"{place} has blanks too many"


def _description_problems(manifest: object) -> Iterator[str]:
    short = str(at(manifest, "description", "short"))
    full = str(at(manifest, "description", "full"))
    names = {value.casefold() for _, value in strings(at(manifest, "name"), "name")}
    if short.casefold().rstrip(".") in names:
        yield "description.short only repeats the name"
    if full.casefold() == short.casefold() or full.casefold() in names:
        yield "description.full says no more than description.short"
    if len(full.split()) > MOST_WORDS:
        yield f"description.full has more than {MOST_WORDS} words"
    for place, value in strings(at(manifest, "description"), "description"):
        if found := _BOASTS.search(value):
            yield f"{place} boasts: {found[0]!r}"


def _command_problems(listed: object, place: str) -> Iterator[str]:
    commands = items(at(listed, "commands"))
    titles = [str(at(each, "title")) for each in commands]
    if not commands:
        yield f"{place} has no command"
    for title in sorted({title for title in titles if _same(titles, title) > 1}):
        yield f"{place} has the command {title!r} twice"
    for title in titles:
        if not title[:1].isalnum() or title != title.strip():
            yield f"{place}: the command {title!r} must begin with a letter or a digit"
    for each in commands:
        if str(at(each, "description")).casefold().rstrip(".") == str(at(each, "title")).casefold():
            yield f"{place}: the command {at(each, 'title')!r} is not described"


def _same(titles: Sequence[str], title: str) -> int:
    return sum(each.casefold() == title.casefold() for each in titles)
