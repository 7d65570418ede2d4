"""Routes each kind of activity to the Listener and puts its answer where botbuilder expects it."""

from __future__ import annotations

from botbuilder.core import ActivityHandler, InvokeResponse, TurnContext
from botbuilder.schema import Activity, ActivityTypes

from bot.conversation import (
    CONNECTION_NAME,
    Answer,
    Exchanged,
    Listener,
    Message,
    Pressed,
    Said,
    Sender,
)
from bot.store.seen import Stored
from bot.teams import invokes
from bot.teams.activity import (
    CARD_ACTION,
    Delivered,
    heard_in,
    installed_of,
    locale_of,
    person_of,
    place_of,
)
from cards.language import speaking
from cards.wording import sentence

_MAX_TOKEN = 16 * 1024
_MAX_ID = 256


class TeamsHandler(ActivityHandler):  # type: ignore[misc]
    """Messages, buttons, sign-in and installation; every other activity is taken in silently.

    `tokens/response` events are never believed: nothing proves that their token is the sender's.
    Edited and deleted messages, reactions and typing change nothing.
    """

    def __init__(self, listener: Listener, sender: Sender, bot_id: str) -> None:
        self._listener = listener
        self._sender = sender
        self._bot_id = bot_id
        self._invokes = {
            CARD_ACTION: self._card_action,
            "signin/tokenExchange": self._token_exchange,
            "signin/verifyState": self._verify_state,
        }

    def may_repeat(self, activity: Delivered) -> bool:
        """Whether this could be run twice without harm. Raises Refused(400)."""
        heard = heard_in(activity, self._bot_id)
        return isinstance(heard, Said | Pressed) and self._listener.may_repeat(heard)

    async def not_taken_in(self, activity: Delivered, error: Exception) -> Stored | None:
        """Tell whoever spoke or pressed that nothing was begun; None for anything else.

        The delivery is answered for good then: Teams does not bring again what people were told
        has not happened. Raises SendFailed.
        """
        heard = heard_in(activity, self._bot_id)
        if not isinstance(heard, Said | Pressed):
            return None
        told = self._listener.not_taken_in(heard, error)
        if isinstance(heard, Pressed) and heard.invoke:
            return invokes.card_text(told.text or told.summary)
        await self._sender.send(heard.place, told)
        return Stored(200)

    def beside_card(self, activity: Delivered, said: str) -> Stored:
        """A sentence of ours under a button, in the language of whoever pressed it."""
        place = place_of(activity, self._bot_id)
        with speaking(self._listener.locale(place, locale_of(activity))):
            return invokes.card_text(sentence(said))

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        """Something said, or an Action.Submit button."""
        match heard_in(turn_context.activity, self._bot_id):
            case Said() as said:
                await self._listener.said(said)
            case Pressed() as pressed:
                answer = await self._listener.pressed(pressed)
                if answer is not None:
                    await self._show(pressed, answer)

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        """The bot was added."""
        if turn_context.activity.action == "add":
            await self._installed(turn_context.activity)

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        """The bot was added, told the other way."""
        if is_added(turn_context.activity, self._bot_id):
            await self._installed(turn_context.activity)

    async def on_event_activity(self, turn_context: TurnContext) -> None:
        """Dropped, whatever its name."""

    async def on_invoke_activity(self, turn_context: TurnContext) -> None:
        """The answer to an invoke; 501 for one that belongs to a feature the bot does not have.

        It is handed to the adapter here: the context would copy the whole of it first.
        """
        run = self._invokes.get(turn_context.activity.name or "")
        answer = await run(turn_context.activity) if run else invokes.NOT_IMPLEMENTED
        response = InvokeResponse(status=int(answer.status), body=answer.body)
        given = Activity(type=ActivityTypes.invoke_response, value=response)
        await turn_context.adapter.send_activities(turn_context, [given])

    async def _card_action(self, activity: Delivered) -> Stored:
        pressed = heard_in(activity, self._bot_id)
        if not isinstance(pressed, Pressed):
            return invokes.card_malformed(str(pressed))
        answer = invokes.card_answer(await self._listener.pressed(pressed))
        return answer if answer is not None else self.beside_card(activity, invokes.DONE)

    async def _token_exchange(self, activity: Activity) -> Stored:
        match activity.value:
            case {"id": str(exchange_id), "connectionName": str(name), "token": str(token)} if (
                token and len(token) <= _MAX_TOKEN and 0 < len(exchange_id) <= _MAX_ID
            ):
                if name != CONNECTION_NAME:
                    return invokes.exchange_failure(400, exchange_id, "", "unknown connection")
            case _:
                return invokes.exchange_failure(400, "", "", "not a token exchange")
        exchanged = Exchanged(
            person=person_of(activity),
            place=place_of(activity, self._bot_id),
            activity_id=activity.id,
            exchange_id=exchange_id,
            connection_name=name,
            token=token,
        )
        return invokes.exchange_answer(exchanged, await self._listener.exchanged(exchanged))

    async def _verify_state(self, activity: Activity) -> Stored:
        """Codes of the token service, which is not used; sign-in ends at our own callback."""
        return invokes.EMPTY

    async def _installed(self, activity: Activity) -> None:
        await self._listener.installed(installed_of(activity, self._bot_id))

    async def _show(self, pressed: Pressed, answer: Answer) -> None:
        if answer.card is not None and pressed.message_id is not None:
            await self._sender.update(pressed.place, pressed.message_id, Message(card=answer.card))
        elif answer.card is not None:
            await self._sender.send(pressed.place, Message(card=answer.card))
        elif answer.text:
            await self._sender.send(pressed.place, Message(text=answer.text))


def is_added(activity: Activity, bot_id: str) -> bool:
    """Whether this activity says that the bot came into a conversation."""
    if activity.type == "installationUpdate":
        return bool(activity.action == "add")
    return activity.type == "conversationUpdate" and _names(activity.members_added, bot_id)


def is_removed(activity: Activity, bot_id: str) -> bool:
    """Whether this activity says that the bot left a conversation."""
    if activity.type == "installationUpdate":
        return bool(activity.action == "remove")
    return activity.type == "conversationUpdate" and _names(activity.members_removed, bot_id)


def _names(accounts: list[object], bot_id: str) -> bool:
    return any(getattr(account, "id", None) == bot_id for account in accounts)
