"""What a package must be beyond the schema: icons, hosts, commands and names that Teams accepts.

Sources: Teams manifest reference (limits of 1.25) and Teams store validation guidelines.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from manifest.document import at, items, strings
from manifest.icon_rules import ICON_SIZES, icon_problems
from manifest.language_rules import files_of, in_other_languages
from manifest.schema import schema_problems
from manifest.word_rules import word_problems

_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_NO_GUID = re.compile(r"0{8}-(0{4}-){3}0{12}")
_VERSION = re.compile(r"[1-9]\d*\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_TUNNELS = (".ngrok.io", ".ngrok.app", ".ngrok-free.app", ".devtunnels.ms", ".trycloudflare.com")


def package_problems(package: bytes) -> list[str]:
    """Everything wrong with a package, a sentence each. Raises SchemaMissing."""
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
            listed = len(archive.namelist())
    except zipfile.BadZipFile:
        return ["the package is no zip file"]
    if listed != len(files):
        return ["the package holds a file twice"]
    try:
        manifest = json.loads(files["manifest.json"])
    except KeyError:
        return ["manifest.json is missing at the top of the package"]
    except ValueError as error:
        return [f"manifest.json is no JSON: {error}"]
    if problems := list(schema_problems(manifest)):
        return problems
    problems = [*_manifest_problems(manifest), *_file_problems(manifest, files)]
    for name, shown, wrong in in_other_languages(manifest, files):
        problems += [f"{name}: {problem}" for problem in wrong]
        if not wrong:
            found = [*schema_problems(shown), *_manifest_problems(shown)]
            problems += [f"{name}: {each}" for each in found if each not in problems]
    return problems


def notices(manifest: object) -> list[str]:
    """What is valid but should not be published as it is."""
    return [
        f"{place} is still an example: put your own into manifest/manifest.json before publishing"
        for place, value in strings(at(manifest, "developer"), "developer")
        if "example." in value or "replace me" in value
    ]


def is_public_host(host: str) -> bool:
    """Whether this is the plain name of a host: no address, port, path or wildcard."""
    return _HOST.fullmatch(host) is not None


def _manifest_problems(manifest: object) -> Iterator[str]:
    if not _VERSION.fullmatch(str(at(manifest, "version"))):
        yield "version must be three numbers, 1.0.0 or higher"
    yield from _id_problems(manifest)
    yield from _host_problems(manifest)
    yield from word_problems(manifest)
    yield from _scope_problems(manifest)


def _id_problems(manifest: object) -> Iterator[str]:
    app_id = at(manifest, "bots", 0, "botId")
    if not isinstance(app_id, str) or _NO_GUID.fullmatch(app_id):
        yield "botId is not the id of an app registration"
    if at(manifest, "webApplicationInfo", "id") != app_id:
        yield "webApplicationInfo.id is not the bot's id, so single sign-on would fail"
    if at(manifest, "webApplicationInfo", "resource") != f"api://botid-{app_id}":
        yield f"webApplicationInfo.resource is not api://botid-{app_id}"


def _host_problems(manifest: object) -> Iterator[str]:
    domains = items(at(manifest, "validDomains"))
    if not domains:
        yield "validDomains is empty, so sign-in pages would not open"
    for host in domains:
        if not isinstance(host, str) or not is_public_host(host):
            yield f"validDomains: {host!r} is not the plain name of a public host"
        elif host.endswith(_TUNNELS):
            yield f"validDomains: {host!r} is a tunnel to somebody's machine"
    for place, value in strings(at(manifest, "developer"), "developer"):
        if place.endswith("Url") and urlsplit(value).scheme != "https":
            yield f"{place} must begin with https"
    if at(manifest, "developer", "privacyUrl") == at(manifest, "developer", "termsOfUseUrl"):
        yield "developer.privacyUrl and developer.termsOfUseUrl are the same page"


def _scope_problems(manifest: object) -> Iterator[str]:
    scopes = items(at(manifest, "bots", 0, "scopes"))
    listed = [
        scope
        for each in items(at(manifest, "bots", 0, "commandLists"))
        for scope in items(at(each, "scopes"))
    ]
    if sorted(map(str, scopes)) != sorted(map(str, listed)):
        yield "every scope of the bot must have one list of commands"


def _file_problems(manifest: object, files: Mapping[str, bytes]) -> Iterator[str]:
    named = {str(at(manifest, "icons", kind)): kind for kind in ICON_SIZES}
    for name in sorted({"manifest.json", *named, *files_of(manifest)} ^ set(files)):
        yield f"{name} is {'not named in' if name in files else 'missing beside'} manifest.json"
    for name, kind in named.items():
        if name in files:
            yield from (f"{name}: {problem}" for problem in icon_problems(kind, files[name]))
