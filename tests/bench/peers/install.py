"""What the other SDKs need, installed on demand and once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bots import ROOT

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / "out" / "bench" / "peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """A minimal bot: its name in the table, its program and the file that pins what it needs."""

    name: str
    program: str
    pins: str

    @property
    def folder(self) -> Path:
        """Where its packages are."""
        return FOLDER / self.name

    def command(self) -> list[str]:
        """How it is started, once it is installed."""
        if self.program.endswith(".js"):
            return ["node", str(self.folder / self.program)]
        return [str(self.folder / "bin" / "python"), "-m", f"tests.bench.peers.{self.program}"]


PEERS = (
    Peer("botbuilder", "botbuilder_bot", "botbuilder.txt"),
    Peer("agents-sdk", "agents_bot", "agents.txt"),
    Peer("teams-sdk", "teams_bot", "teams.txt"),
    Peer("node", "node_bot.js", "package.json"),
)


def installed(peer: Peer) -> str | None:
    """Installs a peer unless it is there as pinned; gives why it cannot be used, or None."""
    pins = (HERE / peer.pins).read_bytes()
    mark, wanted = peer.folder / "installed", hashlib.sha256(pins).hexdigest()
    if not mark.is_file() or mark.read_text("ascii") != wanted:
        shutil.rmtree(peer.folder, ignore_errors=True)
        peer.folder.mkdir(parents=True)
        try:
            _install(peer)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            return f"{peer.name} could not be installed: {error}"
        mark.write_text(wanted, "ascii")
    if peer.program.endswith(".js"):
        shutil.copy(HERE / peer.program, peer.folder)
    return None


def _install(peer: Peer) -> None:
    if peer.program.endswith(".js"):
        shutil.copy(HERE / peer.pins, peer.folder)
        _run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", at=peer.folder)
        return
    _run(sys.executable, "-m", "venv", str(peer.folder), at=peer.folder)
    pip = (str(peer.folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "-r", str(HERE / peer.pins), at=peer.folder)


def _run(*command: str, at: Path) -> None:
    subprocess.run(command, cwd=at, check=True, stdin=subprocess.DEVNULL)  # noqa: S603
