"""Notifications end to end: Partner Center's signed deliveries, the real bot, the channel."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from bot import webhook_registration
from bot.settings import load
from bot.webhooks import PATH
from sandbox import deal_shapes
from sandbox.catalogue import ADATUM
from sandbox.deals import BELLOWS, FABRIKAM, FABRIKAM_MICROSOFT, SOUTHRIDGE
from sandbox.webhook_certificates import Kind
from tests.bots import ROOT
from tests.scenario.conftest import signed_in
from tests.seen import Heard, Json
from tests.world import PATIENCE_SECONDS, World

EVENT = "referral-updated"
WON = [
    {"op": "replace", "path": "/status", "value": "Closed"},
    {"op": "replace", "path": "/substatus", "value": "Won"},
]
NOTES = [{"op": "replace", "path": "/details/notes", "value": "A colleague was here."}]


@pytest.fixture
async def notified(world: World) -> World:
    """The bot is up and registered for notifications; nobody is signed in."""
    bot = await world.bot()
    await world.post("webhooks", url=f"{bot.url}{PATH}")
    return world


@pytest.fixture
async def listening(notified: World) -> World:
    """The same with Ben signed in, and wins told in the channel."""
    await signed_in(notified, "ben")
    await notified.says("ben", "subscribe won", "wins")
    await notified.hears("ben", "wins", until="Subscri")
    return notified


def rows(world: World) -> list[Json]:
    """What is in the inbox, oldest first."""
    with closing(sqlite3.connect(f"{world.folder}/dealdesk.db")) as database:
        database.row_factory = sqlite3.Row
        found = database.execute("SELECT * FROM inbox ORDER BY received, id")
        return [dict(row) for row in found]


async def worked_off(world: World, count: int) -> list[Json]:
    """The rows, once there are so many and all of them are settled."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = rows(world)
            if len(found) >= count and not {"ready", "working"} & {row["state"] for row in found}:
                return found
            await asyncio.sleep(0.05)


async def deliver(world: World, **more: object) -> Json:
    """One signed delivery: `headers`, `body`, `then`, `certificate`, `age`, ..."""
    given = {"event": EVENT, "referral": FABRIKAM} | more
    found: Json = await world.post("webhooks/deliver", **given)
    return found


async def fetched(world: World) -> list[str]:
    """The certificates the bot asked for."""
    found: list[str] = (await world.get("webhooks"))["fetched"]
    return found


@asynccontextmanager
async def locked(world: World) -> AsyncIterator[sqlite3.Connection]:
    """The database held by somebody else, from between two transactions of the bot on."""
    path = f"{world.folder}/dealdesk.db"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as held:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not held.in_transaction:
                with suppress(sqlite3.OperationalError):
                    held.execute("BEGIN EXCLUSIVE")
                await asyncio.sleep(0.005)
        yield held


def told(messages: list[Heard]) -> list[Heard]:
    """The notices of a win."""
    return [message for message in messages if "Deal won" in message]


@dataclass(slots=True)
class Sink:
    """A port of this machine that nothing may ever connect to."""

    port: int
    connections: int = 0


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    found = Sink(0)

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"headers": {"x-ms-signature": None}}, 401),
        ({"headers": {"x-ms-signature": "Signature bm90IHRoaXM="}}, 403),
        ({"headers": {"X-MS-Signature-Algorithm": "rsa-sha1"}}, 403),
        ({"headers": {"X-MS-Signature-Algorithm": "none"}}, 403),
        ({"headers": {"X-MS-Signature-Algorithm": None}}, 400),
        ({"headers": {"X-MS-Certificate-Url": None}}, 400),
        ({"then": '{"EventName":"referral-updated"}'}, 403),
    ],
)
async def test_H1_unsigned_or_forged_is_refused_and_nothing_is_stored(
    notified: World, more: Mapping[str, object], status: int
) -> None:
    assert (await deliver(notified, **more))["status"] == status
    assert rows(notified) == []


