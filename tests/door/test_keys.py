"""Signing keys: fetched once, rolled over in a minute, kept when Microsoft is away (A3, A10)."""

from __future__ import annotations

import asyncio

import pytest

from bot.teams.keys import DEAD_SECONDS, PAUSE_SECONDS, REFRESH_SECONDS, STALE_SECONDS
from tests.door.stage import OTHER, SIGNING, Stage, jwk
from tests.stopwatch import stopwatch

HOUR = 3600.0


async def _status(at_door: Stage, token: str | None = None) -> int:
    return (await at_door.post(at_door.activity(), token=token)).status


def _second(at_door: Stage) -> str:
    return at_door.token(key=OTHER, headers={"kid": "two"})


async def test_a3_unknown_keys_cause_at_most_one_fetch_a_minute(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    before = at_door.keys.fetches
    for number in range(20):
        at_door.clock.advance(1)
        token = at_door.token(key=OTHER, headers={"kid": f"unknown-{number}"})
        assert await _status(at_door, token) == 403
    assert at_door.keys.fetches == before
    at_door.clock.advance(PAUSE_SECONDS)
    tokens = [at_door.token(key=OTHER, headers={"kid": f"new-{number}"}) for number in range(20)]
    statuses = await asyncio.gather(*(_status(at_door, token) for token in tokens))
    assert set(statuses) == {403}
    assert at_door.keys.fetches == before + 1


async def test_a3_a_failing_fetch_is_not_repeated_by_every_request(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    at_door.keys.status = 500
    at_door.clock.advance(PAUSE_SECONDS)
    before = at_door.keys.fetches
    for _ in range(10):
        assert await _status(at_door, _second(at_door)) == 403
    assert at_door.keys.fetches == before + 1
    assert await _status(at_door) == 200


async def test_a10_a_new_key_is_accepted_within_a_minute(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    at_door.keys.keys.append(jwk(OTHER, "two", ["msteams"]))
    at_door.clock.advance(PAUSE_SECONDS)
    assert await _status(at_door, _second(at_door)) == 200
    assert await _status(at_door) == 200


async def test_a10_a_withdrawn_key_is_refused_after_the_refresh(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    at_door.keys.keys = [jwk(OTHER, "two", ["msteams"])]
    at_door.clock.advance(PAUSE_SECONDS)
    assert await _status(at_door, _second(at_door)) == 200
    assert await _status(at_door) == 403


@pytest.mark.parametrize("kid", ["one", "two"])
async def test_a10_a_token_that_was_accepted_falls_with_its_key(at_door: Stage, kid: str) -> None:
    token = at_door.token()
    assert [await _status(at_door, token) for _ in range(2)] == [200, 200]
    at_door.keys.keys = [jwk(OTHER, kid, ["msteams"])]
    at_door.clock.advance(PAUSE_SECONDS)
    unknown = at_door.token(key=OTHER, headers={"kid": "three"})
    assert await _status(at_door, unknown) == 403
    assert await _status(at_door, token) == 403
    assert await _status(at_door, at_door.token(key=OTHER, headers={"kid": kid})) == 200


async def test_a4_a_token_that_was_accepted_ends_in_time(at_door: Stage) -> None:
    token = at_door.token()
    assert [await _status(at_door, token) for _ in range(2)] == [200, 200]
    at_door.clock.advance(2 * HOUR)
    assert await _status(at_door, token) == 403


async def test_a10_keys_are_refreshed_in_the_background(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    before = at_door.keys.fetches
    at_door.keys.fetched.clear()
    at_door.clock.advance(REFRESH_SECONDS)
    assert await _status(at_door) == 200
    await asyncio.wait_for(at_door.keys.fetched.wait(), 60)
    assert await _status(at_door) == 200
    assert at_door.keys.fetches == before + 1


async def test_a10_cached_keys_serve_for_72_hours_and_say_so(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    assert (await at_door.get("/readyz")).json == {
        "status": "ok",
        "checks": {"keys": "ok", "database": "ok"},
    }
    at_door.keys.status = 503
    at_door.clock.advance(STALE_SECONDS + HOUR)
    assert await _status(at_door) == 200
    ready = await at_door.get("/readyz")
    assert (ready.status, ready.json) == (
        200,
        {"status": "degraded", "checks": {"keys": "degraded", "database": "ok"}},
    )
    at_door.clock.advance(DEAD_SECONDS)
    assert await _status(at_door) == 503
    assert (await at_door.get("/readyz")).status == 503
    assert len(at_door.listener.heard) == 2


async def test_a10_a_slow_key_server_delays_nobody_else(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    at_door.keys.hold = asyncio.Event()
    at_door.keys.fetched.clear()
    at_door.clock.advance(PAUSE_SECONDS)
    waiting = asyncio.create_task(_status(at_door, _second(at_door)))
    await asyncio.wait_for(at_door.keys.fetched.wait(), 60)
    async with stopwatch() as watch:
        for _ in range(5):
            assert await _status(at_door) == 200
        assert watch.seconds < 2
    assert not waiting.done()
    at_door.keys.keys.append(jwk(OTHER, "two", ["msteams"]))
    at_door.keys.hold.set()
    assert await waiting == 200


@pytest.mark.parametrize(
    "document",
    [
        {"kty": "RSA", "kid": "two", "n": "AQAB", "e": "AQAB", "endorsements": ["msteams"]},
        {"kty": "oct", "kid": "two", "k": "c2VjcmV0", "endorsements": ["msteams"]},
        {"kty": "RSA", "kid": "two"},
        {"kid": 2},
    ],
)
async def test_a10_unusable_keys_are_passed_over(
    at_door: Stage, document: dict[str, object]
) -> None:
    at_door.keys.keys = [document, jwk(SIGNING, "one", ["msteams"])]
    at_door.clock.advance(REFRESH_SECONDS)
    assert await _status(at_door) == 200
    assert await _status(at_door, _second(at_door)) == 403


async def test_a10_an_empty_key_set_does_not_replace_the_keys(at_door: Stage) -> None:
    assert await _status(at_door) == 200
    at_door.keys.keys = []
    at_door.clock.advance(PAUSE_SECONDS)
    assert await _status(at_door, _second(at_door)) == 403
    assert await _status(at_door) == 200
