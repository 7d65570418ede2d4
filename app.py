"""Dealdesk: `python app.py` reads the settings, wires the house and serves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from bot import approval_asking, crash, log, maintenance, retention, webhook_registration
from bot.approval_work import ApprovalWork
from bot.background import Background
from bot.desk import Desk
from bot.dialog import Dialog
from bot.dispatch import Dispatch
from bot.feeds import Feeds, Permits
from bot.identity import Identity
from bot.keys_file import sandbox_key
from bot.outbox import OutboxWorker
from bot.policy import parse_policy
from bot.polling import Poller
from bot.recovery import watch_proposals
from bot.registration_row import Parts
from bot.resolver import Resolver
from bot.serving import listening, until_stopped
from bot.settings import Settings, UnsafeSettings, check, load
from bot.sign_in import SignInPages
from bot.sign_in_cards import SignInCards
from bot.store.engine import open_store, upgrade
from bot.store.errors import StoreError
from bot.teams.adapter import SharedConnectors
from bot.teams.app_token import AppToken, Entra
from bot.teams.authentication import TeamsAuthentication
from bot.teams.connector import Connector
from bot.teams.door import Door
from bot.teams.hosts import Hosts
from bot.teams.keys import SigningKeys
from bot.teams.outside import Outside
from bot.turns import Turns
from bot.web import Health, create_app
from bot.webhook_certificates import certificates_of
from bot.webhook_intake import Intake
from bot.webhook_worker import WebhookWorker
from bot.webhooks import Webhooks
from bot.won_deals import noticed
from partner_center.circuit import CircuitState
from partner_center.client import PartnerCenter
from partner_center.exchange import make_http

STATE = Path(".dealdesk")
"""Where the sandbox keeps its encryption key, its CA and its world."""
FINISH_SECONDS = 8.0
CHOICES = frozenset({"approvers", "approval_policy"})
"""Settings of the embedded sandbox that yield to what was set before."""


def utc_now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """An id nobody can guess."""
    return uuid.uuid4().hex


def build(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> web.Application:
    """The whole bot as an application. Raises UnsafeSettings for settings it must not run with."""
    check(settings)
    crash.arm(os.environ.get("DEALDESK_CRASH_AT"), sandbox=settings.in_sandbox)
    store = open_store(settings.database_url)
    http = make_http(str(settings.ca_file) if settings.ca_file else None)
    partner_center = PartnerCenter(settings.partner_center_url, http, now=clock)
    identity = Identity(settings, store, clock)
    background = Background()
    owner = new_id()

    bot_id = f"28:{settings.app_id}"
    hosts, outside = Hosts(settings.connector_hosts), Outside(settings.ca_file)
    keys = SigningKeys(settings.openid_metadata_url, outside.fetch, time.monotonic)
    token = AppToken(Entra(settings), time.monotonic)
    connector = Connector(bot_id=bot_id, hosts=hosts, outside=outside, token=token, now=clock)
    authentication = TeamsAuthentication(
        app_id=str(settings.app_id),
        tenants=frozenset(settings.allowed_tenants),
        hosts=hosts,
        keys=keys,
        connectors=SharedConnectors(connector),
        now=clock,
    )

    bell = asyncio.Event()
    desk = Desk(
        store,
        partner_center,
        identity,
        connector,
        clock,
        new_id,
        asyncio.sleep,
        bot_id,
        policy=parse_policy(settings.approval_policy, settings.approvers),
        gate=approval_asking.gate,
        wake_approvals=bell.set,
    )
    resolver = Resolver(Parts(store, partner_center, identity, clock, asyncio.sleep, new_id, owner))
    dialog = Dialog(desk, resolver)
    sign_in_cards = SignInCards(desk, settings.sso_resource)
    poller = Poller(desk, owner, settings.allowed_tenants)
    feeds = Feeds(desk, Permits(settings.subscribers, settings.approvers))
    turns = Turns(desk, Dispatch(desk, dialog, feeds), sign_in_cards, background)
    outbox = OutboxWorker(store, connector, clock, owner)
    approved = ApprovalWork(desk, resolver, bell, owner, outbox.wake)
    door = Door(
        bot_id=bot_id,
        authentication=authentication,
        connector=connector,
        outside=outside,
        token=token,
        keys=keys,
        store=store,
        listener=turns,
        now=clock,
    )
    pages = SignInPages(
        identity, background, turns.signed_in, secure=settings.public_url.startswith("https:")
    )

    announced = WebhookWorker(desk, settings.allowed_tenants, noticed, owner)
    webhooks = Webhooks(
        certificates_of(settings, outside, clock, time.monotonic),
        settings.webhook_certificate_hosts,
        Intake(store, clock, announced.wake),
        clock,
    )

    async def parts(_app: web.Application) -> AsyncIterator[None]:
        await upgrade(store)
        loops = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("outbox", outbox.run()),
                ("news", poller.run()),
                ("approvals", approved.run()),
                ("registrations", resolver.run()),
                ("drafts", dialog.watch()),
                ("writes", watch_proposals(desk)),
                ("retention", retention.watch(store, clock)),
                ("notifications", announced.run()),
            )
        ]
        yield
        await background.finish(FINISH_SECONDS)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        identity.close()
        await http.aclose()
        await store.close()

    async def upstream() -> Health:
        closed = partner_center.circuit.state is CircuitState.CLOSED
        return Health.OK if closed else Health.DEGRADED

    app = create_app(
        settings,
        door=door,
        sign_in=pages.routes(),
        webhooks=webhooks.routes(),
        readiness={"partner_center": upstream},
    )
    app.cleanup_ctx.append(parts)
    return app


async def serve(settings: Settings, page: str | None) -> None:
    """Listen until the process is asked to end."""
    async with listening(build(settings), settings.host, settings.port) as port:
        where = f"Open {page}" if page else f"Dealdesk listens on {settings.host}:{port}"
        print(where, flush=True)  # noqa: T201
        await until_stopped()


@contextmanager
def outside_world(settings: Settings) -> Iterator[tuple[Settings, str | None]]:
    """The settings to run with; in the embedded sandbox, with the world they point to started."""
    if not settings.in_sandbox or settings.sandbox == "external":
        yield settings, None
        return
    from sandbox import launch

    check(settings, sandbox_to_come=True)
    world = launch.start(settings.sandbox_port, settings.public_url, STATE.resolve(), notify=True)
    try:
        chosen = {f"DEALDESK_{name.upper()}" for name in settings.model_fields_set & CHOICES}
        os.environ.update({k: v for k, v in world.settings.items() if k not in chosen})
        if not settings.encryption_keys:
            os.environ["DEALDESK_ENCRYPTION_KEYS"] = sandbox_key(STATE)
        yield load(), world.page
    finally:
        world.stop()


Task = Callable[[Settings, Sequence[str], Callable[[str], None]], Coroutine[None, None, int]]
TASKS: Mapping[str, Task] = {
    "db": maintenance.run,
    "webhook": webhook_registration.run,
}
"""What `python app.py WORD ...` does instead of serving."""


def main() -> int:
    """Serve, or do the task that is named. 2 when the settings, the database or the words forbid
    it, with one sentence saying why."""
    try:
        if words := sys.argv[1:]:
            return do(words)
        with outside_world(load()) as (settings, page):
            secrets = [settings.app_secret, *settings.encryption_keys]
            log.configure(
                json=settings.logs_json,
                level=settings.log_level,
                secrets=[secret.get_secret_value() for secret in secrets if secret is not None],
            )
            with contextlib.suppress(KeyboardInterrupt):
                asyncio.run(serve(settings, page))
    except (UnsafeSettings, StoreError, OSError) as error:
        print(f"Dealdesk cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def do(words: Sequence[str]) -> int:
    """The task named by the first word. Raises UnsafeSettings."""
    task = TASKS.get(words[0])
    if task is None:
        print(f"Say: python app.py [{'|'.join(TASKS)}]", file=sys.stderr)  # noqa: T201
        return 2
    return asyncio.run(task(load(), words[1:], print))


if __name__ == "__main__":
    raise SystemExit(main())
