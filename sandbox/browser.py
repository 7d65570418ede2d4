"""Finds a Chromium that starts here: an installed one, else the one npm carries."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser


CHECKOUT = Path(__file__).resolve().parent.parent
CARRIED = CHECKOUT / "sandbox" / "node_modules" / "@sparticuz" / "chromium" / "bin"
CACHES = CHECKOUT / ".dealdesk"
CHROME = "CHROME"
"""Names the browser to use: a file, or `carried` for the one npm carries."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
START_MS = 120_000
"""How long a browser may take to start, on a machine that is busy with other things."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
CARRIED_FLAGS = ("--disable-dev-shm-usage", "--no-zygote", "--font-render-hinting=none")
_DECOMPRESS = (
    "const fs = require('node:fs'), zlib = require('node:zlib');"
    "require('node:stream').pipeline(fs.createReadStream(process.argv[1]),"
    " zlib.createBrotliDecompress(), fs.createWriteStream(process.argv[2]),"
    " (problem) => { if (problem) { console.error(problem.message); process.exit(1); } });"
)
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{here}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{here}/fonts-cache</cachedir>
</fontconfig>
"""


class NoBrowser(RuntimeError):
    """No Chromium can be started; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """One Chromium program, the flags it is started with and what it needs in its environment."""

    program: Path
    flags: tuple[str, ...] = FLAGS
    environment: Mapping[str, str] = field(default_factory=dict)


def installed() -> Chromium | None:
    """Return the Chromium or Chrome of this machine: `CHROME`, else a known name on `PATH`."""
    chosen = os.environ.get(CHROME)
    if chosen and not Path(chosen).is_file():
        raise NoBrowser(f"CHROME names {chosen!r}, which is not a file.")
    found = chosen or next(filter(None, map(shutil.which, NAMES)), None)
    return Chromium(Path(found)) if found else None


def carried(caches: Path = CACHES) -> Chromium:
    """Return the Chromium inside npm `@sparticuz/chromium`, unpacked once below `caches`.

    It brings its own libraries and fonts, so it needs neither root nor packages of the system.
    Raises NoBrowser when the npm packages or Node.js are missing.
    """
    if not (CARRIED / "chromium.br").is_file():
        raise NoBrowser(
            "No Chromium is installed and sandbox/node_modules is missing: make install."
        )
    version = json.loads((CARRIED.parent / "package.json").read_text(encoding="utf-8"))["version"]
    cache = caches / f"chromium-{version}"
    if not (cache / "chromium").is_file():
        _unpack(cache)
    path = [str(cache / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {
        "LD_LIBRARY_PATH": ":".join(filter(None, path)),
        "FONTCONFIG_PATH": str(cache),
        "FONTCONFIG_FILE": str(cache / "fonts.conf"),
    }
    return Chromium(cache / "chromium", FLAGS + CARRIED_FLAGS, environment)


def find() -> Chromium:
    """Return the installed Chromium, else the carried one. Raises NoBrowser."""
    if os.environ.get(CHROME) == "carried":
        return carried()
    return installed() or carried()


@asynccontextmanager
async def launched(chromium: Chromium | None = None) -> AsyncIterator[Browser]:
    """Start `chromium` (the found one by default) and yield it; it is closed afterwards.

    Raises NoBrowser.
    """
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError as error:
        raise NoBrowser(
            "Playwright is missing, which comes with what developers install: make install."
        ) from error
    chosen = await asyncio.to_thread(find) if chromium is None else chromium
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chosen.program,
            args=list(chosen.flags),
            env={**os.environ, **chosen.environment},
            timeout=START_MS,
        )
        try:
            yield browser
        finally:
            await browser.close()


def _unpack(cache: Path) -> None:
    """Fill `cache` in one rename, so that two runs at once never see half of it."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix="chromium-") as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        _decompress(CARRIED / "chromium.br", fresh / "chromium")
        (fresh / "chromium").chmod(0o755)
        for name in ("al2023", "fonts"):
            packed = Path(scratch) / f"{name}.tar"
            _decompress(CARRIED / f"{name}.tar.br", packed)
            with tarfile.open(packed) as archive:
                archive.extractall(fresh, filter="data")
        (fresh / "fonts.conf").write_text(_FONTS.format(here=cache), encoding="utf-8")
        try:
            fresh.rename(cache)
        except OSError:
            if not (cache / "chromium").is_file():
                raise


def _decompress(source: Path, target: Path) -> None:
    node = shutil.which("node")
    if node is None:
        raise NoBrowser("Node.js 18 or later is needed to unpack the carried Chromium.")
    done = subprocess.run(  # noqa: S603  both paths are ours
        [node, "-e", _DECOMPRESS, str(source), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoBrowser(f"{source.name} could not be unpacked: {done.stderr.strip()}")
