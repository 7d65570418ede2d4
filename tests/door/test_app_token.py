"""The bot's own token is there before anybody needs it, also after an outage."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from requests import ConnectionError
from requests.exceptions import SSLError
from structlog.testing import capture_logs

from bot.identity.entra_http import EntraHttp
from bot.teams.app_token import AGAIN_SECONDS, AHEAD_SECONDS, AppToken, Granted, NoAppToken
from sandbox.tls import make_tls
from tests.door.stage import AT_START, TENANT, Stage

HOUR = 3600.0


@dataclass
class Entra:
    """Grants a token of an hour, numbered, or refuses."""

    asked: int = 0
    away: bool = False
    closed: bool = False

    def __call__(self) -> Granted:
        self.asked += 1
        if self.away:
            raise NoAppToken("temporarily_unavailable")
        return Granted(f"token-{self.asked}", HOUR)

    def close(self) -> None:
        self.closed = True


@dataclass
class Time:
    """Passes only while somebody sleeps and is let sleep."""

    now: float = 1000.0
    asleep: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        end = self.now + seconds
        self.asleep.put_nowait(seconds)
        await self._over.wait()
        self._over.clear()
        self.now = max(self.now, end)

    async def fell_asleep(self) -> float:
        """For how long; once whoever is awake has fallen asleep."""
        async with asyncio.timeout(60):
            return await self.asleep.get()

    def pass_by(self) -> None:
        self._over.set()


@pytest.fixture
def entra() -> Entra:
    return Entra()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def token(entra: Entra, time: Time) -> AsyncIterator[AppToken]:
    made = AppToken(entra, time.monotonic, time.sleep)
    yield made
    await made.close()
    assert entra.closed


async def test_it_is_there_from_the_start(entra: Entra, time: Time, token: AppToken) -> None:
    token.start()
    assert await time.fell_asleep() == HOUR - AHEAD_SECONDS
    assert [await token.bearer() for _ in range(3)] == ["token-1"] * 3
    assert entra.asked == 1


async def test_it_is_renewed_though_nobody_speaks(
    entra: Entra, time: Time, token: AppToken
) -> None:
    token.start()
    for _ in range(3):
        assert await time.fell_asleep() == HOUR - AHEAD_SECONDS
        time.pass_by()
    await time.fell_asleep()
    assert entra.asked == 4
    assert await token.bearer() == "token-4"


async def test_one_that_a_turn_renewed_is_not_renewed_again(
    entra: Entra, time: Time, token: AppToken
) -> None:
    token.start()
    await time.fell_asleep()
    time.now += HOUR / 2
    token.refuse(await token.bearer())
    assert await token.bearer() == "token-2"
    time.pass_by()
    assert await time.fell_asleep() == HOUR / 2
    assert entra.asked == 2


async def test_without_entra_it_starts_and_asks_again_by_itself(
    entra: Entra, time: Time, token: AppToken
) -> None:
    entra.away = True
    with capture_logs() as lines:
        token.start()
        assert await time.fell_asleep() == AGAIN_SECONDS
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("no app token", "temporarily_unavailable")
    ]
    entra.away = False
    time.pass_by()
    assert await time.fell_asleep() == HOUR - AHEAD_SECONDS
    assert await token.bearer() == "token-2"


async def test_a_good_one_outlives_an_outage_that_is_shorter(
    entra: Entra, time: Time, token: AppToken
) -> None:
    token.start()
    await time.fell_asleep()
    entra.away = True
    for _ in range(5):
        time.pass_by()
        assert await time.fell_asleep() == AGAIN_SECONDS
        assert await token.bearer() == "token-1"
    entra.away = False
    time.pass_by()
    assert await time.fell_asleep() == HOUR - AHEAD_SECONDS
    assert await token.bearer() == f"token-{entra.asked}"


async def test_at_the_end_no_new_connection_to_entra_is_opened(at_door: Stage) -> None:
    http = EntraHttp(at_door.entra.ca_file)
    found = f"{at_door.entra.origin}/{TENANT}/v2.0/.well-known/openid-configuration"
    assert (await asyncio.to_thread(http.get, found)).ok
    http.close()
    for call in (partial(http.get, found, fresh=True), partial(http.post, found)):
        with pytest.raises(ConnectionError, match="closed"):
            await asyncio.to_thread(call)


async def test_only_an_entra_that_somebody_vouches_for_is_believed(
    at_door: Stage, tmp_path: Path
) -> None:
    found = f"{at_door.entra.origin}/{TENANT}/v2.0/.well-known/openid-configuration"
    other = found.replace("127.0.0.1", "localhost")
    stranger = make_tls(tmp_path).ca_file
    for trusted, url in ((None, found), (stranger, found), (at_door.entra.ca_file, other)):
        http = EntraHttp(trusted)
        for call in (partial(http.get, url), partial(http.post, url)):
            with pytest.raises(SSLError):
                await asyncio.to_thread(call)
        http.close()


async def test_the_roots_are_read_once_for_all_connections(
    at_door: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    http = EntraHttp(at_door.entra.ca_file)
    found = f"{at_door.entra.origin}/{TENANT}/v2.0/.well-known/openid-configuration"
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *given: read.append(given))
    calls = [asyncio.to_thread(http.get, found, fresh=True) for _ in range(3)]
    assert all(answer.ok for answer in await asyncio.gather(*calls))
    http.close()
    assert read == []


async def test_the_bot_asks_for_it_when_it_starts(at_door: Stage) -> None:
    await at_door.entra.has_granted(AT_START)
    assert (at_door.listener.heard, at_door.connector.calls) == ([], [])
