"""Wires the sandbox: everything that lives in the process, and how it is put back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from sandbox.accounts import Accounts
from sandbox.chats import Chats
from sandbox.connector import Connector
from sandbox.delivery import Delivery
from sandbox.entra import Entra
from sandbox.entra_tokens import EntraTokens
from sandbox.events import Events
from sandbox.keys import KeyRing
from sandbox.people import APP_ID, PEOPLE, TENANT_ID
from sandbox.teams import Teams
from sandbox.webhooks import Webhooks
from sandbox.world import World

CALLBACK = "/auth/callback"
NOTIFIED = "/webhooks/partner-center"
REGISTRATION_API = "/partnercenter-api"
"""Where the registration API of notifications is mounted."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two servers answer, without a trailing slash."""

    plain: str
    tls: str

    @property
    def service_url(self) -> str:
        """What Teams activities name as their service URL."""
        return f"{self.plain}/teams/"


@dataclass(slots=True)
class House:
    """Everything that lives in the process."""

    addresses: Addresses
    ca_file: Path
    webhook_roots: Path
    secret: str
    world: World
    events: Events
    channel_keys: KeyRing
    entra: Entra
    teams: Teams
    connector: Connector
    webhooks: Webhooks

    @property
    def accounts(self) -> Accounts:
        """The people's sign-in state."""
        return self.entra.accounts

    @property
    def bot_url(self) -> str:
        """Where the bot answers."""
        return self.teams.delivery.bot_url

    @bot_url.setter
    def bot_url(self, url: str) -> None:
        self.teams.delivery.bot_url = url.rstrip("/")

    def settings(self) -> dict[str, str]:
        """The environment a bot needs to live in this sandbox."""
        plain = self.addresses.plain
        return {
            "DEALDESK_APP_ID": APP_ID,
            "DEALDESK_APP_SECRET": self.secret,
            "DEALDESK_TENANT_ID": TENANT_ID,
            "DEALDESK_ALLOWED_TENANTS": TENANT_ID,
            "DEALDESK_AUTHORITY": f"{self.addresses.tls}/{TENANT_ID}",
            "DEALDESK_CA_FILE": str(self.ca_file),
            "DEALDESK_OPENID_METADATA_URL": (
                f"{plain}/botframework/.well-known/openidconfiguration"
            ),
            "DEALDESK_CONNECTOR_HOSTS": urlsplit(plain).netloc,
            "DEALDESK_PARTNER_CENTER_URL": f"{plain}/partnercenter",
            "DEALDESK_WEBHOOK_API_URL": f"{plain}{REGISTRATION_API}",
            "DEALDESK_WEBHOOK_CERTIFICATE_HOSTS": urlsplit(self.addresses.tls).netloc,
            "DEALDESK_WEBHOOK_ROOTS": str(self.webhook_roots),
            "DEALDESK_APPROVERS": PEOPLE["dana"].oid,
            "DEALDESK_APPROVAL_POLICY": "register, value>100000 USD",
        }

    def reset(self) -> None:
        """Everything back to the start, except keys and addresses."""
        self.webhooks.reset()
        self.world.reset()
        self.entra.reset()
        self.connector.calls.clear()
        self.teams.reset()


def build(
    world: World,
    addresses: Addresses,
    *,
    bot_url: str,
    ca_file: Path,
    session: aiohttp.ClientSession,
    notify: bool = False,
) -> House:
    """Make the house for servers at these addresses; with `notify` the bot is registered for
    notifications from the start."""
    accounts, events, clock = Accounts(), Events(), world.clock
    channel_keys = KeyRing(endorsements=("msteams",))

    def epoch() -> float:
        return clock.now().timestamp()

    tokens = EntraTokens(KeyRing(), accounts, epoch)
    tokens.issuer_v2 = f"{addresses.tls}/{TENANT_ID}/v2.0"
    delivery = Delivery(channel_keys, session, bot_url.rstrip("/"), epoch)
    secret = secrets.token_urlsafe(32)
    start = f"{bot_url.rstrip('/')}{NOTIFIED}" if notify else None
    webhooks = Webhooks(clock, session, addresses.tls, start)
    world.deals.on_change = webhooks.changed
    teams = Teams(
        chats=Chats(clock.now),
        events=events,
        delivery=delivery,
        tokens=tokens,
        accounts=accounts,
        now=clock.now,
        service_url=addresses.service_url,
    )
    return House(
        addresses=addresses,
        ca_file=ca_file,
        webhook_roots=webhooks.certificates.write_roots(ca_file.parent),
        secret=secret,
        world=world,
        events=events,
        channel_keys=channel_keys,
        entra=Entra(tokens, accounts, secret, lambda: redirect_uris(delivery.bot_url)),
        teams=teams,
        connector=Connector(teams, tokens, clock.now),
        webhooks=webhooks,
    )


def redirect_uris(bot_url: str) -> frozenset[str]:
    """The registered redirect addresses: the bot's callback, by either loopback name."""
    port = urlsplit(bot_url).port or 80
    return frozenset(f"http://{host}:{port}{CALLBACK}" for host in ("127.0.0.1", "localhost"))
