"""Documents that are sent: only white-listed paths, exact values, the documented order of keys."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.errors import UnexpectedAnswer
from partner_center.patch import (
    PATHS,
    Operation,
    PathNotAllowed,
    append,
    changes_document,
    decode,
    encode,
    member_document,
    move_document,
    registration_document,
    replace,
)
from partner_center.referral import Change, Field, Member, Move
from partner_center.registration import DeployedOn, Pricing, Term
from tests.rules.deals import registration


@pytest.mark.parametrize(
    ("op", "path"),
    [
        ("remove", "/team/0"),
        ("remove", "/details/notes"),
        ("test", "/status"),
        ("move", "/name"),
        ("copy", "/name"),
        ("Replace", "/name"),
        ("add", "/details/dealValue"),
        ("replace", "/team/-"),
        ("replace", "/team/0"),
        ("add", "/team/0"),
        ("add", "/team/-/email"),
        ("replace", "/registrations/0/contract/value"),
        ("replace", "/details/../status"),
        ("replace", "/details~1dealValue"),
        ("replace", "details/dealValue"),
        ("replace", "/Details/DealValue"),
        ("replace", "/details/dealValue/"),
        ("replace", ""),
        ("replace", "/"),
        ("replace", "/eTag"),
        ("replace", "/organizationId"),
        ("replace", "/consent/consentToContact"),
    ],
)
def test_D7_nothing_outside_the_white_list(op: str, path: str) -> None:
    with pytest.raises(PathNotAllowed):
        Operation(op, path, "x")
    with pytest.raises(PathNotAllowed):
        decode(json.dumps([{"op": op, "path": path, "value": "x"}]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/status", None),
        ("/details/dealValue", Decimal(1)),
        ("/name", {}),
        ("/team/-", "x"),
        ("/team/-", []),
    ],
)
def test_D7_no_value_of_another_type(path: str, value: Any) -> None:  # noqa: ANN401
    with pytest.raises(PathNotAllowed):
        Operation(PATHS[path], path, value)


@given(st.text(max_size=40))
def test_D7_any_other_path_is_refused(path: str) -> None:
    if path not in PATHS:
        with pytest.raises(PathNotAllowed):
            replace(path, "x")


def test_a_change_of_each_field() -> None:
    changes = [
        Change(Field.VALUE, Decimal("1E+4")),
        Change(Field.CURRENCY, "EUR"),
        Change(Field.CLOSE, date(2026, 3, 31)),
        Change(Field.NOTES, "Lorem ipsum dolor sit amet."),
        Change(Field.NAME, "Näme"),
        Change(Field.CRM, "OPP-1"),
        Change(Field.CAMPAIGN, "FY26"),
    ]
    assert [(each.path, each.value) for each in changes_document(changes)] == [
        ("/details/dealValue", "10000"),
        ("/details/currency", "EUR"),
        ("/details/closingDateTime", "2026-03-31T00:00:00Z"),
        ("/details/notes", "Lorem ipsum dolor sit amet."),
        ("/name", "Näme"),
        ("/externalReferenceId", "OPP-1"),
        ("/campaignId", "FY26"),
    ]
    assert {each.op for each in changes_document(changes)} == {"replace"}


def test_the_bytes_keep_the_documented_order_of_keys() -> None:
    document = changes_document([Change(Field.VALUE, Decimal("10000"))])
    assert encode(document) == (b'[{"op":"replace","path":"/details/dealValue","value":"10000"}]')


@pytest.mark.parametrize(
    ("move", "reason", "pairs"),
    [
        (Move.WON, None, [("/status", "Closed"), ("/substatus", "Won")]),
        (Move.ACCEPT, " ", [("/status", "Active"), ("/substatus", "Accepted")]),
        (
            Move.LOST,
            " too late ",
            [("/status", "Closed"), ("/substatus", "Lost"), ("/statusReason", "too late")],
        ),
    ],
)
def test_U8_status_and_substatus_travel_together(
    move: Move, reason: str | None, pairs: list[tuple[str, str]]
) -> None:
    assert [(each.path, each.value) for each in move_document(move, reason)] == pairs


def test_a_member_has_the_four_documented_fields() -> None:
    person = Member("Jane", "Doe", "jane.doe@contoso.example", "0000000001", title="CEO")
    (operation,) = member_document(person)
    assert list(operation.value.items()) == [  # type: ignore[union-attr]
        ("email", "jane.doe@contoso.example"),
        ("firstName", "Jane"),
        ("lastName", "Doe"),
        ("phoneNumber", "0000000001"),
    ]


def test_a_registration_of_the_reference() -> None:
    (operation,) = registration_document(registration())
    assert (operation.op, operation.path) == ("add", "/registrations/-")
    assert json.loads(encode([operation]))[0]["value"] == {
        "type": "AzureIPCoSell",
        "contract": {
            "currency": "USD",
            "value": 120000,
            "term": "Finite",
            "signDateTime": "2026-02-10T00:00:00.000Z",
            "startDateTime": "2026-02-15T00:00:00.000Z",
            "endDateTime": "2027-02-14T00:00:00.000Z",
        },
        "solutionDetails": [
            {
                "id": "SOL-34104-EBB",
                "value": 100000,
                "currency": "USD",
                "isDeployedOnAzure": True,
                "primaryDeploymentOn": "Customer",
                "pricingModel": "Other",
                "marketplaceTransactionDetails": {"isMarketplaceTransacted": False},
            }
        ],
    }


def test_what_does_not_apply_is_left_out_and_what_does_is_there() -> None:
    perpetual = registration(
        term=Term.PERPETUAL,
        end=None,
        deployment=DeployedOn.PARTNER,
        pricing=Pricing.PAY_AS_YOU_GO,
        marketplace=True,
        marketplace_date=date(2026, 2, 11),
        solution_value=Decimal("100000.10"),
    )
    text = encode(registration_document(perpetual)).decode()
    assert "endDateTime" not in text
    assert '"term":"Perpetual"' in text
    assert '"primaryDeploymentOn":"Partner"' in text
    assert '"pricingModel":"PayAsYouGo"' in text
    assert '"marketplaceTransactionDateTime":"2026-02-11T00:00:00.000Z"' in text
    assert '"value":100000.1,' in text


@given(st.integers(1, 10**15 - 1).map(lambda cents: Decimal(cents) / 100))
def test_D6_every_amount_survives_the_bytes_exactly(value: Decimal) -> None:
    operations = registration_document(registration(value=value, solution_value=value))
    read = json.loads(encode(operations), parse_float=Decimal, parse_int=Decimal)
    assert read[0]["value"]["contract"]["value"] == value
    assert decode(encode(operations))[0].value["contract"]["value"] == value  # type: ignore[index,call-overload]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1234567890.12345678901234567890"])
def test_D2_a_number_that_cannot_be_written_exactly_is_not_written(value: str) -> None:
    with pytest.raises(ValueError, match="number"):
        encode([append("/registrations/-", {"value": Decimal(value)})])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_unpack_of_pack_is_the_same(text: str) -> None:
    operations = (replace("/name", text), append("/team/-", {"firstName": text}))
    assert decode(encode(operations)) == operations
    assert decode(encode(operations).decode()) == operations


@pytest.mark.parametrize(
    "document", ["{}", "[1]", "[[]]", "not json", '[{"op":"replace"}]', "[{}]"]
)
def test_what_is_no_document_is_refused(document: str) -> None:
    with pytest.raises((UnexpectedAnswer, PathNotAllowed)):
        decode(document)