async def test_H1_both_documented_headers_are_taken(notified: World) -> None:
    assert (await deliver(notified))["status"] == 200
    url = (await notified.get("webhooks"))["registration"]["url"]
    await notified.post("webhooks", url=url, own_header=False)
    assert (await deliver(notified, age=1))["status"] == 200
    assert len(rows(notified)) == 2
    assert len(await fetched(notified)) == 1


async def test_H2_the_sink_sees_nothing_of_any_forbidden_address(notified: World) -> None:
    good = (await notified.get("webhooks"))["certificates"]["good"]
    parts = urlsplit(good)
    async with sink() as seen:
        aside = f"127.0.0.1:{seen.port}"
        forbidden = [
            f"https://{aside}{parts.path}",
            f"http://{aside}{parts.path}",
            f"https://localhost:{seen.port}/a.cer",
            f"https://{parts.netloc}@{aside}/a.cer",
            f"https://{aside}#{parts.netloc}/a.cer",
            f"https://{aside}?{parts.netloc}/a.cer",
            f"https://{aside}\\@{parts.netloc}/a.cer",
            f"http://{parts.netloc}{parts.path}",
            f"https://localhost:{parts.port}{parts.path}",
            f"https://[::1]:{parts.port}{parts.path}",
            f"https://2130706433:{parts.port}{parts.path}",
            f"https://user:word@{parts.netloc}{parts.path}",
            f"{good}?next=https://{aside}/",
            f"{good}#x",
            f"https://{parts.netloc}/../{parts.path}",
            "https://169.254.169.254/metadata/instance",
            "https://other.blob.core.windows.net/cert/a.cer",
            "https://3psostorageacct.blob.core.windows.net/cert/a.cer",
            "file:///etc/hostname",
        ]
        for url in forbidden:
            answered = await deliver(notified, headers={"X-MS-Certificate-Url": url})
            assert answered["status"] == 403, url
        assert seen.connections == 0
    assert (await fetched(notified), rows(notified)) == ([], [])


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "redirect"}, 403),
        ({"kind": "flood", "size": 10_000_000}, 403),
        ({"kind": "html"}, 403),
        ({"kind": "status", "status": 404}, 403),
        ({"kind": "status", "status": 503}, 503),
        ({"kind": "drop_before"}, 503),
        ({"kind": "drip"}, 503),
    ],
    ids=lambda value: str(value.get("status", value["kind"])) if isinstance(value, dict) else "",
)
async def test_H2_a_certificate_is_taken_in_one_small_quick_answer_or_not_at_all(
    notified: World, fault: Mapping[str, object], status: int
) -> None:
    async with sink() as seen:
        given = {"location": f"https://127.0.0.1:{seen.port}/a.cer"} | dict(fault)
        kind = str(given.pop("kind"))
        if kind != "redirect":
            del given["location"]
        await notified.fault(kind, "entra", method="GET", path="/certificates/", times=9, **given)
        assert (await deliver(notified))["status"] == status
        assert seen.connections == 0
    assert rows(notified) == []
    assert (await notified.get("faults"))[0]["times"] in (7, 8)  # a cut connection: one more try


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.GOOD])
async def test_H3_every_certificate_but_the_good_one_is_refused(
    notified: World, kind: Kind
) -> None:
    assert (await deliver(notified, certificate=kind.value))["status"] == 403
    assert rows(notified) == []
    assert (await deliver(notified))["status"] == 200


async def test_H3_the_real_certificate_does_not_help_a_forged_body(notified: World) -> None:
    genuine = await deliver(notified, age=60)
    forged = str(genuine["body"]).replace(FABRIKAM, SOUTHRIDGE)
    assert genuine["status"] == 200
    assert (await deliver(notified, body=genuine["body"], then=forged))["status"] == 403
    assert [row["referral_id"] for row in rows(notified)] == [FABRIKAM]


