"""What an icon must be: the sizes, colours and empty edges that Teams asks for.

Source: Teams store validation guidelines and the page on icons of the manifest reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from manifest.png import NotReadable, Picture, read

ICON_SIZES = {"color": 192, "outline": 32}
_SAFE = 120
"""Pixels in the middle of the colour icon that Teams never crops."""
_WHITE = (0xFF, 0xFF, 0xFF)


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
    colours = list(picture.colours())
    if len({colour[:3] for colour in colours if colour[3]}) < 2:
        yield "shows nothing"
    edge = (picture.width - _SAFE) // 2
    outside = {
        colour
        for place, colour in enumerate(colours)
        if not all(edge <= at < edge + _SAFE for at in divmod(place, picture.width))
    }
    if len(outside) > 1:
        yield f"must keep its symbol to the {_SAFE} pixels in the middle, on one colour"


def _outline_problems(picture: Picture) -> Iterator[str]:
    seen = [colour for colour in picture.colours() if colour[3]]
    if any(colour[:3] != _WHITE for colour in seen):
        yield "must be white only"
    if len(seen) == picture.width * picture.height:
        yield "must have a transparent background"
    if not any(colour[3] == 0xFF for colour in seen):
        yield "shows nothing"
