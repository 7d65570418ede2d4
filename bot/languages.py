"""The language a conversation is answered in: chosen by a command, else that of who speaks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from bot.desk import Desk, Turn
from bot.lines import LANGUAGE_NAMES
from bot.replies import Reply
from bot.store import languages
from cards.actions import UnknownAction
from cards.choices import AS_IN_TEAMS, language_card
from cards.language import Language, language_of, speaking, spoken
from cards.wording import marked, sentence

LOCALES: Mapping[Language, str] = {
    Language.ENGLISH: "en-US",
    Language.GERMAN: "de-DE",
    Language.FRENCH: "fr-FR",
    Language.SPANISH: "es-ES",
    Language.JAPANESE: "ja-JP",
}
_NOW = marked("From now on I answer here in English.")
_AS_IN_TEAMS = marked("From now on I answer here in the language of each person's Teams.")


def offered() -> Reply:
    """`language`: those there are to choose from."""
    return Reply(card=_offer(spoken()), summary=sentence("In which language shall I answer here?"))


@lru_cache(maxsize=len(Language))
def _offer(_language: Language) -> Mapping[str, object]:
    """It says the same to everybody who speaks the language; nobody changes the card."""
    return language_card(
        (names[0].capitalize(), language.value) for language, names in LANGUAGE_NAMES.items()
    )


def named(code: str) -> Language | None:
    """What a pressed button chooses; None for that of Teams. Raises UnknownAction."""
    if code == AS_IN_TEAMS:
        return None
    if code not in set(Language):
        raise UnknownAction("no such language")
    return Language(code)


async def choose(desk: Desk, turn: Turn, chosen: Language | None) -> Reply:
    """`language deutsch`: this conversation is answered in it from now on; None takes it back."""
    place, now = turn.place, desk.now()
    locale = _locale(turn, chosen) if chosen is not None else None
    async with desk.store.begin() as connection:
        if locale is None:
            await languages.drop(connection, place.tenant, place.channel)
        else:
            await languages.choose(
                connection, place.tenant, place.channel, locale, turn.person.id, now
            )
    desk.languages.note(place, locale, now)
    if locale is None:
        return Reply(text=sentence(_AS_IN_TEAMS))
    with speaking(locale):
        return Reply(text=sentence(_NOW))


def _locale(turn: Turn, chosen: Language) -> str:
    """The person's own kind of that language (`de-AT`), else its usual one."""
    own = turn.reader.locale
    return own if language_of(own) is chosen and "-" in own else LOCALES[chosen]
