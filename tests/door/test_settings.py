"""What may not start does not start, with one sentence and no secret in it (A9, I11)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.settings import Settings, UnsafeSettings, check, load
from tests.door.stage import APP_ID, TENANT

ROOT = Path(__file__).parents[2]
SECRET = "canary-client-secret"
KEY = Fernet.generate_key().decode()
SANDBOX = {
    "APP_ID": APP_ID,
    "APP_SECRET": SECRET,
    "TENANT_ID": TENANT,
    "AUTHORITY": f"https://127.0.0.1:4000/{TENANT}",
    "OPENID_METADATA_URL": "http://127.0.0.1:3979/botframework/.well-known/openidconfiguration",
    "CONNECTOR_HOSTS": "127.0.0.1:3979",
    "PARTNER_CENTER_URL": "http://127.0.0.1:3979/partnercenter",
}
PRODUCTION = {
    "MODE": "production",
    "HOST": "0.0.0.0",  # noqa: S104
    "PUBLIC_URL": "https://bot.example.com",
    "APP_ID": APP_ID,
    "APP_SECRET": SECRET,
    "TENANT_ID": TENANT,
    "ENCRYPTION_KEYS": KEY,
}
START = """
import sys
from bot.settings import UnsafeSettings, check, load
try:
    settings = load(None)
    check(settings)
except UnsafeSettings as error:
    sys.exit(str(error))
