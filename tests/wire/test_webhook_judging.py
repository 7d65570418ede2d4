"""What makes a notification genuine: headers, address, certificate, signature, body, cache."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from bot.webhook_certificates import (
    DOUBT_SECONDS,
    KEEP_SECONDS,
    MOST_FETCHES,
    Certificates,
    CertificateUnavailable,
)
from partner_center.webhook import (
    NotGenuine,
    Why,
    certificate_address,
    check_signature,
    read_claim,
    read_event,
    referral_of,
)
from partner_center.webhook_certificate import check_certificate, read_roots
from tests.wire.notifier import (
    BODY,
    DAY,
    DISPATCH,
    DISPATCHER,
    HOST,
    ISSUING,
    NOW,
    PINNED,
    REFERRAL,
    ROOT,
    URL,
    Issuer,
    headers,
    issue,
)

HOSTS = frozenset({HOST})
ROOTS = read_roots(PINNED)


def rejects(signature: bytes, body: bytes = BODY) -> bool:
    key = DISPATCHER.key.public_key()
    return why(lambda: check_signature(body, signature, key)) is Why.SIGNATURE


def why(call: Callable[[], object]) -> Why:
    with pytest.raises(NotGenuine) as caught:
        call()
    return caught.value.why


class Source:
    """Where certificates come from; counts what was asked for."""

    def __init__(self, *certificates: bytes) -> None:
        self.asked: list[str] = []
        self.certificates = list(certificates)
        self.seconds = 0.0
        self.now = NOW

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if not self.certificates:
            raise CertificateUnavailable("down")
        return self.certificates[0]

    def judge(self) -> Certificates:
        return Certificates(self.fetch, ROOTS, lambda: self.now, lambda: self.seconds)

    async def believes(self, judge: Certificates, by: Issuer, body: bytes = BODY) -> bool:
        try:
            await judge.verify(read_claim(headers(body, by), HOSTS), body)
        except NotGenuine:
            return False
        return True


@pytest.mark.parametrize("own_header", [True, False])
async def test_the_documented_notification_is_believed(own_header: bool) -> None:
    claim = read_claim(headers(own_header=own_header), HOSTS)
    await Source(DISPATCHER.der).judge().verify(claim, BODY)
    event = read_event(BODY)
    assert (event.name, event.referral_id) == ("referral-updated", REFERRAL)
    assert event.changed == dt.datetime(2026, 3, 2, 8, 59, 39, 548548, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("x-ms-signature", [], Why.SIGNATURE_MISSING),
        ("x-ms-signature", ["Signature"], Why.SIGNATURE_MISSING),
        ("x-ms-signature", ["Bearer YWJj"], Why.SIGNATURE_MISSING),
        ("x-ms-signature", ["Signature not*base64"], Why.SIGNATURE_MISSING),
        ("x-ms-signature", ["Signature YQ"], Why.SIGNATURE_MISSING),
        ("x-ms-signature", ["Signature YWJj", "Signature YWJk"], Why.SIGNATURE_MISSING),
        ("x-ms-signature", ["Signature " + "A" * 4000], Why.SIGNATURE_MISSING),
        ("x-ms-signature-algorithm", [], Why.HEADERS),
        ("x-ms-signature-algorithm", ["rsa-sha256", "rsa-sha1"], Why.HEADERS),
        ("x-ms-signature-algorithm", ["rsa-sha1"], Why.ALGORITHM),
        ("x-ms-signature-algorithm", ["none"], Why.ALGORITHM),
        ("x-ms-signature-algorithm", ["hmac-sha256"], Why.ALGORITHM),
        ("x-ms-signature-algorithm", ["rsa-md5"], Why.ALGORITHM),
        ("x-ms-signature-algorithm", [""], Why.ALGORITHM),
        ("x-ms-certificate-url", [], Why.HEADERS),
        ("x-ms-certificate-url", [URL, URL], Why.HEADERS),
    ],
)
def test_H1_headers_that_are_missing_double_or_of_another_kind(
    name: str, values: list[str], reason: Why
) -> None:
    assert why(lambda: read_claim(headers() | {name: values}, HOSTS)) is reason


def test_H1_two_headers_with_different_signatures_are_refused() -> None:
    both = headers() | {"authorization": ["Signature YWJj"]}
    assert why(lambda: read_claim(both, HOSTS)) is Why.SIGNATURE_MISSING


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_H1_any_changed_byte_of_the_body_is_seen(where: int, flip: int) -> None:
    changed = bytearray(BODY)
    changed[where] ^= flip
    signature, key = DISPATCHER.sign(BODY), DISPATCHER.key.public_key()
    check_signature(BODY, signature, key)
    assert why(lambda: check_signature(bytes(changed), signature, key)) is Why.SIGNATURE


def test_H1_the_same_json_written_otherwise_is_not_the_same_body() -> None:
    signature, key = DISPATCHER.sign(BODY), DISPATCHER.key.public_key()
    again = json.dumps(json.loads(BODY)).encode()
    assert why(lambda: check_signature(again, signature, key)) is Why.SIGNATURE


def test_H1_other_digests_and_paddings_do_not_pass() -> None:
    key = DISPATCHER.key
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    for signature in (
        DISPATCHER.sign(BODY, hashes.SHA512()),
        key.sign(BODY, pss, hashes.SHA256()),
        issue(ISSUING, named="another key").sign(BODY),
        b"",
        b"\x00" * 256,
    ):
        assert rejects(signature)


FORBIDDEN = [
    "https://example.com/cert/a.cer",
    f"https://other.blob.core.windows.net/cert/{DISPATCH}.cer",
    f"https://{HOST}.example.com/a.cer",
    f"https://evil.{HOST}/a.cer",
    f"http://{HOST}/a.cer",
    f"HTTP://{HOST}/a.cer",
    f"ftp://{HOST}/a.cer",
    "file:///etc/passwd",
    "//" + HOST + "/a.cer",
    HOST + "/a.cer",
    "https://169.254.169.254/metadata/instance",
    "https://127.0.0.1/a.cer",
    "https://[::1]/a.cer",
    "https://localhost/a.cer",
    "https://2130706433/a.cer",
    f"https://{HOST}@evil.example/a.cer",
    f"https://user:word@{HOST}/a.cer",
    f"https://evil.example\\@{HOST}/a.cer",
    f"https://evil.example#@{HOST}/a.cer",
    f"https://{HOST}:443/a.cer",
    f"https://{HOST}:8443/a.cer",
    f"https://{HOST}./a.cer",
    f"https://{HOST}/a.cer?x=1",
    f"https://{HOST}/a.cer#x",
    f"https://{HOST}/../a.cer",
    f"https://{HOST}/cert/./a.cer",
    f"https://{HOST}/%2e%2e/a.cer",
    f"https://{HOST}//a.cer",
    f"https://{HOST}/a.cer\r\nX: y",
    f"https://{HOST}/a.cer\n",
    f" https://{HOST}/a.cer",
    f"https://{HOST}/a b.cer",
    f"https://{HOST}/ä.cer",
    f"https://{HOST.upper()}/a.cer",
    f"https://{HOST.replace('c', 'с', 1)}/a.cer",  # noqa: RUF001 - a Cyrillic letter
    f"https://{HOST}",
    f"https://{HOST}/",
    "https:///a.cer",
    "",
    f"https://{HOST}/" + "a" * 5000,
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_H2_no_address_but_the_allowed_one_is_ever_fetched(url: str) -> None:
    given_headers = headers() | {"x-ms-certificate-url": [url]}
    assert why(lambda: read_claim(given_headers, HOSTS)) is Why.ADDRESS


def test_H2_a_port_is_part_of_the_host_where_one_is_meant() -> None:
    hosts = frozenset({"127.0.0.1:4443"})
    assert certificate_address("https://127.0.0.1:4443/a.cer", hosts)
    assert why(lambda: certificate_address("https://127.0.0.1:4444/a.cer", hosts)) is Why.ADDRESS
    assert why(lambda: certificate_address("https://127.0.0.1/a.cer", hosts)) is Why.ADDRESS


def test_H3_a_good_certificate_alone_or_with_its_chain() -> None:
    only_root = read_roots(ROOT.pem)
    assert check_certificate(DISPATCHER.der, ROOTS, NOW).key == DISPATCHER.key.public_key()
    assert check_certificate(DISPATCHER.pem, ROOTS, NOW)
    assert check_certificate(DISPATCHER.pem + ISSUING.pem, only_root, NOW)
    assert why(lambda: check_certificate(DISPATCHER.der, only_root, NOW)) is Why.CHAIN


STRANGE_ROOT = issue(
    None, "Test Root G2", organisation="Test Trust Services", authority=True, named="strange root"
)
STRANGE_ISSUING = issue(STRANGE_ROOT, "Test TLS Issuing CA 03", authority=True, named="strange")
NOT_MICROSOFTS = issue(ROOT, "Some CA", organisation="Some Trust", authority=True)


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (issue(None), Why.CHAIN),
        (issue(STRANGE_ISSUING), Why.CHAIN),
        (issue(DISPATCHER, named="below a leaf"), Why.CHAIN),
        (issue(ISSUING, end=NOW - dt.timedelta(seconds=1)), Why.VALIDITY),
        (issue(ISSUING, start=NOW + dt.timedelta(seconds=1)), Why.VALIDITY),
        (issue(ISSUING, organisation="Contoso Ltd"), Why.ORGANISATION),
        (issue(ISSUING, organisation="Microsoft Corporation Ltd"), Why.ORGANISATION),
        (issue(ISSUING, organisation=None), Why.ORGANISATION),
        (issue(NOT_MICROSOFTS), Why.ORGANISATION),
        (issue(ISSUING, "portal.azure.com"), Why.NAME),
        (issue(ISSUING, f"{DISPATCH}.example.com"), Why.NAME),
        (issue(ISSUING, f"evil-{DISPATCH}"), Why.NAME),
        (issue(ISSUING, DISPATCH.replace(".", "x")), Why.NAME),
        (issue(ISSUING, authority=True, named="an authority"), Why.CERTIFICATE),
        (issue(ISSUING, bits=1024, named="short"), Why.CERTIFICATE),
        (ISSUING, Why.ORGANISATION),
        (ROOT, Why.ORGANISATION),
    ],
    ids=lambda value: value.name if isinstance(value, Why) else "",
)
def test_H3_every_other_certificate_is_refused(certificate: Issuer, reason: Why) -> None:
    assert why(lambda: check_certificate(certificate.der, ROOTS, NOW)) is reason


def test_H3_an_expired_authority_ends_the_chain() -> None:
    old = issue(ROOT, "Old CA", authority=True, end=NOW - DAY)
    roots = read_roots(ROOT.pem + old.pem)
    leaf = issue(old)
    assert check_certificate(leaf.der, roots, NOW - 2 * DAY)
    assert why(lambda: check_certificate(leaf.der, roots, NOW)) is Why.CHAIN


def test_H3_authorities_that_come_with_the_certificate_are_no_roots() -> None:
    chain = issue(STRANGE_ISSUING).pem + STRANGE_ISSUING.pem + STRANGE_ROOT.pem
    assert why(lambda: check_certificate(chain, ROOTS, NOW)) is Why.CHAIN


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30\x82",
        b"<html>not found</html>",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        DISPATCHER.der + b"trailing",
        DISPATCHER.der[:-20],
        b"\x00" * (64 * 1024 + 1),
        DISPATCHER.pem * 5,
    ],
)
def test_H3_what_is_no_certificate_is_refused(data: bytes) -> None:
    assert why(lambda: check_certificate(data, ROOTS, NOW)) is Why.CERTIFICATE


def test_roots_need_a_self_signed_authority() -> None:
    for pem in (b"", b"nothing", ISSUING.pem, DISPATCHER.pem, issue(None).pem):
        with pytest.raises(ValueError, match="certificate"):
            read_roots(pem)


async def test_H3_a_real_certificate_with_a_forged_body_is_refused() -> None:
    claim = read_claim(headers(), HOSTS)
    forged = BODY.replace(b"referral-updated", b"referral-created")
    with pytest.raises(NotGenuine) as caught:
        await Source(DISPATCHER.der).judge().verify(claim, forged)
    assert caught.value.why is Why.SIGNATURE


async def test_a_certificate_is_fetched_once_a_day() -> None:
    source = Source(DISPATCHER.der)
    judge = source.judge()
    for _ in range(5):
        assert await source.believes(judge, DISPATCHER)
    assert len(source.asked) == 1
    source.seconds = KEEP_SECONDS
    assert await source.believes(judge, DISPATCHER)
    assert len(source.asked) == 2


async def test_a_renewed_certificate_is_taken_up_at_most_once_a_minute() -> None:
    renewed = issue(ISSUING, named="renewed")
    source = Source(DISPATCHER.der)
    judge = source.judge()
    assert await source.believes(judge, DISPATCHER)
    source.certificates = [renewed.der]
    assert not await source.believes(judge, renewed)
    source.seconds = DOUBT_SECONDS
    assert await source.believes(judge, renewed)
    assert not await source.believes(judge, DISPATCHER)
    assert len(source.asked) == 2


async def test_H3_a_kept_certificate_ends_with_its_validity() -> None:
    short = issue(ISSUING, end=NOW + dt.timedelta(hours=1))
    source = Source(short.der)
    judge = source.judge()
    assert await source.believes(judge, short)
    source.now = NOW + dt.timedelta(hours=2)
    assert not await source.believes(judge, short)


async def test_a_refused_certificate_is_not_asked_for_again_at_once() -> None:
    source = Source(issue(None).der)
    judge = source.judge()
    for _ in range(5):
        assert not await source.believes(judge, DISPATCHER)
    assert len(source.asked) == 1


async def test_no_flood_of_addresses_becomes_a_flood_of_fetches() -> None:
    source = Source(DISPATCHER.der)
    judge = source.judge()
    refused = 0
    for number in range(3 * MOST_FETCHES):
        claim = read_claim(headers(url=f"https://{HOST}/{number}/a.cer"), HOSTS)
        try:
            await judge.verify(claim, BODY)
        except CertificateUnavailable:
            refused += 1
    assert (len(source.asked), refused) == (MOST_FETCHES, 2 * MOST_FETCHES)
    source.seconds = 60.0
    assert await source.believes(judge, DISPATCHER)


async def test_a_known_certificate_goes_on_while_it_cannot_be_fetched_anew() -> None:
    source = Source(DISPATCHER.der)
    judge = source.judge()
    assert await source.believes(judge, DISPATCHER)
    source.certificates = []
    source.seconds = KEEP_SECONDS + 1
    for _ in range(3):
        assert await source.believes(judge, DISPATCHER)
    assert len(source.asked) == 2
    source.now = NOW + 101 * DAY
    with pytest.raises(CertificateUnavailable):
        await source.believes(judge, DISPATCHER)


async def test_bad_addresses_do_not_push_a_good_certificate_out() -> None:
    source = Source(DISPATCHER.der)
    judge = source.judge()
    assert await source.believes(judge, DISPATCHER)
    source.certificates = [issue(None).der]
    for number in range(100):
        source.seconds += 10
        claim = read_claim(headers(url=f"https://{HOST}/{number}/a.cer"), HOSTS)
        with pytest.raises(NotGenuine):
            await judge.verify(claim, BODY)
    asked = len(source.asked)
    assert await source.believes(judge, DISPATCHER)
    assert len(source.asked) == asked


@pytest.mark.parametrize(
    "uri",
    [
        f"https://evil.example/x/referrals/{REFERRAL}",
        f"http://api.partner.microsoft.com/v1.0/engagements/referrals/{REFERRAL.upper()}",
        f"https://169.254.169.254/referrals/{REFERRAL}/",
    ],
)
def test_H6_of_any_address_only_the_id_is_kept(uri: str) -> None:
    assert referral_of(uri) == REFERRAL


@pytest.mark.parametrize(
    "uri",
    [
        f"https://api.partnercenter.microsoft.com/engagements/v1/referrals/../{REFERRAL}",
        f"https://api.partnercenter.microsoft.com/referrals/{REFERRAL}/../../admin",
        f"https://api.partnercenter.microsoft.com/../referrals/{REFERRAL}",
        f"https://api.partnercenter.microsoft.com/referrals/{REFERRAL}?$filter=1",
        f"https://api.partnercenter.microsoft.com/referrals/{REFERRAL}#x",
        f"https://api.partnercenter.microsoft.com/referrals/{REFERRAL}%2f..",
        f"https://api.partnercenter.microsoft.com/referrals/{REFERRAL}0",
        f"https://api.partnercenter.microsoft.com/referrals/{REFERRAL}\n",
        "https://api.partnercenter.microsoft.com/referrals/../../../secrets",
        "https://api.partnercenter.microsoft.com/referrals/1042",
        f"https://api.partnercenter.microsoft.com/customers/{REFERRAL}",
        f"referrals/{REFERRAL}",
        REFERRAL,
        "",
        None,
        17,
        [f"https://a.example/referrals/{REFERRAL}"],
    ],
)
def test_H6_an_address_that_is_not_plain_names_no_referral(uri: object) -> None:
    assert referral_of(uri) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"EventName":"referral-updated"}',
        BODY.replace(b"2026-03-02T08:59:39.5485487+00:00", b"yesterday"),
        BODY.replace(b'"referral-updated"', b"17"),
        BODY.replace(b'"referral-updated"', b'"<script>"'),
        BODY.replace(b'"AuditUri"', b'"eventname"'),
        BODY.replace(b'"AuditUri"', b'"EventName"'),
        BODY.replace(b"null", b"NaN"),
        b"[" * 60_000,
        BODY[:-1],
        b"\xff" + BODY,
    ],
)
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    assert why(lambda: read_event(body)) is Why.BODY


def test_members_are_taken_in_any_spelling_and_unknown_events_pass() -> None:
    other = BODY.replace(b"EventName", b"eventName").replace(b"referral-updated", b"Deal-Moved")
    event = read_event(other)
    assert (event.name, event.is_about_a_deal) == ("deal-moved", False)


def test_H4_the_same_change_has_the_same_key_however_it_is_written() -> None:
    event = read_event(BODY)
    zoned = BODY.replace(b"08:59:39.5485487+00:00", b"09:59:39.5485487+01:00")
    assert read_event(zoned).key == event.key
    assert read_event(BODY.replace(b"39.54", b"40.54")).key != event.key
    assert read_event(BODY.replace(b"updated", b"created")).key != event.key


def test_an_elliptic_key_is_refused() -> None:
    from cryptography import x509

    key = ec.generate_private_key(ec.SECP256R1())
    built = (
        x509.CertificateBuilder()
        .subject_name(DISPATCHER.certificate.subject)
        .issuer_name(ISSUING.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(ISSUING.key, hashes.SHA256())
    )
    data = built.public_bytes(Encoding.DER)
    assert why(lambda: check_certificate(data, ROOTS, NOW)) is Why.CERTIFICATE


def test_a_signature_is_read_from_base64_only() -> None:
    claim = read_claim(headers(), HOSTS)
    assert claim.signature == DISPATCHER.sign(BODY)
    assert base64.b64encode(claim.signature).decode() in headers()["x-ms-signature"][0]
