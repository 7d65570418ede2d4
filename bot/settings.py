"""What an operator sets, and the refusal to start with anything missing or unsafe."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.policy import PolicyError, approvers_among, parse_policy
from partner_center.webhook_certificate import read_roots

MICROSOFT_LOGIN = "login.microsoftonline.com"
BOT_FRAMEWORK_METADATA = "https://login.botframework.com/v1/.well-known/openidconfiguration"
TEAMS_CONNECTOR = "smba.trafficmanager.net"
WEBHOOK_API = "https://api.partnercenter.microsoft.com"
"""Where notifications are subscribed to: another service than the referrals API."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)
_LOOPBACK_PORT = re.compile(r"127\.0\.0\.1:[0-9]{1,5}", re.ASCII)
_LOOPBACK_CONNECTOR = re.compile(r"(https://)?127\.0\.0\.1:[0-9]{1,5}", re.ASCII)
_BLANK = frozenset({"", "none", "null", "nil", "undefined"})
_NAMES_OF_LOOPBACK = frozenset({"localhost", "localhost.localdomain"})

Words = Annotated[tuple[str, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]


class UnsafeSettings(Exception):
    """Dealdesk must not start; the message is one sentence that names the setting to change."""


class Mode(StrEnum):
    """Where the bot runs: against a world on this machine, or against Microsoft's."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """The environment, prefix `DEALDESK_` (DESIGN section 2); `.env` is read when present.

    Building one checks types only; `check` decides whether the bot may start with it.
    """

    model_config = SettingsConfigDict(
        env_prefix="DEALDESK_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    mode: Mode = Mode.SANDBOX
    host: str = "127.0.0.1"
    port: int = Field(default=3978, ge=0, le=65535)
    sandbox_port: int = Field(default=3979, ge=0, le=65535)
    sandbox: Literal["embedded", "external"] = "embedded"
    public_url: str = "http://127.0.0.1:3978"
    app_id: str | None = None
    app_secret: SecretStr | None = None
    app_certificate: Path | None = None
    tenant_id: str | None = None
    authority: str | None = None
    openid_metadata_url: str = BOT_FRAMEWORK_METADATA
    connector_hosts: Words = (TEAMS_CONNECTOR,)
    partner_center_url: str = "https://api.partner.microsoft.com"
    partner_center_scope: str = "https://api.partner.microsoft.com/.default"
    allowed_tenants: Words = ()
    database_url: str = Field(default="sqlite+aiosqlite:///dealdesk.db", repr=False)
    encryption_keys: Secrets = ()
    ca_file: Path | None = None
    approvers: Words = ()
    approval_policy: str = ""
    subscribers: Literal["everyone", "approvers", "owners"] = "everyone"
    webhook_certificate_hosts: Words = ("3psostorageacct.blob.core.windows.net",)
    webhook_roots: Path | None = None
    webhook_api_url: str = WEBHOOK_API
    log_format: Literal["console", "json"] | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="before")
    @classmethod
    def _follow_the_tenant(cls, given: dict[str, Any]) -> dict[str, Any]:
        tenant = given.get("tenant_id")
        if not isinstance(tenant, str) or not tenant.strip():
            return given
        derived = {
            "authority": _microsoft_authority(tenant),
            "allowed_tenants": tenant,
        }
        return derived | given

    @field_validator(
        "connector_hosts",
        "allowed_tenants",
        "approvers",
        "webhook_certificate_hosts",
        "encryption_keys",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("app_id", "tenant_id", mode="after")
    @classmethod
    def _lower(cls, value: str | None) -> str | None:
        return value.strip().lower() if value is not None else None

    @field_validator(
        "connector_hosts", "allowed_tenants", "webhook_certificate_hosts", mode="after"
    )
    @classmethod
    def _lower_all(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(part.lower() for part in value)

    @property
    def in_sandbox(self) -> bool:
        """Whether everything outside is the sandbox on this machine."""
        return self.mode is Mode.SANDBOX

    @property
    def sso_resource(self) -> str:
        """The resource Teams single sign-on asks a token for."""
        return f"api://botid-{self.app_id}"

    @property
    def logs_json(self) -> bool:
        """Whether log lines are JSON: as set, else in production."""
        return self.log_format == "json" or (self.log_format is None and not self.in_sandbox)


def load(env_file: str | None = ".env", **overrides: object) -> Settings:
    """The settings of the environment, not yet checked. Raises UnsafeSettings for a wrong type."""
    build: Callable[..., Settings] = Settings
    try:
        return build(_env_file=env_file, **overrides)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        raise UnsafeSettings(f"DEALDESK_{name} cannot be used: {first['msg']}.") from None


def check(settings: Settings, *, sandbox_to_come: bool = False) -> None:
    """Raises UnsafeSettings, one sentence, when the bot must not start with these settings.

    With `sandbox_to_come` the identifiers and addresses that the embedded sandbox will give may
    still be absent; everything that is set is checked all the same.
    """
    for problem in _problems(settings, sandbox_to_come):
        raise UnsafeSettings(problem)


def _problems(settings: Settings, sandbox_to_come: bool) -> Iterator[str]:
    if int(version("urllib3").split(".")[0]) < 2:
        yield "urllib3 2 or newer is required: version 1 repeats requests that may have arrived."
    yield from _identity_problems(settings, may_be_absent=sandbox_to_come)
    yield from _webhook_problems(settings)
    to_come = ("somebody@sandbox.example",) if sandbox_to_come and not settings.approvers else ()
    try:
        approvers_among(settings.approvers)
    except PolicyError as error:
        yield f"DEALDESK_APPROVERS {error}"
        return
    try:
        parse_policy(settings.approval_policy, (*settings.approvers, *to_come))
    except PolicyError as error:
        yield f"DEALDESK_APPROVAL_POLICY {error}"
    if settings.in_sandbox:
        yield from _sandbox_problems(settings, sandbox_to_come)
    else:
        yield from _production_problems(settings)


def _identity_problems(settings: Settings, *, may_be_absent: bool) -> Iterator[str]:
    for name, value in (("APP_ID", settings.app_id), ("TENANT_ID", settings.tenant_id)):
        if value is None and may_be_absent:
            continue
        if value is None or value in _BLANK:
            yield f"DEALDESK_{name} is missing: without it nobody can be told apart from anybody."
        elif not _GUID.fullmatch(value):
            yield f"DEALDESK_{name} must be one GUID, as the Entra portal shows it."
    if not (may_be_absent and settings.app_secret is None):
        yield from _credential_problems(settings)
    for tenant in settings.allowed_tenants:
        if not _GUID.fullmatch(tenant):
            yield "DEALDESK_ALLOWED_TENANTS must be tenant GUIDs separated by commas."


def _credential_problems(settings: Settings) -> Iterator[str]:
    if settings.app_secret is None:
        if settings.app_certificate is None:
            yield "DEALDESK_APP_SECRET or DEALDESK_APP_CERTIFICATE is missing."
        elif not settings.app_certificate.is_file():
            yield "DEALDESK_APP_CERTIFICATE names a file that does not exist."
    elif settings.app_secret.get_secret_value().strip().lower() in _BLANK:
        yield "DEALDESK_APP_SECRET is blank: give the client secret of the app registration."


def _sandbox_problems(settings: Settings, to_come: bool) -> Iterator[str]:
    if not _is_loopback(settings.host):
        yield "DEALDESK_HOST must be a loopback address such as 127.0.0.1 in sandbox mode."
    given = set(settings.model_fields_set)
    if settings.authority == _microsoft_authority(settings.tenant_id or ""):
        given.discard("authority")
    for name, url in _urls(settings).items():
        if name not in given and (to_come or name == "webhook_api_url"):
            continue
        parts = _parts(url)
        if parts is None or not _is_loopback(parts.hostname or ""):
            yield f"DEALDESK_{name.upper()} must be a loopback address in sandbox mode."
        elif name == "authority" and parts.scheme != "https":
            yield "DEALDESK_AUTHORITY must begin with https, also in sandbox mode."
    if not (to_come and "connector_hosts" not in given):
        for host in settings.connector_hosts:
            if not _LOOPBACK_CONNECTOR.fullmatch(host):
                yield "DEALDESK_CONNECTOR_HOSTS must be 127.0.0.1:PORT in sandbox mode."
    yield from _key_problems(settings)


def _production_problems(settings: Settings) -> Iterator[str]:
    for name, url in _urls(settings).items():
        parts = _parts(url)
        if parts is None or parts.scheme != "https":
            yield f"DEALDESK_{name.upper()} must begin with https in production mode."
        elif _is_loopback(parts.hostname or ""):
            yield f"DEALDESK_{name.upper()} must not be a loopback address in production mode."
    if not settings.connector_hosts:
        yield "DEALDESK_CONNECTOR_HOSTS is empty, so nothing could be sent."
    for host in settings.connector_hosts:
        if not _HOST_NAME.fullmatch(host) or _is_loopback(host):
            yield "DEALDESK_CONNECTOR_HOSTS must be exact host names without port in production."
    if settings.ca_file is not None:
        yield "DEALDESK_CA_FILE is for sandbox mode only."
    if not settings.encryption_keys:
        yield "DEALDESK_ENCRYPTION_KEYS is missing: tokens are never kept unencrypted."
    yield from _key_problems(settings)


def _webhook_problems(settings: Settings) -> Iterator[str]:
    if settings.webhook_roots is None:
        return
    try:
        read_roots(settings.webhook_roots.read_bytes())
    except (OSError, ValueError):
        yield "DEALDESK_WEBHOOK_ROOTS must be a PEM file with a self-signed root certificate."
    if not settings.webhook_certificate_hosts:
        yield "DEALDESK_WEBHOOK_CERTIFICATE_HOSTS is empty, so no notification could be checked."
    for host in settings.webhook_certificate_hosts:
        if settings.in_sandbox and not _LOOPBACK_PORT.fullmatch(host):
            yield "DEALDESK_WEBHOOK_CERTIFICATE_HOSTS must be 127.0.0.1:PORT in sandbox mode."
        if not settings.in_sandbox and (not _HOST_NAME.fullmatch(host) or _is_loopback(host)):
            yield "DEALDESK_WEBHOOK_CERTIFICATE_HOSTS must be exact host names without port."


def _key_problems(settings: Settings) -> Iterator[str]:
    for key in settings.encryption_keys:
        try:
            length = len(base64.urlsafe_b64decode(key.get_secret_value()))
        except (binascii.Error, ValueError):
            length = 0
        if length != 32:
            yield "DEALDESK_ENCRYPTION_KEYS must be Fernet keys separated by commas, newest first."


def _microsoft_authority(tenant: str) -> str:
    return f"https://{MICROSOFT_LOGIN}/{tenant.strip().lower()}"


def _urls(settings: Settings) -> Mapping[str, str]:
    return {
        "public_url": settings.public_url,
        "authority": settings.authority or "",
        "openid_metadata_url": settings.openid_metadata_url,
        "partner_center_url": settings.partner_center_url,
        "webhook_api_url": settings.webhook_api_url,
    }


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    return parts if usable and parts.username is None and not parts.query else None


def _is_loopback(host: str) -> bool:
    if host.lower() in _NAMES_OF_LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
