"""Asking a person to sign in, where nobody else can press the button."""

from __future__ import annotations

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
from bot.replies import Reply, Where
from bot.store import people
from cards.actions import Help
from cards.notice import notice_card
from cards.wording import words
from partner_center import errors

_log = structlog.get_logger(__name__)

_WHY = {
    Reason.SIGNED_OUT: "Sign in to Partner Center, and I carry out what you asked for.",
    Reason.EXPIRED: "Your sign-in has expired. Sign in again, and I carry on where we were.",
    Reason.REVOKED: "Your sign-in was withdrawn or your account is blocked. Sign in again; "
    "if that fails, ask your administrator.",
    Reason.MFA: "Partner Center wants a second factor. Sign in again and confirm with your "
    "phone or key.",
    Reason.CLAIMS: "Your organisation asks for a fresh sign-in before you go on.",
}


class SignInCards:
    """Sends sign-in cards. `exchange_uri` is the app's resource for Teams single sign-on."""

    def __init__(self, desk: Desk, exchange_uri: str) -> None:
        self._desk = desk
        self._exchange_uri = exchange_uri
        self._open: dict[tuple[str, str], tuple[Place, str]] = {}

    def needed(self, error: errors.Unauthorized) -> SignInNeeded:
        """What a 401 of Partner Center asks of the person."""
        match error:
            case errors.MfaRequired():
                return SignInNeeded(Reason.MFA)
            case errors.ClaimsChallenge(claims=claims):
                return SignInNeeded(Reason.CLAIMS, claims)
            case _:
                return SignInNeeded(Reason.EXPIRED)

    async def show(self, turn: Turn, error: SignInNeeded) -> Reply | None:
        """The sign-in card in the personal chat; elsewhere a word that it is there."""
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
            text=_WHY[error.reason],
            button_title="Sign in",
            link=link,
            connection_name=CONNECTION_NAME,
            exchange_id=self._desk.new_id(),
            exchange_uri=self._exchange_uri,
        )
        message = Message(sign_in=card, summary=_WHY[error.reason])
        await self.clear(turn.person)
        shown = await self._desk.sender.send(place, message)
        self._open[turn.person.tenant, turn.person.id] = (place, shown)
        return None if turn.is_personal else _look_there()

    async def clear(self, person: Person) -> None:
        """Take back the last sign-in card of a person: its link is of no more use."""
        place, message_id = self._open.pop((person.tenant, person.id), (None, ""))
        if place is None:
            return
        try:
            await self._desk.sender.delete(place, message_id)
        except SendFailed as error:
            _log.info("sign-in card stays", error=str(error))

    async def _personal(self, turn: Turn) -> Place:
        async with self._desk.store.read() as connection:
            known = await people.find(connection, turn.person.tenant, turn.person.id)
        if known is not None and known.personal_conversation is not None:
            return Place(
                kind=PlaceKind.PERSONAL,
                tenant=turn.place.tenant,
                conversation_id=known.personal_conversation,
                service_url=known.service_url,
                bot_id=turn.place.bot_id,
            )
        return await self._desk.sender.open_personal(
            turn.person.tenant, turn.person.teams_id, turn.place.service_url
        )


def _look_there() -> Reply:
    card = notice_card(
        words("Please sign in first"),
        words("I have sent you a sign-in button in our personal chat."),
        "",
        words("Sign in there, and I carry out here what you asked for."),
    )
    return Reply(card=card, summary="Please sign in first", where=Where.NEW, only_me=True)


def _say_it_yourself() -> Reply:
    card = notice_card(
        words("Please sign in first"),
        words("I could not open a personal chat with you."),
        "",
        words("Add me to your personal chats and say “sign in” there."),
        ((words("Help"), Help()),),
    )
    return Reply(card=card, summary="Please sign in first", where=Where.NEW, only_me=True)
