"""Starting: unsafe settings end the process with one sentence before anything listens."""

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import app
from bot.settings import UnsafeSettings, check, load
from tests.door.stage import KeyServer, serving
from tests.wire.notifier import PINNED
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
GUID = "0e34108c-f6af-4453-a3a7-cd0c0f4ad8af"
SOUND = {
    "DEALDESK_MODE": "production",
    "DEALDESK_APP_ID": GUID,
    "DEALDESK_TENANT_ID": GUID,
    "DEALDESK_APP_SECRET": "made-for-this-test",
    "DEALDESK_PUBLIC_URL": "https://dealdesk.example.com",
    "DEALDESK_ENCRYPTION_KEYS": "A" * 43 + "=",
}


@pytest.mark.parametrize(
    ("words", "code"), [(["--help"], 0), (["help"], 0), (["nonsense"], 2), (["cards?"], 2)]
)
def test_whoever_asks_is_told_every_task(
    words: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", *words])
    assert app.main() == code
    said = capsys.readouterr()
    shown, other = (said.err, said.out) if code else (said.out, said.err)
    assert [line.split()[0] for line in shown.splitlines()[2:]] == list(app.TASKS)
    assert other == ""


def start(folder: Path, port: int, **changes: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if "DEALDESK" not in name}
    environment = {**inherited, **SOUND, "DEALDESK_PORT": str(port), **changes}
    return subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, str(ROOT / "app.py")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DEALDESK_APP_ID": ""}, "APP_ID"),
        ({"DEALDESK_APP_ID": "  "}, "APP_ID"),
        ({"DEALDESK_APP_ID": "None"}, "APP_ID"),
        ({"DEALDESK_TENANT_ID": ""}, "TENANT_ID"),
        ({"DEALDESK_APP_SECRET": " "}, "APP_SECRET"),
        ({"DEALDESK_PUBLIC_URL": "http://dealdesk.example.com"}, "PUBLIC_URL"),
        ({"DEALDESK_ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS"),
        ({"DEALDESK_MODE": "sandbox", "DEALDESK_HOST": "0.0.0.0"}, "HOST"),  # noqa: S104
        ({"DEALDESK_MODE": "test"}, "MODE"),
        ({"DEALDESK_APPROVAL_POLICY": "register"}, "APPROVERS"),
        ({"DEALDESK_APPROVAL_POLICY": "registre", "DEALDESK_APPROVERS": "a@b.example"}, "registre"),
        ({"DEALDESK_WEBHOOK_ROOTS": "nowhere.pem"}, "WEBHOOK_ROOTS"),
        ({"DEALDESK_WEBHOOK_ROOTS": str(ROOT / "app.py")}, "WEBHOOK_ROOTS"),
        ({"DEALDESK_WEBHOOK_API_URL": "http://api.example.com"}, "WEBHOOK_API_URL"),
        ({"DEALDESK_WEBHOOK_API_URL": "https://127.0.0.1"}, "WEBHOOK_API_URL"),
    ],
)
def test_A9_unsafe_settings_end_the_process_with_one_sentence(
    tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = start(tmp_path, taken.getsockname()[1], **changes)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr
    assert SOUND["DEALDESK_APP_SECRET"] not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_A9_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = start(tmp_path, taken.getsockname()[1])
    assert ended.returncode == 2
    assert ended.stderr.strip().splitlines()[-1].startswith("Dealdesk cannot start")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, None),
        ({"webhook_certificate_hosts": "one.example.com,two.example.com"}, None),
        ({"webhook_certificate_hosts": "one.example.com:8443"}, "WEBHOOK_CERTIFICATE_HOSTS"),
        ({"webhook_certificate_hosts": "https://one.example.com"}, "WEBHOOK_CERTIFICATE_HOSTS"),
        ({"webhook_certificate_hosts": "*.example.com"}, "WEBHOOK_CERTIFICATE_HOSTS"),
        ({"webhook_certificate_hosts": "127.0.0.1"}, "WEBHOOK_CERTIFICATE_HOSTS"),
        ({"webhook_certificate_hosts": ""}, "WEBHOOK_CERTIFICATE_HOSTS"),
        ({"webhook_api_url": "http://api.example.com"}, "WEBHOOK_API_URL"),
    ],
)
def test_A9_H2_certificates_come_from_exact_hosts_only(
    tmp_path: Path, changes: dict[str, str], named: str | None
) -> None:
    pem = tmp_path / "roots.pem"
    pem.write_bytes(PINNED)
    sound = {name.removeprefix("DEALDESK_").lower(): value for name, value in SOUND.items()}
    settings = load(None, **{**sound, "webhook_roots": str(pem), **changes})
    if named is None:
        check(settings)
        return
    with pytest.raises(UnsafeSettings, match=named):
        check(settings)


def test_i11_urllib3_of_the_old_line_keeps_it_from_starting(tmp_path: Path) -> None:
    found_first = tmp_path / "urllib3-1.26.20.dist-info"
    found_first.mkdir()
    (found_first / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: urllib3\nVersion: 1.26.20\n"
    )
    ended = start(tmp_path, 3978, PYTHONPATH=str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith("Dealdesk cannot start: urllib3 2 or newer is required")
    assert "listens" not in ended.stdout


async def test_a10_the_keys_are_fetched_when_the_tables_are_up(world: World) -> None:
    keys = KeyServer()
    async with serving(keys.app()) as keys.origin:
        metadata = f"{keys.origin}/.well-known/openidconfiguration"
        with closing(sqlite3.connect(world.folder / "dealdesk.db", isolation_level=None)) as rows:
            rows.execute("BEGIN EXCLUSIVE")
            starting = asyncio.create_task(world.bot(openid_metadata_url=metadata))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await keys.fetched.wait()
            rows.execute("ROLLBACK")
        await starting
        async with asyncio.timeout(60):
            await keys.fetched.wait()
