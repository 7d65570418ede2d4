"""Takes the bot's own mention off a message, in one pass over a bounded text."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_TEXT = 4096
_MAX_READ = 4 * MAX_TEXT
_TAG = re.compile(r"<at(?:\s[^<>]{0,128})?>([^<>]{0,256})</at>")
_STRAY = re.compile(r"</?at(?:\s[^<>]{0,128})?>")
_MARKUP = re.compile(r"&(?:nbsp|lt|gt|quot|amp|#39);")
_MEANING = {"&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&", "&#39;": "'"}
_EDGES = " \t\r\n\u00a0\u200b\ufeff"


def spoken(text: str | None, entities: Iterable[object], bot_ids: frozenset[str], name: str) -> str:
    """What was said to the bot: at most 4096 characters, without its leading mentions.

    A mention in two parts is two tags. When none leads, one that ends the text is taken off.
    Mentions of others stay as their names.
    """
    names = _names(entities, bot_ids) | ({name.casefold()} if name else set())
    rest = (text or "")[:_MAX_READ].replace("&nbsp;", " ").strip(_EDGES)
    whole = rest
    while (tag := _TAG.match(rest)) and _inside(tag) in names:
        rest = rest[tag.end() :].strip(_EDGES)
    if rest is whole:
        rest = _without_last(rest, names)
    plain = _MARKUP.sub(lambda entity: _MEANING[entity.group()], _STRAY.sub("", rest))
    return plain.replace("\u00a0", " ").strip(_EDGES)[:MAX_TEXT]


def _without_last(text: str, names: set[str]) -> str:
    start = text.rfind("<at")
    tag = _TAG.fullmatch(text, start) if start > 0 else None
    return text[:start] if tag is not None and _inside(tag) in names else text


def _inside(tag: re.Match[str]) -> str:
    return tag[1].strip(_EDGES).casefold()


def _names(entities: Iterable[object], bot_ids: frozenset[str]) -> set[str]:
    found = set()
    for entity in entities:
        match entity:
            case {"mentioned": {"id": str(who)}, "text": str(text)} if who in bot_ids:
                tag = _TAG.fullmatch(text.strip(_EDGES)) if len(text) <= _MAX_READ else None
                found.add(_inside(tag) if tag else text[:256].strip(_EDGES).casefold())
            case {"mentioned": {"id": str(who), "name": str(called)}} if who in bot_ids:
                found.add(called[:256].strip(_EDGES).casefold())
            case _:
                continue
    return found - {""}
