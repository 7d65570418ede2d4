"""Every fault switch, seen from the caller's side (fault catalogue, section 4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from sandbox import deals
from sandbox.fault_plan import BadFault, Kind
from sandbox.switches import UnknownSwitch
from tests.sandbox.partner_center import NOW, REFERRALS, Desk, put

ONE = f"{REFERRALS}/{deals.FABRIKAM}"
BROKEN = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def fault(desk: Desk, kind: str, **more: object) -> int:
    """Set a fault of this API."""
    return desk.world.faults.add({"api": "partner_center", "kind": kind, **more})


async def renames(desk: Desk, name: str = "Changed", etag: str | None = None) -> int:
    """PATCH the name; the status."""
    headers = {} if etag is None else {"If-Match": etag}
    return (await desk.patch(deals.FABRIKAM, put("/name", name), headers=headers)).status


def name_now(desk: Desk) -> object:
    """What the sandbox really holds."""
    return desk.world.referral(deals.FABRIKAM)["name"]


async def test_status_with_headers_and_body_applies_nothing(desk: Desk) -> None:
    body = {"error": {"code": "serviceNotAvailable", "message": "x"}}
    fault(desk, "status", status=503, headers={"Retry-After": "7"}, body=body, method="PATCH")
    assert (await desk.get(deals.FABRIKAM)).status == 200
    answer = await desk.patch(deals.FABRIKAM, put("/name", "Changed"))
    assert (answer.status, answer.headers["Retry-After"], answer.json) == (503, "7", body)
    assert answer.headers["Request-ID"]
    assert name_now(desk) != "Changed"
    assert await renames(desk) == 204, "once only"


@pytest.mark.parametrize("body", [None, "plain text"])
async def test_status_with_an_empty_or_plain_body(desk: Desk, body: str | None) -> None:
    fault(desk, "status", status=500, body=body)
    answer = await desk.get(deals.FABRIKAM)
    assert (answer.status, answer.text) == (500, body or "")


async def test_times_after_path_and_method_pick_the_calls(desk: Desk) -> None:
    fault(desk, "status", status=502, method="GET", path=f"{deals.FABRIKAM}$", after=1, times=2)
    assert (await desk.get(deals.ALPINE)).status == 200
    assert await renames(desk) == 204
    seen = [(await desk.get(deals.FABRIKAM)).status for _ in range(4)]
    assert seen == [200, 502, 502, 200]


async def test_without_times_it_lasts_until_cleared(desk: Desk) -> None:
    fault(desk, "status", status=500, times=None)
    assert [(await desk.get(deals.FABRIKAM)).status for _ in range(3)] == [500] * 3
    assert len(desk.world.faults.open) == 1
    desk.world.faults.clear()
    assert (await desk.get(deals.FABRIKAM)).status == 200


async def test_faults_of_other_apis_do_not_touch_this_one(desk: Desk) -> None:
    desk.world.faults.add({"api": "connector", "kind": "status"})
    assert (await desk.get(deals.FABRIKAM)).status == 200


async def test_mfa(desk: Desk) -> None:
    fault(desk, "mfa")
    answer = await desk.get(deals.FABRIKAM)
    assert (answer.status, answer.json["code"]) == (401, "900421")


async def test_insufficient_claims(desk: Desk) -> None:
    fault(desk, "insufficient_claims")
    answer = await desk.get(deals.FABRIKAM)
    assert answer.status == 403
    assert 'error="insufficient_claims"' in answer.headers["WWW-Authenticate"]
    assert 'claims="ey' in answer.headers["WWW-Authenticate"]


async def test_throttled_and_unavailable(desk: Desk) -> None:
    fault(desk, "throttled", seconds=2)
    answer = await desk.get(deals.FABRIKAM)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    assert answer.json == {
        "statusCode": 429,
        "message": "Rate limit is exceeded. Try again in 2 seconds.",
    }
    fault(desk, "unavailable", seconds=120)
    answer = await desk.get(deals.FABRIKAM)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "120")


async def test_u34_switch_requests_per_minute(desk: Desk) -> None:
    desk.world.switches.apply({"requests_per_minute": 2})
    seen = [await desk.get(deals.FABRIKAM) for _ in range(3)]
    assert [answer.status for answer in seen] == [200, 200, 429]
    assert seen[2].headers["Retry-After"] == "60"
    assert seen[2].json["statusCode"] == 429
    desk.world.clock.advance(60)
    assert (await desk.get(deals.FABRIKAM)).status == 200


async def test_html_with_200(desk: Desk) -> None:
    fault(desk, "html")
    answer = await desk.get(deals.FABRIKAM)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("status", [302, 307])
async def test_redirect(desk: Desk, status: int) -> None:
    fault(desk, "redirect", status=status, location="http://127.0.0.1:9/sink")
    answer = await desk.get(deals.FABRIKAM)
    assert (answer.status, answer.headers["Location"]) == (status, "http://127.0.0.1:9/sink")


async def test_drop_before_and_reset_apply_nothing(desk: Desk) -> None:
    for kind in ("drop_before", "reset"):
        fault(desk, kind)
        with pytest.raises(aiohttp.ClientConnectionError):
            await renames(desk, kind)
        assert name_now(desk) == "Fabrikam analytics rollout"
    assert desk.world.ledger.writes == []
    assert [request.status for request in desk.world.ledger.requests] == [None, None]


async def test_reset_after_some_bytes_has_applied(desk: Desk) -> None:
    fault(desk, "reset", size=20)
    with pytest.raises(BROKEN):
        await desk.patch(
            deals.FABRIKAM, put("/name", "Changed"), headers={"Prefer": "return=representation"}
        )
    assert name_now(desk) == "Changed"


async def test_g2_apply_then_drop(desk: Desk) -> None:
    fault(desk, "apply_then_drop")
    with pytest.raises(aiohttp.ClientConnectionError):
        await renames(desk)
    assert name_now(desk) == "Changed"
    assert len(desk.world.ledger.writes) == 1
    assert desk.world.ledger.requests[0].status is None


async def test_truncate_announces_more_than_it_sends(desk: Desk) -> None:
    for more in ({}, {"size": 10}):
        fault(desk, "truncate", **more)
        async with desk.session.get(
            desk.url(ONE), headers={"Authorization": "Bearer ben"}
        ) as response:
            assert response.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


async def test_drip_sends_everything_slowly(desk: Desk) -> None:
    fault(desk, "drip", seconds=0)
    answer = await desk.get(deals.FABRIKAM)
    assert answer.json["id"] == deals.FABRIKAM


async def test_drip_is_slower_than_a_patient_caller(desk: Desk) -> None:
    fault(desk, "drip", seconds=0.05)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(desk.get(deals.FABRIKAM), timeout=0.3)


async def test_endless_headers(desk: Desk) -> None:
    fault(desk, "endless_headers", seconds=0.01)
    with pytest.raises((TimeoutError, aiohttp.ClientError)):
        await asyncio.wait_for(desk.get(deals.FABRIKAM), timeout=0.3)


async def test_flood(desk: Desk) -> None:
    fault(desk, "flood", size=300_000)
    answer = await desk.get(deals.FABRIKAM)
    assert len(answer.text) == 300_000
    assert answer.json == {}


async def test_delay_waits_on_the_sandboxs_clock(desk: Desk) -> None:
    fault(desk, "delay", seconds=20)
    call = asyncio.create_task(renames(desk))
    await until(lambda: bool(desk.world.ledger.requests))
    desk.world.clock.advance(19)
    assert name_now(desk) != "Changed"
    desk.world.clock.advance(1)
    assert await call == 204


async def test_delay_applies_even_when_the_caller_has_gone(desk: Desk) -> None:
    fault(desk, "delay", seconds=20)
    call = asyncio.create_task(renames(desk))
    await until(lambda: bool(desk.world.ledger.requests))
    call.cancel()
    await asyncio.wait({call})
    desk.world.clock.advance(20)
    await until(lambda: name_now(desk) == "Changed")


async def test_g3_late_is_delivered_after_the_time(desk: Desk) -> None:
    fault(desk, "late", seconds=60, method="PATCH")
    with pytest.raises(aiohttp.ClientConnectionError):
        await renames(desk)
    assert name_now(desk) != "Changed"
    desk.world.clock.advance(60)
    await until(lambda: name_now(desk) == "Changed")
    assert len(desk.world.ledger.writes) == 1


async def test_g3_a_late_one_meets_the_etag_of_the_retry(desk: Desk) -> None:
    etag = (await desk.get(deals.FABRIKAM)).headers["ETag"]
    fault(desk, "late")
    with pytest.raises(aiohttp.ClientConnectionError):
        await renames(desk, "First", etag)
    assert await renames(desk, "Second", etag) == 204
    assert await desk.world.faults.release() == 1
    assert name_now(desk) == "Second"
    assert len(desk.world.ledger.writes) == 1


async def test_what_is_held_is_thrown_away_by_a_reset(desk: Desk) -> None:
    fault(desk, "late")
    with pytest.raises(aiohttp.ClientConnectionError):
        await renames(desk)
    desk.world.reset()
    assert await desk.world.faults.release() == 0
    assert desk.world.ledger.writes == []


async def test_g4_stale_read_shows_the_version_before_the_last_write(desk: Desk) -> None:
    before = await desk.get(deals.FABRIKAM)
    await renames(desk)
    fault(desk, "stale_read", times=2)
    stale = await desk.get(deals.FABRIKAM)
    assert stale.json == before.json
    assert stale.headers["ETag"] == before.headers["ETag"]
    named = await desk.list("ben", filter="name eq 'Changed'")
    assert named.ids == []
    assert (await desk.get(deals.FABRIKAM)).json["name"] == "Changed"


async def test_g4_stale_read_of_some_seconds_ago(desk: Desk) -> None:
    await renames(desk, "First")
    desk.world.clock.advance(40)
    await renames(desk, "Second")
    fault(desk, "stale_read", seconds=30, times=None)
    assert (await desk.get(deals.FABRIKAM)).json["name"] == "First"
    desk.world.clock.advance(30)
    assert (await desk.get(deals.FABRIKAM)).json["name"] == "Second"


async def test_g5_ignore_if_match(desk: Desk) -> None:
    fault(desk, "ignore_if_match")
    assert await renames(desk, etag='"old"') == 204
    assert await renames(desk, etag='"old"') == 412


async def test_f2_race_lets_somebody_else_in_first(desk: Desk) -> None:
    etag = (await desk.get(deals.FABRIKAM)).headers["ETag"]
    fault(desk, "race", method="PATCH")
    assert await renames(desk, etag=etag) == 412
    assert desk.world.referral(deals.FABRIKAM)["statusReason"] == "Edited meanwhile in the portal"
    assert desk.world.ledger.writes == []


async def test_marks_and_one_answer_befall_one_call_together(desk: Desk) -> None:
    fault(desk, "ignore_if_match")
    fault(desk, "apply_then_drop")
    with pytest.raises(aiohttp.ClientConnectionError):
        await renames(desk, etag='"old"')
    assert name_now(desk) == "Changed"


def test_every_kind_is_tested_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in Kind if f'"{kind}"' not in text] == []


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"api": "partner_center"},
        {"api": "partner_center", "kind": "surprise"},
        {"api": "partner_center", "kind": "status", "path": "("},
        {"api": "partner_center", "kind": "status", "times": "1"},
        {"api": "partner_center", "kind": "status", "seconds": True},
        {"api": "partner_center", "kind": "status", "colour": "red"},
    ],
)
async def test_a_wrong_description_is_refused(desk: Desk, description: dict[str, object]) -> None:
    with pytest.raises(BadFault):
        desk.world.faults.add(description)
    assert desk.world.faults.open == ()


@pytest.mark.parametrize(
    "values",
    [
        {"colour": "red"},
        {"mfa": 1},
        {"requests_per_minute": True},
        {"requests_per_minute": -1},
        {"page_size": 1.5},
        {"next_link": 3},
        {"registration_echo": "loud"},
        {"force_204": True, "mfa": "no"},
    ],
)
async def test_a_wrong_switch_is_refused_and_sets_nothing(
    desk: Desk, values: dict[str, object]
) -> None:
    before = desk.world.switches.values()
    with pytest.raises(UnknownSwitch):
        desk.world.switches.apply(values)
    assert desk.world.switches.values() == before


async def test_the_clock_moves_and_wakes_sleepers(desk: Desk) -> None:
    clock = desk.world.clock
    assert clock.advance(90) == NOW + timedelta(seconds=90)
    assert clock.set(NOW) == NOW
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(3599)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(1)
    await asyncio.wait_for(sleeper, timeout=60)
    await asyncio.wait_for(clock.reach(NOW), timeout=60)
    with pytest.raises(ValueError, match="zone"):
        clock.set(NOW.replace(tzinfo=None))


async def until(true: object, tries: int = 30_000) -> None:
    """Let the event loop run until something is true."""
    assert callable(true)
    for _ in range(tries):
        if true():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never became true")
