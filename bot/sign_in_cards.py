"""Asking a person to sign in, where nobody else can press the button."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.conversation import (
    CONNECTION_NAME,
    Message,
    Person,
    Place,
    PlaceKind,
    SendFailed,
    SignInCard,
)
from bot.desk import Desk, Turn
from bot.identity import Reason, SignInNeeded
from bot.recent import Recent
from bot.replies import Reply, Row, Stand, Where
from bot.store import outbox, people
from bot.store.connection import AsyncConnection
from bot.stored_messages import written
from cards.actions import Help
from cards.notice import line_card, notice_card
from cards.wording import Text, marked, sentence, words
from partner_center import errors

_log = structlog.get_logger(__name__)

_MOST_DONE = 1000
_DONE_FOR = timedelta(hours=24)
"""As long as a line is owed that Teams did not take."""
_DONE = words("✔ Signed in to Partner Center")
_NEWER = words("↓ There is a newer sign-in button below")
_FIRST = marked("Sign in to Partner Center with the account you use in Teams.")
_WHY = {
    Reason.SIGNED_OUT: marked("Sign in to Partner Center, and I carry out what you asked for."),
    Reason.EXPIRED: marked(
        "Your sign-in has expired. Sign in again, and I carry on where we were."
    ),
    Reason.REVOKED: marked(
        "Your sign-in was withdrawn or your account is blocked. Sign in again; "
        "if that fails, ask your administrator."
    ),
    Reason.MFA: marked(
        "Partner Center wants a second factor. Sign in again and confirm with your phone or key."
    ),
    Reason.CLAIMS: marked("Your organisation asks for a fresh sign-in before you go on."),
}


class SignInCards:
    """Sends sign-in cards. `exchange_uri` is the app's resource for Teams single sign-on."""

    def __init__(self, desk: Desk, exchange_uri: str) -> None:
        self._desk = desk
        self._exchange_uri = exchange_uri
        self._open: dict[tuple[str, str], list[tuple[Place, str]]] = {}
        self._done: Recent[tuple[str, str], Message] = Recent(_MOST_DONE, _DONE_FOR, desk.now)

    def needed(self, error: errors.Unauthorized) -> SignInNeeded:
        """What a 401 of Partner Center asks of the person."""
        match error:
            case errors.MfaRequired():
                return SignInNeeded(Reason.MFA)
            case errors.ClaimsChallenge(claims=claims):
                return SignInNeeded(Reason.CLAIMS, claims)
            case _:
                return SignInNeeded(Reason.EXPIRED)

    async def show(self, turn: Turn, error: SignInNeeded, *, waits: bool) -> Reply | None:
        """The sign-in card in the personal chat; elsewhere a word that it is there.

        `waits`: a command is carried out after the sign-in.
        """
        asked = waits or error.reason is not Reason.SIGNED_OUT
        source = _WHY[error.reason] if asked else _FIRST
        why = sentence(source)
        place = turn.place
        if place.kind is not PlaceKind.PERSONAL:
            try:
                place = await self._personal(turn)
            except SendFailed as failure:
                _log.info("no personal chat", error=str(failure))
                return _say_it_yourself()
        link = await self._desk.identity.sign_in_link(
            turn.person, place, reason=error.reason, claims=error.claims
        )
        card = SignInCard(
            text=why,
            button_title=sentence("Sign in"),
            link=link,
            connection_name=CONNECTION_NAME,
            exchange_id=self._desk.new_id(),
            exchange_uri=self._exchange_uri,
        )
        await self._retire(turn.person, _NEWER)
        try:
            shown = await self._desk.sender.send(place, Message(sign_in=card, summary=why))
        except SendFailed as failure:
            if turn.is_personal:
                raise
            _log.info("no way into the personal chat", error=str(failure))
            return _say_it_yourself()
        self._open[turn.person.tenant, turn.person.id] = [(place, shown)]
        self._done.drop((turn.person.tenant, turn.person.id))
        return None if turn.is_personal else self._look_there(turn)

    async def signed_in(self, person: Person) -> None:
        """Tell on the cards that asked this person to sign in that it is done."""
        message = Message(card=line_card(_DONE), summary=_DONE.plain)
        self._done.put((person.tenant, person.id), message)
        await self._retire(person, _DONE)

    async def asks_late(
        self, connection: AsyncConnection, place: Place, person: str, message_id: str
    ) -> None:
        """A line that Teams did not take at once asks this person now: it is of no more use when
        they have signed in meanwhile."""
        key = place.tenant, person
        done = self._done.get(key)
        if done is not None:
            await outbox.put(
                connection, place, written(done), self._desk.now(), target_message=message_id
            )
        elif key in self._open:
            self._open[key].append((place, message_id))

    async def _retire(self, person: Person, words_now: Text) -> None:
        """The cards whose link is of no more use become a line that says so."""
        message = Message(card=line_card(words_now), summary=words_now.plain)
        for place, message_id in self._open.pop((person.tenant, person.id), []):
            try:
                await self._desk.sender.update(place, message_id, message)
            except SendFailed as error:
                _log.info("sign-in card stays", error=str(error))

    def _look_there(self, turn: Turn) -> Reply:
        """For a group or channel, where the button itself must not be."""

        async def remember(message_id: str) -> None:
            key = turn.person.tenant, turn.person.id
            self._open.setdefault(key, []).append((turn.place, message_id))

        card = notice_card(
            words("{name}, please sign in first", name=turn.person.name),
            words("I have sent you a sign-in button in our personal chat."),
            "",
            words("Sign in there, and I carry out here what you asked for."),
        )
        return Reply(
            card=card,
            summary=sentence("Please sign in first"),
            where=Where.NEW,
            stands=Stand(Row.SIGN_IN, turn.person.id),
            shown=remember,
        )

    async def _personal(self, turn: Turn) -> Place:
        async with self._desk.store.read() as connection:
            known = await people.find(connection, turn.person.tenant, turn.person.id)
        personal = known.personal(turn.place.bot_id) if known is not None else None
        return personal or await self._desk.sender.open_personal(
            turn.person.tenant, turn.person.teams_id, turn.place.service_url
        )


def _say_it_yourself() -> Reply:
    card = notice_card(
        words("Please sign in first"),
        words("I could not open a personal chat with you."),
        "",
        words("Add me to your personal chats and say “sign in” there."),
        ((words("Help"), Help()),),
    )
    return Reply(card=card, summary=sentence("Please sign in first"), where=Where.NEW, only_me=True)
