"""What a seller may change on a deal, and which way its status may go."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_center.money import LIMIT, Amount
from partner_center.referral import (
    MOVES,
    Change,
    Field,
    Member,
    Move,
    Problem,
    Substatus,
    check_amount,
    check_changes,
    check_member,
    check_move,
    check_reason,
    held,
    warnings_of_close,
    warnings_of_move,
)
from tests.rules.deals import NOW, deal


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


GOOD = [
    Change(Field.VALUE, Decimal("0")),
    Change(Field.VALUE, Decimal("30000.10")),
    Change(Field.CURRENCY, "EUR"),
    Change(Field.CLOSE, date(2026, 3, 31)),
    Change(Field.NOTES, ""),
    Change(Field.NOTES, "two\nlines " + "x" * 4990),
    Change(Field.NAME, "Ünïcode – ✅"),
    Change(Field.CRM, ""),
    Change(Field.CAMPAIGN, "FY26-Q3"),
]


@pytest.mark.parametrize("change", GOOD)
def test_changes_that_may_be_sent(change: Change) -> None:
    assert check_changes(deal(), [change]) == ()


BAD = [
    (Change(Field.VALUE, Decimal("-1")), "value_negative"),
    (Change(Field.VALUE, Decimal("0.001")), "value_too_precise"),
    (Change(Field.VALUE, LIMIT), "value_too_large"),
    (Change(Field.VALUE, Decimal("NaN")), "value_not_a_number"),
    (Change(Field.VALUE, Decimal("Infinity")), "value_not_a_number"),
    (Change(Field.CURRENCY, "XYZ"), "currency_unknown"),
    (Change(Field.CURRENCY, "usd"), "currency_unknown"),
    (Change(Field.CLOSE, date(9999, 12, 31)), "close_out_of_range"),
    (Change(Field.CLOSE, date(1999, 12, 31)), "close_out_of_range"),
    (Change(Field.CLOSE, date(2026, 1, 4)), "close_before_created"),
    (Change(Field.NOTES, "x" * 5001), "text_too_long"),
    (Change(Field.NAME, "x" * 256), "text_too_long"),
    (Change(Field.NAME, "  "), "text_empty"),
    (Change(Field.NAME, "a\nb"), "text_unreadable"),
    (Change(Field.NOTES, "a\x00b"), "text_unreadable"),
    (Change(Field.CRM, "\ud800"), "text_unreadable"),
]


@pytest.mark.parametrize(("change", "code"), BAD)
def test_D2_D5_changes_that_are_stopped(change: Change, code: str) -> None:
    assert codes(check_changes(deal(), [change])) == [code]


def test_D2_a_currency_without_decimals_takes_none() -> None:
    changes = [Change(Field.VALUE, Decimal("0.5")), Change(Field.CURRENCY, "JPY")]
    (problem,) = check_changes(deal(), changes)
    assert problem == Problem(
        "value_too_precise", {"value": "0.50", "decimals": "0", "currency": "JPY"}
    )


def test_the_facts_carry_the_limit() -> None:
    (problem,) = check_changes(deal(), [Change(Field.NOTES, "x" * 5001)])
    assert problem.facts == {"field": "notes", "limit": "5000", "length": "5001"}


def test_nothing_and_twice_the_same_field_are_stopped() -> None:
    assert codes(check_changes(deal(), [])) == ["no_changes"]
    twice = [Change(Field.NAME, "a"), Change(Field.NAME, "b")]
    assert codes(check_changes(deal(), twice)) == ["repeated"]


@pytest.mark.parametrize("substatus", ["Won", "Lost", "Declined", "Expired", "Error"])
def test_U6_a_closed_deal_is_final(substatus: str) -> None:
    closed = deal(status="Closed", substatus=substatus)
    (problem,) = check_changes(closed, [Change(Field.NAME, "x")])
    assert problem == Problem("closed_terminal", {"status": "Closed", "substatus": substatus})
    for move in Move:
        assert codes(check_move(closed, move, NOW)) == ["closed_terminal"]


def test_microsofts_own_referral_is_not_ours_to_change() -> None:
    theirs = deal(organization_id="MSFT", organization_name="Microsoft")
    assert theirs.is_microsofts
    assert not theirs.is_cosell
    assert codes(check_changes(theirs, [Change(Field.NAME, "x")])) == ["not_yours"]
    assert codes(check_move(theirs, Move.WON, NOW)) == ["not_yours"]


@pytest.mark.parametrize(
    "change", [Change(Field.VALUE, "30000"), Change(Field.CLOSE, "2026-03-31")]
)
def test_a_change_of_the_wrong_type_is_a_mistake_of_ours(change: Change) -> None:
    with pytest.raises(TypeError):
        check_changes(deal(), [change])


def test_D3_an_amount_in_another_currency_shows_both() -> None:
    amount = Amount(Decimal(30000), "EUR")
    (problem,) = check_amount(deal(), amount)
    assert problem == Problem("currency_differs", {"typed": "EUR", "held": "USD", "value": "30000"})
    assert check_amount(deal(), amount, [Change(Field.CURRENCY, "EUR")]) == ()
    assert check_amount(deal(), Amount(Decimal(30000))) == ()
    assert check_amount(deal(currency=None), amount) == ()


def test_held_gives_what_the_deal_holds() -> None:
    late = datetime(2026, 3, 24, 23, 59, tzinfo=UTC)
    assert held(deal(closing=late), Field.CLOSE) == date(2026, 3, 24)
    assert held(deal(closing=None), Field.CLOSE) is None
    assert [held(deal(), which) for which in (Field.VALUE, Field.CURRENCY, Field.CRM)] == [
        Decimal(30000),
        "USD",
        "",
    ]


ALLOWED = {
    ("New", "Pending"): {Move.ACCEPT, Move.DECLINE, Move.ERROR},
    ("New", "Received"): {Move.ACCEPT, Move.DECLINE, Move.ERROR},
    ("Active", "Accepted"): {Move.WON, Move.LOST, Move.ERROR},
    ("Closed", "Won"): set(),
    ("Closed", "Lost"): set(),
    ("Paused", "?"): set(),
}


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("move", Move)
def test_D7_moves_follow_the_table(state: tuple[str, str], move: Move) -> None:
    status, substatus = state
    referral = deal(status=status, substatus=substatus, direction="Incoming")
    allowed = not check_move(referral, move, NOW)
    assert allowed == (move in ALLOWED[state])


def test_an_invitation_ends_when_it_expires() -> None:
    expires = NOW + timedelta(days=3)
    incoming = deal(status="New", substatus="Pending", direction="Incoming", expires=expires)
    assert check_move(incoming, Move.ACCEPT, expires) == ()
    late = check_move(incoming, Move.ACCEPT, expires + timedelta(seconds=1))
    assert late == (Problem("invitation_expired", {"expires": expires.isoformat()}),)


def test_only_what_comes_in_is_accepted_or_declined() -> None:
    outgoing = deal(status="New", substatus="Pending", direction="Outgoing")
    assert codes(check_move(outgoing, Move.ACCEPT, NOW)) == ["not_incoming"]
    assert check_move(outgoing, Move.ERROR, NOW) == ()


def test_every_move_ends_in_a_pair_of_the_documentation() -> None:
    pairs = {move: (rule.status.value, rule.substatus.value) for move, rule in MOVES.items()}
    assert pairs == {
        Move.ACCEPT: ("Active", "Accepted"),
        Move.DECLINE: ("Closed", "Declined"),
        Move.WON: ("Closed", "Won"),
        Move.LOST: ("Closed", "Lost"),
        Move.ERROR: ("Closed", "Error"),
    }
    assert Substatus.EXPIRED not in {rule.substatus for rule in MOVES.values()}


@pytest.mark.parametrize(
    ("move", "reason", "expected"),
    [
        (Move.ERROR, None, ["reason_missing"]),
        (Move.ERROR, "  ", ["reason_missing"]),
        (Move.ERROR, "duplicate", []),
        (Move.LOST, None, []),
        (Move.LOST, "x" * 255, []),
        (Move.LOST, "x" * 256, ["text_too_long"]),
        (Move.DECLINE, "a\x07", ["text_unreadable"]),
    ],
)
def test_reasons(move: Move, reason: str | None, expected: list[str]) -> None:
    assert codes(check_reason(move, reason)) == expected


def test_winning_warns_of_what_becomes_impossible() -> None:
    young = deal(created=NOW - timedelta(hours=71))
    warned = codes(warnings_of_move(young, Move.WON, NOW))
    assert warned == ["closing_is_final", "check_registration_first", "won_within_72_hours"]
    old = deal(created=NOW - timedelta(hours=72))
    assert codes(warnings_of_move(old, Move.WON, NOW)) == [
        "closing_is_final",
        "check_registration_first",
    ]
    private = deal(type="Independent", created=NOW)
    assert codes(warnings_of_move(private, Move.WON, NOW)) == ["closing_is_final"]
    assert warnings_of_move(young, Move.ACCEPT, NOW) == ()
    assert codes(warnings_of_move(young, Move.LOST, NOW)) == ["closing_is_final"]


JANE = Member("Jane", "Doe", "jane.doe@contoso.example", "0000000001")


def member(**changed: Any) -> Member:  # noqa: ANN401
    values = {
        "first_name": "Jane",
        "last_name": "Doe",
        "email": "jane.doe@contoso.example",
        "phone_number": "0000000001",
    }
    return Member(**(values | changed))


def test_a_complete_member_may_be_added() -> None:
    assert check_member(deal(), JANE) == ()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"first_name": ""}, ["member_incomplete"]),
        ({"phone_number": " "}, ["member_incomplete"]),
        ({"email": ""}, ["member_incomplete"]),
        ({"email": "jane"}, ["email_invalid"]),
        ({"email": "jane@contoso"}, ["email_invalid"]),
        ({"email": "a b@contoso.example"}, ["email_invalid"]),
        ({"email": "<jane@contoso.example>"}, ["email_invalid"]),
        ({"email": "a@b.example, c@d.example"}, ["email_invalid"]),
        ({"email": "JOHN.DOE@contoso.example"}, ["member_there"]),
        ({"last_name": "x" * 256}, ["text_too_long"]),
        ({"last_name": "a\u0000"}, ["text_unreadable"]),
    ],
)
def test_U14_members_that_are_stopped(changed: dict[str, str], expected: list[str]) -> None:
    assert codes(check_member(deal(), member(**changed))) == expected


def test_a_team_has_fifty_people_at_most() -> None:
    crowd = tuple(member(email=f"p{n}@contoso.example") for n in range(50))
    assert codes(check_member(deal(team=crowd), JANE)) == ["team_full"]
    assert check_member(deal(team=crowd[:49]), JANE) == ()


@pytest.mark.parametrize(
    ("close", "said"),
    [(None, []), (date(2026, 1, 6), []), (date(2026, 1, 5), ["close_in_past"])],
)
def test_a_close_date_in_the_past_is_said(close: date | None, said: list[str]) -> None:
    assert codes(warnings_of_close(close, date(2026, 1, 6))) == said