async def test_a_win_marked_in_the_portal_reaches_the_channel_once(listening: World) -> None:
    await listening.post("webhooks", copies=3)
    await listening.edit(FABRIKAM, WON, by="portal")
    messages = await listening.sees("dana", lambda seen: bool(told(seen)), "wins")
    (notice,) = told(messages)
    assert "Fabrikam" in notice
    assert [row["state"] for row in await worked_off(listening, 1)] == ["done"]
    (delivery,) = (await listening.get("webhooks"))["deliveries"]
    assert delivery["statuses"] == [200, 200, 200]
    assert await listening.ledger() == []


async def test_H4_ten_deliveries_to_two_instances_and_late_replays_are_one_notice(
    listening: World,
) -> None:
    first = (await listening.get("webhooks"))["registration"]["url"]
    second = f"{(await listening.bot()).url}{PATH}"
    await listening.post("webhooks", lose=True)
    await listening.edit(FABRIKAM, WON, by="portal")
    await listening.post("webhooks", lose=False)
    genuine = await deliver(listening)
    again = [
        deliver(listening, body=genuine["body"], to=to) for to in (first, second) for _ in range(5)
    ]
    assert {answer["status"] for answer in await asyncio.gather(*again)} == {200}
    await listening.sees("dana", lambda seen: bool(told(seen)), "wins")
    before = await worked_off(listening, 1)
    for seconds in (3_600, 30 * 86_400):
        await listening.advance(seconds)
        assert (await deliver(listening, body=genuine["body"], to=second))["status"] == 200
    assert rows(listening) == before
    assert len(told(await listening.messages("dana", "wins"))) == 1


async def test_H5_out_of_order_and_about_microsofts_side_the_truth_is_told_once(
    listening: World,
) -> None:
    await listening.post("webhooks", hold=True)
    await listening.edit(FABRIKAM, NOTES, by="portal")
    await listening.edit(FABRIKAM_MICROSOFT, NOTES, by="portal")
    await listening.edit(FABRIKAM, WON, by="portal")
    assert (await listening.post("webhooks/release"))["released"] == 3
    await listening.sees("dana", lambda seen: bool(told(seen)), "wins")
    found = await worked_off(listening, 3)
    assert {row["state"] for row in found} == {"done"}
    assert {row["event_name"] for row in found} == {EVENT, "related-referral-updated"}
    assert len(told(await listening.messages("dana", "wins"))) == 1


async def test_H5_another_partners_win_in_the_same_deal_is_not_ours(notified: World) -> None:
    await signed_in(notified, "cleo")
    await notified.says("cleo", "subscribe won", "wins")
    await notified.hears("cleo", "wins", until="Subscri")
    await notified.edit(deal_shapes._other_id(BELLOWS, ADATUM), WON, by="portal")
    assert [row["state"] for row in await worked_off(notified, 1)] == ["done"]
    assert told(await notified.messages("dana", "wins")) == []
    await notified.post("webhooks", lose=True)
    await notified.edit(BELLOWS, WON, by="portal")
    await notified.post("webhooks", lose=False)
    await notified.edit(deal_shapes.microsoft_id(BELLOWS), NOTES, by="portal")
    messages = await notified.sees("dana", lambda seen: bool(told(seen)), "wins")
    (notice,) = told(messages)
    assert "Bellows College" in notice
    assert len(await worked_off(notified, 2)) == 2


async def test_what_was_acknowledged_survives_a_kill(world: World) -> None:
    bot = await world.bot_process()
    await world.post("webhooks", url=f"{bot.url}{PATH}")
    await signed_in(world, "ben")
    await world.says("ben", "subscribe won", "wins")
    await world.hears("ben", "wins", until="Subscri")
    await world.fault("status", method="GET", path=FABRIKAM, status=503, times=100)
    await world.edit(FABRIKAM, WON, by="portal")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await world.get("webhooks"))["deliveries"][0]["done"]:
            continue
    assert (await world.get("webhooks"))["deliveries"][0]["statuses"] == [200]
    await bot.kill()
    await world.clear_faults()
    await world.advance(120)
    await world.bot()
    await world.sees("dana", lambda seen: bool(told(seen)), "wins")
    (row,) = await worked_off(world, 1)
    assert row["state"] == "done"


