"""The harness of scenario tests: real people, a real sandbox, the real bot; no fakes between."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import pytest
from cryptography.fernet import Fernet

from sandbox.chats import DEAL_ROOM, GENERAL, WINS
from sandbox.launch import Sandbox
from tests.bots import AsProcess, InProcess, start_in_process, start_process, until_ready
from tests.seen import Heard, Json, buttons, inputs, texts, urls

__all__ = [
    "Clock",
    "Heard",
    "NothingHeard",
    "Refused",
    "Sent",
    "World",
    "buttons",
    "inputs",
    "texts",
]
PLACES = {"group": DEAL_ROOM, "general": GENERAL, "wins": WINS}
PATIENCE_SECONDS = 60.0
"""How long a person listens unless a test says otherwise: on a busy machine all takes longer."""
ASIDE = ("Working on it", "A new deal expires")
"""What comes in between and is no answer: that it takes longer, which a busy machine may make the
bot say of anything, and reminders, of which the first comes soon after somebody's first
registration."""
UNHURRIED: Mapping[str, float] = {
    "bot.turns.ANSWER_WITHIN": 7.0,
    "bot.turns.OWN_WITHIN": 7.0,
    "bot.webhooks.STORE_SECONDS": 7.0,
}
"""Seconds that a bot of this process gives itself for an answer, shorter than the door and Partner
Center wait: how busy the machine is does not decide whether an answer is whole."""
HEARD = frozenset({"message", "update", "view"})
LINK = re.compile(r"https?://[^\s)\"'>]+/auth/start[^\s)\"'>]*")


class NothingHeard(AssertionError):
    """The bot did not say what was waited for; shows the conversation as the person sees it."""


class Refused(AssertionError):
    """The sandbox could not do that: no such button, not in this conversation, ..."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the bot's HTTP answer to something a person did was."""

    id: str
    status: int | None
    answer: Any
    statuses: Sequence[int | None]
    answers: Sequence[Any]
    url: str | None


@dataclass(slots=True)
class Clock:
    """The bot's clock: the machine's time plus an offset; call it for the present (UTC)."""

    offset: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset


