"""`POST /webhooks/partner-center`: believed only when signed, acknowledged only when stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from aiohttp import web

from bot.store.errors import StoreError
from bot.teams.refusal import Reason, Refused
from bot.web import check_head, read_body, turned_away
from bot.webhook_certificates import Certificates, CertificateUnavailable
from bot.webhook_intake import Arrival, Intake, Taken
from partner_center.webhook import LARGEST_BODY, Event, NotGenuine, Why, read_claim, read_event

PATH = "/webhooks/partner-center"
MAX_AGE = timedelta(hours=24)
"""What is older, or as far in the future, is acknowledged and ignored: a replay finds nothing, and
what was really missed is found by looking again, not here."""
STORE_SECONDS = 1.0
"""Partner Center is answered within this time once the body is believed."""

_STATUS: Mapping[Why, int] = {
    Why.HEADERS: 400,
    Why.BODY: 400,
    Why.SIGNATURE_MISSING: 401,
}
"""As Microsoft's sample answers (API reference 11); everything else is 403."""
_HEADERS = ("authorization", "x-ms-signature", "x-ms-signature-algorithm", "x-ms-certificate-url")

_log = structlog.get_logger(__name__)


class Webhooks:
    """The endpoint. Without `certificates` (no pinned roots) every notification is refused."""

    def __init__(
        self,
        certificates: Certificates | None,
        hosts: Collection[str],
        intake: Intake,
        now: Callable[[], datetime],
    ) -> None:
        self._certificates = certificates
        self._hosts = frozenset(hosts)
        self._intake = intake
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.post(PATH, self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        """One delivery; the answer is a status and nothing else."""
        try:
            body = await self._believed(request)
            await self._take(read_event(body), body)
        except Refused as refused:
            return turned_away(request, refused.status, refused.reason.value)
        except NotGenuine as error:
            return turned_away(request, _STATUS.get(error.why, 403), error.why.value)
        except CertificateUnavailable as error:
            return turned_away(request, 503, f"certificate not to be had: {error}")
        except (StoreError, TimeoutError) as error:
            return turned_away(request, 503, f"not stored: {type(error).__name__}")
        return web.Response(status=200)

    async def _believed(self, request: web.Request) -> bytes:
        """The body, once it is known to be signed. Nothing is fetched before the headers and the
        size are in order."""
        check_head(request, LARGEST_BODY)
        if self._certificates is None:
            raise NotGenuine(Why.CHAIN)
        headers = {name: request.headers.getall(name, []) for name in _HEADERS}
        claim = read_claim(headers, self._hosts)
        body = await read_body(request, LARGEST_BODY)
        await self._certificates.verify(claim, body)
        return body

    async def _take(self, event: Event, body: bytes) -> None:
        """Store an event that may matter. Raises Refused when there is no room for it."""
        said = {"event_name": event.name, "referral": event.referral_id}
        if event.referral_id is None or not event.is_about_a_deal:
            _log.info("notification acknowledged, nothing to look at", **said)
            return
        if abs(self._now() - event.changed) > MAX_AGE:
            _log.info("notification acknowledged, too old", **said)
            return
        arrival = Arrival(
            body_hash=sha256(body).hexdigest(),
            business_key=event.key,
            event_name=event.name,
            referral_id=event.referral_id,
            changed=event.changed,
        )
        async with asyncio.timeout(STORE_SECONDS):
            taken = await self._intake.take(arrival)
        if taken is Taken.FULL:
            raise Refused(503, Reason.STORE)
        if taken is Taken.NEW:
            _log.info("notification stored", **said)
