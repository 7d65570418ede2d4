"""The sandbox's Entra, proved with MSAL and PyJWT: what a bot relies on when it signs people in."""

from __future__ import annotations

import asyncio
import hashlib
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import jwt
import msal
import pytest
import requests

from sandbox.launch import Sandbox
from sandbox.people import APP_ID, PEOPLE, TENANT_ID
from tests.world import World

PARTNER_CENTER = ["https://api.partner.microsoft.com/.default"]
BOT_FRAMEWORK = ["https://api.botframework.com/.default"]
CALLBACK = "http://127.0.0.1:3978/auth/callback"
BEN = PEOPLE["ben"]


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = sandbox.settings["DEALDESK_CA_FILE"]
        yield session


@pytest.fixture
def client(
    sandbox: Sandbox, http: requests.Session, browser: aiohttp.ClientSession
) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        APP_ID,
        client_credential=sandbox.settings["DEALDESK_APP_SECRET"],
        authority=sandbox.settings["DEALDESK_AUTHORITY"],
        instance_discovery=False,
        http_client=http,
    )


@pytest.fixture
async def browser(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    await world.post("bot", url="http://127.0.0.1:3978")
    async with aiohttp.ClientSession(trust_env=False) as session:
        yield session


def begin(client: msal.ConfidentialClientApplication, **how: object) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="response_mode")
        flow: dict[str, Any] = client.initiate_auth_code_flow(
            PARTNER_CENTER, redirect_uri=CALLBACK, **how
        )
    return flow


async def pick(browser: aiohttp.ClientSession, url: str, **form: str) -> dict[str, str]:
    async with browser.post(url, data=form, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        target = urlsplit(answer.headers["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == CALLBACK
    return dict(parse_qsl(target.query))


async def sign_in(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    person: str = "ben",
    **form: str,
) -> dict[str, Any]:
    flow = begin(client)
    query = await pick(browser, flow["auth_uri"], person=person, **form)
    result: dict[str, Any] = await asyncio.to_thread(
        client.acquire_token_by_auth_code_flow, flow, query
    )
    return result


async def silent(client: msal.ConfidentialClientApplication) -> dict[str, Any]:
    account = client.get_accounts()[0]
    result: dict[str, Any] = await asyncio.to_thread(
        client.acquire_token_silent_with_error, PARTNER_CENTER, account, force_refresh=True
    )
    return result


def verified(
    token: str, http: requests.Session, sandbox: Sandbox, audience: str
) -> Mapping[str, Any]:
    """Verify with keys found the way a client finds them."""
    base = f"{sandbox.settings['DEALDESK_AUTHORITY']}/v2.0/.well-known/openid-configuration"
    keys = http.get(http.get(base).json()["jwks_uri"]).json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(jwt.PyJWK(key) for key in keys if key["kid"] == kid)
    claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=audience)
    return claims


async def test_app_token_for_the_connector(
    client: msal.ConfidentialClientApplication, http: requests.Session, sandbox: Sandbox
) -> None:
    result = await asyncio.to_thread(client.acquire_token_for_client, BOT_FRAMEWORK)
    claims = verified(result["access_token"], http, sandbox, "https://api.botframework.com")
    assert claims["appid"] == APP_ID
    assert "scp" not in claims
    assert claims["exp"] > claims["nbf"]


async def test_app_may_not_ask_for_the_referrals_api(
    client: msal.ConfidentialClientApplication,
) -> None:
    result = await asyncio.to_thread(client.acquire_token_for_client, PARTNER_CENTER)
    assert result["error"] == "invalid_scope"


async def test_wrong_secret_is_refused(
    sandbox: Sandbox, http: requests.Session, world: World
) -> None:
    client = msal.ConfidentialClientApplication(
        APP_ID,
        client_credential="wrong",
        authority=sandbox.settings["DEALDESK_AUTHORITY"],
        instance_discovery=False,
        http_client=http,
    )
    result = await asyncio.to_thread(client.acquire_token_for_client, BOT_FRAMEWORK)
    assert result["error"] == "invalid_client"
    assert [call["ok"] for call in await world.token_calls()] == [False]


async def test_code_flow_with_pkce_and_nonce(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    http: requests.Session,
    sandbox: Sandbox,
    world: World,
) -> None:
    flow = begin(client)
    async with browser.get(flow["auth_uri"]) as page:
        shown = await page.text()
    assert page.status == 200
    assert "Sandbox" in shown
    assert all(person.name in shown for person in PEOPLE.values())
    query = await pick(browser, flow["auth_uri"], person="ben")
    result = await asyncio.to_thread(client.acquire_token_by_auth_code_flow, flow, query)
    identity = verified(result["id_token"], http, sandbox, APP_ID)
    expected = hashlib.sha256(flow["nonce"].encode()).hexdigest()
    assert identity["nonce"] in (flow["nonce"], expected)
    assert (identity["oid"], identity["tid"]) == (BEN.oid, TENANT_ID)
    access = verified(result["access_token"], http, sandbox, PARTNER_CENTER[0].rpartition("/")[0])
    assert access["upn"] == BEN.email
    assert access["amr"] == ["pwd", "mfa"]
    assert [call["pkce"] for call in await world.token_calls()] == [True]


async def test_code_is_good_once_and_only_with_its_verifier(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    sandbox: Sandbox,
    http: requests.Session,
) -> None:
    flow = begin(client)
    code = (await pick(browser, flow["auth_uri"], person="ben"))["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": APP_ID,
        "client_secret": sandbox.settings["DEALDESK_APP_SECRET"],
        "code": code,
        "redirect_uri": CALLBACK,
    }
    url = f"{sandbox.settings['DEALDESK_AUTHORITY']}/oauth2/v2.0/token"
    wrong = await asyncio.to_thread(http.post, url, {**form, "code_verifier": "w" * 43})
    again = await asyncio.to_thread(
        http.post, url, {**form, "code_verifier": flow["code_verifier"]}
    )
    assert (wrong.status_code, wrong.json()["error_codes"]) == (400, [501481])
    assert (again.status_code, again.json()["error_codes"]) == (400, [54005])


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"redirect_uri": "http://127.0.0.1:3978/auth/elsewhere"}, "AADSTS50011"),
        ({"redirect_uri": "http://evil.example/auth/callback"}, "AADSTS50011"),
        ({"client_id": TENANT_ID}, "AADSTS700016"),
        ({"code_challenge_method": "plain"}, "AADSTS501481"),
        ({"response_type": "token"}, "AADSTS700054"),
    ],
)
async def test_bad_request_is_shown_and_never_redirected(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    change: dict[str, str],
    number: str,
) -> None:
    base, _, query = begin(client)["auth_uri"].partition("?")
    params = {**dict(parse_qsl(query)), **change}
    async with browser.post(
        base, params=params, data={"person": "ben"}, allow_redirects=False
    ) as answer:
        assert answer.status == 400
        assert number in await answer.text()