class World:
    """People, their conversations, Partner Center and the bot, for one test."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.clock = Clock()
        self._key = Fernet.generate_key().decode()
        self._bots: list[InProcess | AsProcess] = []
        self._haste = pytest.MonkeyPatch()
        self._start = 0
        self._cursor: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], Heard] = {}

    async def __aenter__(self) -> Self:
        for name, seconds in UNHURRIED.items():
            self._haste.setattr(name, seconds)
        self._http = aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=90))
        self._start = int((await self.post("reset"))["last"])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._haste.undo()
        for bot in reversed(self._bots):
            await bot.stop()
        await self._http.close()

    # The bot

    def environment(self, port: int, **overrides: object) -> dict[str, str]:
        """`DEALDESK_` settings of a bot on this port of this world."""
        url = f"http://127.0.0.1:{port}"
        settings = {
            **self.sandbox.settings,
            "DEALDESK_MODE": "sandbox",
            "DEALDESK_APPROVAL_POLICY": "",
            "DEALDESK_SANDBOX": "external",
            "DEALDESK_HOST": "127.0.0.1",
            "DEALDESK_PORT": str(port),
            "DEALDESK_PUBLIC_URL": url,
            "DEALDESK_DATABASE_URL": f"sqlite+aiosqlite:///{self.folder / 'dealdesk.db'}",
            "DEALDESK_ENCRYPTION_KEYS": self._key,
        }
        named = {f"DEALDESK_{name.upper()}": str(value) for name, value in overrides.items()}
        return {**settings, **named}

    async def bot(
        self, *, clock: Callable[[], datetime] | None = None, **overrides: object
    ) -> InProcess:
        """Start the real bot in this process; overrides are settings in snake case.

        A second bot of the same test has the same database: stop the first to try a restart.
        """
        started = await start_in_process(
            lambda port: self.environment(port, **overrides), clock or self.clock
        )
        self._bots.append(started)
        await self.post("bot", url=started.url)
        return started

    async def restart(self) -> InProcess:
        """End the bot of this process in order and start it again on the same database."""
        await self.stop()
        return await self.bot()

    async def stop(self) -> None:
        """End the bot that was started last in order."""
        await self._bots.pop().stop()

    async def bot_process(self, env: Mapping[str, str] | None = None) -> AsProcess:
        """Start `python app.py` and wait until it is ready; `env` are more variables."""
        log = self.folder / f"bot-{len(self._bots) + 1}.log"
        started = start_process(
            lambda port: {**self.environment(port), **(env or {})}, self.folder, log
        )
        self._bots.append(started)
        await until_ready(started, self._http)
        await self.post("bot", url=started.url)
        return started

    # What people do

    async def says(
        self,
        person: str,
        text: str,
        where: str = "personal",
        *,
        mention: bool = True,
        thread: str | None = None,
        **more: object,
    ) -> Sent:
        """A person types. `where`: personal, group, general, wins, or a conversation id.

        `more`: id, locale, timezone, times, together. Comes back when the bot has answered the
        delivery.
        """
        place = conversation(person, where)
        await self._mark(person, place)
        return _sent(
            await self.post(
                "teams/say",
                person=person,
                conversation=place,
                text=text,
                mention=mention,
                thread=thread,
                **more,
            )
        )

    async def clicks(
        self,
        person: str,
        title: str | None = None,
        *,
        verb: str | None = None,
        data: Json | None = None,
        inputs: Json | None = None,
        where: str = "personal",
        message: str | None = None,
        **more: object,
    ) -> Sent:
        """A person presses a button they see, in the newest card that has it unless named.

        `more`: times, together. Raises Refused when there is no such button.
        """
        place = conversation(person, where)
        await self._mark(person, place)
        return _sent(
            await self.post(
                "teams/click",
                person=person,
                conversation=place,
                title=title,
                verb=verb,
                data=data,
                inputs=inputs,
                message=message,
                **more,
            )
        )

    async def hears(
        self,
        person: str,
        where: str = "personal",
        *,
        until: str | None = None,
        within: float = PATIENCE_SECONDS,
    ) -> Heard:
        """The next message or change by the bot since this person last spoke, pressed or heard.

        With `until`, the first one that holds these words; without, the first that answers
        (`ASIDE`). What has nothing left to read (a deleted message, a sign-in card that was
        hidden) is not heard. Raises NothingHeard after `within` seconds.
        """
        place = conversation(person, where)
        try:
            async with asyncio.timeout(within):
                while True:
                    heard = await self._next(person, place)
                    if until in heard if until is not None else is_answer(heard):
                        return heard
        except TimeoutError:
            wanted = "hear anything" if until is None else f"hear {until!r}"
            raise await self._nothing(person, where, wanted) from None

    async def sees(
        self,
        person: str,
        holds: Callable[[list[Heard]], bool],
        where: str = "personal",
        *,
        within: float = PATIENCE_SECONDS,
    ) -> list[Heard]:
        """Wait until what this person sees there is as `holds` says; gives the messages.

        Raises NothingHeard after `within` seconds.
        """
        try:
            async with asyncio.timeout(within):
                while True:
                    last = (await self.get("events", wait="0", person=person))["last"]
                    messages = await self.messages(person, where)
                    if holds(messages):
                        return messages
                    await self.get("events", after=str(last), wait="20", person=person)
        except TimeoutError:
            raise await self._nothing(person, where, "see what was waited for") from None

    async def listens(self, person: str, where: str = "personal") -> None:
        """From now on this person listens for what comes next, as after speaking or pressing."""
        await self._mark(person, conversation(person, where))

    def heard(self, person: str, where: str = "personal") -> Heard:
        """What this person heard last there."""
        return self._last[person, conversation(person, where)]

    def card(self, person: str, where: str = "personal") -> Json:
        """The card this person heard last there."""
        card = self.heard(person, where).card
        if card is None:
            raise NothingHeard(f"no card, but: {self.heard(person, where).words}")
        return card

    def texts(self, card: Json) -> list[str]:
        """Every text a card shows."""
        return texts(card)

    async def messages(self, person: str, where: str = "personal") -> list[Heard]:
        """All messages there as this person sees them, oldest first."""
        found = await self.get(
            "teams/messages", person=person, conversation=conversation(person, where)
        )
        return [Heard(raw) for raw in found]

    async def signs_in(
        self,
        person: str,
        where: str = "personal",
        *,
        link: str | None = None,
        as_person: str | None = None,
        password_only: bool = False,
    ) -> Json:
        """Follow the newest sign-in link the person sees (asking for one first when there is
        none), as themselves unless `as_person`; gives the last page's status and text."""
        found = link or await self.sign_in_link(person, where)
        if found is None:
            await self.says(person, "sign in", where)
            await self.hears(person, where)
            found = await self.sign_in_link(person, where)
        if found is None:
            raise NothingHeard(f"{person} was given no sign-in link")
        await self._mark(person, conversation(person, where))
        answer: Json = await self.post(
            "entra/sign-in",
            person=as_person or person,
            link=found,
            password_only=password_only,
        )
        return answer

    async def sign_in_link(self, person: str, where: str = "personal") -> str | None:
        """The newest link to `/auth/start` this person sees."""
        for message in reversed(await self.messages(person, where)):
            found = LINK.search(str(message.raw["text"]) + " " + " ".join(urls(message.raw)))
            if found:
                return found.group()
        return None

    # What is true

    async def ledger(self) -> list[Json]:
        """Applied writes, oldest first."""
        return await self._list("ledger")

    async def requests(self) -> list[Json]:
        """Requests that reached Partner Center."""
        return await self._list("requests")

    async def connector(self) -> list[Json]:
        """Calls that reached the Bot Connector."""
        return await self._list("connector")

    async def token_calls(self) -> list[Json]:
        """Calls that reached the token endpoint."""
        return await self._list("entra")

    async def referral(self, referral_id: str) -> Json:
        """A referral as Partner Center holds it."""
        found: Json = await self.get(f"referral/{referral_id}")
        return found

    # What goes wrong, and what others do

    async def fault(self, kind: str, api: str = "partner_center", **more: object) -> int:
        """Make the next matching call go wrong: method, path, times, after, status, ...

        After a `delay` the bot answers presses as soon as it does for Teams.
        """
        if kind == "delay":
            self._haste.undo()
        return int((await self.post("faults", kind=kind, api=api, **more))["id"])

    async def befallen(self, kind: str = "delay") -> None:
        """Until every fault of this kind has met the calls it was meant for: they are there now,
        and not still on their way, as they may be when a press was answered."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(fault["kind"] == kind for fault in await self.get("faults")):
                await self.get("events", wait="0.05", person="ben")

    async def clear_faults(self) -> None:
        """Take all faults away."""
        await self._call("DELETE", "faults")

    async def release(self) -> int:
        """Deliver the requests that `late` faults hold back; gives how many."""
        return int((await self.post("faults/release"))["released"])

    async def switch(self, **switches: object) -> None:
        """Set Partner Center's switches."""
        await self.post("switches", **switches)

    async def teams(self, **switches: object) -> None:
        """Set how Teams clients behave: sso={"ben": True}, clients, refresh, blocked, ..."""
        await self.post("teams/switches", **switches)

    async def account(self, person: str, **changes: object) -> Json:
        """Change an account: mfa, disabled, role, claims, token_seconds."""
        changed: Json = await self.post("entra/people", person=person, **changes)
        return changed

    async def revoke(self, person: str, *, tokens: bool = True) -> None:
        """Withdraw a person's consent, and with `tokens` the access tokens given out."""
        await self.post("entra/revoke", person=person, tokens=tokens)

    async def edit(self, referral: str, operations: object, by: str = "cleo") -> Json:
        """A colleague's (or `portal`'s) own change of a referral."""
        changed: Json = await self.post(
            "edit", referral=referral, operations=operations, **{"as": by}
        )
        return changed

    async def advance(self, seconds: float) -> None:
        """Move the sandbox's clock and the bot's."""
        self.clock.offset += timedelta(seconds=seconds)
        await self.post("clock", advance=seconds)

    async def activity(self, person: str, text: str, where: str = "personal") -> dict[str, Any]:
        """The message activity Teams would post, to change and deliver."""
        found = await self.post(
            "teams/activity", person=person, conversation=conversation(person, where), text=text
        )
        return dict(found["activity"])

    async def deliver(
        self, activity: Json, token: Json | None = None, times: int = 1, bot: str | None = None
    ) -> Sent:
        """Post an activity as it is, signed; `token` changes claims, headers, authorization, and
        `bot` is the address of another instance."""
        more = {} if bot is None else {"bot": bot}
        return _sent(
            await self.post(
                "teams/deliver", activity=activity, token=token or {}, times=times, **more
            )
        )

    async def post(self, route: str, **body: object) -> Any:  # noqa: ANN401 - JSON of any shape
        """Call a control route; a None is left out."""
        given = {name: value for name, value in body.items() if value is not None}
        return await self._call("POST", route, json=given)

    async def get(self, route: str, **query: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Read a control route."""
        return await self._call("GET", route, params=query)

    async def _list(self, route: str) -> list[Json]:
        found: list[Json] = await self.get(route)
        return found

    async def _call(
        self, method: str, route: str, *, json: object = None, params: Json | None = None
    ) -> Any:  # noqa: ANN401 - JSON of any shape
        url = f"{self.sandbox.page}_sandbox/{route}"
        async with self._http.request(method, url, json=json, params=params) as answer:
            if answer.status != 200:
                raise Refused(f"{route}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def _mark(self, person: str, place: str) -> None:
        last = await self.get("events", wait="0", person=person)
        self._cursor[person, place] = int(last["last"])

    async def _next(self, person: str, place: str) -> Heard:
        base = place.partition(";")[0]
        while True:
            after = self._cursor.get((person, place), self._start)
            found = await self.get("events", after=str(after), wait="20", person=person)
            for event in found["events"]:
                self._cursor[person, place] = int(event["seq"])
                mine = event["conversation"] == base and event["by_bot"]
                if mine and event["kind"] in HEARD:
                    heard = await self._message(person, place, event["message"])
                    if heard is not None and heard.words:
                        self._last[person, place] = heard
                        return heard

    async def _nothing(self, person: str, where: str, wanted: str) -> NothingHeard:
        shown = "\n---\n".join(message.words for message in await self.messages(person, where))
        return NothingHeard(f"{person} did not {wanted}; sees:\n{shown}")

    async def _message(self, person: str, place: str, message_id: str) -> Heard | None:
        for message in await self.messages(person, place):
            if message.id == message_id:
                return message
        return None


def is_answer(heard: Heard) -> bool:
    """Whether the bot says more than that it takes longer, and was asked."""
    return not any(words in heard for words in ASIDE)


def newest(seen: list[Heard]) -> Heard:
    """The newest message that is an answer."""
    return [one for one in seen if is_answer(one)][-1]


def conversation(person: str, where: str) -> str:
    """The id of a place a person names."""
    return f"a:personal-{person}" if where == "personal" else PLACES.get(where, where)


def _sent(answer: Json) -> Sent:
    return Sent(
        id=str(answer.get("id", "")),
        status=answer.get("status"),
        answer=answer.get("answer"),
        statuses=answer.get("statuses", []),
        answers=answer.get("answers", []),
        url=answer.get("url"),
    )
