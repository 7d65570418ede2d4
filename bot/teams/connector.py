"""Sends to Teams through Bot Connector: one session, one token, one attempt, a clear outcome.

A send is done only with an activity id in hand. Nothing is repeated here except after a 401, as
the connector did not take the request: POST is not idempotent, and a 5xx may have been delivered.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from urllib.parse import quote

import aiohttp
import structlog
from yarl import URL

from bot.conversation import Message, Person, Place, PlaceKind, Seat, SendFailed, SendFailure
from bot.teams.app_token import AppToken, NoAppToken
from bot.teams.hosts import Hosts
from bot.teams.outside import Outside, read_at_most
from bot.teams.wording import activity_of, as_sent, failure_of, id_of, typing_of

_MAX_ANSWER = 1024 * 1024
_PAGE = 500
_MAX_PAGES = 20
_OUTSIDERS = frozenset({"guest", "anonymous"})

log = structlog.get_logger(__name__)


class Connector:
    """The `Sender` of the bot."""

    def __init__(
        self,
        *,
        bot_id: str,
        hosts: Hosts,
        outside: Outside,
        token: AppToken,
        now: Callable[[], datetime],
    ) -> None:
        self._bot_id = bot_id
        self._hosts = hosts
        self._outside = outside
        self._token = token
        self._now = now

    async def send(self, place: Place, message: Message, *, reply_to: str | None = None) -> str:
        """Post a message and give back its id. Raises SendFailed."""
        return await self.post_activity(
            place.service_url, place.conversation_id, activity_of(place, message), reply_to
        )

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        """Put `message` in place of one the bot sent. Raises SendFailed."""
        activity = activity_of(place, message) | {"id": activity_id}
        await self.put_activity(place.service_url, place.conversation_id, activity_id, activity)

    async def delete(self, place: Place, activity_id: str) -> None:
        """Take back a message the bot sent. Raises SendFailed."""
        await self.delete_activity(place.service_url, place.conversation_id, activity_id)

    async def typing(self, place: Place) -> None:
        """Show that the bot is working. Raises SendFailed."""
        path = _activities(place.conversation_id)
        await self._call("POST", place.service_url, path, typing_of(place))

    async def open_personal(self, tenant: str, teams_id: str, service_url: str) -> Place:
        """The personal conversation with a person (create is idempotent). Raises SendFailed."""
        asked = {
            "bot": {"id": self._bot_id},
            "members": [{"id": teams_id}],
            "isGroup": False,
            "tenantId": tenant,
            "channelData": {"tenant": {"id": tenant}},
        }
        found = id_of(await self._call("POST", service_url, "v3/conversations", asked))
        if found is None:
            raise SendFailed(SendFailure.UNKNOWN, code="no conversation id")
        return Place(PlaceKind.PERSONAL, tenant, found, service_url, self._bot_id)

    async def members(self, place: Place) -> list[Person]:
        """Everybody there with an Entra object id, page by page. Raises SendFailed."""
        return [
            person
            async for answer in self._roster(place)
            for person in _people(place.tenant, answer)
        ]

    async def roster(self, place: Place) -> list[Seat]:
        """Everybody there, with who is an outsider and who owns the team. Raises SendFailed."""
        return [
            _seat(place.tenant, member)
            async for answer in self._roster(place)
            for member in _listed(answer)
        ]

    async def _roster(self, place: Place) -> AsyncIterator[Mapping[str, object]]:
        path = f"v3/conversations/{quote(place.channel, safe='')}/pagedmembers?pageSize={_PAGE}"
        token: str | None = None
        for _ in range(_MAX_PAGES):
            page = f"{path}&continuationToken={quote(token, safe='')}" if token else path
            answer = await self._call("GET", place.service_url, page)
            yield answer
            following = answer.get("continuationToken")
            if not isinstance(following, str) or not following or following == token:
                return
            token = following

    async def post_activity(
        self,
        service_url: str,
        conversation_id: str,
        activity: Mapping[str, object],
        reply_to: str | None,
    ) -> str:
        """Post an activity, below another when `reply_to` is given. Raises SendFailed."""
        path = _activities(conversation_id, reply_to)
        found = id_of(await self._call("POST", service_url, path, activity))
        if found is None:
            raise SendFailed(SendFailure.UNKNOWN, code="no activity id")
        return found

    async def put_activity(
        self,
        service_url: str,
        conversation_id: str,
        activity_id: str,
        activity: Mapping[str, object],
    ) -> None:
        """Replace an activity. Raises SendFailed."""
        await self._call("PUT", service_url, _activities(conversation_id, activity_id), activity)

    async def delete_activity(
        self, service_url: str, conversation_id: str, activity_id: str
    ) -> None:
        """Delete an activity. Raises SendFailed."""
        await self._call("DELETE", service_url, _activities(conversation_id, activity_id))

    def allows(self, service_url: str) -> bool:
        """Whether anything may be sent there."""
        return self._hosts.allow(service_url)

    async def _call(
        self,
        method: str,
        service_url: str,
        path: str,
        body: Mapping[str, object] | None = None,
    ) -> Mapping[str, object]:
        if not self._hosts.allow(service_url):
            raise SendFailed(SendFailure.REFUSED, code="host not allowed")
        url = URL(f"{service_url.rstrip('/')}/{path}", encoded=True)
        raw = None if body is None else as_sent(body)
        try:
            return await self._twice(method, url, raw)
        except SendFailed as failure:
            log.warning("not sent", method=method, kind=failure.kind.value, answer=failure.code)
            raise

    async def _twice(self, method: str, url: URL, raw: bytes | None) -> Mapping[str, object]:
        for last in (False, True):
            try:
                token = await self._token.bearer()
            except NoAppToken as error:
                raise SendFailed(SendFailure.NOT_SENT, code="no app token") from error
            status, retry_after, answer = await self._request(method, url, raw, token)
            if status == 401 and not last:
                self._token.refuse(token)
                continue
            if not 200 <= status < 300:
                raise failure_of(status, retry_after, answer, self._now())
            return _object(answer)
        raise SendFailed(SendFailure.NOT_SENT, code="status 401")

    async def _request(
        self, method: str, url: URL, raw: bytes | None, token: str
    ) -> tuple[int, str | None, bytes]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            async with self._outside.session.request(
                method, url, data=raw, headers=headers, allow_redirects=False
            ) as answer:
                body = await read_at_most(answer, _MAX_ANSWER)
                return answer.status, answer.headers.get("Retry-After"), body
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise SendFailed(SendFailure.NOT_SENT, code=type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SendFailed(SendFailure.UNKNOWN, code=type(error).__name__) from error


def _activities(conversation_id: str, activity_id: str | None = None) -> str:
    path = f"v3/conversations/{quote(conversation_id, safe='')}/activities"
    return path if activity_id is None else f"{path}/{quote(activity_id, safe='')}"


def _object(raw: bytes) -> Mapping[str, object]:
    try:
        parsed = json.loads(raw) if raw else {}
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _listed(answer: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = answer.get("members")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _seat(tenant: str, member: Mapping[str, object]) -> Seat:
    """A member; whoever the roster does not clearly tell to be of this tenant is an outsider."""
    person = str(member.get("aadObjectId") or member.get("objectId") or "").lower()
    home = str(member.get("tenantId") or "").lower()
    role = str(member.get("userRole") or "").lower()
    name = str(member.get("userPrincipalName") or "").lower()
    outsider = not person or home not in ("", tenant) or role in _OUTSIDERS or "#ext#" in name
    shown, teams_id = str(member.get("name") or ""), str(member.get("id") or "")
    return Seat(person, outsider, role == "owner", name or None, shown, teams_id)


def _people(tenant: str, answer: Mapping[str, object]) -> list[Person]:
    people = []
    for member in _listed(answer):
        match member:
            case {"id": str(teams_id), "aadObjectId": str(found)} | {
                "id": str(teams_id),
                "objectId": str(found),
            }:
                name = member.get("name")
                people.append(
                    Person(tenant, found.lower(), name if isinstance(name, str) else "", teams_id)
                )
            case _:
                continue
    return people