async def test_H5_what_cannot_be_seen_or_is_unknown_is_ignored_quietly(listening: World) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    before = len(await listening.messages("dana", "wins"))
    for referral in (SOUTHRIDGE, nobody):
        assert (await deliver(listening, referral=referral))["status"] == 200
    assert (await deliver(listening, event="deal-moved"))["status"] == 200
    found = await worked_off(listening, 2)
    assert {row["state"] for row in found} == {"ignored"}
    assert len(await listening.messages("dana", "wins")) == before


async def test_H6_the_address_of_a_notification_is_never_called(listening: World) -> None:
    await listening.post("webhooks", lose=True)
    await listening.edit(FABRIKAM, WON, by="portal")
    asked = len(await listening.requests())
    async with sink() as seen:
        body = (await deliver(listening, age=1, certificate="expired"))["body"]
        named = f"http://127.0.0.1:{seen.port}/x/referrals/{FABRIKAM}"
        documented = f"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{FABRIKAM}"
        assert documented in body
        aside = str(body).replace(documented, named)
        assert (await deliver(listening, body=aside))["status"] == 200
        upward = str(body).replace(documented, f"{documented}/../../../admin")
        assert (await deliver(listening, body=upward))["status"] == 200
        await listening.sees("dana", lambda messages: bool(told(messages)), "wins")
        assert seen.connections == 0
    (row,) = await worked_off(listening, 1)
    assert (row["referral_id"], row["state"]) == (FABRIKAM, "done")
    calls = (await listening.requests())[asked:]
    assert {call["path"].split("/engagements/")[0] for call in calls} == {"/partnercenter/v1.0"}
    assert {call["owner"] for call in calls} == {"ben"}


async def test_a_delivery_that_could_not_be_stored_is_made_again(notified: World) -> None:
    async with locked(notified):
        await notified.edit(FABRIKAM, NOTES, by="portal")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await notified.get("webhooks"))["deliveries"][0]["statuses"]:
                continue
    await notified.advance(1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await notified.get("webhooks"))["deliveries"][0]["done"]:
            continue
    (delivery,) = (await notified.get("webhooks"))["deliveries"]
    assert delivery["statuses"] == [503, 200]
    assert len(rows(notified)) == 1


async def test_partner_center_down_is_waited_for(listening: World) -> None:
    await listening.post("webhooks", lose=True)
    await listening.edit(FABRIKAM, WON, by="portal")
    await listening.fault("status", method="GET", path=FABRIKAM, status=503, times=3)
    assert (await deliver(listening))["status"] == 200
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not told(await listening.messages("dana", "wins")):
            await listening.advance(5)
            await asyncio.sleep(0.1)
    (row,) = await worked_off(listening, 1)
    assert row["state"] == "done"


async def test_registering_showing_and_testing(world: World) -> None:
    bot = await world.bot()
    settings = load(
        None,
        **{
            name.removeprefix("DEALDESK_").lower(): value
            for name, value in world.environment(int(bot.url.rpartition(":")[2])).items()
        },
    )
    said: list[str] = []

    async def run(*words: str) -> int:
        said.clear()
        return await webhook_registration.run(settings, words, said.append)

    assert await run() == 2
    assert await run("show") == 1
    assert await run("register") == 0
    assert f"{bot.url}{PATH}" in said[0]
    assert await run("show") == 0
    assert "referral-created" in said[0]
    assert await run("register") == 0
    assert await run("test") == 0
    assert said[-1] == "It was taken."
    assert await run("test") == 0
    assert await run("test") == 1
    assert "Two tests a minute" in said[-1]
    await world.post("webhooks", url="http://127.0.0.1:9/elsewhere")
    assert await run("show") == 1
    assert "not this bot" in said[-1]
    clients = {(call["grant"], call["scope"]) for call in await world.token_calls() if call["ok"]}
    assert ("client_credentials", webhook_registration.SCOPE) in clients


async def test_the_command_runs_from_the_command_line(world: World) -> None:
    environment = {**world.environment(3978), "PATH": ""}
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(ROOT / "app.py"), "webhook", "show"],
        cwd=world.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "notifies nobody" in ended.stdout