async def test_cancel_goes_back_with_access_denied(
    client: msal.ConfidentialClientApplication, browser: aiohttp.ClientSession
) -> None:
    flow = begin(client)
    query = await pick(browser, flow["auth_uri"], person="")
    assert query["error"] == "access_denied"
    assert query["state"] == flow["state"]


async def test_refresh_and_revocation(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    sandbox: Sandbox,
    world: World,
) -> None:
    first = await sign_in(client, browser)
    second = await silent(client)
    assert second["access_token"] != first["access_token"]
    url = f"{sandbox.page}partnercenter/v1.0/engagements/referrals"

    async def listed(token: str) -> int:
        async with browser.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status

    assert await listed(second["access_token"]) == 200
    await world.revoke("ben")
    assert await listed(second["access_token"]) == 401
    refused = await silent(client)
    assert refused["error"] == "invalid_grant"
    await sign_in(client, browser)
    assert "access_token" in await silent(client)


async def test_disabled_account_gets_nothing(
    client: msal.ConfidentialClientApplication, browser: aiohttp.ClientSession, world: World
) -> None:
    await sign_in(client, browser)
    await world.account("ben", disabled=True)
    assert (await silent(client))["error"] == "invalid_grant"
    url = begin(client)["auth_uri"]
    async with browser.post(url, data={"person": "ben"}, allow_redirects=False) as answer:
        assert answer.status == 400
        assert "AADSTS50057" in await answer.text()


