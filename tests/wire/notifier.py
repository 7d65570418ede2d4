"""Whoever signs notifications in these tests: authorities and certificates of any kind."""

from __future__ import annotations

import base64
import datetime as dt
import functools
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOST = "3psostorageacct.blob.core.windows.net"
URL = f"https://{HOST}/cert/pcnotifications-dispatch.microsoft.com.cer"
DISPATCH = "pcnotifications-dispatch.microsoft.com"
MICROSOFT = "Microsoft Corporation"
REFERRAL = "c5fbb3b6-be74-4795-9fb5-4324c73fed37"
BODY = (
    b'{"EventName":"referral-updated","ResourceUri":"https://api.partnercenter.microsoft.com/'
    b'engagements/v1/referrals/c5fbb3b6-be74-4795-9fb5-4324c73fed37","ResourceName":"referral",'
    b'"AuditUri":null,"ResourceChangeUtcDate":"2026-03-02T08:59:39.5485487+00:00"}'
)
"""The documented payload (API reference 11)."""


@functools.cache
def key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The key of this name; made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate and the key it certifies, which may sign others."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def sign(self, body: bytes, digest: hashes.HashAlgorithm | None = None) -> bytes:
        return self.key.sign(body, padding.PKCS1v15(), digest or hashes.SHA256())


def _name(common: str, organisation: str | None) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, common)]
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts if text is not None])


def issue(
    by: Issuer | None,
    common: str = DISPATCH,
    *,
    organisation: str | None = MICROSOFT,
    authority: bool = False,
    start: dt.datetime = NOW - 100 * DAY,
    end: dt.datetime = NOW + 100 * DAY,
    bits: int = 2048,
    named: str | None = None,
) -> Issuer:
    """A certificate by an issuer, or self-signed; `named` sets apart keys of the same name."""
    own = key(named or common, bits)
    subject = _name(common, organisation)
    issuer, signing = (by.certificate.subject, by.key) if by else (subject, own)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, authority, authority, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    return Issuer(built.sign(signing, hashes.SHA256()), own)


ROOT = issue(None, "Test Root G2", organisation="Test Trust Services", authority=True)
"""Not Microsoft's own, as the real one is not."""
ISSUING = issue(ROOT, "Test TLS Issuing CA 03", authority=True)
DISPATCHER = issue(ISSUING)
PINNED = ROOT.pem + ISSUING.pem


def headers(
    body: bytes = BODY,
    by: Issuer = DISPATCHER,
    *,
    url: str = URL,
    algorithm: str = "rsa-sha256",
    own_header: bool = True,
) -> dict[str, list[str]]:
    """The headers of a genuine delivery, by lower-case name."""
    signature = f"Signature {base64.b64encode(by.sign(body)).decode()}"
    return {
        "x-ms-signature" if own_header else "authorization": [signature],
        "x-ms-certificate-url": [url],
        "x-ms-signature-algorithm": [algorithm],
    }
