"""JSON Patch (RFC 6902), all or nothing: add, replace and remove on a copy of a document."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.wire import Document, Json


class PatchProblem(ValueError):
    """An operation cannot be read or applied; `path` says which."""

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a patch."""

    op: str
    path: str
    value: Json = None


def operations(document: Json) -> tuple[Operation, ...]:
    """Read a patch document. Raises PatchProblem."""
    if not isinstance(document, list) or not document:
        raise PatchProblem("a patch is an array of operations")
    return tuple(_operation(entry) for entry in document)


def apply(document: Document, steps: Sequence[Operation]) -> Document:
    """The patched copy; the given document stays as it is. Raises PatchProblem."""
    patched = copy.deepcopy(document)
    for step in steps:
        _apply(patched, step)
    return patched


def _operation(entry: Json) -> Operation:
    if not isinstance(entry, dict):
        raise PatchProblem("an operation is an object")
    op, path = entry.get("op"), entry.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise PatchProblem("an operation needs a path that starts with /", str(path))
    if not isinstance(op, str):
        raise PatchProblem("an operation needs an op", path)
    if op != "remove" and "value" not in entry:
        raise PatchProblem("an operation needs a value", path)
    return Operation(op, path, entry.get("value"))


def _apply(document: Document, step: Operation) -> None:
    *parents, last = (
        part.replace("~1", "/").replace("~0", "~") for part in step.path[1:].split("/")
    )
    place: Json = document
    for part in parents:
        place = _child(place, part, step)
    match place:
        case dict():
            _change_member(place, last, step)
        case list():
            _change_entry(place, last, step)
        case _:
            raise PatchProblem("nothing is there", step.path)


def _child(place: Json, part: str, step: Operation) -> Json:
    if isinstance(place, dict) and part in place:
        return place[part]
    if isinstance(place, list):
        return place[_index(part, len(place) - 1, step)]
    raise PatchProblem("nothing is there", step.path)


def _change_member(place: Document, name: str, step: Operation) -> None:
    if step.op in ("replace", "remove") and name not in place:
        raise PatchProblem("nothing is there", step.path)
    if step.op == "remove":
        del place[name]
    elif step.op in ("add", "replace"):
        place[name] = copy.deepcopy(step.value)
    else:
        raise PatchProblem(f"operation {step.op} is not supported", step.path)


def _change_entry(place: list[Json], part: str, step: Operation) -> None:
    if step.op == "add":
        end = len(place)
        place.insert(end if part == "-" else _index(part, end, step), copy.deepcopy(step.value))
    elif step.op == "replace":
        place[_index(part, len(place) - 1, step)] = copy.deepcopy(step.value)
    elif step.op == "remove":
        del place[_index(part, len(place) - 1, step)]
    else:
        raise PatchProblem(f"operation {step.op} is not supported", step.path)


def _index(part: str, highest: int, step: Operation) -> int:
    canonical = part.isascii() and part.isdigit() and (part == "0" or part[0] != "0")
    if not canonical or len(part) > 6 or int(part) > highest:
        raise PatchProblem("there is no such entry", step.path)
    return int(part)