async def test_claims_challenge_is_answered_by_a_new_sign_in(
    client: msal.ConfidentialClientApplication, browser: aiohttp.ClientSession, world: World
) -> None:
    await sign_in(client, browser)
    await world.account("ben", claims=True)
    challenged = await silent(client)
    assert challenged["error"] == "interaction_required"
    flow = begin(client, claims_challenge=challenged["claims"])
    query = await pick(browser, flow["auth_uri"], person="ben")
    result = await asyncio.to_thread(client.acquire_token_by_auth_code_flow, flow, query)
    assert "access_token" in result
    assert "access_token" in await silent(client)


async def test_password_only_sign_in_has_no_mfa_claim(
    client: msal.ConfidentialClientApplication, browser: aiohttp.ClientSession, world: World
) -> None:
    ticked = await sign_in(client, browser, password_only="1")
    await world.account("cleo", mfa=False)
    switched = await sign_in(client, browser, "cleo")
    for result in (ticked, switched):
        claims = jwt.decode(result["access_token"], options={"verify_signature": False})
        assert claims["amr"] == ["pwd"]


async def test_token_life_and_the_moved_clock(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    sandbox: Sandbox,
    world: World,
) -> None:
    url = f"{sandbox.page}partnercenter/v1.0/engagements/referrals"

    async def listed(token: str) -> int:
        async with browser.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status

    await world.account("ben", token_seconds=60)
    result = await sign_in(client, browser)
    assert result["expires_in"] == 60
    assert await listed(result["access_token"]) == 200
    await world.advance(61)
    assert await listed(result["access_token"]) == 401
    renewed = await silent(client)
    assert await listed(renewed["access_token"]) == 200


async def test_key_roll_over(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    http: requests.Session,
    sandbox: Sandbox,
    world: World,
) -> None:
    audience = PARTNER_CENTER[0].rpartition("/")[0]
    old = (await sign_in(client, browser))["access_token"]
    await world.post("entra/roll", which="entra", keep_old=True)
    new = (await silent(client))["access_token"]
    assert verified(old, http, sandbox, audience)["oid"] == BEN.oid
    assert verified(new, http, sandbox, audience)["oid"] == BEN.oid
    assert _kid(old) != _kid(new)
    await world.post("entra/roll", which="entra", keep_old=False)
    with pytest.raises(StopIteration):
        verified(old, http, sandbox, audience)


async def test_faults_reach_the_token_endpoint(
    http: requests.Session, sandbox: Sandbox, world: World
) -> None:
    await world.fault("status", api="entra", path="/token", status=503, body={"error": "busy"})
    url = f"{sandbox.settings['DEALDESK_AUTHORITY']}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": APP_ID,
        "client_secret": sandbox.settings["DEALDESK_APP_SECRET"],
        "scope": BOT_FRAMEWORK[0],
    }
    first = await asyncio.to_thread(http.post, url, form)
    second = await asyncio.to_thread(http.post, url, form)
    assert (first.status_code, second.status_code) == (503, 200)


async def test_other_tenant_is_refused(
    client: msal.ConfidentialClientApplication,
    browser: aiohttp.ClientSession,
    http: requests.Session,
    sandbox: Sandbox,
) -> None:
    base = sandbox.settings["DEALDESK_AUTHORITY"].rpartition("/")[0]
    other = await asyncio.to_thread(
        http.get, f"{base}/{APP_ID}/v2.0/.well-known/openid-configuration"
    )
    assert other.json()["error"] == "invalid_tenant"
    page = begin(client)["auth_uri"].replace(TENANT_ID, APP_ID, 1)
    for answering in (browser.get(page), browser.post(page, data={"person": "ben"})):
        async with answering as answer:
            assert (answer.status, "AADSTS90002" in await answer.text()) == (400, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "sandbox.example"},
        {"Host": "127.0.0.1.sandbox.example"},
        {"Host": "["},
        {"Origin": "https://sandbox.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://["},
        {"Origin": "null"},
    ],
    ids=str,
)
async def test_no_other_page_reaches_the_sandbox(
    headers: dict[str, str], sandbox: Sandbox, browser: aiohttp.ClientSession
) -> None:
    async with browser.post(f"{sandbox.page}_sandbox/switches", headers=headers) as answer:
        assert answer.status == 403
    own = {"Origin": sandbox.page.removesuffix("/")}
    async with browser.get(sandbox.page, headers=own) as answer:
        assert (answer.status, answer.headers["X-Frame-Options"]) == (200, "DENY")


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
