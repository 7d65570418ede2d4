"""Who gets in: tokens, service URLs, channels, tenants and people (A1-A8, A12)."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from bot.conversation import Person, Place, PlaceKind, Said
from bot.store.schema import seen
from tests.door.stage import ADA, APP_ID, AT_START, BOT_ID, OTHER, SIGNING, TENANT, Stage, jwk

TokenOf = Callable[[Stage], str]


async def is_refused(
    at_door: Stage, activity: Mapping[str, object], token: str | None, *statuses: int
) -> None:
    """An empty answer with one of the statuses, one log line without the token, no effect."""
    token = token or at_door.token()
    with capture_logs() as lines:
        reply = await at_door.post(activity, token=token)
    assert reply.status in (statuses or (403,))
    assert reply.body == b""
    told = [line for line in lines if line["event"] == "refused"]
    assert len(told) == 1
    assert token not in str(lines)
    assert at_door.listener.heard == []
    assert at_door.connector.calls == []
    assert at_door.entra.requests == AT_START
    async with at_door.store.read() as connection:
        assert (await connection.execute(sa.select(seen))).all() == []


async def test_a1_a_valid_token_reaches_the_listener_once(at_door: Stage) -> None:
    reply = await at_door.post(at_door.activity(id="1741", text="list mine"))
    assert (reply.status, reply.body) == (200, b"")
    assert at_door.listener.heard == [
        Said(
            person=Person(TENANT, ADA, "Ada Lindqvist", "29:1ada"),
            place=Place(
                PlaceKind.PERSONAL,
                TENANT,
                "a:personal-ada",
                at_door.connector.service_url,
                BOT_ID,
            ),
            activity_id="1741",
            text="list mine",
            locale="en-GB",
            timezone="Europe/Stockholm",
            value=None,
        )
    ]


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(at_door: Stage) -> str:
    claims = jwt.decode(at_door.token(), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "one"})


def _with_public_key_as_secret(at_door: Stage) -> str:
    public = SIGNING.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = at_door.token().split(".")[1]
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'one'})}.{body}"
    mac = hmac.digest(public, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _rs512(at_door: Stage) -> str:
    claims = jwt.decode(at_door.token(), options={"verify_signature": False})
    return jwt.encode(claims, SIGNING, algorithm="RS512", headers={"kid": "one"})


A2: Mapping[str, TokenOf] = {
    "garbage": lambda _: "garbage",
    "two_parts": lambda at_door: at_door.token().rpartition(".")[0],
    "four_parts": lambda at_door: f"{at_door.token()}.x",
    "not_base64": lambda _: "a.b.c",
    "header_is_a_list": lambda _: f"{_part([])}.{_part({})}.c2ln",
    "alg_none": _unsigned,
    "alg_none_with_signature": lambda at_door: _unsigned(at_door) + "c2ln",
    "hs256_with_the_public_key": _with_public_key_as_secret,
    "rs512": _rs512,
    "critical_extension": lambda at_door: at_door.token(headers={"crit": ["exp"], "exp": 1}),
    "very_long": lambda _: f"{'a' * 7_000}.b.c",
}


@pytest.mark.parametrize("make", A2.values(), ids=A2.keys())
async def test_a2_a_token_that_is_none_is_refused(at_door: Stage, make: TokenOf) -> None:
    await is_refused(at_door, at_door.activity(), make(at_door), 400, 401, 403)


async def test_a2_no_token_at_all_is_401(at_door: Stage) -> None:
    reply = await at_door.post(at_door.activity(), headers={"Authorization": None})
    assert (reply.status, reply.body, at_door.listener.heard) == (401, b"", [])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b c"])
async def test_a2_another_header_is_401(at_door: Stage, header: str) -> None:
    reply = await at_door.post(at_door.activity(), headers={"Authorization": header})
    assert (reply.status, reply.body, at_door.listener.heard) == (401, b"", [])


async def test_a3_a_wrong_signature_under_a_known_key_is_refused(at_door: Stage) -> None:
    await is_refused(at_door, at_door.activity(), at_door.token(key=OTHER))


async def test_a3_a_token_without_key_id_is_refused(at_door: Stage) -> None:
    claims = jwt.decode(at_door.token(), options={"verify_signature": False})
    token = jwt.encode(claims, SIGNING, algorithm="RS256")
    await is_refused(at_door, at_door.activity(), token)


@pytest.mark.parametrize(
    ("claim", "seconds", "status"),
    [
        ("exp", -299, 200),
        ("exp", -301, 403),
        ("nbf", 299, 200),
        ("nbf", 301, 403),
    ],
)
async def test_a4_times_are_checked_with_five_minutes_of_skew(
    at_door: Stage, claim: str, seconds: int, status: int
) -> None:
    moment = at_door.clock.now().timestamp() + seconds
    token = at_door.token(exp=moment) if claim == "exp" else at_door.token(nbf=moment)
    reply = await at_door.post(at_door.activity(), token=token)
    assert (reply.status, reply.body) == (status, b"")
    assert len(at_door.listener.heard) == (1 if status == 200 else 0)


@pytest.mark.parametrize("claim", ["exp", "nbf", "iss", "aud", "serviceurl"])
async def test_a4_a5_a6_a_token_must_say_everything(at_door: Stage, claim: str) -> None:
    await is_refused(at_door, at_door.activity(), at_door.token(without=(claim,)))


@pytest.mark.parametrize("value", ["9999999999", True, None, [], {}])
async def test_a4_a_time_must_be_a_number(at_door: Stage, value: object) -> None:
    await is_refused(at_door, at_door.activity(), at_door.token(exp=value))


@dataclass(frozen=True)
class Claims:
    aud: object = APP_ID
    iss: str = "https://api.botframework.com"


A5 = {
    "other_app": Claims(aud="99999999-1111-4222-8333-444455556666"),
    "a_list": Claims(aud=[APP_ID]),
    "another_spelling": Claims(aud=APP_ID.upper()),
    "our_own_outbound_token": Claims(
        aud="https://api.botframework.com", iss=f"https://sts.windows.net/{TENANT}/"
    ),
    "an_entra_user_token": Claims(iss=f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    "issuer_with_slash": Claims(iss="https://api.botframework.com/"),
}


@pytest.mark.parametrize("claims", A5.values(), ids=A5.keys())
async def test_a5_only_bot_framework_for_this_app(at_door: Stage, claims: Claims) -> None:
    token = at_door.token(aud=claims.aud, iss=claims.iss)
    await is_refused(at_door, at_door.activity(), token)


async def test_a6_the_service_url_must_be_the_tokens(at_door: Stage) -> None:
    token = at_door.token(serviceurl="https://smba.trafficmanager.net/emea/")
    await is_refused(at_door, at_door.activity(), token)


async def test_a6_an_activity_without_service_url_is_refused(at_door: Stage) -> None:
    await is_refused(at_door, at_door.activity(serviceUrl=None), None)


A7 = (
    "https://evil.trafficmanager.net/teams/",
    "https://smba.trafficmanager.net.evil.example/",
    "https://smba.trafficmanager.net@evil.example/",
    "https://evil.example/smba.trafficmanager.net/",
    "http://smba.trafficmanager.net/teams/",
    "https://smba.trafficmanager.net:8443/",
    "https://smba.trafficmanager.net\r\nHost: evil.example/",
    "https://smba.trafficmanager.net\\@evil.example/",
    "https://SMBA.trafficmanager.net/",
    "https://xn--smba-trafficmanager-net.example/",
    "https://smba\u3002trafficmanager.net/",
    "https://smba.trafficmanager.net./",
    "https://smba.trafficmanager.net/?next=https://evil.example",
    "https://smba.trafficmanager.net/#evil",
    "https://20.50.1.1/",
    "https://127.0.0.1/",
    "file:///etc/passwd",
    "//evil.example/",
    "",
)


@pytest.mark.parametrize("url", A7)
async def test_a7_hosts_off_the_list_are_refused_with_a_valid_claim(
    at_door: Stage, url: str
) -> None:
    await is_refused(at_door, at_door.activity(serviceUrl=url), at_door.token(serviceurl=url))


@pytest.mark.parametrize(
    "form",
    [
        "http://{host}@127.0.0.1:9/",
        "http://x@{host}/teams/",
        "https://{host}/teams/",
        "http://{host}/teams/../../",
        "http://{host}/teams/?x",
        "http://{host}0/teams/",
        "http://localhost:{port}/teams/",
        "http://127.1:{port}/teams/",
        "http://2130706433:{port}/teams/",
    ],
)
async def test_a7_variations_of_the_allowed_host_are_refused(at_door: Stage, form: str) -> None:
    host = at_door.connector.origin.removeprefix("http://")
    url = form.format(host=host, port=host.partition(":")[2])
    await is_refused(at_door, at_door.activity(serviceUrl=url), at_door.token(serviceurl=url))


A8_CHANNELS = (None, "", "emulator", "directline", "webchat", "MSTEAMS", "skype")


@pytest.mark.parametrize("channel", A8_CHANNELS)
async def test_a8_only_the_teams_channel(at_door: Stage, channel: str | None) -> None:
    await is_refused(at_door, at_door.activity(channelId=channel), None)


@pytest.mark.parametrize("endorsements", [None, [], ["webchat"], "msteams"])
async def test_a8_the_key_must_be_endorsed_for_teams(
    at_door: Stage, endorsements: list[str] | None
) -> None:
    at_door.keys.keys = [jwk(OTHER, "two", endorsements)]
    at_door.clock.advance(3600)
    token = at_door.token(key=OTHER, headers={"kid": "two"})
    await is_refused(at_door, at_door.activity(), token)


async def test_a8_emulator_and_skill_tokens_are_refused(at_door: Stage) -> None:
    emulator = at_door.token(iss=f"https://sts.windows.net/{TENANT}/", appid=APP_ID, ver="1.0")
    await is_refused(at_door, at_door.activity(), emulator)
    skill = at_door.token(
        iss=f"https://login.microsoftonline.com/{TENANT}/v2.0", azp=OTHER_APP, ver="2.0"
    )
    await is_refused(at_door, at_door.activity(), skill)


OTHER_APP = "55555555-1111-4222-8333-444455556666"
ELSEWHERE = "88888888-1111-4222-8333-444455556666"
PERSONAL = {"id": "a:personal-ada", "conversationType": "personal"}
A12: Mapping[str, Mapping[str, object]] = {
    "other_tenant": {
        "channelData": {"tenant": {"id": ELSEWHERE}},
        "conversation": {**PERSONAL, "tenantId": ELSEWHERE},
    },
    "two_tenants": {"channelData": {"tenant": {"id": ELSEWHERE}}},
    "no_tenant": {"channelData": None, "conversation": PERSONAL},
    "no_from": {"from": None},
    "no_object_id": {"from": {"id": "29:1ada", "name": "Ada"}},
    "object_id_no_guid": {"from": {"id": "29:1ada", "aadObjectId": "../../me"}},
    "no_teams_id": {"from": {"aadObjectId": ADA}},
    "a_bot": {"from": {"id": BOT_ID, "aadObjectId": ADA}},
    "home_elsewhere": {"from": {"id": "29:1ada", "aadObjectId": ADA, "tenantId": ELSEWHERE}},
}


@pytest.mark.parametrize("changes", A12.values(), ids=A12.keys())
async def test_a12_strangers_are_refused(at_door: Stage, changes: Mapping[str, object]) -> None:
    await is_refused(at_door, at_door.activity(**changes), None)


async def test_a12_the_same_tenant_in_capitals_is_the_same(at_door: Stage) -> None:
    channel_data = {"tenant": {"id": TENANT.upper()}}
    person = {"id": "29:1ada", "name": "Ada", "aadObjectId": ADA.upper()}
    reply = await at_door.post(at_door.activity(channelData=channel_data, **{"from": person}))
    assert reply.status == 200
    said = at_door.listener.heard[0]
    assert isinstance(said, Said)
    assert (said.person.tenant, said.person.id) == (TENANT, ADA)