print(repr(settings))
"""


def _start(environment: Mapping[str, str | None]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if "DEALDESK" not in name}
    given = {f"DEALDESK_{name}": value for name, value in environment.items() if value is not None}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=clean | given,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("environment", [SANDBOX, PRODUCTION], ids=["sandbox", "production"])
def test_a9_complete_settings_start_and_show_no_secret(environment: Mapping[str, str]) -> None:
    ended = _start(environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert APP_ID in ended.stdout
    assert SECRET not in ended.stdout
    assert KEY not in ended.stdout


@pytest.mark.parametrize("base", [SANDBOX, PRODUCTION], ids=["sandbox", "production"])
@pytest.mark.parametrize("name", ["APP_ID", "APP_SECRET", "TENANT_ID"])
@pytest.mark.parametrize("value", [None, "", " ", "None", "null"])
def test_a9_no_start_without_id_secret_or_tenant(
    base: Mapping[str, str], name: str, value: str | None
) -> None:
    ended = _start({**base, name: value})
    _is_one_sentence(ended, name)


def _is_one_sentence(ended: subprocess.CompletedProcess[str], name: str) -> None:
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert f"DEALDESK_{name}" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.strip().endswith(".")
    assert SECRET not in ended.stderr


@pytest.mark.parametrize("host", [PRODUCTION["HOST"], "::", "192.168.1.5", "example.com", ""])
def test_a9_the_sandbox_never_binds_in_public(host: str) -> None:
    _is_one_sentence(_start({**SANDBOX, "HOST": host}), "HOST")


def _refused(environment: Mapping[str, str], **changes: str | None) -> str:
    given = {
        name.lower(): value
        for name, value in {**environment, **changes}.items()
        if value is not None
    }
    with pytest.raises(UnsafeSettings) as caught:
        check(load(None, **given))
    return str(caught.value)


SANDBOX_ONLY_LOOPBACK = [
    ("PUBLIC_URL", "https://bot.example.com"),
    ("AUTHORITY", f"https://login.microsoftonline.com/{TENANT}"),
    ("AUTHORITY", f"http://127.0.0.1:4000/{TENANT}"),
    ("AUTHORITY", None),
    ("OPENID_METADATA_URL", "https://login.botframework.com/v1/.well-known/openidconfiguration"),
    ("OPENID_METADATA_URL", "http://127.0.0.1@evil.example/"),
    ("OPENID_METADATA_URL", None),
    ("PARTNER_CENTER_URL", "https://api.partner.microsoft.com"),
    ("PARTNER_CENTER_URL", None),
    ("CONNECTOR_HOSTS", "smba.trafficmanager.net"),
    ("CONNECTOR_HOSTS", "127.0.0.1:3979,smba.trafficmanager.net"),
    ("CONNECTOR_HOSTS", "localhost:3979"),
    ("CONNECTOR_HOSTS", "https://smba.trafficmanager.net"),
    ("CONNECTOR_HOSTS", None),
    ("ENCRYPTION_KEYS", "short"),
]


@pytest.mark.parametrize(("name", "value"), SANDBOX_ONLY_LOOPBACK)
def test_a9_the_sandbox_is_loopback_only(name: str, value: str | None) -> None:
    assert f"DEALDESK_{name}" in _refused(SANDBOX, **{name: value})


PRODUCTION_REFUSES = [
    ("PUBLIC_URL", "http://bot.example.com"),
    ("PUBLIC_URL", "https://127.0.0.1:3978"),
    ("PUBLIC_URL", "https://localhost"),
    ("PUBLIC_URL", None),
    ("AUTHORITY", f"http://login.microsoftonline.com/{TENANT}"),
    ("OPENID_METADATA_URL", "http://login.botframework.com/v1/x"),
    ("PARTNER_CENTER_URL", "http://api.partner.microsoft.com"),
    ("PARTNER_CENTER_URL", "https://[::1]/"),
    ("PARTNER_CENTER_URL", "https://user@api.partner.microsoft.com"),
    ("CONNECTOR_HOSTS", "127.0.0.1:3979"),
    ("CONNECTOR_HOSTS", "https://127.0.0.1:3979"),
    ("CONNECTOR_HOSTS", "smba.trafficmanager.net:8443"),
    ("CONNECTOR_HOSTS", "*.trafficmanager.net"),
    ("CONNECTOR_HOSTS", "https://smba.trafficmanager.net"),
    ("CONNECTOR_HOSTS", ","),
    ("ENCRYPTION_KEYS", None),
    ("ENCRYPTION_KEYS", ""),
    ("ENCRYPTION_KEYS", "not-a-fernet-key"),
    pytest.param("ENCRYPTION_KEYS", f"{KEY},x", id="ENCRYPTION_KEYS-one-good-one-bad"),
    ("CA_FILE", "/etc/ssl/extra.pem"),
    ("ALLOWED_TENANTS", f"{TENANT},common"),
    ("APP_ID", "not-a-guid"),
    ("TENANT_ID", "common"),
    ("MODE", "dev"),
    ("PORT", "70000"),
    ("LOG_LEVEL", "LOUD"),
]


@pytest.mark.parametrize(("name", "value"), PRODUCTION_REFUSES)
def test_a9_production_refuses(name: str, value: str | None) -> None:
    sentence = _refused(PRODUCTION, **{name: value})
    assert f"DEALDESK_{name}" in sentence
    assert "\n" not in sentence


def test_a9_a_certificate_must_exist(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.pem")
    assert "APP_CERTIFICATE" in _refused(PRODUCTION, APP_SECRET=None, APP_CERTIFICATE=missing)
    present = tmp_path / "app.pem"
    present.write_text("pem")
    given = {name.lower(): value for name, value in PRODUCTION.items() if name != "APP_SECRET"}
    check(load(None, **given, app_certificate=str(present)))


def test_i11_an_old_urllib3_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.settings.version", lambda _name: "1.26.20")
    assert "urllib3" in _refused(PRODUCTION)
    monkeypatch.setattr("bot.settings.version", metadata.version)


def test_before_the_embedded_sandbox_starts_only_what_is_set_is_checked() -> None:
    check(load(None), sandbox_to_come=True)
    for wrong in ({"host": "::"}, {"app_id": ""}, {"app_secret": " "}, {"mode": "production"}):
        with pytest.raises(UnsafeSettings):
            check(load(None, **wrong), sandbox_to_come=True)


def _loaded(**given: str) -> Settings:
    return load(None, **given)


def test_what_follows_from_the_tenant() -> None:
    settings = _loaded(tenant_id=TENANT.upper(), app_id=APP_ID.upper())
    assert settings.authority == f"https://login.microsoftonline.com/{TENANT}"
    assert settings.allowed_tenants == (TENANT,)
    assert (settings.tenant_id, settings.app_id) == (TENANT, APP_ID)
    assert settings.sso_resource == f"api://botid-{APP_ID}"


def test_lists_are_separated_by_commas() -> None:
    settings = _loaded(approvers=" dana@example.com, ,ada@example.com", encryption_keys=KEY)
    assert settings.approvers == ("dana@example.com", "ada@example.com")
    assert [key.get_secret_value() for key in settings.encryption_keys] == [KEY]
    assert KEY not in repr(settings)


def test_the_database_password_is_not_shown() -> None:
    settings = _loaded(database_url="postgresql+asyncpg://bot:canary@db.example.com/dealdesk")
    assert "canary" not in repr(settings)


def test_the_environment_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEALDESK_PORT", raising=False)
    (tmp_path / ".env").write_text("DEALDESK_PORT=4321\nOTHER=1\n")
    assert load(str(tmp_path / ".env")).port == 4321
