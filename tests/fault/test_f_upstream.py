"""Faults of Partner Center as they arrive at the socket: F1 to F11 of the catalogue.

The service is a script on loopback; time, sleep and chance are injected. What a seller sees of each
fault is asked in the scenarios.
"""

import asyncio
import gzip
import json
import ssl
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from partner_center.circuit import CircuitState
from partner_center.client import BACKGROUND, TURN, Budget, PartnerCenter, make_http
from partner_center.errors import (
    Conflict,
    Forbidden,
    Locked,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PartnerCenterError,
    Refused,
    Throttled,
    Unavailable,
    UnexpectedAnswer,
)
from partner_center.exchange import LARGEST_BODY
from partner_center.patch import move_document
from partner_center.query import everything
from partner_center.referral import Move
from partner_center.refusals import retry_after
from tests.bots import free_port
from tests.stopwatch import stopwatch
from tests.wire import samples
from tests.wire.scripted import (
    Clock,
    Stage,
    Step,
    Token,
    answer,
    cut,
    drip,
    listening,
    raw,
    reset,
    serving,
    silence,
    staged,
)

ID = samples.REFERRAL_ID
WON = move_document(Move.WON)
OK = answer(200, samples.referral())
SHORT = Budget(total=0.1, pauses=(0.01, 0.01), longest_wait=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def read(stage: Stage, budget: Budget | None = None) -> None:
    await stage.client.get(stage.bearer, ID, budget=budget)


async def write(stage: Stage, deadline: float = 30.0) -> None:
    await stage.client.patch(stage.bearer, ID, WON, etag=samples.ETAG, deadline=deadline)


def api_error(status: int, code: str, **more: Any) -> Step:  # noqa: ANN401
    return answer(status, {"error": {"code": code, "message": "for developers", **more}})


# F1, F2: answers that are definite


DEFINITE: list[tuple[Step, type[PartnerCenterError], str]] = [
    (api_error(400, "invalidRequest", target="/status"), Refused, "invalidRequest"),
    (api_error(403, "accessDenied"), Forbidden, "accessDenied"),
    (api_error(404, "itemNotFound"), NotFound, "itemNotFound"),
    (api_error(405, "invalidRequest"), Refused, "invalidRequest"),
    (api_error(409, "invalidRequest"), Refused, "invalidRequest"),
    (api_error(410, "itemNotFound"), Refused, "itemNotFound"),
    (api_error(412, "preconditionFailed"), Conflict, "preconditionFailed"),
    (api_error(413, "invalidRequest"), Refused, "invalidRequest"),
    (api_error(415, "invalidRequest"), Refused, "invalidRequest"),
    (api_error(422, "invalidRequest"), Refused, "invalidRequest"),
    (api_error(423, "resourceModified"), Locked, "resourceModified"),
]


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize(("step", "kind", "code"), DEFINITE)
async def test_F1_F2_a_refusal_is_definite_and_final(
    call: Callable[[Stage], Awaitable[None]],
    step: Step,
    kind: type[PartnerCenterError],
    code: str,
) -> None:
    async with staged(step) as stage:
        with pytest.raises(PartnerCenterError) as caught:
            await call(stage)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.own_body) == (code, True)
    assert len(stage.service.requests) == 1, "a refusal is not tried again"
    sent = stage.service.last.headers["client-request-id"]
    assert caught.value.client_request_id == sent


async def test_F2_a_write_names_the_version_it_was_made_for() -> None:
    async with staged(api_error(412, "preconditionFailed")) as stage:
        with pytest.raises(Conflict):
            await write(stage)
    assert stage.service.last.headers["if-match"] == samples.ETAG


