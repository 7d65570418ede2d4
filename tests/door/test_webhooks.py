"""`POST /webhooks/partner-center` over sockets: what is let in, stored, refused and how soon."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from bot.store.engine import Store
from bot.webhook_certificates import Certificates, CertificateUnavailable
from bot.webhook_intake import Intake
from bot.webhooks import PATH, Webhooks
from partner_center.webhook_certificate import read_roots
from tests.door.stage import Clock, Stage, stage
from tests.stopwatch import Stopwatch, stopwatch
from tests.wire import notifier
from tests.wire.notifier import BODY, DISPATCHER, HOST, ISSUING, PINNED, Issuer, issue

Headers = Mapping[str, str | None]


@dataclass
class Endpoint:
    """The endpoint with a source of certificates that counts what is asked of it."""

    most_waiting: int = 10_000
    certificate: bytes | None = DISPATCHER.der
    pinned: bool = True
    asked: list[str] = field(default_factory=list)
    woken: int = 0
    folder: Path | None = None
    at: Stage | None = None

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.certificate is None:
            raise CertificateUnavailable("down")
        return self.certificate

    def routes(self, store: Store, clock: Clock) -> Iterable[web.AbstractRouteDef]:
        roots = read_roots(PINNED)
        judge = Certificates(self.fetch, roots, clock.now, clock.monotonic)
        intake = Intake(store, clock.now, self.wake, most_waiting=self.most_waiting)
        return Webhooks(judge if self.pinned else None, {HOST}, intake, clock.now).routes()

    def wake(self) -> None:
        self.woken += 1

    async def post(
        self,
        body: bytes = BODY,
        *,
        signed: bytes | None = None,
        by: Issuer = DISPATCHER,
        headers: Headers | None = None,
        method: str = "POST",
    ) -> int:
        """One delivery, signed as it should be but for what is said; the status."""
        assert self.at is not None
        made = notifier.headers(signed if signed is not None else body, by)
        sent = {"content-type": "application/json"} | {n: v[0] for n, v in made.items()}
        given = {k: v for k, v in (sent | dict(headers or {})).items() if v is not None}
        async with self.at.http.request(
            method,
            f"{self.at.base}{PATH}",
            data=body,
            headers=given,
            skip_auto_headers=["Content-Type"],
        ) as answer:
            assert await answer.read() == b""
            return answer.status

    def stored(self) -> list[dict[str, object]]:
        """The rows of the inbox."""
        with closing(sqlite3.connect(f"{self.folder}/door.db")) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT * FROM inbox")]


@pytest.fixture
async def endpoint(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Endpoint]:
    """A running endpoint; a parameter is the Endpoint to run."""
    made: Endpoint = getattr(request, "param", None) or Endpoint()
    made.folder = tmp_path
    async with stage(tmp_path, webhooks=made.routes) as running:
        made.at = running
        yield made


def of(number: int) -> bytes:
    """Another change of the deal."""
    return BODY.replace(b"39.5485487", f"39.{number:06d}0".encode())


def changed(body: bytes, **members: object) -> bytes:
    """The body with other members."""
    return json.dumps(json.loads(body) | members).encode()


async def test_a_genuine_notification_is_stored_before_it_is_acknowledged(
    endpoint: Endpoint,
) -> None:
    assert await endpoint.post() == 200
    (row,) = endpoint.stored()
    assert row["event_name"] == "referral-updated"
    assert row["referral_id"] == notifier.REFERRAL
    assert (row["state"], endpoint.woken) == ("ready", 1)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-ms-signature": None}, 401),
        ({"x-ms-signature": "Signature AAAA"}, 403),
        ({"x-ms-signature": "Bearer AAAA"}, 401),
        ({"x-ms-signature-algorithm": None}, 400),
        ({"x-ms-signature-algorithm": "rsa-sha1"}, 403),
        ({"x-ms-signature-algorithm": "none"}, 403),
        ({"x-ms-certificate-url": None}, 400),
    ],
)
async def test_H1_unsigned_or_otherwise_signed_is_refused_and_not_stored(
    endpoint: Endpoint, headers: Headers, status: int
) -> None:
    assert await endpoint.post(headers=headers) == status
    assert endpoint.stored() == []


async def test_H1_another_body_than_the_signed_one_is_refused(endpoint: Endpoint) -> None:
    for body in (BODY + b" ", BODY.replace(b"fed37", b"fed38"), changed(BODY)):
        assert await endpoint.post(body, signed=BODY) == 403
    assert endpoint.stored() == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a.cer",
        f"http://{HOST}/a.cer",
        f"https://{HOST}:8443/a.cer",
        f"https://user@{HOST}/a.cer",
        f"https://{HOST}/a.cer?x",
        f"https://{HOST}/../a.cer",
        "https://169.254.169.254/latest",
        "file:///etc/hostname",
    ],
)
async def test_H2_other_certificate_addresses_are_never_fetched(
    endpoint: Endpoint, url: str
) -> None:
    assert await endpoint.post(headers={"x-ms-certificate-url": url}) == 403
    assert (endpoint.asked, endpoint.stored()) == ([], [])


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("GET", {}, b"", 405),
        ("PUT", {}, BODY, 405),
        ("POST", {"content-type": "text/plain"}, BODY, 415),
        ("POST", {"content-type": None}, BODY, 415),
        ("POST", {"content-type": "application/json; charset=utf-16"}, BODY, 415),
        ("POST", {"content-encoding": "gzip"}, BODY, 415),
        ("POST", {}, b" " * (64 * 1024 + 1), 413),
        ("POST", {}, b"", 400),
        ("POST", {}, b"[]", 400),
        ("POST", {}, b"\xff", 400),
        ("POST", {}, changed(BODY, ResourceChangeUtcDate=None), 400),
        ("POST", {}, b'{"a":' * 10_000, 400),
    ],
)
async def test_H1_guards_answer_with_a_status_and_an_empty_body(
    endpoint: Endpoint, method: str, headers: Headers, body: bytes, status: int
) -> None:
    assert await endpoint.post(body, headers=headers, method=method) == status
    assert endpoint.stored() == []


async def test_H1_a_body_too_large_is_refused_before_anything_is_fetched(
    endpoint: Endpoint,
) -> None:
    assert await endpoint.post(b" " * (64 * 1024 + 1)) == 413
    assert endpoint.asked == []


@pytest.mark.parametrize("endpoint", [Endpoint(pinned=False)], indirect=True)
async def test_without_pinned_roots_nothing_is_believed(endpoint: Endpoint) -> None:
    assert await endpoint.post() == 403
    assert (endpoint.asked, endpoint.stored()) == ([], [])


@pytest.mark.parametrize(
    "endpoint", [Endpoint(certificate=issue(None).der)], indirect=True, ids=["self-signed"]
)
async def test_H3_a_certificate_without_pinned_root_is_refused(endpoint: Endpoint) -> None:
    assert await endpoint.post(by=issue(None)) == 403
    assert endpoint.stored() == []


@pytest.mark.parametrize("endpoint", [Endpoint(certificate=None)], indirect=True)
async def test_without_the_certificate_partner_center_is_asked_to_try_again(
    endpoint: Endpoint,
) -> None:
    assert endpoint.at is not None
    assert await endpoint.post() == 503
    endpoint.certificate = DISPATCHER.der
    assert await endpoint.post() == 503
    assert len(endpoint.asked) == 1
    endpoint.at.clock.advance(5)
    assert await endpoint.post() == 200
    assert len(endpoint.stored()) == 1


async def test_H4_the_same_event_ten_times_is_one_row(endpoint: Endpoint) -> None:
    statuses = await asyncio.gather(*(endpoint.post() for _ in range(10)))
    assert set(statuses) == {200}
    other_bytes = changed(BODY, AuditUri="https://example.com/x")
    assert await endpoint.post(other_bytes) == 200
    assert await endpoint.post(of(1)) == 200
    assert len(endpoint.stored()) == 2


@pytest.mark.parametrize("days", [1.001, 30, -1.001])
async def test_H4_what_is_too_old_or_too_early_is_acknowledged_and_ignored(
    endpoint: Endpoint, days: float
) -> None:
    assert endpoint.at is not None
    endpoint.at.clock.advance(days * 86_400)
    assert await endpoint.post() == 200
    assert endpoint.stored() == []


async def test_H4_a_replay_after_an_hour_changes_nothing(endpoint: Endpoint) -> None:
    assert endpoint.at is not None
    assert await endpoint.post() == 200
    (before,) = endpoint.stored()
    endpoint.at.clock.advance(3600)
    assert await endpoint.post() == 200
    assert endpoint.stored() == [before]
    assert endpoint.woken == 1


@pytest.mark.parametrize(
    "members",
    [
        {"EventName": "test-created", "ResourceUri": "https://example.com/registration/test"},
        {"EventName": "deal-moved"},
        {"ResourceUri": "https://api.partnercenter.microsoft.com/referrals/../x"},
    ],
)
async def test_H5_H6_what_names_no_deal_is_acknowledged_and_ignored(
    endpoint: Endpoint, members: Mapping[str, object]
) -> None:
    assert await endpoint.post(changed(BODY, **members)) == 200
    assert endpoint.stored() == []


async def test_a_renewed_certificate_under_the_same_address_is_taken_up(
    endpoint: Endpoint,
) -> None:
    assert endpoint.at is not None
    renewed = issue(ISSUING, named="renewed for the door")
    assert await endpoint.post() == 200
    endpoint.certificate = renewed.der
    endpoint.at.clock.advance(120)
    assert await endpoint.post(of(2), by=renewed) == 200
    assert len(endpoint.asked) == 2


async def test_H7_a_full_store_or_a_busy_one_is_a_503_within_seconds(endpoint: Endpoint) -> None:
    with closing(sqlite3.connect(f"{endpoint.folder}/door.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with stopwatch() as watch:
            assert await endpoint.post() == 503
            assert watch.seconds < 3
        other.execute("ROLLBACK")
    assert await endpoint.post() == 200
    assert len(endpoint.stored()) == 1


CAP = 200
FLOOD = 1200


@pytest.mark.parametrize("endpoint", [Endpoint(most_waiting=CAP)], indirect=True, ids=["cap"])
async def test_H7_a_flood_is_stored_up_to_the_cap_and_turns_go_on(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case H7, scaled down so that it says the same on every machine. Without a cap, 3,000 events
    from these 40 senders were stored and acknowledged at some 1,200 a second on two busy cores,
    and a turn beside them took 29 ms, 42 ms at the 95th percentile (SQLite, one process)."""
    at = endpoint.at
    assert at is not None
    monkeypatch.setattr("bot.webhooks.STORE_SECONDS", 60.0)  # a slow disk refuses none of them
    bodies = [of(number) for number in range(FLOOD)]
    waits: list[float] = []
    statuses: list[int] = []
    left = iter(bodies)

    async def sender() -> None:
        for body in left:
            statuses.append(await endpoint.post(body))

    async def card_turns(watch: Stopwatch) -> None:
        while len(statuses) < FLOOD:
            began = watch.seconds
            assert (await at.post(at.activity())).status in (200, 202)
            waits.append(watch.seconds - began)

    async with stopwatch() as watch:
        await asyncio.gather(card_turns(watch), *(sender() for _ in range(40)))
    assert {status: statuses.count(status) for status in set(statuses)} == {
        200: CAP,
        503: FLOOD - CAP,
    }
    assert len(endpoint.stored()) == CAP
    assert len(endpoint.asked) == 1
    assert sorted(waits)[int(len(waits) * 0.95)] < 2.0
