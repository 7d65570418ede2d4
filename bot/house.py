"""Wires the house: which part is made of which, and what runs while the bot does."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from bot import approval_asking, put_back, retention
from bot.answering import Answering, Latest
from bot.approval_work import ApprovalWork
from bot.background import Background, without_end
from bot.desk import Desk
from bot.dialog import Dialog
from bot.dispatch import Dispatch
from bot.feeds import Feeds, Permits
from bot.identity import Identity
from bot.outbox import OutboxWorker
from bot.policy import parse_policy
from bot.polling import Poller
from bot.recovery import watch_proposals
from bot.registration_row import Parts
from bot.resolver import Resolver
from bot.seals import Seals
from bot.settings import Settings
from bot.sign_in import SignInPages
from bot.sign_in_cards import SignInCards
from bot.standing import remember
from bot.store.engine import open_store, upgrade
from bot.teams.parts import Teams
from bot.turns import Turns
from bot.web import Health, create_app
from bot.webhook_certificates import certificates_of
from bot.webhook_intake import Intake
from bot.webhook_worker import WebhookWorker
from bot.webhooks import Webhooks
from bot.windows import Windows
from bot.won_deals import noticed
from partner_center.circuit import CircuitState
from partner_center.client import PartnerCenter
from partner_center.exchange import make_http

FINISH_SECONDS = 8.0
"""How long work that outlived its turn may take when the bot ends."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """An id nobody can guess."""
    return uuid.uuid4().hex


class House:
    """Every part of a bot for checked settings. Nothing is opened before the application starts."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.owner = new_id()
        self.store = open_store(settings.database_url)
        self.http = make_http(str(settings.ca_file) if settings.ca_file else None)
        self.partner_center = PartnerCenter(settings.partner_center_url, self.http, now=clock)
        self.identity = Identity(settings, self.store, clock)
        self.teams = Teams(settings, now=clock)
        self.windows, self.latest = Windows(clock), Latest(clock)
        self.answering = Answering(self.teams.sender, self.windows, clock)
        self.background = Background()
        self._make_conversation()
        self._make_work()

    def _make_conversation(self) -> None:
        settings, bell = self.settings, asyncio.Event()
        self.bell = bell
        seals = Seals([key.get_secret_value() for key in settings.encryption_keys])
        self.desk = Desk(
            self.store,
            self.partner_center,
            self.identity,
            self.answering,
            self.clock,
            new_id,
            asyncio.sleep,
            f"28:{settings.app_id}",
            policy=parse_policy(settings.approval_policy, settings.approvers),
            gate=approval_asking.gate,
            wake_approvals=bell.set,
            seals=seals,
        )
        self.resolver = Resolver(
            Parts(
                self.store,
                self.partner_center,
                self.identity,
                self.clock,
                asyncio.sleep,
                new_id,
                self.owner,
                seals,
            )
        )
        self.dialog = Dialog(self.desk, self.resolver)
        self.sign_in_cards = SignInCards(self.desk, settings.sso_resource)
        feeds = Feeds(self.desk, Permits(settings.subscribers, settings.approvers))
        self.turns = Turns(
            self.desk,
            Dispatch(self.desk, self.dialog, feeds),
            self.sign_in_cards,
            self.background,
            self.latest,
        )
        self.pages = SignInPages(
            self.identity,
            self.background,
            self.turns.signed_in,
            secure=settings.public_url.startswith("https:"),
        )

    def _make_work(self) -> None:
        settings, desk, owner = self.settings, self.desk, self.owner
        self.outbox = OutboxWorker(
            self.store,
            self.teams.sender,
            self.clock,
            owner,
            windows=self.windows,
            latest=self.latest,
            stands=partial(remember, desk, self.sign_in_cards.asks_late),
        )
        self.approved = ApprovalWork(desk, self.resolver, self.bell, owner, self.outbox.wake)
        self.poller = Poller(desk, owner, settings.allowed_tenants)
        self.announced = WebhookWorker(desk, settings.allowed_tenants, noticed, owner)
        self.webhooks = Webhooks(
            certificates_of(settings, self.teams.outside, self.clock, time.monotonic),
            settings.webhook_certificate_hosts,
            Intake(self.store, self.clock, self.announced.wake),
            self.clock,
        )

    def application(self) -> web.Application:
        """The bot as an application: its addresses, and its work while it runs."""
        app = create_app(
            self.settings,
            door=self.teams.door(self.store, self.turns, answering=self.answering),
            sign_in=self.pages.routes(),
            webhooks=self.webhooks.routes(),
            readiness={"partner_center": self._upstream},
        )
        app.cleanup_ctx.insert(0, self._in_order)
        app.cleanup_ctx.append(self._running)
        return app

    async def _in_order(self, _app: web.Application) -> AsyncIterator[None]:
        """The tables are brought up first: that keeps the loop busy, and what is fetched meanwhile,
        as the signing keys are when the door opens, would run out of time on a slow machine."""
        await upgrade(self.store)
        await put_back.reconcile(self.store, self.clock())
        yield

    async def _running(self, _app: web.Application) -> AsyncIterator[None]:
        loops = [
            asyncio.create_task(without_end(run, name), name=name)
            for name, run in self._loops().items()
        ]
        yield
        await self.background.finish(FINISH_SECONDS)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        self.identity.close()
        await self.http.aclose()
        await self.store.close()

    def _loops(self) -> dict[str, Callable[[], Coroutine[None, None, None]]]:
        return {
            "outbox": self.outbox.run,
            "news": self.poller.run,
            "approvals": self.approved.run,
            "registrations": self.resolver.run,
            "drafts": self.dialog.watch,
            "writes": partial(watch_proposals, self.desk),
            "retention": partial(retention.watch, self.store, self.clock),
            "life": partial(put_back.watch, self.store, self.clock),
            "notifications": self.announced.run,
        }

    async def _upstream(self) -> Health:
        closed = self.partner_center.circuit.state is CircuitState.CLOSED
        return Health.OK if closed else Health.DEGRADED