BODIES: list[tuple[bytes, tuple[str, ...], bool]] = [
    (b'{"error":{"code":"a","message":"m","innerError":{"code":"b"}}}', ("a", "b"), True),
    (b'{"error":{"code":"a","innererror":{"innerError":{"code":"c"}}}}', ("a", "c"), True),
    (b'{"Error":{"Code":"a","InnerError":{"Code":"b"}}}', ("a", "b"), True),
    (b'{"code":900400,"description":"d","data":[],"source":"s"}', ("900400",), True),
    (b'{"statusCode":400,"message":"gateway"}', ("400",), True),
    (b"", (), False),
    (b"<html><body>Bad Request</body></html>", (), False),
    (b"[]", (), False),
    (b'"text"', (), False),
    (b"null", (), False),
    (b'{"error":"text"}', (), False),
    (b'{"error":{"code":null}}', (), False),
    (b'{"error":{"code":{}}}', (), False),
    (b'{"error":{"code":"a\\nb"}}', (), False),
    (b'{"error":{"innerError":[1]}}', (), False),
    (b"\xff\xfe\x00", (), False),
    (b"[" * 50_000, (), False),
    (b'{"error":' * 5_000, (), False),
]


@pytest.mark.parametrize(("body", "codes", "own"), BODIES)
async def test_F7_every_shape_of_error_body_survives(
    body: bytes, codes: tuple[str, ...], own: bool
) -> None:
    async with staged(answer(400, body=body, headers={"Request-ID": "r-1"})) as stage:
        with pytest.raises(Refused) as caught:
            await read(stage)
    error = caught.value
    assert (error.codes, error.own_body) == (codes, own)
    assert error.code == (codes[-1] if codes else None)
    assert (error.status, error.request_id) == (400, "r-1")


async def test_F7_the_words_of_the_service_are_not_in_the_exception_text() -> None:
    async with staged(api_error(400, "invalidRequest", target="/status")) as stage:
        with pytest.raises(Refused) as caught:
            await read(stage)
    assert caught.value.message == "for developers"
    assert "developers" not in str(caught.value)
    assert (caught.value.code, caught.value.target) == ("invalidRequest", "/status")


# F3: throttling


NOW = Clock().wall


def http_date(moment: datetime, form: str) -> str:
    return moment.strftime(form)


IMF, RFC850, ASCTIME = (
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2),
        ("0", 0),
        ("120", 120),
        ("86400", 86400),
        (" 7 ", 7),
        *[(http_date(NOW + timedelta(seconds=90), form), 90) for form in (IMF, RFC850, ASCTIME)],
        *[(http_date(NOW - timedelta(days=3), form), 0) for form in (IMF, RFC850, ASCTIME)],
        (http_date(NOW + timedelta(days=1), IMF), 86400),
        ("soon", None),
        ("", None),
        (None, None),
        ("-5", None),
        ("2.5", None),
        ("1e3", None),
        ("9" * 40, None),
        ("٣", None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None),
        ("2, 3", None),
    ],
)
def test_F3_retry_after_in_every_form(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_F3_an_http_date_without_a_zone_is_gmt_wherever_we_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert retry_after(http_date(NOW + timedelta(seconds=90), ASCTIME), NOW) == 90
    finally:
        monkeypatch.undo()
        time.tzset()


def throttle(wait: str | None, body: bytes | None = None) -> Step:
    headers = {} if wait is None else {"Retry-After": wait}
    content = body if body is not None else b'{"statusCode":429,"message":"Rate limit"}'
    return answer(429, body=content, headers=headers)


async def test_F3_retry_after_of_two_seconds_is_waited() -> None:
    async with staged(throttle("2"), OK) as stage:
        await read(stage)
    assert stage.clock.slept == [2.0]
    ids = {request.headers["client-request-id"] for request in stage.service.requests}
    assert len(ids) == 2, "every try is a call of its own"


@pytest.mark.parametrize("wait", ["9", "120", "86400"])
async def test_F3_retry_after_beyond_the_turn_is_reported_not_waited(wait: str) -> None:
    async with staged(throttle(wait)) as stage:
        with pytest.raises(Throttled) as caught:
            await read(stage)
    assert caught.value.retry_after == float(wait)
    assert stage.clock.slept == []
    assert len(stage.service.requests) == 1


async def test_F3_in_the_background_up_to_a_minute_is_waited() -> None:
    async with staged(throttle("60"), throttle("61")) as stage:
        with pytest.raises(Throttled) as caught:
            await read(stage, BACKGROUND)
    assert stage.clock.slept == [60.0]
    assert caught.value.retry_after == 61.0


@pytest.mark.parametrize("wait", ["soon", None, "Fri, 20 Feb 2026 11:00:00 GMT"])
async def test_F3_without_a_usable_wait_the_tries_back_off(wait: str | None) -> None:
    async with staged(throttle(wait)) as stage:
        with pytest.raises(Throttled):
            await read(stage)
    assert stage.clock.slept == [0.3, 0.6]
    assert len(stage.service.requests) == 3


@pytest.mark.parametrize(
    ("body", "own"),
    [
        (b'{"statusCode":429,"message":"Rate limit is exceeded."}', True),
        (b'{"error":{"code":"tooManyRequests","message":"m"}}', True),
        (b"<html>slow down</html>", False),
        (b"", False),
    ],
)
async def test_F3_a_throttled_write_is_not_resent_and_tells_whose_word_it_is(
    body: bytes, own: bool
) -> None:
    async with staged(throttle("2", body)) as stage:
        with pytest.raises(Throttled) as caught:
            await write(stage)
    assert (caught.value.own_body, caught.value.retry_after) == (own, 2.0)
    assert len(stage.service.requests) == 1
    assert stage.clock.slept == []


# F4: faults of the service on reads


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_F4_a_read_recovers_after_two_faults(status: int) -> None:
    async with staged(answer(status), answer(status), OK) as stage:
        await read(stage)
    assert len(stage.service.requests) == 3
    assert stage.clock.slept == [0.3, 0.6]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 507, 509])
