"""What Teams shows of the app in the languages that the bot speaks, a file for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from cards.language import Language, speaking, translated, typed_as
from manifest.command_lists import SCOPES, offered

FOLDER = Path(__file__).resolve().parent
DEFAULT = Language.ENGLISH
"""The language of manifest.json itself."""
TRANSLATED = tuple(language for language in Language if language is not DEFAULT)

Strings = Mapping[str, str]
"""By place in the manifest, such as `name.short` (schema MicrosoftTeams.Localization)."""


def information() -> Mapping[str, object]:
    """`localizationInfo` of the manifest."""
    languages = [{"languageTag": str(each), "file": file_of(each)} for each in TRANSLATED]
    return {"defaultLanguageTag": str(DEFAULT), "additionalLanguages": languages}


def file_of(language: Language) -> str:
    """The name of a language's file, here and in the package."""
    return f"{language}.json"


def strings_of(language: Language) -> Strings:
    """Everything Teams shows, in this language: the app's texts out of the file that lies here, the
    commands out of the bot's own catalogue, so that what is offered is understood."""
    texts: dict[str, str] = json.loads((FOLDER / file_of(language)).read_text("utf-8"))
    with speaking(language):
        return {**texts, **dict(_commands())}


def _commands() -> Iterator[tuple[str, str]]:
    for number, scope in enumerate(SCOPES):
        for index, each in enumerate(offered(scope)):
            place = f"bots[0].commandLists[{number}].commands[{index}]"
            yield f"{place}.title", next(iter(typed_as(each.name)), each.title)
            yield f"{place}.description", translated(each.description)
