"""`python app.py webhook register|show|test`: asks Partner Center to send its notifications here.

Another service than the referrals API, with another audience; the app asks as itself
(API reference 11).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from bot.settings import Settings, check
from bot.teams.app_token import Entra, NoAppToken
from bot.webhooks import PATH
from partner_center.errors import UnexpectedAnswer
from partner_center.exchange import Answer, NoAnswer, exchange, make_http, request_of
from partner_center.webhook import EventName
from partner_center.wire import Json, as_list, as_object, encoded, parse_json

SCOPE = "https://api.partnercenter.microsoft.com/.default"
BASE = "/webhooks/v1/registration"
CALL_SECONDS = 15.0
LOOKS = 20
LOOK_SECONDS = 1.5
"""How often, and how far apart, the outcome of a test is asked for."""
TAKEN = frozenset({"OK", "200"})
"""How Partner Center notes our answer to a notification (API reference 11)."""
USAGE = "python app.py webhook register|show|test"

Say = Callable[[str], None]


class RegistrationFailed(Exception):
    """The registration could not be read or made; one sentence."""


@dataclass(frozen=True, slots=True)
class Registered:
    """Where Partner Center sends notifications, and which."""

    url: str
    events: tuple[str, ...]


@dataclass(slots=True)
class RegistrationApi:
    """The registration API at `base`; `token` is the app's own."""

    base: str
    http: httpx.AsyncBaseTransport
    token: str = field(repr=False)

    async def offered(self) -> frozenset[str]:
        """The events that can be asked for. Raises RegistrationFailed."""
        answer = await self._call("GET", "/events")
        return frozenset(str(name) for name in as_list(_read(answer)))

    async def show(self) -> Registered | None:
        """The tenant's registration, or None. Raises RegistrationFailed."""
        answer = await self._call("GET", "", known=(404,))
        if answer.status == 404 or not answer.body.strip():
            return None
        given = _members(_read(answer))
        events = given.get("webhookevents")
        named = tuple(map(str, events)) if isinstance(events, list) else ()
        return Registered(str(given.get("webhookurl") or ""), named)

    async def keep(self, wanted: Registered, *, replace: bool) -> None:
        """Make the registration, or replace the one there is. Raises RegistrationFailed."""
        body: dict[str, Json] = {
            "WebhookUrl": wanted.url,
            "WebhookEvents": list(wanted.events),
            "SignatureTokenToMsSignatureHeader": True,
        }
        await self._call("PUT" if replace else "POST", "", body=body)

    async def test(self) -> str:
        """Have a test event sent; gives the id to ask with. Raises RegistrationFailed."""
        answer = await self._call("POST", "/validationEvents", known=(429,))
        if answer.status == 429:
            raise RegistrationFailed("Two tests a minute are allowed; try again in a minute.")
        found = _members(_read(answer)).get("correlationid")
        if not isinstance(found, str) or not found.replace("-", "").isalnum():
            raise RegistrationFailed("Partner Center gave no id for the test.")
        return found

    async def outcome(self, test_id: str) -> tuple[bool, tuple[str, ...]]:
        """Whether a test has ended, and what each delivery was answered."""
        answer = await self._call("GET", f"/validationEvents/{test_id}", known=(404,))
        if answer.status == 404:
            return False, ()
        given = _members(_read(answer))
        results = given.get("results")
        codes = tuple(
            str(_members(one).get("responsecode") or "no answer")
            for one in (results if isinstance(results, list) else [])
        )
        return given.get("status") == "completed", codes

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Json] | None = None,
        known: Sequence[int] = (),
    ) -> Answer:
        url = f"{self.base.rstrip('/')}{BASE}{path}"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        request = request_of(method, url, headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
            request = request_of(method, url, headers, encoded(body))
        try:
            answer = await exchange(self.http, request, CALL_SECONDS)
        except NoAnswer as error:
            raise RegistrationFailed(f"Partner Center does not answer ({error.reason}).") from error
        if answer.flaw is not None or not (200 <= answer.status < 300 or answer.status in known):
            advice = " Does the app have a role there?" if answer.status in (401, 403) else ""
            raise RegistrationFailed(f"Partner Center answered {answer.status}.{advice}")
        return answer


def endpoint(settings: Settings) -> str:
    """Where notifications are to be sent."""
    return f"{settings.public_url.rstrip('/')}{PATH}"


async def run(settings: Settings, words: Sequence[str], say: Say) -> int:
    """Carry out one subcommand; 0: done, and notifications come here; 1: not so; 2: not understood.

    Raises UnsafeSettings.
    """
    action = _ACTIONS.get(words[0]) if len(words) == 1 else None
    if action is None:
        say(f"Say: {USAGE}")
        return 2
    if settings.in_sandbox and settings.sandbox == "embedded":
        say("The embedded sandbox notifies the bot it is started by; nothing is to be registered.")
        return 1
    check(settings)
    try:
        async with make_http(str(settings.ca_file) if settings.ca_file else None) as http:
            token = (await asyncio.to_thread(Entra(settings, SCOPE))).token
            return await action(
                RegistrationApi(settings.webhook_api_url, http, token), settings, say
            )
    except NoAppToken as error:
        say(f"Entra gave the app no token for Partner Center ({error}).")
    except RegistrationFailed as error:
        say(str(error))
    except UnexpectedAnswer as error:
        say(f"Partner Center's answer was not understood ({error.reason}).")
    return 1


async def _register(api: RegistrationApi, settings: Settings, say: Say) -> int:
    if settings.webhook_roots is None:
        say("DEALDESK_WEBHOOK_ROOTS is not set, so notifications would be refused.")
        return 1
    offered = await api.offered()
    events = tuple(name.value for name in EventName if name in offered)
    missing = sorted(set(EventName) - offered)
    present = await api.show()
    wanted = Registered(endpoint(settings), events)
    if present is not None and present.url not in ("", wanted.url):
        say(f"Replacing the registration of {present.url}.")
    await api.keep(wanted, replace=present is not None)
    say(f"Partner Center now notifies {wanted.url} of {', '.join(events)}.")
    if missing:
        say(f"Not offered to this tenant: {', '.join(missing)}.")
    return 0


async def _show(api: RegistrationApi, settings: Settings, say: Say) -> int:
    present = await api.show()
    if present is None:
        say("Partner Center notifies nobody; `webhook register` changes that.")
        return 1
    say(f"Partner Center notifies {present.url} of {', '.join(present.events) or 'nothing'}.")
    if present.url != endpoint(settings):
        say(f"That is not this bot, which listens at {endpoint(settings)}.")
        return 1
    if settings.webhook_roots is None:
        say("DEALDESK_WEBHOOK_ROOTS is not set, so notifications are refused.")
        return 1
    return 0


async def _test(api: RegistrationApi, settings: Settings, say: Say) -> int:
    test_id = await api.test()
    say(f"Partner Center sends a test notification ({test_id}).")
    codes: tuple[str, ...] = ()
    for _ in range(LOOKS):
        ended, codes = await api.outcome(test_id)
        if TAKEN & {code.upper() for code in codes}:
            say("It was taken.")
            return 0
        if ended:
            break
        await asyncio.sleep(LOOK_SECONDS)
    say(f"It was not taken; answers so far: {', '.join(codes) or 'none'}.")
    return 1


_ACTIONS: Mapping[str, Callable[[RegistrationApi, Settings, Say], Awaitable[int]]] = {
    "register": _register,
    "show": _show,
    "test": _test,
}


def _read(answer: Answer) -> Json:
    return parse_json(answer.body)


def _members(document: Json) -> Mapping[str, Json]:
    """Members by lower-case name: the spelling of this API's properties varies."""
    return {name.lower(): value for name, value in as_object(document).items()}
