"""One turn: somebody says or presses something, and gets one answer, soon and exactly once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace

import structlog

from bot.background import Background
from bot.conversation import (
    Answer,
    Exchanged,
    Installed,
    Person,
    Place,
    PlaceKind,
    Pressed,
    Said,
    SendFailed,
)
from bot.desk import Desk, Turn
from bot.dispatch import Dispatch, shares
from bot.explain import explain
from bot.identity import SignInNeeded, SignInUnavailable
from bot.proposals import not_valid, settle_later
from bot.replies import Reply, Where, post
from bot.sign_in_cards import SignInCards
from bot.store import people, waiting
from bot.store.errors import StoreError
from bot.store.waiting import Waiting
from cards.actions import UnknownAction
from cards.notice import notice_card
from cards.reader import Reader
from cards.wording import words
from partner_center import errors

_log = structlog.get_logger(__name__)
ANSWER_WITHIN = 2.4
"""Seconds until an invoke is answered with "working on it"; Teams waits for three."""


@dataclass(frozen=True, slots=True)
class Press:
    """What is needed to repeat a press after signing in."""

    verb: str
    data: Mapping[str, object]
    message_id: str | None


class Turns:
    """The bot's answer to everything that reaches it."""

    def __init__(
        self, desk: Desk, dispatch: Dispatch, sign_in: SignInCards, background: Background
    ) -> None:
        self._desk = desk
        self._dispatch = dispatch
        self._sign_in = sign_in
        self._background = background

    async def said(self, said: Said) -> None:
        """A typed command."""
        turn = self._turn(said.person, said.place, said.activity_id, said.locale, said.timezone)
        await self._remember(said.person, said.place, said.locale)
        await self._deliver(turn, await self._say(turn, said.text))

    async def pressed(self, pressed: Pressed) -> Answer | None:
        """A pressed button. An invoke is answered in time; what takes longer edits the card."""
        turn = self._turn(
            pressed.person, pressed.place, pressed.activity_id, pressed.locale, pressed.timezone
        )
        turn = replace(turn, pressed=pressed.message_id)
        press = Press(pressed.verb, pressed.data, pressed.message_id)
        if not pressed.invoke:
            await self._deliver(turn, await self._press(turn, press))
            return None
        work = asyncio.create_task(self._press(turn, press))
        done, _late = await asyncio.wait({work}, timeout=ANSWER_WITHIN)
        if done:
            reply = work.result()
            if reply is not None:
                self._background.start(self._share(turn, press, reply), "share a reply")
            return _answer(reply)
        self._background.start(self._finish(turn, work), "finish a press")
        return Answer(card=_WORKING)

    async def exchanged(self, exchanged: Exchanged) -> bool:
        """Single sign-on: after it, what was waiting is carried out."""
        ok = await self._desk.identity.exchange(
            exchanged.person, exchanged.exchange_id, exchanged.connection_name, exchanged.token
        )
        if ok and await self._desk.identity.is_first(exchanged.person, exchanged.exchange_id):
            self._background.start(
                self.signed_in(exchanged.person, exchanged.place), "carry on after sign-in"
            )
        return ok

    async def installed(self, installed: Installed) -> None:
        """The one introduction, in a personal chat or, short, where many read it."""
        if installed.person is not None:
            await self._remember(installed.person, installed.place, installed.locale)
        reader = Reader(installed.locale, None, self._desk.now())
        await self._send(installed.place, self._dispatch.welcome(installed.place, reader), None)

    async def signed_in(self, person: Person, place: Place) -> None:
        """Carry out the command that waited for this sign-in, once; else just greet."""
        async with self._desk.store.begin() as connection:
            waited = await waiting.take(connection, person.tenant, person.id, self._desk.now())
        await self._sign_in.clear(person)
        if waited is None:
            turn = self._turn(person, place, "", "en-US", None)
            await self._deliver(turn, await self._dispatch.signed_in(turn))
            return
        turn = self._turn(person, waited.place, waited.activity_id, waited.locale, waited.timezone)
        await self._carry_out(turn, json.loads(waited.command))

    async def _carry_out(self, turn: Turn, command: Mapping[str, object]) -> None:
        said, verb, data = command.get("say"), command.get("verb"), command.get("data")
        if isinstance(said, str):
            await self._deliver(turn, await self._say(turn, said))
        elif isinstance(verb, str) and isinstance(data, Mapping):
            message_id = command.get("message_id")
            pressed = message_id if isinstance(message_id, str) else None
            turn = replace(turn, pressed=pressed)
            await self._deliver(turn, await self._press(turn, Press(verb, data, pressed)))

    async def _say(self, turn: Turn, text: str) -> Reply | None:
        return await self._answered(turn, self._dispatch.say(turn, text), {"say": text})

    async def _press(self, turn: Turn, press: Press) -> Reply | None:
        command = {"verb": press.verb, "data": dict(press.data), "message_id": press.message_id}
        return await self._answered(
            turn, self._dispatch.press(turn, press.verb, press.data), command
        )

    async def _answered(
        self, turn: Turn, work: Coroutine[None, None, Reply | None], command: Mapping[str, object]
    ) -> Reply | None:
        """The feature's answer, or the answer its error deserves: the one place that catches."""
        try:
            try:
                return await work
            except errors.Unauthorized as error:
                return await self._ask_to_sign_in(turn, self._sign_in.needed(error), command)
            except SignInNeeded as error:
                return await self._ask_to_sign_in(turn, error, command)
        except UnknownAction as error:
            _log.warning("unknown action", person=turn.person.id, reason=str(error))
            return not_valid()
        except (errors.PartnerCenterError, StoreError, SignInUnavailable, SendFailed) as error:
            _log.warning("turn refused", error=type(error).__name__, detail=str(error))
            return explain(error, turn.reader)
        except Exception as error:
            _log.exception("turn failed", person=turn.person.id)
            return explain(error, turn.reader)

    async def _ask_to_sign_in(
        self, turn: Turn, error: SignInNeeded, command: Mapping[str, object]
    ) -> Reply | None:
        """The command waits; the sign-in card goes where only this person can use it."""
        if command.get("say") != SIGN_IN_ITSELF:
            async with self._desk.store.begin() as connection:
                await waiting.put(
                    connection,
                    turn.person.tenant,
                    turn.person.id,
                    Waiting(
                        command=json.dumps(command),
                        place=turn.place,
                        locale=turn.reader.locale,
                        timezone=turn.reader.timezone,
                        activity_id=turn.activity_id,
                        created=self._desk.now(),
                    ),
                )
        return await self._sign_in.show(turn, error)

    async def _finish(self, turn: Turn, work: asyncio.Task[Reply | None]) -> None:
        await self._deliver(turn, await work)

    async def _share(self, turn: Turn, press: Press, reply: Reply) -> None:
        """What an invoke answered only to the one who pressed is put in the message for all."""
        if reply.view:
            return
        if turn.is_personal or (shares(press.verb) and not reply.only_me):
            await self._deliver(turn, reply)
        else:
            self._look_again(turn, reply)

    async def _deliver(self, turn: Turn, reply: Reply | None) -> None:
        if reply is None or (reply.view and not turn.is_personal):
            return
        pressed = None if reply.only_me else turn.pressed
        await self._send(turn.place, reply, pressed)
        self._look_again(turn, reply)

    def _look_again(self, turn: Turn, reply: Reply) -> None:
        if reply.unsettled is not None:
            self._background.start(
                settle_later(self._desk, turn, reply.unsettled), "settle a write"
            )

    async def _send(self, place: Place, reply: Reply, pressed: str | None) -> None:
        try:
            message_id = await post(self._desk.sender, place, reply, pressed=pressed)
        except SendFailed as error:
            _log.warning("reply not sent", error=str(error), conversation=place.conversation_id)
            return
        if reply.shown is not None:
            await reply.shown(message_id)

    async def _remember(self, person: Person, place: Place, locale: str) -> None:
        personal = place.conversation_id if place.kind is PlaceKind.PERSONAL else None
        try:
            async with self._desk.store.begin() as connection:
                await people.remember(
                    connection,
                    person,
                    place.service_url,
                    self._desk.now(),
                    personal_conversation=personal,
                    locale=locale,
                )
        except StoreError as error:
            _log.warning("person not remembered", error=str(error))

    def _turn(
        self, person: Person, place: Place, activity_id: str, locale: str, timezone: str | None
    ) -> Turn:
        return Turn(person, place, Reader(locale, timezone, self._desk.now()), activity_id)


SIGN_IN_ITSELF = "sign in"
"""Asking to sign in is done by signing in; nothing is left to wait for."""

_WORKING = notice_card(
    words("… Working on it"),
    words("Partner Center is taking longer than usual."),
    "",
    words("You need not wait: this card changes when it is done."),
)


def _answer(reply: Reply | None) -> Answer | None:
    if reply is None:
        return None
    if reply.card is not None and reply.where is Where.EDIT:
        return Answer(card=reply.card)
    return Answer(text=reply.text or reply.summary or "Done")