async def test_F4_a_read_gives_up_after_three_tries_in_eight_seconds(status: int) -> None:
    async with staged(answer(status, headers={"Request-ID": "r-9"})) as stage:
        with pytest.raises(Unavailable) as caught:
            await read(stage)
    assert len(stage.service.requests) == 3
    assert sum(stage.clock.slept) <= 8
    assert (caught.value.status, caught.value.request_id) == (status, "r-9")


async def test_F4_no_try_starts_after_the_budget() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        stage.clock.advance(7.8)
        await answer(503)(writer)

    async with staged(slow) as stage:
        with pytest.raises(Unavailable):
            await read(stage)
    assert len(stage.service.requests) == 1
    assert stage.clock.slept == []


async def test_F4_the_pause_is_full_jitter() -> None:
    clock = Clock()
    chances = iter([0.5, 0.0])
    async with serving(answer(503), answer(503), OK) as service, make_http() as http:
        client = PartnerCenter(
            service.url,
            http,
            now=clock.now,
            sleep=clock.sleep,
            random=lambda: next(chances),
            monotonic=clock.monotonic,
        )
        await client.get(Token(), ID)
    assert clock.slept == [0.15, 0.0]


async def test_F4_the_eligibility_question_is_a_read() -> None:
    async with staged(answer(503), answer(200, {"isEligible": False})) as stage:
        checklist = await stage.client.referral_eligibility(stage.bearer, ID)
    assert not checklist.is_eligible
    assert [request.method for request in stage.service.requests] == ["POST", "POST"]


async def test_F4_the_circuit_opens_after_five_faults_and_tries_again_after_a_rest() -> None:
    one_try = Budget(total=8, pauses=(), longest_wait=0)
    async with staged(answer(503)) as stage:
        for _ in range(5):
            with pytest.raises(Unavailable):
                await read(stage, one_try)
        assert stage.client.circuit.state.value == "open"

        with pytest.raises(Unavailable) as refused:
            await read(stage)
        assert (refused.value.reason, refused.value.retry_after) == ("circuit_open", 30.0)
        with pytest.raises(NotSent):
            await write(stage)
        assert len(stage.service.requests) == 5, "an open circuit sends nothing"

        stage.clock.advance(30)
        with pytest.raises(Unavailable):
            await read(stage, one_try)
        assert len(stage.service.requests) == 6
        with pytest.raises(NotSent):
            await write(stage)
        stage.clock.advance(30)
        stage.service.then(OK)
        await read(stage)
        assert stage.client.circuit.state is CircuitState.CLOSED


