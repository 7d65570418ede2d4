"""The authority behind notifications, made for one run: a good certificate and several bad ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANISATION = "Microsoft Corporation"
DISPATCH = "pcnotifications-dispatch.microsoft.com"
"""Who sends notifications, as the documented file name has it (API reference 11)."""
FILE = f"{DISPATCH}.cer"
LIFE = dt.timedelta(days=800)


class Kind(StrEnum):
    """A certificate to sign with, and what is wrong with all but the first."""

    GOOD = "good"
    EXPIRED = "expired"
    EARLY = "early"
    """Not valid before some later day."""
    ORGANISATION = "organisation"
    """Another organisation's, by the same authority."""
    SERVICE = "service"
    """Microsoft's own, by the same authority, for another service."""
    SELF_SIGNED = "self-signed"
    STRANGER = "stranger"
    """Of an authority with the same names that nobody pinned."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A root, an issuing authority below it, and their keys."""

    root: x509.Certificate
    issuing: x509.Certificate
    issuing_key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (DER) and the key that signs with it."""

    certificate: bytes
    key: rsa.RSAPrivateKey

    def sign(self, body: bytes) -> bytes:
        """The signature of a body: RSA, PKCS#1 v1.5, SHA-256."""
        return self.key.sign(body, PKCS1v15(), hashes.SHA256())


@dataclass(slots=True)
class Certificates:
    """Every certificate of this run, made when first asked for."""

    authority: Authority = field(default_factory=lambda: _authority())
    fetched: list[str] = field(default_factory=list)
    """Paths that were asked for, oldest first."""
    _pairs: dict[Kind, Pair] = field(default_factory=dict)

    def pair(self, kind: Kind = Kind.GOOD) -> Pair:
        """The certificate of a kind with its key."""
        if kind not in self._pairs:
            self._pairs[kind] = _pair(kind, self.authority)
        return self._pairs[kind]

    def roll(self) -> None:
        """Sign with new keys from now on, under the same addresses."""
        self._pairs.clear()

    def write_roots(self, folder: Path) -> Path:
        """Write the authority's certificates (`webhook-roots.pem`); no key is ever written."""
        path = folder / "webhook-roots.pem"
        chain = (self.authority.root, self.authority.issuing)
        path.write_bytes(b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
        return path


def _authority() -> Authority:
    root_key, issuing_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _name("Dealdesk Sandbox Root", ORGANISATION)
    issuing_name = _name("Dealdesk Sandbox Issuing CA 01", ORGANISATION)
    return Authority(
        root=_ca(root_name, root_key, root_name, root_key, below=1),
        issuing=_ca(issuing_name, issuing_key, root_name, root_key, below=0),
        issuing_key=issuing_key,
    )


def _ca(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    below: int,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    now = dt.datetime.now(dt.UTC)
    return (
        _builder(subject, issuer, key.public_key(), now - LIFE, now + LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_issuer_id(issuer_key), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _pair(kind: Kind, authority: Authority) -> Pair:
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    start, end = {
        Kind.EXPIRED: (now - 90 * day, now - day),
        Kind.EARLY: (now + 30 * day, now + 90 * day),
    }.get(kind, (now - LIFE / 2, now + LIFE / 2))
    organisation = "Contoso Ltd" if kind is Kind.ORGANISATION else ORGANISATION
    common = "portal.azure.com" if kind is Kind.SERVICE else DISPATCH
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = _name(common, organisation)
    by = _authority() if kind is Kind.STRANGER else authority
    own = kind is Kind.SELF_SIGNED
    issuer_key = key if own else by.issuing_key
    certificate = (
        _builder(subject, subject if own else by.issuing.subject, key.public_key(), start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(common)]), critical=False)
        .add_extension(_issuer_id(issuer_key), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return Pair(certificate.public_bytes(serialization.Encoding.DER), key)


def _issuer_id(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    start: dt.datetime,
    end: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
