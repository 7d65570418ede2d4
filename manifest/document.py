"""A JSON document: what stands where."""

from __future__ import annotations

from collections.abc import Iterator


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


def strings(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a document with its place."""
    match value:
        case str():
            yield place, value
        case dict():
            for name, each in value.items():
                yield from strings(each, f"{place}.{name}".lstrip("."))
        case list():
            for number, each in enumerate(value):
                yield from strings(each, f"{place}[{number}]")


def items(value: object) -> list[object]:
    """The list, or an empty one for what is no list."""
    return value if isinstance(value, list) else []
