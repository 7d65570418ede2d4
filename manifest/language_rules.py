"""What the files of other languages must be: valid, whole, and really in another language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy

from manifest.document import at, items
from manifest.schema import localisation_problems

TEXTS = ("name.short", "name.full", "description.short", "description.full")
_NAMES = ("name.short", "name.full")
"""May be the same everywhere."""
_STEP = re.compile(r"(\w+)|\[(\d+)\]")


def files_of(manifest: object) -> Mapping[str, str]:
    """The files named in `localizationInfo`, with the tags of their languages."""
    languages = items(at(manifest, "localizationInfo", "additionalLanguages"))
    return {str(at(each, "file")): str(at(each, "languageTag")) for each in languages}


def in_other_languages(
    manifest: object, files: Mapping[str, bytes]
) -> Iterator[tuple[str, object, list[str]]]:
    """For each file that is there: its name, the manifest as its readers see it, and everything
    wrong with the file itself. Raises SchemaMissing."""
    for name in files_of(manifest):
        if name not in files:
            continue
        try:
            strings = json.loads(files[name])
        except ValueError as error:
            yield name, manifest, [f"it is no JSON: {error}"]
            continue
        wrong = list(localisation_problems(strings)) or list(_problems(manifest, strings))
        yield name, manifest if wrong else applied(manifest, strings), wrong


def applied(manifest: object, strings: Mapping[str, str]) -> object:
    """The manifest as somebody sees it whose language these strings are in."""
    shown = deepcopy(manifest)
    for place in places(manifest):
        *path, last = _steps(place)
        parent = at(shown, *path)
        if isinstance(parent, dict):
            parent[last] = strings[place]
    return shown


def places(manifest: object) -> list[str]:
    """The places of a manifest that Teams shows in other languages, of those we use."""
    found = list(TEXTS)
    for number, listed in enumerate(items(at(manifest, "bots", 0, "commandLists"))):
        for index, _ in enumerate(items(at(listed, "commands"))):
            place = f"bots[0].commandLists[{number}].commands[{index}]"
            found += [f"{place}.title", f"{place}.description"]
    return found


def _problems(manifest: object, strings: Mapping[str, str]) -> Iterator[str]:
    wanted = set(places(manifest))
    for place in sorted(wanted ^ {name for name in strings if name != "$schema"}):
        yield f"{place} is {'missing' if place in wanted else 'not in manifest.json'}"
    for place in TEXTS:
        said = strings.get(place)
        if place not in _NAMES and said == at(manifest, *_steps(place)):
            yield f"{place} is not translated"


def _steps(place: str) -> list[str | int]:
    return [int(index) if index else name for name, index in _STEP.findall(place)]
