"""Seals of rows: bound to every field and its place, believed from any key that is still known."""

import pytest

from bot.seals import Seals

OLD, NEW = Seals(["old"]), Seals(["new", "old"])


def test_a_seal_holds_what_it_was_made_of_and_nothing_else() -> None:
    seal = NEW.of("request", "1", None, "x")
    assert NEW.holds(seal, "request", "1", None, "x")
    for other in (
        ("request", "1", "", "x"),
        ("request", "1", None, "x", None),
        ("request1", "", None, "x"),
        ("vote", "1", None, "x"),
        ("x", None, "1", "request"),
    ):
        assert not NEW.holds(seal, *other)


@pytest.mark.parametrize("given", [None, "", "bad", "é", "0" * 64])
def test_no_seal_is_no_seal(given: str | None) -> None:
    assert not NEW.holds(given, "request")


def test_an_older_key_is_believed_and_an_unknown_one_is_not() -> None:
    assert NEW.holds(OLD.of("request"), "request")
    assert not OLD.holds(NEW.of("request"), "request")


def test_there_is_no_seal_without_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        Seals([])
