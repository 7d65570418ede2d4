"""Whether a certificate may sign Partner Center's notifications: chain, time, owner and name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from partner_center.webhook import NotGenuine, Why

LARGEST_CERTIFICATE = 64 * 1024
LONGEST_CHAIN = 4
ORGANISATION = "Microsoft Corporation"
"""The organisation in the certificate's subject and in its issuer (API reference 11, step 4)."""
DISPATCH = re.compile(r"pcnotifications-dispatch(?:-[a-z0-9]{1,20})?\.microsoft\.com", re.ASCII)
"""The service that sends notifications (API reference 11): any other Microsoft certificate, and
Microsoft issues many, is not its voice."""

_PEM = b"-----BEGIN CERTIFICATE-----"
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
_BAD_EXTENSION = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_LEAST_BITS = 2048


@dataclass(frozen=True, slots=True)
class Roots:
    """The pinned roots, and the authorities below them that help to build a chain."""

    anchors: tuple[x509.Certificate, ...]
    between: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate that was found good: its key, and the last moment it is to be used."""

    key: RSAPublicKey
    until: datetime


def read_roots(pem: bytes) -> Roots:
    """Self-signed authorities of a PEM text as anchors, the others as links of a chain.

    Raises ValueError when there is no anchor or anything cannot be read.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
        anchors = tuple(each for each in found if _is_authority(each) and _is_self_signed(each))
    except (*_UNREADABLE, *_BAD_EXTENSION) as error:
        raise ValueError("a certificate cannot be read") from error
    if not anchors:
        raise ValueError("there is no self-signed root among the certificates")
    return Roots(anchors, tuple(each for each in found if each not in anchors))


def check_certificate(data: bytes, roots: Roots, now: datetime) -> Signer:
    """The signer whose certificate, DER or PEM, is in `data`; PEM may bring the chain.

    It has to be valid at `now`, belong to and be issued by Microsoft Corporation, carry the name
    of the dispatch service, be no authority itself and chain to a pinned root. Raises NotGenuine.
    """
    try:
        leaf, *others = _read(data)
        key = leaf.public_key()
        _check_owner(leaf)
        if _is_authority(leaf) or not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
            raise NotGenuine(Why.CERTIFICATE)
    except (*_UNREADABLE, *_BAD_EXTENSION) as error:
        raise NotGenuine(Why.CERTIFICATE) from error
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise NotGenuine(Why.VALIDITY)
    chain = _chain(leaf, [*others, *roots.between], roots, now)
    return Signer(key, min(each.not_valid_after_utc for each in chain))


def _read(data: bytes) -> list[x509.Certificate]:
    if not data or len(data) > LARGEST_CERTIFICATE:
        raise NotGenuine(Why.CERTIFICATE)
    if data.lstrip().startswith(_PEM):
        found = x509.load_pem_x509_certificates(data)
    else:
        found = [x509.load_der_x509_certificate(data)]
    if len(found) > LONGEST_CHAIN:
        raise NotGenuine(Why.CERTIFICATE)
    return found


def _check_owner(leaf: x509.Certificate) -> None:
    for name in (leaf.subject, leaf.issuer):
        if _texts(name, NameOID.ORGANIZATION_NAME) != [ORGANISATION]:
            raise NotGenuine(Why.ORGANISATION)
    names = _texts(leaf.subject, NameOID.COMMON_NAME)
    if len(names) != 1 or not DISPATCH.fullmatch(names[0]):
        raise NotGenuine(Why.NAME)


def _chain(
    leaf: x509.Certificate, between: Iterable[x509.Certificate], roots: Roots, now: datetime
) -> list[x509.Certificate]:
    policy = (
        PolicyBuilder()
        .store(Store(list(roots.anchors)))
        .time(now)
        .max_chain_depth(LONGEST_CHAIN)
        .extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
        )
    )
    try:
        return policy.build_client_verifier().verify(leaf, list(between)).chain
    except VerificationError as error:
        raise NotGenuine(Why.CHAIN) from error


def _texts(name: x509.Name, kind: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(kind)]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _is_self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
