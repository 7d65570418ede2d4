"""One turn: somebody says or presses something, and gets one answer, soon and exactly once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.answering import Latest
from bot.background import Background
from bot.command import Approvals, Drafts, Help, Languages, ListDeals, Subscriptions, WhoAmI
from bot.commands import parse
from bot.conversation import (
    Answer,
    Exchanged,
    Installed,
    Message,
    Person,
    Place,
    Pressed,
    Said,
    SendFailed,
    SendFailure,
)
from bot.desk import Desk, Turn
from bot.dispatch import Dispatch, shares
from bot.explain import explain, in_words
from bot.identity import SignInNeeded, SignInUnavailable
from bot.met import Met
from bot.outbox import SETTLE, written
from bot.proposals import not_valid
from bot.recovery import settle_later
from bot.replies import Left, Reply, Where, post
from bot.sign_in_cards import SignInCards
from bot.standing import remember_now
from bot.store import outbox as outbox_rows
from bot.store import people, waiting
from bot.store.connection import AsyncConnection
from bot.store.errors import StoreError
from bot.store.waiting import Waiting
from cards import actions
from cards.actions import UnknownAction
from cards.language import speaking
from cards.notice import notice_card
from cards.reader import Reader
from cards.wording import marked, sentence, words
from partner_center import errors

_log = structlog.get_logger(__name__)
ANSWER_WITHIN = 2.4
"""Seconds until an invoke is answered with "working on it"; Teams waits for three."""
OWN_WITHIN = 0.4
"""Seconds that an answer which is somebody's own view waits for the edit of everybody's card: an
edit that came after it would take its place."""


@dataclass(frozen=True, slots=True)
class Press:
    """What is needed to repeat a press after signing in."""

    verb: str
    data: Mapping[str, object]
    message_id: str | None


class Turns:
    """The bot's answer to everything that reaches it."""

    def __init__(
        self,
        desk: Desk,
        dispatch: Dispatch,
        sign_in: SignInCards,
        background: Background,
        latest: Latest,
    ) -> None:
        self._desk = desk
        self._dispatch = dispatch
        self._sign_in = sign_in
        self._background = background
        self._latest = latest
        self._met = Met(desk.store, desk.now)

    def may_repeat(self, heard: Said | Pressed) -> bool:
        """What is only shown is shown as often as it is asked for, and nothing comes of it."""
        if isinstance(heard, Pressed):
            return heard.verb == HELP_VERB
        return isinstance(parse(heard.text, self._desk.now().date()), ONLY_SHOWN)

    def locale(self, place: Place, wished: str) -> str:
        """What the conversation is remembered to have chosen, else what is wished."""
        return self._desk.languages.remembered(place, self._desk.now()) or wished

    def not_taken_in(self, heard: Said | Pressed, error: Exception) -> Message:
        """The same sentences as when storing fails later; whoever said it may say it again."""
        locale = self.locale(heard.place, heard.locale)
        with speaking(locale):
            if isinstance(heard, Pressed) and heard.invoke:
                return Message(text=in_words(error))
            return explain(error, Reader(locale, None, self._desk.now())).message()

    async def said(self, said: Said) -> None:
        """A typed command."""
        locale = await self._locale(said.place, said.locale)
        turn = self._turn(said.person, said.place, said.activity_id, locale, said.timezone)
        await self._remember(said.person, said.place, said.locale)
        with speaking(locale):
            await self._deliver(turn, await self._say(turn, said.text))

    async def pressed(self, pressed: Pressed) -> Answer | None:
        """A pressed button. An invoke is answered in time; what takes longer edits the card."""
        locale = await self._locale(pressed.place, pressed.locale)
        with speaking(locale):
            return await self._pressed(pressed, locale)

    async def _pressed(self, pressed: Pressed, locale: str) -> Answer | None:
        reader = Reader(locale, pressed.timezone, self._desk.now())
        turn = Turn(pressed.person, pressed.place, reader, pressed.activity_id, pressed.message_id)
        press = Press(pressed.verb, pressed.data, pressed.message_id)
        if not pressed.invoke:
            await self._deliver(_in_sight(turn, press), await self._press(turn, press))
            return None
        work = asyncio.create_task(self._press(turn, press))
        done, _late = await asyncio.wait({work}, timeout=ANSWER_WITHIN)
        if done:
            reply = work.result()
            if reply is not None:
                sharing = self._background.start(self._share(turn, press, reply), "share a reply")
                if reply.own is not None:
                    await asyncio.wait({sharing}, timeout=OWN_WITHIN)
            return _answer(reply)
        self._background.start(self._finish(_in_sight(turn, press), work), "finish a press")
        if turn.is_personal and not _has_inputs(press.verb):
            return Answer(card=_working())
        return Answer(text=sentence(STILL_WORKING))

    async def exchanged(self, exchanged: Exchanged) -> bool:
        """Single sign-on: after it, what was waiting is carried out."""
        identity = self._desk.identity
        try:
            ok = await identity.exchange(
                exchanged.person, exchanged.exchange_id, exchanged.connection_name, exchanged.token
            )
            first = ok and await identity.is_first(exchanged.person, exchanged.exchange_id)
        except StoreError as error:
            _log.warning("single sign-on not kept", error=str(error))
            return False
        if first:
            self._background.start(
                self.signed_in(exchanged.person, exchanged.place), "carry on after sign-in"
            )
        return ok

    async def installed(self, installed: Installed) -> None:
        """The one introduction, in the language of the place."""
        if installed.person is not None:
            await self._remember(installed.person, installed.place, installed.locale)
        locale = await self._locale(installed.place, installed.locale)
        with speaking(locale):
            await self._send(
                installed.place, self._dispatch.welcome(installed), None, self._desk.now()
            )

    async def signed_in(self, person: Person, place: Place) -> None:
        """Carry out the command that waited for this sign-in, once; else just greet."""
        try:
            async with self._desk.store.begin() as connection:
                waited = await waiting.take(connection, person.tenant, person.id, self._desk.now())
                known = await people.find(connection, person.tenant, person.id)
        except StoreError as error:
            _log.warning("waiting command not read", person=person.id, error=str(error))
            here = self._turn(person, place, "", "en-US", None)
            await self._deliver(here, _not_carried_on())
            await self._dispatch.resume(person)
            return
        locale = waited.locale if waited is not None else known.locale if known else None
        with speaking(locale):
            await self._signed_in(person, place, locale or "en-US", waited)

    async def _signed_in(
        self, person: Person, place: Place, locale: str, waited: Waiting | None
    ) -> None:
        await self._sign_in.signed_in(person)
        await self._dispatch.resume(person)
        if waited is None:
            here = self._turn(person, place, "", locale, None)
            await self._deliver(here, await self._dispatch.signed_in(here))
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
            turn, press = replace(turn, pressed=pressed), Press(verb, data, pressed)
            await self._deliver(_in_sight(turn, press), await self._press(turn, press))

    async def _say(self, turn: Turn, text: str) -> Reply | None:
        return await self._answered(turn, self._dispatch.say(turn, text), {"say": text})

    async def _press(self, turn: Turn, press: Press) -> Reply | None:
        command = {"verb": press.verb, "data": dict(press.data), "message_id": press.message_id}
        return await self._answered(
            turn, self._dispatch.press(turn, press.verb, press.data), command, press
        )

    async def _answered(
        self,
        turn: Turn,
        work: Coroutine[None, None, Reply | None],
        command: Mapping[str, object],
        press: Press | None = None,
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
            return _explained(error, turn, press)
        except Exception as error:
            _log.exception("turn failed", person=turn.person.id)
            return _explained(error, turn, press)

    async def _ask_to_sign_in(
        self, turn: Turn, error: SignInNeeded, command: Mapping[str, object]
    ) -> Reply | None:
        """The command waits; the sign-in card goes where only this person can use it."""
        waits = command.get("say") != SIGN_IN_ITSELF and command.get("verb") != "sign_in"
        if waits:
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
        return await self._sign_in.show(turn, error, waits=waits)

    async def _finish(self, turn: Turn, work: asyncio.Task[Reply | None]) -> None:
        """The outcome, once the client has surely shown "working on it": else that would stay."""
        await self._desk.sleep(SHOWN_WITHIN)
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
        await self._send(turn.place, reply, pressed, turn.reader.now)
        self._look_again(turn, reply)

    def _look_again(self, turn: Turn, reply: Reply) -> None:
        if reply.unsettled is not None:
            work = settle_later(self._desk, turn, reply.unsettled, self._background.nap)
            self._background.start(work, "settle a write")

    async def _send(self, place: Place, reply: Reply, pressed: str | None, as_of: datetime) -> None:
        """`as_of` is when the turn began: a state of the same message from later is not touched."""
        try:
            message_id = await post(self._desk.sender, place, reply, pressed=pressed)
        except SendFailed as error:
            _log.warning("reply not sent", error=str(error), conversation=place.conversation_id)
            await self._owe(place, reply, pressed, error, as_of)
            return
        if message_id == pressed:
            self._latest.note(place.conversation_id, message_id, as_of)
        await self._note_shown(place, reply, message_id)
        if reply.leaves is not None:
            await self._leave(reply.leaves, as_of)

    async def _note_shown(self, place: Place, reply: Reply, message_id: str) -> None:
        try:
            if reply.stands is not None:
                await remember_now(self._desk, reply.stands, place, message_id)
            if reply.shown is not None:
                await reply.shown(message_id)
        except StoreError as error:
            _log.warning("message not remembered", error=str(error))

    async def _owe(
        self, place: Place, reply: Reply, pressed: str | None, error: SendFailed, as_of: datetime
    ) -> None:
        """What Teams did not take is sent later: as it is, in a new message when the card to
        change is gone, in one sentence when it was too large or refused. What it leaves behind
        is left then as well, and what stands in it is remembered by whoever sends it."""
        target = pressed if reply.where is Where.EDIT else None
        if error.kind is SendFailure.FORBIDDEN or (
            error.kind is SendFailure.GONE and target is None
        ):
            return
        message, later = reply.message(), _again_after(error, is_new=target is None)
        if error.kind in _UNTAKEN:
            _log.error("reply refused", error=str(error), reply=reply.summary)
            message = Message(text=_instead(error.kind, reply.summary))
        if error.kind in {SendFailure.GONE, *_UNTAKEN}:
            target = None
        stands = None if reply.stands is None or error.kind in _UNTAKEN else reply.stands.to_json()
        now = self._desk.now()
        try:
            async with self._desk.store.begin() as connection:
                await outbox_rows.put(
                    connection,
                    place,
                    written(message),
                    now,
                    target_message=target,
                    not_before=now + later,
                    as_of=as_of,
                    stands=stands,
                )
                if reply.leaves is not None:
                    await _owe_leaving(connection, reply.leaves, now, now + later, as_of)
        except StoreError as failure:
            _log.error("reply lost", error=str(failure), conversation=place.conversation_id)

    async def _leave(self, left: Left, as_of: datetime) -> None:
        """The earlier card goes; when Teams does not take that now, later."""
        try:
            await self._desk.sender.update(left.place, left.message_id, Message(card=left.card))
            return
        except SendFailed as error:
            _log.info("earlier card stays for now", error=str(error))
            if error.kind in _FOR_GOOD:
                return
            later = _again_after(error, is_new=False)
        now = self._desk.now()
        try:
            async with self._desk.store.begin() as connection:
                await _owe_leaving(connection, left, now, now + later, as_of)
        except StoreError as failure:
            _log.warning("earlier card stays", error=str(failure))

    async def _remember(self, person: Person, place: Place, locale: str) -> None:
        try:
            await self._met.note(person, place, locale)
        except StoreError as error:
            _log.warning("person not remembered", error=str(error))

    async def _locale(self, place: Place, wished: str) -> str:
        """What the conversation has chosen, else what the person's Teams says."""
        try:
            return (
                await self._desk.languages.of(self._desk.store, place, self._desk.now()) or wished
            )
        except StoreError as error:
            _log.warning("language not read", error=str(error))
            return wished

    def _turn(
        self, person: Person, place: Place, activity_id: str, locale: str, timezone: str | None
    ) -> Turn:
        return Turn(person, place, Reader(locale, timezone, self._desk.now()), activity_id)


def _again_after(error: SendFailed, *, is_new: bool) -> timedelta:
    """When what was not sent is tried again: as Teams says, and not before one that may have
    arrived has settled."""
    least = SETTLE if is_new and error.kind is SendFailure.UNKNOWN else _SOON
    return max(least, timedelta(seconds=error.retry_after or 0))


def _instead(failure: SendFailure, summary: str) -> str:
    """What is said instead of a card that Teams does not take."""
    if failure is SendFailure.TOO_BIG:
        return sentence(
            "{summary}: this is too large to show in Teams. Ask for less, or open it in "
            "Partner Center.",
            summary=summary,
        )
    return sentence(
        "{summary}: Teams does not take this card. Ask for less, or open it in Partner Center.",
        summary=summary,
    )


async def _owe_leaving(
    connection: AsyncConnection, left: Left, now: datetime, not_before: datetime, as_of: datetime
) -> None:
    await outbox_rows.put(
        connection,
        left.place,
        written(Message(card=left.card)),
        now,
        target_message=left.message_id,
        not_before=not_before,
        as_of=as_of,
    )


def _in_sight(turn: Turn, press: Press) -> Turn:
    """The turn whose answer takes the place of the card only where everybody may see it change."""
    return turn if turn.is_personal or shares(press.verb) else replace(turn, pressed=None)


def _not_carried_on() -> Reply:
    """After a sign-in when the store does not say what waited for it."""
    card = notice_card(
        words("You are signed in, but I could not go on"),
        words("My own storage did not answer, so I do not know what you asked for before."),
        words("Nothing was changed."),
        words("Say it again in a minute."),
    )
    return Reply(card=card, summary=sentence("You are signed in, but I could not go on"))


def _has_inputs(verb: str) -> bool:
    row = actions.ACTIONS.get(verb)
    return row is not None and row.inputs != actions.NOTHING


def _explained(error: Exception, turn: Turn, press: Press | None) -> Reply:
    """What went wrong. Under a button nothing is lost by it: what was typed into the card stays,
    any other card gets a button to try again, and the others keep theirs."""
    if press is None:
        return explain(error, turn.reader)
    again = None
    if isinstance(error, _PASSING) and not _has_inputs(press.verb):
        again = (words("Try again"), actions.unpack(press.verb, press.data).action)
    where = Where.NEW if _has_inputs(press.verb) else Where.EDIT
    reply = explain(error, turn.reader, again=again, where=where)
    return replace(reply, only_me=not turn.is_personal)


_PASSING = (
    errors.Locked,
    errors.NotSent,
    errors.Throttled,
    errors.Unavailable,
    errors.UnexpectedAnswer,
    SignInUnavailable,
    StoreError,
)
"""Errors after which the same press may succeed."""

ONLY_SHOWN = (Help, WhoAmI, ListDeals, Drafts, Approvals, Subscriptions, Languages)
"""Commands that change nothing."""
HELP_VERB = actions.pack(actions.Help())["verb"]

SHOWN_WITHIN = 1.0
"""Seconds a client takes to put an invoke's answer in place of the card."""

SIGN_IN_ITSELF = "sign in"
"""Asking to sign in is done by signing in; nothing is left to wait for."""

_SOON = timedelta(seconds=2)
"""When a reply that Teams did not take is sent again, at the earliest."""
_UNTAKEN = {SendFailure.TOO_BIG, SendFailure.REFUSED}
"""What Teams refuses for good, so that a sentence is said instead."""
_FOR_GOOD = {SendFailure.FORBIDDEN, SendFailure.GONE, *_UNTAKEN}
STILL_WORKING = marked("Working on it: this takes longer than usual. The answer will follow.")


def _working() -> dict[str, object]:
    return notice_card(
        words("… Working on it"),
        words("This takes longer than usual."),
        "",
        words("You need not wait: this card changes when it is done."),
    )


def _answer(reply: Reply | None) -> Answer:
    """The card, or a sentence beside it when there is nothing to press for this person alone."""
    if reply is None:  # the sign-in card stands below
        return Answer(text=sentence("Please sign in first"))
    if reply.card is None or reply.where is not Where.EDIT:
        return Answer(text=reply.text or reply.summary)
    if reply.only_me and not reply.card.get("actions"):
        return Answer(text=str(reply.card.get("speak") or reply.summary))
    return Answer(card=reply.own or reply.card)