async def test_F4_a_trial_call_that_is_given_up_leaves_the_next_one_its_turn() -> None:
    arrived = asyncio.Semaphore(0)

    async def held(_writer: asyncio.StreamWriter) -> None:
        arrived.release()
        await asyncio.Event().wait()

    async with staged(answer(503)) as stage:
        for _ in range(5):
            with pytest.raises(Unavailable):
                await read(stage, Budget(total=8, pauses=(), longest_wait=0))
        stage.clock.advance(30)
        stage.service.then(held)
        trial = asyncio.create_task(read(stage))
        await arrived.acquire()
        with pytest.raises(Unavailable) as second:
            await read(stage)
        assert second.value.reason == "circuit_open"
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        stage.service.then(OK)
        await read(stage)
    assert stage.client.circuit.state is CircuitState.CLOSED


async def test_F4_faults_far_apart_do_not_open_the_circuit() -> None:
    one_try = Budget(total=8, pauses=(), longest_wait=0)
    async with staged(answer(503)) as stage:
        for _ in range(10):
            with pytest.raises(Unavailable):
                await read(stage, one_try)
            stage.clock.advance(8)
    assert len(stage.service.requests) == 10


async def test_F4_refusals_and_throttling_do_not_open_the_circuit() -> None:
    async with staged(api_error(404, "itemNotFound")) as stage:
        for _ in range(10):
            with pytest.raises(NotFound):
                await read(stage)
    assert stage.client.circuit.state is CircuitState.CLOSED


# F5: faults on writes


LOST_ANSWERS: list[tuple[str, Step]] = [
    ("500", answer(500)),
    ("501", answer(501)),
    ("502", answer(502, body=b"<html>Bad Gateway</html>")),
    ("503", answer(503, headers={"Retry-After": "1"})),
    ("504", answer(504)),
    ("507", answer(507)),
    ("408", answer(408)),
    ("redirect", answer(302, headers={"Location": "/elsewhere"})),
    ("reset", reset()),
    ("end of connection", cut()),
    ("half a status line", cut(b"HTTP/1.1 20")),
    ("reset in the head", reset(HEAD)),
    ("cut in the body", cut(HEAD + b"Content-Length: 100\r\n\r\n{")),
    ("no HTTP at all", cut(b"hello\r\n\r\n")),
]


@pytest.mark.parametrize(("_name", "step"), LOST_ANSWERS, ids=[name for name, _ in LOST_ANSWERS])
async def test_F5_a_write_without_a_clear_answer_is_unknown_and_never_resent(
    _name: str, step: Step
) -> None:
    async with staged(step) as stage:
        with pytest.raises(OutcomeUnknown) as caught:
            await write(stage)
    assert len(stage.service.requests) == 1
    assert caught.value.client_request_id == stage.service.last.headers["client-request-id"]


@pytest.mark.parametrize(
    "step",
    [silence(), drip(HEAD), drip(HEAD + b"\r\n"), drip(HEAD + b"Content-Length: 99\r\n\r\n")],
)
async def test_F5_F8_a_write_that_takes_too_long_is_unknown(step: Step) -> None:
    async with staged(OK) as stage:
        await read(stage)  # the connection is there: the deadline can only strike afterwards
        stage.service.then(step)
        with pytest.raises(OutcomeUnknown) as caught:
            await write(stage, deadline=1.0)
    assert caught.value.reason == "deadline"
    assert [request.method for request in stage.service.requests] == ["GET", "PATCH"]


# F6: where the connection broke decides what is known


