"""The page about our cards: its pictures are there, small, and of cards that exist."""

import re
from pathlib import Path

import cards
from cards.samples import gallery

ROOM = Path(cards.__file__ or "").parent
PAGE = (ROOM / "README.md").read_text("utf-8")
SHOWN = re.findall(r"!\[([^\]]+)\]\(pictures/([a-z-]+)-(?:light|dark)\.png\)", PAGE)
MOST_BYTES = 300_000


def test_every_picture_is_of_a_card_that_is_still_drawn_and_says_what_it_shows() -> None:
    assert len(SHOWN) >= 6
    for says, name in SHOWN:
        assert says
        assert name in gallery.names()


def test_the_pictures_are_those_of_the_page_and_small() -> None:
    there = sorted(path.name for path in (ROOM / "pictures").iterdir())
    assert there == sorted(re.findall(r"pictures/([a-z-]+\.png)", PAGE))
    assert sum(path.stat().st_size for path in (ROOM / "pictures").iterdir()) < MOST_BYTES


def test_every_file_that_the_page_names_is_there() -> None:
    for name in re.findall(r"`([a-z_]+\.py)`", PAGE):
        assert (ROOM / name).is_file(), name
