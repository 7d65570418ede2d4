"""The sandbox as a process: ready line, ends with its parent, says why it cannot start."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import launch
from sandbox.__main__ import read_arguments

STARTS_IT = """
import sys
from sandbox import launch
print(launch.start(port=0).process.pid, flush=True)
sys.stdin.readline()
"""


def test_ready_line_names_page_and_settings(sandbox: launch.Sandbox) -> None:
    assert sandbox.page.startswith("http://127.0.0.1:")
    settings = sandbox.settings
    assert settings["DEALDESK_AUTHORITY"].startswith("https://127.0.0.1:")
    assert Path(settings["DEALDESK_CA_FILE"]).read_text().startswith("-----BEGIN CERTIFICATE")
    assert f"http://{settings['DEALDESK_CONNECTOR_HOSTS']}/" == sandbox.page


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_on_a_signal(number: signal.Signals) -> None:
    running = launch.start(port=0)
    running.process.send_signal(number)
    code = running.process.wait(60)
    running.stop()
    assert code == 0


def test_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-c", STARTS_IT],
        cwd=launch.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait(60)
        assert _ends(child)


def test_taken_port_is_said_and_nothing_stays_behind() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(launch.SandboxFailed, match=f"it cannot listen on port {port}: Addr"):
            launch.start(port=port)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(launch.SandboxFailed, match=r"did not start: .*file'"):
        launch.start(port=0, state_dir=tmp_path / "file")


def test_secrets_and_keys_are_new_in_each_run(sandbox: launch.Sandbox) -> None:
    other = launch.start(port=0)
    try:
        differing = ("DEALDESK_APP_SECRET", "DEALDESK_CA_FILE")
        assert all(other.settings[name] != sandbox.settings[name] for name in differing)
        ca_files = [Path(box.settings["DEALDESK_CA_FILE"]) for box in (other, sandbox)]
        assert ca_files[0].read_bytes() != ca_files[1].read_bytes()
        assert "PRIVATE" not in json.dumps([file.read_text() for file in ca_files])
    finally:
        other.stop()


@pytest.mark.parametrize(
    "line", [["--bot", "https://bot.example.com"], ["--bot", "http://["], ["--port", "65536"]]
)
def test_a_bot_elsewhere_and_no_such_port_are_refused(line: list[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments(line)


def _ends(pid: int) -> bool:
    """Whether the process with this id is gone soon."""
    with subprocess.Popen(["tail", f"--pid={pid}", "-f", "/dev/null"]) as waiting:  # noqa: S603, S607
        return waiting.wait(60) == 0
