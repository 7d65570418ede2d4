"""Puts the door together: what sends, what verifies, and what they share."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from bot.conversation import Listener, Sender
from bot.settings import Settings
from bot.store.engine import Store
from bot.teams.adapter import SharedConnectors
from bot.teams.app_token import AppToken, Ask, Entra
from bot.teams.authentication import TeamsAuthentication
from bot.teams.connector import Connector
from bot.teams.door import Door, Patience
from bot.teams.hosts import Hosts
from bot.teams.keys import SigningKeys
from bot.teams.outside import Outside


class Teams:
    """Everything between the bot and Teams, for checked settings.

    `sender` and `outside`, the one session to the outside, are there at once, for those the
    Listener is made of; they work while the door that `door` makes is open. `now` gives aware UTC
    times, `monotonic` seconds for ages.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        ask: Ask | None = None,
    ) -> None:
        self._settings = settings
        self._now = now
        self._monotonic = monotonic
        self._bot_id = f"28:{settings.app_id}"
        self._hosts = Hosts(settings.connector_hosts)
        self.outside = Outside(settings.ca_file)
        self._token = AppToken(ask or Entra(settings), monotonic)
        self.sender = Connector(
            bot_id=self._bot_id,
            hosts=self._hosts,
            outside=self.outside,
            token=self._token,
            now=now,
        )

    def door(
        self,
        store: Store,
        listener: Listener,
        patience: Patience | None = None,
        *,
        answering: Sender | None = None,
    ) -> Door:
        """The door for `bot.web.create_app`; it answers through `answering`, or directly."""
        keys = SigningKeys(self._settings.openid_metadata_url, self.outside.fetch, self._monotonic)
        authentication = TeamsAuthentication(
            app_id=self._settings.app_id or "",
            tenants=frozenset(self._settings.allowed_tenants),
            hosts=self._hosts,
            keys=keys,
            connectors=SharedConnectors(self.sender),
            now=self._now,
        )
        return Door(
            bot_id=self._bot_id,
            authentication=authentication,
            sender=answering or self.sender,
            outside=self.outside,
            token=self._token,
            keys=keys,
            store=store,
            listener=listener,
            now=self._now,
            patience=patience,
        )
