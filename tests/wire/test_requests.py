"""What every request carries, whose token it bears, and what is never sent or logged."""

import asyncio
import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from partner_center.client import Budget, PartnerCenter, make_http
from partner_center.errors import (
    ClaimsChallenge,
    MfaRequired,
    NotSent,
    Unauthorized,
    Unavailable,
)
from partner_center.exchange import waits
from partner_center.patch import move_document
from partner_center.query import mine
from partner_center.referral import Move
from tests.wire import samples
from tests.wire.scripted import Step, Token, answer, silence, staged

ID = samples.REFERRAL_ID
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
WON = move_document(Move.WON)
SHORT = Budget(total=0.05, pauses=(), longest_wait=1)


async def test_every_call_has_its_own_request_id() -> None:
    async with staged(answer(200, samples.referral())) as stage:
        for _ in range(3):
            await stage.client.get(stage.bearer, ID)
    ids = [request.headers["client-request-id"] for request in stage.service.requests]
    assert len(set(ids)) == 3
    assert all(UUID4.fullmatch(each) for each in ids)
    assert stage.service.last.headers["accept"] == "application/json"
    assert stage.service.last.headers["host"] == stage.service.url.removeprefix("http://")


async def test_a_stored_request_id_is_sent_as_given() -> None:
    async with staged(answer(204)) as stage:
        await stage.client.patch(
            stage.bearer, ID, WON, etag=samples.ETAG, client_request_id="3f0c6f0e"
        )
    assert stage.service.last.headers["client-request-id"] == "3f0c6f0e"


async def test_the_list_query_is_encoded_once() -> None:
    async with staged(answer(200, {"value": [], "@odata.count": 0})) as stage:
        await stage.client.list(stage.bearer, mine("o'hara@contoso.example", top=10))
    assert stage.service.last.target == (
        "/v1.0/engagements/referrals"
        "?$filter=team%2Fany%28t%3At%2Femail%20eq%20%27o%27%27hara%40contoso.example%27%29"
        "&$orderby=updatedDateTime%20desc&$top=10"
    )


async def test_the_etag_header_fills_in_for_a_body_without_one() -> None:
    document = samples.referral()
    del document["eTag"]
    async with staged(answer(200, document, headers={"ETag": '"h1"'})) as stage:
        assert (await stage.client.get(stage.bearer, ID)).etag == '"h1"'


@pytest.mark.parametrize("etag", ["", "*", "abc", '"a', '"a"\r\nX: y', '"a" "b"'])
async def test_nothing_is_written_without_a_real_etag(etag: str) -> None:
    async with staged(answer(204)) as stage:
        with pytest.raises(ValueError, match="etag"):
            await stage.client.patch(stage.bearer, ID, WON, etag=etag)
        with pytest.raises(ValueError, match="operations"):
            await stage.client.patch(stage.bearer, ID, (), etag=samples.ETAG)
    assert stage.service.requests == []


@pytest.mark.parametrize("bad", ["", "../x", "a/b", "a?b", "a%2fb", "a b", "a\r\nb", "ä", "-" * 3])
async def test_D7_an_id_cannot_leave_its_place_in_the_path(bad: str) -> None:
    async with staged(answer(200, samples.referral())) as stage:
        for call in (stage.client.get, stage.client.referral_eligibility):
            with pytest.raises(ValueError, match="referral id"):
                await call(stage.bearer, bad)
    assert stage.service.requests == []


@pytest.mark.parametrize("write", [False, True])
async def test_E1_a_401_is_tried_once_more_with_a_fresh_token(write: bool) -> None:
    async with staged(answer(401), answer(200, samples.referral())) as stage:
        await call(stage.client, stage.bearer, write=write)
    tokens = [request.headers["authorization"] for request in stage.service.requests]
    assert tokens == ["Bearer ben-token", "Bearer ben-fresh"]
    assert stage.bearer.asked == [False, True]


@pytest.mark.parametrize("write", [False, True])
async def test_E1_a_second_401_is_the_answer(write: bool) -> None:
    async with staged(answer(401)) as stage:
        with pytest.raises(Unauthorized) as caught:
            await call(stage.client, stage.bearer, write=write)
    assert len(stage.service.requests) == 2
    assert caught.value.status == 401


MFA = [
    answer(401, {"code": "900421", "description": "MFA required", "data": [], "source": "x"}),
    answer(401, {"code": 900421}),
    answer(401, {"error": {"code": "unauthenticated", "innerError": {"code": "900421"}}}),
    answer(401, body=b"<html>error 900421</html>"),
]


@pytest.mark.parametrize("step", MFA)
@pytest.mark.parametrize("write", [False, True])
async def test_E4_missing_mfa_is_not_an_expired_token(step: Step, write: bool) -> None:
    async with staged(step) as stage:
        with pytest.raises(MfaRequired):
            await call(stage.client, stage.bearer, write=write)
    assert stage.bearer.asked == [False]


CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
PACKED = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ=="
CHALLENGES: list[tuple[Step, str | None]] = [
    (
        answer(
            401,
            headers={"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{PACKED}"'},
        ),
        CLAIMS,
    ),
    (
        answer(
            401, headers={"WWW-Authenticate": f'Bearer realm="", claims="{PACKED.rstrip("=")}"'}
        ),
        CLAIMS,
    ),
    (answer(403, headers={"WWW-Authenticate": 'Bearer error="insufficent_claims"'}), None),
    (answer(403, {"error": {"code": "insufficient_claims", "message": "x"}}), None),
    (answer(401, headers={"WWW-Authenticate": 'Bearer claims="bm90IGpzb24="'}), None),
]


@pytest.mark.parametrize(("step", "claims"), CHALLENGES)
async def test_E2_a_claims_challenge_is_told_apart(step: Step, claims: str | None) -> None:
    async with staged(step) as stage:
        with pytest.raises(ClaimsChallenge) as caught:
            await stage.client.get(stage.bearer, ID)
    assert caught.value.claims == claims
    assert stage.bearer.asked == [False], "a fresh token without the claims would not help"


async def test_E9_each_person_bears_their_own_token() -> None:
    async with staged(answer(200, samples.referral())) as stage:
        for name in ("ada", "ben", "ada"):
            await stage.client.get(Token(name), ID)
    assert [request.headers["authorization"] for request in stage.service.requests] == [
        "Bearer ada-token",
        "Bearer ben-token",
        "Bearer ada-token",
    ]


class Odd(Exception):
    """What an identity may raise."""


@pytest.mark.parametrize("write", [False, True])
async def test_what_the_bearer_raises_reaches_the_caller(write: bool) -> None:
    async def refuses(*, fresh: bool = False) -> str:
        raise Odd

    async with staged(answer(200, samples.referral())) as stage:
        with pytest.raises(Odd):
            await call(stage.client, refuses, write=write)
    assert stage.service.requests == []


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "tökén"])
async def test_E7_a_token_that_is_no_token_is_neither_sent_nor_told(token: str) -> None:
    async def odd(*, fresh: bool = False) -> str:
        return token

    async with staged(answer(200, samples.referral())) as stage:
        with pytest.raises(Unauthorized) as caught:
            await stage.client.get(odd, ID)
    assert stage.service.requests == []
    assert not token or token not in str(caught.value)


async def test_a_token_that_never_comes_means_nothing_was_sent() -> None:
    async def never(*, fresh: bool = False) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    async with staged(answer(204)) as stage:
        with pytest.raises(NotSent) as caught:
            await stage.client.patch(never, ID, WON, etag=samples.ETAG, deadline=0.05)
    assert caught.value.reason == "no_token_in_time"
    assert stage.service.requests == []


async def test_U34_four_calls_of_a_person_at_once_and_others_do_not_wait() -> None:
    gate, arrived = asyncio.Event(), asyncio.Semaphore(0)
    running, most = 0, 0

    async def held(writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        arrived.release()
        await gate.wait()
        running -= 1
        await answer(200, samples.referral())(writer)

    async with staged(held) as stage:
        bens = [asyncio.create_task(stage.client.get(Token(), ID)) for _ in range(9)]
        for _ in range(4):
            await arrived.acquire()
        ada = asyncio.create_task(stage.client.get(Token("ada"), ID))
        await arrived.acquire()
        bearers = [request.headers["authorization"] for request in stage.service.requests]
        assert sorted(bearers) == ["Bearer ada-token", *["Bearer ben-token"] * 4]
        gate.set()
        await asyncio.gather(*bens, ada)
    assert most == 5
    assert len(stage.service.requests) == 10


async def test_E7_logs_hold_ids_and_neither_token_nor_body_nor_query() -> None:
    headers = {"Request-ID": "r1"}
    steps = (answer(200, {"value": []}, headers=headers), answer(500, {"secret": "canary-body"}))
    async with staged(*steps) as stage:
        with capture_logs() as logs:
            await stage.client.list(Token("canary"), mine("canary@contoso.example"))
            with pytest.raises(Unavailable):
                await stage.client.get(Token("canary"), ID)
    first = logs[0]
    assert first["event"] == "partner_center_call"
    assert (first["method"], first["path"]) == ("GET", "/v1.0/engagements/referrals")
    assert (first["status"], first["request_id"]) == (200, "r1")
    assert UUID4.fullmatch(first["client_request_id"])
    assert isinstance(first["duration_ms"], int)
    assert "canary" not in repr(logs)


async def test_E7_no_exception_holds_a_token() -> None:
    async with staged(silence()) as stage:
        with pytest.raises(Unavailable) as caught:
            await stage.client.get(Token("canary"), ID, budget=SHORT)
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in f"{error!r}{error.args}"
        error = error.__cause__ or error.__context__


async def test_the_client_trusts_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with staged(answer(200, samples.referral())) as stage:
        assert (await stage.client.get(stage.bearer, ID)).id == ID


async def test_a_base_address_may_have_a_path() -> None:
    async with staged(answer(200, samples.referral())) as stage, make_http() as http:
        client = PartnerCenter(f"{stage.service.url}/partnercenter/", http)
        await client.get(stage.bearer, ID)
    assert stage.service.last.path == f"/partnercenter/v1.0/engagements/referrals/{ID}"


def test_no_time_out_of_the_transport_is_open_ended() -> None:
    given = waits(8.0)
    assert None not in given.as_dict().values()
    assert given.connect == 4.0
    assert waits(60.0).connect == 5.0


async def call(client: PartnerCenter, bearer: Any, *, write: bool) -> None:  # noqa: ANN401
    """A read, or a write."""
    if write:
        await client.patch(bearer, ID, WON, etag=samples.ETAG)
    else:
        await client.get(bearer, ID)
