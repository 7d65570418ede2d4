"""The checker of the chaos tests finds what it is there to find."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.chaos import REPEAT, Books, Posted, Written, Wrong, compare

OPERATIONS = [{"op": "replace", "path": "/details/dealValue", "value": "45000"}]
WRITE = Written("ben", "deal", "r1", OPERATIONS, '"0"')
POST = Posted("chat", "m1", "the card")


def _books(state: str = "done", approved: bool = True, yes: tuple[str, ...] = ("dana",)) -> Books:
    detail = json.dumps({"proposal": "p1"})
    entry = {
        "kind": "proposal.change",
        "person": "ben",
        "detail": detail,
        "client_request_id": "r1",
    }
    request: dict[str, object] = {
        "id": "a1",
        "subject": "proposal",
        "subject_id": "p1",
        "requester": "ben",
    }
    request |= {"state": "done", "quorum": 1, "base_etag": '"0"'}
    row: dict[str, object] = {
        "key": "k",
        "state": "sent",
        "op": "send",
        "activity_id": "m1",
        "error": None,
    }
    asked = [{**request, "operations": json.dumps(OPERATIONS)}] if approved else []
    votes = [{"approval_id": "a1", "person": person, "verdict": "approve"} for person in yes]
    ends = [{**entry, "outcome": "applying"}, *([{**entry, "outcome": "done"}] * (state == "done"))]
    made: object = Books(
        ends,  # type: ignore[arg-type]
        [{"id": "p1", "person": "ben", "state": state}],  # type: ignore[list-item]
        [],
        asked,  # type: ignore[arg-type]
        votes,  # type: ignore[arg-type]
        [row | {"doubts": 0}],  # type: ignore[list-item]
    )
    assert isinstance(made, Books)
    return made


def test_books_that_agree() -> None:
    compare(_books(), [WRITE], [POST], needs_approval=True)


@pytest.mark.parametrize(
    ("books", "writes", "posts", "said"),
    [
        (_books(), [WRITE, WRITE], [POST], "written 2 times"),
        (_books(), [], [POST], "not written"),
        (_books("conflict"), [WRITE], [POST], "conflict, but written"),
        (_books("unknown"), [WRITE], [POST], "still unknown"),
        (_books(approved=False), [WRITE], [POST], "without its approval"),
        (_books(yes=()), [WRITE], [POST], "0 of 1 approvals"),
        (_books(yes=("ben",)), [WRITE], [POST], "not approved by others"),
        (_books(), [Written("eve", "deal", "r1", OPERATIONS, '"0"')], [POST], "written as eve"),
        (_books(), [Written("ben", "deal", "r2", OPERATIONS, '"0"')], [POST], "nobody asked for"),
        (_books(), [Written("ben", "deal", "r1", [], '"0"')], [POST], "otherwise than"),
        (_books(), [WRITE], [], "Teams has not got it"),
        (_books(), [WRITE], [POST, POST], "was told 2 times"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_books_that_do_not(
    books: Books, writes: list[Written], posts: list[Posted], said: str
) -> None:
    with pytest.raises(Wrong, match=said):
        compare(books, writes, posts, needs_approval=True)


def test_a_marked_repeat_is_no_double() -> None:
    marked = Posted("chat", "m1", f"{REPEAT}. the card")
    compare(_books(), [WRITE], [marked, marked], needs_approval=True)


@pytest.mark.parametrize("later", ["sent", "failed", ""])
def test_what_was_overtaken_is_lost_unless_the_later_one_arrived(later: str) -> None:
    books = _books()
    first = {**books.outbox[0], "conversation": "c", "target_message": None, "seq": 0}
    change = {**first, "op": "update", "target_message": "m"}
    change |= {"as_of": None, "doubts": 0, "error": "superseded", "state": "failed", "seq": 1}
    rows = [first, change]
    if later:
        rows.append({**change, "seq": 2, "state": later, "error": None, "doubts": 9})
    made = replace(books, outbox=rows)  # type: ignore[arg-type]
    if later == "sent":
        compare(made, [WRITE], [POST], needs_approval=True)
        return
    with pytest.raises(Wrong, match="given up for a later one"):
        compare(made, [WRITE], [POST], needs_approval=True)
