"""What is uploaded to Teams is complete, valid, and refuses to be built wrong."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.command import Help
from bot.commands import COMMANDS, CommandSpec, parse
from cards.language import Language, speaking
from manifest import icons as drawn
from manifest.command_lists import MOST_COMMANDS, NOT_PERSONAL, NOT_SHARED, SCOPES, offered
from manifest.icon_rules import icon_problems
from manifest.localisation import TRANSLATED, file_of, strings_of
from manifest.package import (
    Installation,
    Unfit,
    beside,
    fill_in,
    icons,
    installation,
    main,
    pack,
)
from manifest.png import NotReadable, Picture, read, write
from manifest.rules import notices, package_problems
from manifest.schema import VERSION, schema_problems
from tests.house.test_floors import ROOT, imports, sources

PICTURES = ["color.png", "outline.png"]
LANGUAGES = ["de.json", "fr.json", "es.json", "ja.json"]
TODAY = date(2026, 3, 2)
APP_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
CONTOSO = Installation(APP_ID, "deals.contoso.com")


def manifest() -> dict[str, Any]:
    return deepcopy(dict(fill_in(CONTOSO)))


def refused(changed: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> str:
    with pytest.raises(Unfit) as caught:
        pack(changed, beside() if files is None else files)
    return " | ".join(caught.value.problems)


OFFERED = [row for row in COMMANDS if row.name not in NOT_SHARED & NOT_PERSONAL]


@pytest.mark.parametrize("row", OFFERED, ids=lambda row: row.name)
def test_every_command_that_has_room_is_offered_somewhere(row: CommandSpec) -> None:
    titles = {each.title.casefold() for scope in SCOPES for each in offered(scope)}
    assert row.name in titles


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_offers_no_more_than_teams_shows(scope: str) -> None:
    assert 1 <= len(offered(scope)) <= MOST_COMMANDS


def test_a_new_command_is_offered_everywhere_or_named_in_the_rule() -> None:
    new = replace(COMMANDS[0], name="forecast", usage="forecast")
    assert all("forecast" in [each.title for each in offered(s, [*COMMANDS, new])] for s in SCOPES)
    names = {row.name for row in COMMANDS}
    assert names >= NOT_SHARED | NOT_PERSONAL
    assert "help" not in NOT_SHARED | NOT_PERSONAL


def test_the_package_is_flat_filled_in_and_the_same_every_time() -> None:
    package = pack(fill_in(CONTOSO), beside())
    assert package == pack(fill_in(CONTOSO), beside())
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.namelist() == ["manifest.json", *PICTURES, *LANGUAGES]
        built = json.loads(archive.read("manifest.json"))
    assert built["manifestVersion"] == VERSION
    assert f"/v{VERSION}/" in built["$schema"]
    assert built["bots"][0]["botId"] == built["id"] == APP_ID
    assert built["bots"][0]["scopes"] == ["personal", "team", "groupChat"]
    assert built["webApplicationInfo"] == {"id": APP_ID, "resource": f"api://botid-{APP_ID}"}
    assert built["validDomains"] == ["deals.contoso.com"]
    assert package_problems(package) == []


def test_examples_left_in_the_manifest_are_pointed_out() -> None:
    found = manifest()
    own = "https://contoso.com/dealdesk"
    found["developer"] = {"name": "Contoso (replace me)", "websiteUrl": own}
    assert [each.split()[0] for each in notices(found)] == ["developer.name"]
    found["developer"] = {"name": "Contoso", "websiteUrl": "https://www.example.com/support"}
    assert [each.split()[0] for each in notices(found)] == ["developer.websiteUrl"]
    found["developer"] = {"name": "Contoso", "websiteUrl": own}
    assert notices(found) == []


Change = Callable[[dict[str, Any]], object]
WRONG: Mapping[str, tuple[Change, str]] = {
    "a short name too long": (lambda m: m["name"].update(short="x" * 31), "$.name.short"),
    "a short description too long": (
        lambda m: m["description"].update(short="x" * 81),
        "$.description.short",
    ),
    "a property nobody knows": (lambda m: m.update(bogus=1), "'bogus'"),
    "an id that is no GUID": (lambda m: m.update(id="dealdesk"), "$.id"),
    "an id of zeros": (
        lambda m: m["bots"][0].update(botId="00000000-0000-0000-0000-000000000000"),
        "app registration",
    ),
    "another app's sign-on": (
        lambda m: m["webApplicationInfo"].update(resource="api://botid-other"),
        "webApplicationInfo.resource",
    ),
    "a scope nobody knows": (lambda m: m["bots"][0]["scopes"].append("meeting"), "'meeting'"),
    "a scope without its list": (lambda m: m["bots"][0]["commandLists"].pop(), "every scope"),
    "thirteen commands": (
        lambda m: commands(m).append({"title": "undo", "description": "Undoes."}),
        "commandLists[0].commands",
    ),
    "a title too long": (lambda m: commands(m)[0].update(title="x" * 129), "title"),
    "a command twice": (lambda m: commands(m)[1].update(title="Help"), "'Help' twice"),
    "a command with a slash": (lambda m: commands(m)[0].update(title="/help"), "'/help'"),
    "a host with a wildcard": (lambda m: m.update(validDomains=["*.contoso.com"]), "validDomains"),
    "no host": (lambda m: m.update(validDomains=[]), "validDomains"),
    "a placeholder": (lambda m: m["name"].update(full="{{NAME}}"), "name.full"),
    "a name of Microsoft's": (lambda m: m["name"].update(short="Teams Deals"), "name.short"),
    "a blank text": (lambda m: m["developer"].update(name=" "), "developer.name is blank"),
    "a page without TLS": (
        lambda m: m["developer"].update(privacyUrl="http://contoso.com/privacy"),
        "developer.privacyUrl",
    ),
    "a description nobody reads": (
        lambda m: m["description"].update(full="a " * 501),
        "description.full",
    ),
    "a version of two numbers": (lambda m: m.update(version="1.0"), "version"),
    "a version that is not released": (lambda m: m.update(version="0.9.0"), "version"),
    "a tunnel": (lambda m: m.update(validDomains=["x.ngrok-free.app"]), "tunnel"),
    "one page for two": (
        lambda m: m["developer"].update(termsOfUseUrl=m["developer"]["privacyUrl"]),
        "same page",
    ),
    "a rival": (lambda m: m["description"].update(short="As in Slack."), "description.short"),
    "an unfinished app": (lambda m: m["name"].update(full="Dealdesk beta"), "name.full"),
    "a description that is the name": (
        lambda m: m["description"].update(short=m["name"]["full"] + "."),
        "repeats the name",
    ),
    "a description that says no more": (
        lambda m: m["description"].update(full=m["description"]["short"]),
        "no more than",
    ),
    "a boast": (lambda m: m["description"].update(full="The best there is."), "boasts"),
    "a command that is not described": (
        lambda m: commands(m)[0].update(description="Help."),
        "is not described",
    ),
    "a language without its file": (
        lambda m: m["localizationInfo"]["additionalLanguages"].append(
            {"languageTag": "it", "file": "it.json"}
        ),
        "it.json is missing",
    ),
    "a language left out": (
        lambda m: m["localizationInfo"]["additionalLanguages"].pop(),
        "ja.json is not named",
    ),
    "an icon that is not there": (lambda m: m["icons"].update(color="c.png"), "c.png is missing"),
}


def commands(document: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = document["bots"][0]["commandLists"][0]["commands"]
    return found


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_manifest_is_refused_and_the_place_named(name: str) -> None:
    change, expected = WRONG[name]
    changed = manifest()
    change(changed)
    assert expected in refused(changed)


TRANSLATIONS: Mapping[str, tuple[Callable[[dict[str, str]], object], str]] = {
    "a text that is missing": (lambda s: s.pop("name.full"), "name.full is missing"),
    "a command that is missing": (
        lambda s: s.pop("bots[0].commandLists[2].commands[0].title"),
        "bots[0].commandLists[2].commands[0].title is missing",
    ),
    "a thirteenth command": (
        lambda s: s.update({"bots[0].commandLists[0].commands[12].title": "mehr"}),
        "commands[12]",
    ),
    "a place nobody knows": (lambda s: s.update({"name.medium": "x"}), "name.medium"),
    "English": (
        lambda s: s.update({"description.short": manifest()["description"]["short"]}),
        "description.short is not translated",
    ),
    "a text too long": (lambda s: s.update({"description.short": "x" * 81}), "too long"),
    "a name of Microsoft's": (lambda s: s.update({"name.full": "Teams-Deals"}), "name.full"),
    "a command twice": (
        lambda s: s.update({f"bots[0].commandLists[0].commands[{n}].title": "a" for n in (0, 1)}),
        "'a' twice",
    ),
}


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_a_wrong_translation_is_refused_and_its_file_named(name: str) -> None:
    change, expected = TRANSLATIONS[name]
    strings = json.loads(beside()["de.json"])
    change(strings)
    said = refused(manifest(), {**beside(), "de.json": json.dumps(strings).encode()})
    assert "de.json: " in said
    assert expected in said


def test_a_translation_that_is_no_json_is_refused() -> None:
    assert "ja.json: it is no JSON" in refused(manifest(), {**beside(), "ja.json": b"{"})


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_offered_is_understood_in_its_language(language: Language) -> None:
    strings = strings_of(language)
    assert file_of(language) in LANGUAGES
    for number, scope in enumerate(SCOPES):
        for index, each in enumerate(offered(scope)):
            title = strings[f"bots[0].commandLists[{number}].commands[{index}].title"]
            with speaking(language):
                assert parse(f"help {title}", TODAY) == Help(each.name), title


def test_what_does_not_belong_in_the_package_is_refused() -> None:
    assert "notes.txt" in refused(manifest(), {**beside(), "notes.txt": b"x"})
    for name in (*PICTURES, *LANGUAGES):
        files = {other: raw for other, raw in beside().items() if other != name}
        assert f"{name} is missing" in refused(manifest(), files)
    assert package_problems(b"no zip") == ["the package is no zip file"]


@pytest.mark.parametrize(
    ("app_id", "url"),
    [
        (None, "https://deals.contoso.com"),
        ("None", "https://deals.contoso.com"),
        (APP_ID, "http://deals.contoso.com"),
        (APP_ID, "http://127.0.0.1:3978"),
        (APP_ID, "https://127.0.0.1"),
        (APP_ID, "https://localhost"),
        (APP_ID, "https://deals.contoso.com:8443"),
        (APP_ID, 'https://deals.contoso.com"'),
        (APP_ID, "https://ada@deals.contoso.com"),
        (APP_ID, ""),
    ],
)
def test_no_package_without_an_app_and_a_public_host(app_id: str | None, url: str) -> None:
    with pytest.raises(Unfit):
        installation(app_id, url)


def test_the_command_line_builds_a_package_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DEALDESK_APP_ID", "DEALDESK_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 2
    assert "DEALDESK_APP_ID" in capsys.readouterr().err
    monkeypatch.setenv("DEALDESK_APP_ID", APP_ID.upper())
    assert main(["--public-url", "https://Deals.Contoso.com/", "--out", "made.zip"]) == 0
    assert package_problems((tmp_path / "made.zip").read_bytes()) == []
    assert "made.zip: Dealdesk" in capsys.readouterr().out


def test_the_schema_is_really_asked() -> None:
    assert any("'version' is a required property" in each for each in schema_problems({}))


def test_the_icons_are_the_drawn_ones() -> None:
    assert read(icons()["color.png"]) == read(drawn.color_icon())
    assert read(icons()["outline.png"]) == read(drawn.outline_icon())


def picture(size: int, colour: bytes) -> bytes:
    return write(Picture(size, size, colour * (size * size)))


def drawn_to_the_edge() -> bytes:
    pixels = bytearray(read(drawn.color_icon()).pixels)
    pixels[:4] = b"\xff\xff\xff\xff"
    return write(Picture(192, 192, bytes(pixels)))


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("outline", picture(48, b"\xff\xff\xff\x80"), "32 by 32"),
        ("outline", picture(32, b"\xff\xff\xff\xff"), "transparent"),
        ("outline", picture(32, b"\x00\x00\x00\x80"), "white"),
        ("outline", picture(32, b"\xff\xff\xff\x00"), "nothing"),
        ("color", picture(192, b"\x0f\x6c\x6d\xff"), "nothing"),
        ("color", icons()["outline.png"], "192 by 192"),
        ("color", drawn_to_the_edge(), "in the middle"),
        ("color", b"GIF89a", "no PNG"),
        ("color", icons()["color.png"][:400], "cut off"),
    ],
)
def test_a_wrong_icon_is_refused(kind: str, raw: bytes, expected: str) -> None:
    assert expected in " | ".join(icon_problems(kind, raw))


def test_a_png_with_every_row_filter_is_read() -> None:
    with pytest.raises(NotReadable):
        read(b"")
    plain = read(drawn.outline_icon())
    assert read(filtered(plain)) == plain


def filtered(plain: Picture) -> bytes:
    """The same picture as other programs store it: each row by another PNG filter."""
    import zlib

    from manifest import png

    width = plain.width * 4
    above, packed = bytes(width), b""
    for row in range(plain.height):
        line = plain.pixels[row * width : (row + 1) * width]
        kind = row % 5
        packed += bytes([kind]) + bytes(
            (line[at] - guess(kind, line, above, at)) & 0xFF for at in range(width)
        )
        above = line
    raw = write(plain)
    start = raw.index(b"IDAT") - 4
    return raw[:start] + png._chunk(b"IDAT", zlib.compress(packed)) + png._chunk(b"IEND", b"")


def guess(kind: int, line: bytes, above: bytes, at: int) -> int:
    left = line[at - 4] if at >= 4 else 0
    corner = above[at - 4] if at >= 4 else 0
    if kind < 4:
        return (0, left, above[at], (left + above[at]) // 2)[kind]
    aim = left + above[at] - corner
    across, down, both = abs(aim - left), abs(aim - above[at]), abs(aim - corner)
    if across <= down and across <= both:
        return left
    return above[at] if down <= both else corner


def test_the_manifest_grows_from_the_bot_and_nothing_grows_from_the_manifest() -> None:
    for path in sorted((ROOT / "manifest").glob("*.py")):
        for name in imports(path):
            if name.split(".")[0] in {"app", "bot", "cards", "partner_center", "sandbox", "tests"}:
                grown_from = ("bot.commands", "bot.settings", "cards.language")
                assert name.startswith(grown_from), (path.name, name)
    for path in sources("partner_center", "cards", "bot", "app", "sandbox"):
        assert not any(name.split(".")[0] == "manifest" for name in imports(path)), path.name
