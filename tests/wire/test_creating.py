"""The POST that creates a deal: its exact bytes, and what each answer means."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from partner_center.errors import (
    Forbidden,
    NotSent,
    OutcomeUnknown,
    PartnerCenterError,
    Refused,
    Throttled,
    Unauthorized,
)
from partner_center.new_deal import NewDeal
from partner_center.query import newly_made
from partner_center.referral import Member
from tests.wire import samples
from tests.wire.scripted import Step, answer, cut, reset, silence, staged

COLLECTION = "/v1.0/engagements/referrals"
MARK = "dealdesk-3f0c6f0e000040008000000000000001"
DEAL = NewDeal(
    customer="Contoso Ltd",
    country="DE",
    name="Data platform",
    value=Decimal("50000"),
    currency="EUR",
    close=date(2027, 3, 31),
    contact=Member("Jane", "Doe", "jane.doe@contoso.com", "0000000001"),
    notes="Lorem ipsum dolor sit amet.",
)
BODY = """{
"name": "Data platform",
"externalReferenceId": "dealdesk-3f0c6f0e000040008000000000000001",
"qualification": "SalesQualified",
"type": "Independent",
"customerProfile": { "name": "Contoso Ltd", "address": { "country": "DE" } },
"consent": {
"consentToToShareInfoWithOthers": false,
"consentToContact": true,
"consentToShareReferralWithMicrosoftSellers": false
},
"details": {
"notes": "Lorem ipsum dolor sit amet.",
"dealValue": 50000,
"currency": "EUR",
"closingDateTime": "2027-03-31T00:00:00Z"
},
"team": [ { "firstName": "Jane", "lastName": "Doe", "phoneNumber": "0000000001",
"email": "jane.doe@contoso.com" } ],
"target": []
}"""
"""The private deal of API reference 8, with the members that a seller gives here."""


def made(**top: object) -> dict[str, object]:
    return samples.referral(externalReferenceId=MARK, **top)


async def create(*steps: Step, deadline: float = 30.0) -> None:
    async with staged(*steps) as stage:
        await stage.client.create(stage.bearer, DEAL, MARK, deadline=deadline)


async def test_the_request_is_the_documented_one_byte_for_byte() -> None:
    async with staged(answer(201, made())) as stage:
        referral = await stage.client.create(stage.bearer, DEAL, MARK, client_request_id="3f0c6f0e")
    (request,) = stage.service.requests
    wanted = json.dumps(json.loads(BODY), separators=(",", ":")).encode()
    assert (request.method, request.target, request.body) == ("POST", COLLECTION, wanted)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer ben-token"
    assert request.headers["client-request-id"] == "3f0c6f0e"
    assert "if-match" not in request.headers
    assert referral.id == samples.REFERRAL_ID
    assert referral.etag == samples.ETAG


async def test_cents_are_exact_and_signs_are_sent_as_they_are() -> None:
    deal = replace(DEAL, value=Decimal("1234.50"), customer="Žižka & Söhne", notes="")
    async with staged(answer(200, made())) as stage:
        await stage.client.create(stage.bearer, deal, MARK)
    body = stage.service.last.body
    assert b'"dealValue":1234.5,' in body
    assert "Žižka & Söhne".encode() in body
    assert b'"notes":""' in body


@pytest.mark.parametrize("status", [200, 201])
async def test_both_documented_successes_are_taken(status: int) -> None:
    await create(answer(status, made()))


@pytest.mark.parametrize("held", [None, ""])
async def test_an_answer_without_the_mark_is_believed(held: str | None) -> None:
    await create(answer(201, samples.referral(externalReferenceId=held)))


def error(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": "No."}}


@pytest.mark.parametrize(
    ("step", "kind", "own"),
    [
        (answer(400, error("invalidRequest")), Refused, True),
        (answer(403, error("accessDenied")), Forbidden, True),
        (answer(409, error("invalidRequest")), Refused, True),
        (answer(422, error("invalidRequest")), Refused, True),
        (answer(429, {"statusCode": 429, "message": "Slow down."}), Throttled, True),
        (answer(429, body=b"<html>"), Throttled, False),
        (answer(400, body=b"<html>"), Refused, False),
        (answer(401, error("unauthenticated")), Unauthorized, True),
    ],
)
async def test_a_refusal_says_whose_word_it_is(
    step: Step, kind: type[PartnerCenterError], own: bool
) -> None:
    with pytest.raises(kind) as caught:
        await create(step)
    assert caught.value.own_body is own


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (answer(500, error("generalException")), 500),
        (answer(503, body=b""), 503),
        (answer(204), 204),
        (answer(202, body=b""), 202),
        (answer(201, body=b"<html>"), 201),
        (answer(201, samples.referral(externalReferenceId="CRM-9")), 201),
        (cut(b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{"), 201),
        (cut(), None),
        (reset(), None),
    ],
)
async def test_whatever_may_have_created_it_is_unknown(step: Step, status: int | None) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        await create(step)
    assert caught.value.status == status


async def test_silence_ends_at_the_deadline_as_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        await create(silence(), deadline=0.2)


async def test_it_is_sent_once_whatever_comes_back() -> None:
    async with staged(answer(503), answer(201, made())) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.create(stage.bearer, DEAL, MARK)
    assert len(stage.service.requests) == 1


async def test_only_a_401_lets_it_go_out_again_with_a_fresh_token() -> None:
    async with staged(answer(401, error("unauthenticated")), answer(201, made())) as stage:
        await stage.client.create(stage.bearer, DEAL, MARK)
    tokens = [request.headers["authorization"] for request in stage.service.requests]
    assert tokens == ["Bearer ben-token", "Bearer ben-fresh"]


async def test_what_never_left_is_not_sent() -> None:
    async with staged(answer(201, made())) as stage:
        for _each in range(5):
            stage.client.circuit.failed()
        with pytest.raises(NotSent):
            await stage.client.create(stage.bearer, DEAL, MARK)
    assert stage.service.requests == []


async def test_new_deals_are_looked_for_last_created_first() -> None:
    async with staged(answer(200, {"value": []})) as stage:
        await stage.client.list(stage.bearer, newly_made())
    assert stage.service.last.target == f"{COLLECTION}?$orderby=createdDateTime%20desc"