async def both(base_url: str) -> tuple[PartnerCenterError, PartnerCenterError]:
    """The errors of a read and of a write at an address."""
    async with make_http() as http:
        client = PartnerCenter(base_url, http, sleep=Clock().sleep)
        with pytest.raises(PartnerCenterError) as on_read:
            await client.get(Token(), ID)
        with pytest.raises(PartnerCenterError) as on_write:
            await client.patch(Token(), ID, WON, etag=samples.ETAG)
    return on_read.value, on_write.value


async def test_F6_a_refused_connection_is_definite() -> None:
    with free_port() as kept:
        on_read, on_write = await both(f"http://127.0.0.1:{kept.getsockname()[1]}")
    assert type(on_read) is Unavailable
    assert type(on_write) is NotSent


async def test_F6_a_name_that_does_not_resolve_is_definite() -> None:
    on_read, on_write = await both("http://partner-center.invalid")
    assert type(on_read) is Unavailable
    assert type(on_write) is NotSent


async def test_F6_a_server_that_speaks_no_tls_is_definite() -> None:
    async def plain_text(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listening(plain_text) as url:
        on_read, on_write = await both(url.replace("http:", "https:"))
    assert type(on_read) is Unavailable
    assert type(on_write) is NotSent


async def test_F6_a_certificate_that_nobody_vouches_for_is_definite(tmp_path: Path) -> None:
    context, certificate = self_signed(tmp_path)
    async with serving(OK, ssl=context) as service:
        on_read, on_write = await both(service.url)
        assert service.requests == []
        async with make_http(str(certificate)) as http:
            trusting = PartnerCenter(service.url, http)
            assert (await trusting.get(Token(), ID)).id == ID
    assert type(on_read) is Unavailable
    assert type(on_write) is NotSent


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server context for 127.0.0.1, and the certificate a client would have to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    day = timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + day)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(private + pem)
    (folder / "trust.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, folder / "trust.pem"


async def test_F6_a_handshake_that_never_ends_is_definite() -> None:
    """The listener accepts and says nothing: the deadline strikes before a request could go out."""

    async def mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(mute) as url, make_http() as http:
        client = PartnerCenter(url.replace("http:", "https:"), http)
        with pytest.raises(NotSent):
            await client.patch(Token(), ID, WON, etag=samples.ETAG, deadline=0.1)


@pytest.mark.parametrize("step", [reset(), cut(), reset(HEAD), cut(HEAD)])
async def test_F6_a_break_after_the_request_is_unknown_for_a_write_only(step: Step) -> None:
    async with staged(step, OK) as stage:
        await read(stage)
        stage.service.then(step)
        with pytest.raises(OutcomeUnknown):
            await write(stage)


async def test_F6_a_reset_while_the_request_is_being_sent_is_unknown() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with listening(hang_up) as url:
        _, on_write = await both(url)
    assert type(on_write) is OutcomeUnknown


async def test_F6_a_kept_connection_that_died_meanwhile_is_not_taken_for_not_sent() -> None:
    async with staged(OK, reset()) as stage:
        await read(stage)
        with pytest.raises(OutcomeUnknown):
            await write(stage)
    assert stage.service.connections == 1


async def test_F6_a_caller_that_gives_up_does_not_hold_the_circuit_or_the_lane() -> None:
    arrived = asyncio.Semaphore(0)

    async def held(_writer: asyncio.StreamWriter) -> None:
        arrived.release()
        await asyncio.Event().wait()

    async with staged(held) as stage:
        for _ in range(6):
            task = asyncio.create_task(write(stage))
            await arrived.acquire()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        stage.service.then(OK)
        await read(stage)
    assert stage.client.circuit.state is CircuitState.CLOSED


# F7: answers that are not understood


GARBLED: list[tuple[str, Step, str]] = [
    ("truncated JSON", answer(200, body=b'{"id": "x", "na'), "not_json"),
    (
        "HTML",
        answer(200, body=b"<!doctype html>", headers={"Content-Type": "text/html"}),
        "not_json",
    ),
    ("an array", answer(200, []), "not_an_object"),
    ("a text", answer(200, "x"), "not_an_object"),
    ("no id", answer(200, {"name": "x"}), "no_id"),
    ("another referral", answer(200, samples.referral(id="0" * 8)), "another_referral"),
    ("NaN", answer(200, body=b'{"id": "x", "v": NaN}'), "not_a_number"),
    ("1e400", answer(200, body=b'{"id": "x", "v": 1e400}'), "number_out_of_range"),
    ("twice the same key", answer(200, body=b'{"id": "x", "id": "x"}'), "duplicate_key"),
    ("an odd amount", answer(200, samples.referral(details={"dealValue": "abc"})), "not_an_amount"),
    (
        "an unknown coding",
        answer(200, body=b"x", headers={"Content-Encoding": "br"}),
        "bad_encoding",
    ),
    (
        "a lie about gzip",
        answer(200, body=b"{}", headers={"Content-Encoding": "gzip"}),
        "bad_encoding",
    ),
]


@pytest.mark.parametrize(("_name", "step", "reason"), GARBLED, ids=[name for name, *_ in GARBLED])
async def test_F7_D6_a_read_that_makes_no_sense_is_unexpected(
    _name: str, step: Step, reason: str
) -> None:
    async with staged(step) as stage:
        with pytest.raises(UnexpectedAnswer) as caught:
            await read(stage)
    assert (caught.value.reason, caught.value.status) == (reason, 200)
    assert caught.value.client_request_id == stage.service.last.headers["client-request-id"]
    assert len(stage.service.requests) == 1


@pytest.mark.parametrize(("_name", "step", "reason"), GARBLED, ids=[name for name, *_ in GARBLED])
async def test_F7_a_write_answered_with_nonsense_goes_to_read_back(
    _name: str, step: Step, reason: str
) -> None:
    async with staged(step) as stage:
        with pytest.raises(OutcomeUnknown) as caught:
            await write(stage)
    assert caught.value.reason == reason


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_F7_an_empty_answer(status: int) -> None:
    async with staged(answer(status, headers={"Request-ID": "r-2", "ETag": '"n"'})) as stage:
        patched = await stage.client.patch(stage.bearer, ID, WON, etag=samples.ETAG)
        with pytest.raises(UnexpectedAnswer) as caught:
            await read(stage)
    assert (patched.status, patched.referral, patched.etag) == (status, None, '"n"')
    assert (patched.request_id, caught.value.request_id) == ("r-2", "r-2")


async def test_F7_a_cut_body_is_read_again() -> None:
    piece = cut(HEAD + b"Content-Length: 5000\r\n\r\n{")
    async with staged(piece, OK) as stage:
        await read(stage)
        stage.service.then(piece)
        with pytest.raises(UnexpectedAnswer) as caught:
            await read(stage)
    assert caught.value.reason == "truncated"
    assert len(stage.service.requests) == 5


def flood(pieces: int) -> Step:
    """A body of so many MiB whose length is not announced."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        for _ in range(pieces):
            sent.append(len(piece))
            writer.write(piece)
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    sent: list[int] = []
    step.sent = sent  # type: ignore[attr-defined]
    return step


async def test_F7_fifty_megabytes_are_not_taken_in() -> None:
    step = flood(50)
    async with staged(step) as stage:
        with pytest.raises(UnexpectedAnswer) as caught:
            await read(stage)
    assert caught.value.reason == "too_big"
    assert sum(step.sent) < 2 * LARGEST_BODY  # type: ignore[attr-defined]
    assert len(stage.service.requests) == 1


PACKED = {"Content-Encoding": "gzip"}


async def test_F7_a_compressed_answer_is_read_and_a_cut_one_is_not() -> None:
    whole = gzip.compress(json.dumps(samples.referral()).encode())
    async with staged(answer(200, body=whole, headers=PACKED)) as stage:
        await read(stage)
        assert stage.service.last.headers["accept-encoding"] == "gzip"
        stage.service.then(answer(200, body=whole[:-20], headers=PACKED))
        with pytest.raises(UnexpectedAnswer) as caught:
            await read(stage)
    assert caught.value.reason == "truncated"


async def test_F7_a_gzip_bomb_takes_no_more_memory_than_the_largest_body() -> None:
    bomb = gzip.compress(b" " * (LARGEST_BODY * 6))
    async with staged(answer(200, body=bomb, headers=PACKED)) as stage:
        tracemalloc.start()
        try:
            with pytest.raises(UnexpectedAnswer) as caught:
                await read(stage)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert caught.value.reason == "too_big"
    assert peak < 3 * LARGEST_BODY


# F8: total deadlines


SLOW: list[tuple[str, Step]] = [
    ("silence", silence()),
    ("head without an end", drip(HEAD + b"X-Long: ")),
    ("body byte by byte", drip(HEAD + b"Content-Length: 100000\r\n\r\n")),
    ("chunks without an end", raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")),
]


@pytest.mark.parametrize(("_name", "step"), SLOW, ids=[name for name, _ in SLOW])
async def test_F8_a_read_ends_at_its_total_deadline(_name: str, step: Step) -> None:
    async with staged(step) as stage, stopwatch() as watch:
        with pytest.raises(Unavailable) as caught:
            await read(stage, SHORT)
        assert watch.seconds < 2
    assert caught.value.reason == "deadline"


def test_F8_the_budget_of_a_turn_is_eight_seconds() -> None:
    assert (TURN.total, len(TURN.pauses) + 1) == (8.0, 3)


# F9: redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_F9_a_redirect_is_not_followed_and_no_token_leaves(status: int) -> None:
    async with serving(OK) as sink:
        step = answer(status, headers={"Location": f"{sink.url}/v1.0/engagements/referrals/{ID}"})
        async with staged(step) as stage:
            with pytest.raises(UnexpectedAnswer) as caught:
                await read(stage)
            with pytest.raises(OutcomeUnknown):
                await write(stage)
        assert caught.value.reason == "redirect"
        assert sink.connections == 0


# F10: lists


def page(number: int, next_link: str | None) -> Step:
    document: dict[str, Any] = {
        "@odata.count": 3,
        "value": [samples.referral(id=f"id-{number}")],
    }
    if next_link is not None:
        document["@odata.nextLink"] = next_link
    return answer(200, document)


async def listed(stage: Stage, max_pages: int = 10) -> list[str]:
    pages = stage.client.all_pages(stage.bearer, everything(), max_pages)
    return [referral.id async for each in pages for referral in each.referrals]


async def test_F10_pages_follow_each_other_on_our_own_host() -> None:
    async with staged(OK) as stage:
        own = f"{stage.service.url}/v1.0/engagements/referrals?$skiptoken=two"
        odd = f"{stage.service.url}/v1.0/referrals?$skiptoken=3"
        stage.service.then(page(1, own), page(2, odd), page(3, None))
        assert await listed(stage) == ["id-1", "id-2", "id-3"]
    assert [request.target for request in stage.service.requests[1:]] == [
        "/v1.0/engagements/referrals?$skiptoken=two",
        "/v1.0/engagements/referrals?$skiptoken=3",
    ]


async def test_F10_a_loop_of_links_ends() -> None:
    async with staged(OK) as stage:
        again = f"{stage.service.url}/v1.0/engagements/referrals?$skiptoken=same"
        stage.service.then(page(1, again))
        assert len(await listed(stage, max_pages=1000)) == 2


async def test_F10_the_number_of_pages_is_bounded() -> None:
    numbers = iter(range(10_000))

    async def endless(writer: asyncio.StreamWriter) -> None:
        number = next(numbers)
        link = f"{stage.service.url}/v1.0/engagements/referrals?$skiptoken={number}"
        await page(number, link)(writer)

    async with staged(endless) as stage:
        assert len(await listed(stage, max_pages=7)) == 7
    assert len(stage.service.requests) == 7


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_F10_a_link_to_another_host_is_refused_and_sees_no_token(host: str) -> None:
    async with serving(OK) as sink, staged(OK) as stage:
        foreign = sink.url.replace("127.0.0.1", host)
        link = f"{foreign}/v1.0/engagements/referrals?$skiptoken=x"
        stage.service.then(page(1, link))
        first = await stage.client.list(stage.bearer, everything())
        assert [referral.id for referral in first.referrals] == ["id-1"]
        with pytest.raises(UnexpectedAnswer) as caught:
            await stage.client.list(stage.bearer, everything(), next_link=first.next_link)
        assert caught.value.reason == "foreign_next_link"
        assert len(stage.service.requests) == 1
        assert sink.connections == 0


async def test_F10_a_page_of_five_thousand_is_read() -> None:
    many = {"value": [{"id": f"id-{number}", "name": "x" * 200} for number in range(5000)]}
    async with staged(answer(200, many)) as stage:
        assert len((await stage.client.list(stage.bearer, everything())).referrals) == 5000


@pytest.mark.parametrize("document", [{}, {"value": None}, {"value": {}}, {"value": [1]}, []])
async def test_F10_a_list_that_is_none_is_unexpected(document: Any) -> None:  # noqa: ANN401
    async with staged(answer(200, document)) as stage:
        with pytest.raises(UnexpectedAnswer):
            await stage.client.list(stage.bearer, everything())


async def test_F10_entries_without_an_etag_and_an_odd_count_are_fine() -> None:
    entry = samples.referral()
    del entry["eTag"]
    async with staged(answer(200, {"value": [entry], "@odata.count": "many"})) as stage:
        got = await stage.client.list(stage.bearer, everything())
    assert (got.referrals[0].etag, got.count, got.next_link) == ("", None, None)


async def test_F10_the_parties_of_a_deal() -> None:
    document = {"value": [samples.referral(), samples.referral(id="m", organizationId="msft")]}
    async with staged(answer(200, document)) as stage:
        parties = await stage.client.related(stage.bearer, samples.ENGAGEMENT_ID)
    assert [party.is_microsofts for party in parties] == [False, True]
    assert f"engagementId%20eq%20%27{samples.ENGAGEMENT_ID}%27" in stage.service.last.target


# F11: eligibility


ABSENT: list[Any] = [
    {},
    {"isEligible": True},
    {"isEligible": True, "passedPolicies": [], "failedPolicies": []},
    {"isEligible": "true", "policies": [{"isEligible": "true"}]},
    {"passedPolicies": [{"policyName": "isMoonFull", "isEligible": True}]},
]


@pytest.mark.parametrize("document", ABSENT)
async def test_F11_an_absent_check_is_never_a_pass(document: Any) -> None:  # noqa: ANN401
    async with staged(answer(200, document)) as stage:
        checklist = await stage.client.referral_eligibility(stage.bearer, ID)
    assert not checklist.is_eligible


async def test_F11_eligibility_that_is_down_raises_and_says_nothing_else() -> None:
    async with staged(answer(503)) as stage:
        with pytest.raises(Unavailable):
            await stage.client.referral_eligibility(stage.bearer, ID)
        stage.client.circuit.succeeded()
        with pytest.raises(Unavailable):
            await stage.client.partner_eligibility(stage.bearer)


async def test_F11_a_refusal_at_the_patch_names_its_policies() -> None:
    step = api_error(
        400,
        "invalidRequest",
        target="/registrations/-",
        innerError={"code": "isDealValueEligible", "innerError": {"code": "deeper"}},
    )
    async with staged(step) as stage:
        with pytest.raises(Refused) as caught:
            await write(stage)
    assert caught.value.codes == ("invalidRequest", "isDealValueEligible", "deeper")
    assert (caught.value.target, caught.value.own_body) == ("/registrations/-", True)
