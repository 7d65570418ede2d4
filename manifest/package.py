"""Builds the package that is uploaded to Teams: `python -m manifest.package` or `make package`."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.settings import UnsafeSettings, load
from manifest.command_lists import command_lists
from manifest.document import at
from manifest.localisation import TRANSLATED, file_of, information, strings_of
from manifest.rules import is_public_host, notices, package_problems
from manifest.schema import SchemaMissing

FOLDER = Path(__file__).resolve().parent
OUT = Path("out/dealdesk.zip")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file, so that the same content gives the same package."""


class Unfit(Exception):
    """No package can be made; `problems` says why, a sentence each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Installation:
    """What differs between installations: the app registration and the bot's public host."""

    app_id: str
    host: str


def installation(app_id: str | None, public_url: str) -> Installation:
    """Read from settings or arguments. Raises Unfit."""
    found = (app_id or "").strip().lower()
    problems = []
    if not _GUID.fullmatch(found):
        problems.append("give DEALDESK_APP_ID or --app-id: the GUID of the app registration")
    host = _public_host(public_url)
    if host is None:
        problems.append(
            "give DEALDESK_PUBLIC_URL or --public-url: https and the public host of the bot"
        )
    if problems or host is None:
        raise Unfit(*problems)
    return Installation(found, host)


def fill_in(installed: Installation, template: str | None = None) -> Mapping[str, object]:
    """The manifest of one installation, from manifest.json unless given."""
    text = template if template is not None else (FOLDER / "manifest.json").read_text("utf-8")
    text = text.replace("{{APP_ID}}", installed.app_id).replace("{{HOST}}", installed.host)
    manifest: dict[str, object] = json.loads(text)
    bot = at(manifest, "bots", 0)
    if not isinstance(bot, dict):
        raise Unfit("manifest.json names no bot")
    bot["commandLists"] = command_lists()
    manifest["localizationInfo"] = information()
    return manifest


def pack(manifest: Mapping[str, object], files: Mapping[str, bytes]) -> bytes:
    """The zip: manifest.json and the files beside it. Raises Unfit for what Teams would refuse."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"manifest.json": _written(manifest), **files}.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    package = packed.getvalue()
    problems = package_problems(package)
    if problems:
        raise Unfit(*problems)
    return package


def beside() -> Mapping[str, bytes]:
    """Everything that goes into a package beside manifest.json."""
    languages = {file_of(language): _written(strings_of(language)) for language in TRANSLATED}
    return {**icons(), **languages}


def icons() -> Mapping[str, bytes]:
    """The icons as they lie beside the manifest."""
    return {name: (FOLDER / name).read_bytes() for name in ("color.png", "outline.png")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the package; 2 when it cannot be made, with a sentence for everything in the way."""
    parser = argparse.ArgumentParser(prog="python -m manifest.package", description=__doc__)
    parser.add_argument("--app-id", help="instead of DEALDESK_APP_ID")
    parser.add_argument("--public-url", help="instead of DEALDESK_PUBLIC_URL")
    parser.add_argument("--out", type=Path, default=OUT, help=f"where to write it ({OUT})")
    given = parser.parse_args(arguments)
    try:
        settings = load()
        installed = installation(
            given.app_id or settings.app_id, given.public_url or settings.public_url
        )
        manifest = fill_in(installed)
        package = pack(manifest, beside())
    except (Unfit, UnsafeSettings, SchemaMissing) as error:
        for problem in error.problems if isinstance(error, Unfit) else (str(error),):
            print(f"No package: {problem}", file=sys.stderr)  # noqa: T201
        return 2
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_bytes(package)
    for notice in notices(manifest):
        print(f"Note: {notice}")  # noqa: T201
    print(f"{given.out}: Dealdesk {manifest['version']} for {installed.host}")  # noqa: T201
    return 0


def _written(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _public_host(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or port not in (None, 443) or parts.username is not None:
        return None
    return host if host is not None and is_public_host(host) else None


if __name__ == "__main__":
    raise SystemExit(main())
