"""PNG pictures as pixels: just enough to draw icons and to check those of others."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}
"""Samples of a pixel by colour type: RGB and RGBA."""
_MOST_PIXELS = 1024 * 1024


class NotReadable(ValueError):
    """Not a PNG this module can read; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of red, green, blue and opacity, a byte each, from the top left."""

    width: int
    height: int
    pixels: bytes

    def colours(self) -> Iterator[tuple[int, int, int, int]]:
        """Every pixel in order."""
        yield from struct.iter_unpack("4B", self.pixels)


def write(picture: Picture) -> bytes:
    """The picture as PNG: 8 bit, RGBA. Gives the same bytes for the same picture."""
    row = picture.width * 4
    lines = b"".join(
        b"\0" + picture.pixels[start : start + row] for start in range(0, len(picture.pixels), row)
    )
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in parts)


def read(raw: bytes) -> Picture:
    """The picture in a PNG of 8-bit RGB or RGBA, not interlaced. Raises NotReadable."""
    if not raw.startswith(_SIGNATURE):
        raise NotReadable("it is no PNG file")
    try:
        chunks = list(_chunks(raw))
        width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    except (struct.error, IndexError) as error:
        raise NotReadable("it is cut off") from error
    if bits != 8 or colour not in _CHANNELS or interlaced:
        raise NotReadable("save it as 8-bit RGB or RGBA, not interlaced")
    if not 0 < width * height <= _MOST_PIXELS:
        raise NotReadable("it is far too large")
    channels = _CHANNELS[colour]
    packed = b"".join(body for kind, body in chunks if kind == b"IDAT")
    size = height * (1 + width * channels)
    try:
        lines = zlib.decompressobj().decompress(packed, size)
    except zlib.error as error:
        raise NotReadable("its pixels are damaged") from error
    if len(lines) != size:
        raise NotReadable("it is cut off")
    return Picture(width, height, _opaque(_unfiltered(lines, width, channels), channels))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(raw):
        length, kind = struct.unpack_from(">I4s", raw, at)
        yield kind, raw[at + 8 : at + 8 + length]
        at += 12 + length


def _opaque(pixels: bytes, channels: int) -> bytes:
    if channels == 4:
        return pixels
    return b"".join(pixels[at : at + 3] + b"\xff" for at in range(0, len(pixels), 3))


def _unfiltered(lines: bytes, width: int, channels: int) -> bytes:
    """Every row is stored as a difference to what is left of it and above it (PNG, section 9)."""
    row = width * channels
    above = bytes(row)
    found: list[bytes] = []
    for start in range(0, len(lines), row + 1):
        line = bytearray(lines[start + 1 : start + 1 + row])
        _undo(lines[start], line, above, channels)
        above = bytes(line)
        found.append(above)
    return b"".join(found)


def _undo(kind: int, line: bytearray, above: bytes, channels: int) -> None:
    for at in range(len(line)):
        left = line[at - channels] if at >= channels else 0
        corner = above[at - channels] if at >= channels else 0
        match kind:
            case 0:
                return
            case 1:
                guess = left
            case 2:
                guess = above[at]
            case 3:
                guess = (left + above[at]) // 2
            case 4:
                guess = _nearest(left, above[at], corner)
            case _:
                raise NotReadable("its pixels are damaged")
        line[at] = (line[at] + guess) & 0xFF


def _nearest(left: int, above: int, corner: int) -> int:
    """Whichever is nearest to left + above - corner; the first of equals."""
    aim = left + above - corner
    return min((left, above, corner), key=lambda value: abs(aim - value))
