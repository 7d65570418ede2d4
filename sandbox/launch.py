"""Starts the sandbox as a process of its own and says where it is."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

READY_SECONDS = 90.0
END_SECONDS = 5.0
ROOT = Path(__file__).resolve().parent.parent


class SandboxFailed(ChildProcessError):
    """The sandbox did not get ready; says what it said of that."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. It ends by itself when this process ends, because its stdin does."""

    process: subprocess.Popen[str]
    page: str
    """Address of the chat page, with a trailing slash."""
    settings: Mapping[str, str]
    """Environment variables for a bot that is to live in it."""

    def stop(self) -> None:
        """End it: by closing its stdin, and by its process id if that is not enough."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(END_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(
    port: int = 3979,
    bot_url: str = "http://127.0.0.1:3978",
    state_dir: Path | None = None,
    *,
    deals: int | None = None,
    notify: bool = False,
) -> Sandbox:
    """Start the sandbox on a loopback port (0: a free one) and wait until it is ready.

    With `notify` the bot at `bot_url` gets Partner Center's notifications from the start.
    What it logs goes to this process's stderr. Raises SandboxFailed.
    """
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--bot", bot_url]
    if state_dir is not None:
        command += ["--state", str(state_dir)]
    if deals is not None:
        command += ["--deals", str(deals)]
    if notify:
        command.append("--notify")
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = _first_line(process.stdout)
    try:
        ready = json.loads(line)
        return Sandbox(process, str(ready["page"]), dict(ready["settings"]))
    except (ValueError, KeyError, TypeError) as error:
        process.kill()
        code = process.wait(END_SECONDS)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        said = line.strip() or f"The sandbox did not start (exit {code})."
        raise SandboxFailed(said) from error


def _first_line(stream: IO[str] | None) -> str:
    """The first line, or what there is when none comes in time."""
    lines: queue.Queue[str] = queue.Queue()
    if stream is None:
        return ""
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    try:
        return lines.get(timeout=READY_SECONDS)
    except queue.Empty:
        return ""
