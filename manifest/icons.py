"""Draws the icons: a deal ticked off in a speech bubble. `python -m manifest.icons` writes them.

Shapes are signed distances, negative inside, in a field of 32 by 32 units; the distance to an edge
gives the opacity of the pixels on it.
"""

from __future__ import annotations

from math import hypot
from pathlib import Path

from manifest.png import Picture, write

FOLDER = Path(__file__).resolve().parent
COLOR_SIZE = 192
OUTLINE_SIZE = 32
ACCENT = (0x0F, 0x6C, 0x6D)
"""As `accentColor` in the manifest."""
WHITE = (0xFF, 0xFF, 0xFF)

_COLOR_SCALE = 4.6
"""Pixels of a unit; Teams crops the colour icon, so the symbol keeps to the inner 120 pixels."""
_OUTLINE_SCALE = 1.2
_TICK = ((10.8, 14.6), (14.4, 18.2), (21.4, 11.0))


def color_icon() -> bytes:
    """192 by 192, opaque."""
    pixels = bytearray()
    for x, y in _points(COLOR_SIZE, _COLOR_SCALE):
        white = _cover(_bubble(x, y), _COLOR_SCALE) - _cover(_tick(x, y, 1.3), _COLOR_SCALE)
        pixels += bytes((*_mix(ACCENT, WHITE, max(white, 0.0)), 0xFF))
    return write(Picture(COLOR_SIZE, COLOR_SIZE, bytes(pixels)))


def outline_icon() -> bytes:
    """32 by 32, white on transparent."""
    pixels = bytearray()
    for x, y in _points(OUTLINE_SIZE, _OUTLINE_SCALE):
        line = min(abs(_bubble(x, y) + 0.8) - 0.8, _tick(x, y, 0.9))
        pixels += bytes((*WHITE, round(0xFF * _cover(line, _OUTLINE_SCALE))))
    return write(Picture(OUTLINE_SIZE, OUTLINE_SIZE, bytes(pixels)))


def _points(size: int, scale: float) -> list[tuple[float, float]]:
    """The middles of the pixels, row by row, in units."""
    along = [16 + (at + 0.5 - size / 2) / scale for at in range(size)]
    return [(x, y) for y in along for x in along]


def _cover(distance: float, scale: float) -> float:
    return min(1.0, max(0.0, 0.5 - distance * scale))


def _mix(below: tuple[int, int, int], above: tuple[int, int, int], share: float) -> tuple[int, ...]:
    return tuple(round(b + (a - b) * share) for b, a in zip(below, above, strict=True))


def _bubble(x: float, y: float) -> float:
    """A rounded box with a tail at the lower left."""
    across, down = abs(x - 16) - 7.5, abs(y - 14.5) - 5.0
    box = hypot(max(across, 0.0), max(down, 0.0)) + min(max(across, down), 0.0) - 3.5
    tail = max(8.5 - x, y - 27.5, (x + y - 36.5) / 2**0.5, 18.0 - y)
    return min(box, tail)


def _tick(x: float, y: float, half: float) -> float:
    """A tick, `half` its thickness."""
    first, second, third = _TICK
    return min(_segment(x, y, first, second), _segment(x, y, second, third)) - half


def _segment(x: float, y: float, start: tuple[float, float], end: tuple[float, float]) -> float:
    along, down = end[0] - start[0], end[1] - start[1]
    at = ((x - start[0]) * along + (y - start[1]) * down) / (along**2 + down**2)
    at = min(1.0, max(0.0, at))
    return hypot(x - start[0] - at * along, y - start[1] - at * down)


if __name__ == "__main__":
    (FOLDER / "color.png").write_bytes(color_icon())
    (FOLDER / "outline.png").write_bytes(outline_icon())
