"""What a package must be beyond the schema: icons, hosts, commands and names that Teams accepts.

Sources: Teams manifest reference (limits of 1.25) and Teams store validation guidelines.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from manifest.png import NotReadable, Picture, read
from manifest.schema import schema_problems

MOST_WORDS = 500
ICON_SIZES = {"color": 192, "outline": 32}
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_NO_GUID = re.compile(r"0{8}-(0{4}-){3}0{12}")
_OTHERS_NAMES = re.compile(r"\b(microsoft|teams|azure|office|outlook)\b", re.IGNORECASE)
_MAY_END_IN = " for Microsoft Teams"
_PLACEHOLDER = re.compile(r"\{\{\w*\}\}")
_WHITE = (0xFF, 0xFF, 0xFF)


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
    problems = list(schema_problems(manifest))
    return problems or [*_manifest_problems(manifest), *_file_problems(manifest, files)]


def notices(manifest: object) -> list[str]:
    """What is valid but should not be published as it is."""
    return [
        f"{place} is still an example: put your own into manifest/manifest.json before publishing"
        for place, value in _strings(at(manifest, "developer"), "developer")
        if "example." in value or "replace me" in value
    ]


def is_public_host(host: str) -> bool:
    """Whether this is the plain name of a host: no address, port, path or wildcard."""
    return _HOST.fullmatch(host) is not None


def at(document: object, *path: str | int) -> object:
    """What stands at a path of a JSON document; None where there is nothing."""
    for step in path:
        match document, step:
            case dict(), str():
                document = document.get(step)
            case list(), int() if step < len(document):
                document = document[step]
            case _:
                return None
    return document


def _manifest_problems(manifest: object) -> Iterator[str]:
    for place, value in _strings(manifest, ""):
        if _PLACEHOLDER.search(value):
            yield f"{place} was not filled in"
    yield from _id_problems(manifest)
    yield from _host_problems(manifest)
    yield from _word_problems(manifest)
    for number, found in enumerate(_list(at(manifest, "bots", 0, "commandLists"))):
        yield from _command_problems(found, f"commandLists[{number}]")
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
    domains = _list(at(manifest, "validDomains"))
    if not domains:
        yield "validDomains is empty, so sign-in pages would not open"
    for host in domains:
        if not isinstance(host, str) or not is_public_host(host):
            yield f"validDomains: {host!r} is not the plain name of a public host"
    for place, value in _strings(at(manifest, "developer"), "developer"):
        if place.endswith("Url") and urlsplit(value).scheme != "https":
            yield f"{place} must begin with https"


def _word_problems(manifest: object) -> Iterator[str]:
    for place, value in _strings(at(manifest, "name"), "name"):
        if _OTHERS_NAMES.search(value.removesuffix(_MAY_END_IN)):
            yield f"{place} uses the name of a product of Microsoft"
    full = at(manifest, "description", "full")
    if isinstance(full, str) and len(full.split()) > MOST_WORDS:
        yield f"description.full has more than {MOST_WORDS} words"
    for place, value in _strings(manifest, ""):
        if not value.strip():
            yield f"{place} is blank"


def _command_problems(listed: object, place: str) -> Iterator[str]:
    commands = _list(at(listed, "commands"))
    titles = [str(at(each, "title")) for each in commands]
    if not commands:
        yield f"{place} has no command"
    for title in sorted({title for title in titles if _same(titles, title) > 1}):
        yield f"{place} has the command {title!r} twice"
    for title in titles:
        if not title[:1].isalnum() or title != title.strip():
            yield f"{place}: the command {title!r} must begin with a letter or a digit"


def _same(titles: Sequence[str], title: str) -> int:
    return sum(each.casefold() == title.casefold() for each in titles)


def _scope_problems(manifest: object) -> Iterator[str]:
    scopes = _list(at(manifest, "bots", 0, "scopes"))
    listed = [
        scope
        for each in _list(at(manifest, "bots", 0, "commandLists"))
        for scope in _list(at(each, "scopes"))
    ]
    if sorted(map(str, scopes)) != sorted(map(str, listed)):
        yield "every scope of the bot must have one list of commands"


def _file_problems(manifest: object, files: Mapping[str, bytes]) -> Iterator[str]:
    named = {str(at(manifest, "icons", kind)): kind for kind in ICON_SIZES}
    for name in sorted({"manifest.json", *named} ^ set(files)):
        yield f"{name} is {'not named in' if name in files else 'missing beside'} manifest.json"
    for name, kind in named.items():
        if name in files:
            yield from (f"{name}: {problem}" for problem in icon_problems(kind, files[name]))


def icon_problems(kind: str, raw: bytes) -> Iterator[str]:
    """What is wrong with the `color` or `outline` icon."""
    try:
        picture = read(raw)
    except NotReadable as error:
        yield str(error)
        return
    size = ICON_SIZES[kind]
    if (picture.width, picture.height) != (size, size):
        yield f"must be {size} by {size} pixels, is {picture.width} by {picture.height}"
    yield from _outline_problems(picture) if kind == "outline" else _color_problems(picture)


def _color_problems(picture: Picture) -> Iterator[str]:
    if len({colour[:3] for colour in picture.colours() if colour[3]}) < 2:
        yield "shows nothing"


def _outline_problems(picture: Picture) -> Iterator[str]:
    seen = [colour for colour in picture.colours() if colour[3]]
    if any(colour[:3] != _WHITE for colour in seen):
        yield "must be white only"
    if len(seen) == picture.width * picture.height:
        yield "must have a transparent background"
    if not any(colour[3] == 0xFF for colour in seen):
        yield "shows nothing"


def _strings(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a document with its place."""
    match value:
        case str():
            yield place, value
        case dict():
            for name, each in value.items():
                yield from _strings(each, f"{place}.{name}".lstrip("."))
        case list():
            for number, each in enumerate(value):
                yield from _strings(each, f"{place}[{number}]")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
