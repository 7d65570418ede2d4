"""JSON of the service: strict about JSON, lenient about what it says."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.errors import UnexpectedAnswer
from partner_center.referral import Member, Solution
from partner_center.wire import (
    as_amount,
    as_flag,
    as_moment,
    parse_json,
    referral_from_json,
    registration_from_json,
)
from tests.wire import samples


def test_full_sample_is_read_whole() -> None:
    referral = referral_from_json(samples.referral())
    assert referral.id == samples.REFERRAL_ID
    assert referral.engagement_id == samples.ENGAGEMENT_ID
    assert (referral.status, referral.substatus, referral.type) == ("Active", "Accepted", "Shared")
    assert (referral.deal_value, referral.currency) == (Decimal(30000), "USD")
    assert referral.closing == datetime(2026, 3, 24, tzinfo=UTC)
    assert referral.created == datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)
    assert referral.expires is None
    assert (referral.customer, referral.country) == ("Fabrikam Inc", "US")
    assert referral.team == (Member("John", "Doe", "john.doe@contoso.example", "1231231234"),)
    assert referral.solutions == (Solution("SOL-34104-EBB", "Contoso Experience Platform", "Name"),)
    assert referral.etag == samples.ETAG
    assert referral.matching_complete is True
    assert referral.shared_with_microsoft is True
    assert referral.help_code == "ProofOfConceptOrDemo"
    assert referral.invited_by == referral.organization_id
    assert referral.crm_id == ""
    assert referral.campaign_id is None
    assert (referral.is_open, referral.is_won, referral.is_cosell) == (True, False, True)


def test_an_id_is_enough() -> None:
    referral = referral_from_json({"id": "x"})
    assert referral.etag == ""
    assert referral.registration_status == "None"
    assert (referral.deal_value, referral.closing, referral.team) == (None, None, ())


@pytest.mark.parametrize("document", [None, [], "x", 1, {}, {"id": None}, {"id": ""}, {"id": 7}])
def test_F7_what_is_no_referral_is_refused(document: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnexpectedAnswer):
        referral_from_json(document)


def test_D6_unknown_fields_and_enum_values_survive() -> None:
    document = samples.referral(status="Paused", substatus="Snoozed", newField={"a": [1]})
    referral = referral_from_json(document)
    assert (referral.status, referral.substatus) == ("Paused", "Snoozed")
    assert referral.raw["newField"] == {"a": [1]}
    assert not referral.is_open


def test_known_names_are_read_in_any_case() -> None:
    referral = referral_from_json(samples.referral(status="active", substatus="ACCEPTED"))
    assert (referral.status, referral.substatus) == ("Active", "Accepted")


@pytest.mark.parametrize("ids", [[], {}, {"profileType": "Duns", "id": "1"}, None, [{"id": "1"}]])
def test_customer_ids_may_be_an_array_or_an_object(ids: Any) -> None:  # noqa: ANN401
    document = samples.referral()
    document["customerProfile"]["ids"] = ids
    assert referral_from_json(document).customer == "Fabrikam Inc"


@pytest.mark.parametrize("registrations", [[], {}, None])
def test_registrations_may_be_empty_in_any_way(registrations: Any) -> None:  # noqa: ANN401
    assert referral_from_json(samples.referral(registrations=registrations)).registrations == ()


def test_html_entities_in_names_of_companies_are_resolved() -> None:
    document = samples.referral(organizationName="A &amp; B", name="C &amp; D")
    document["customerProfile"]["name"] = "Smith &amp; Sons &lt;x&gt;"
    referral = referral_from_json(document)
    assert (referral.customer, referral.organization_name) == ("Smith & Sons <x>", "A & B")
    assert referral.name == "C &amp; D", "a field people edit is shown as it is held"


def test_registration_read_shape() -> None:
    read = registration_from_json(samples.registration())
    assert (read.status, read.type, read.term) == ("ReviewPending", "AzureIPCoSell", "Finite")
    assert (read.value, read.solution_value) == (Decimal(120000), Decimal(100000))
    assert read.sign == datetime(2026, 2, 10, tzinfo=UTC)
    assert read.registered == datetime(2026, 2, 20, 10, 0, 0, 123456, tzinfo=UTC)
    assert (read.solution_id, read.solution_ids) == ("SOL-34104-EBB", ("SOL-34104-EBB",))
    assert (read.marketplace, read.marketplace_date) == (False, None)
    assert read.raw["statusHistory"]


def test_registration_of_the_connectors_model_lacks_type_and_solution_currency() -> None:
    document = samples.registration()
    del document["type"]
    del document["solutionDetails"][0]["currency"]
    read = registration_from_json(document)
    assert (read.type, read.solution_currency) == (None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_json"),
        ("{", "not_json"),
        ('{"a": 1', "not_json"),
        ("<html></html>", "not_json"),
        ('{"a": 1} x', "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"a": NaN}', "not_a_number"),
        ('{"a": Infinity}', "not_a_number"),
        ('{"a": -Infinity}', "not_a_number"),
        ('{"a": 1e400}', "number_out_of_range"),
        ('{"a": 1e-400}', "number_out_of_range"),
        ('{"a": 1e999999999}', "number_out_of_range"),
        ('{"a": ' + "9" * 5000 + "}", "number_out_of_range"),
        ('{"a": 0.' + "1" * 5000 + "}", "number_out_of_range"),
        ('{"a": 1, "a": 1}', "duplicate_key"),
        ('{"x": {"a": 1, "a": 2}}', "duplicate_key"),
    ],
)
def test_D6_json_that_is_not_strict_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        parse_json(text.encode())
    assert caught.value.reason == reason


@pytest.mark.parametrize("data", [b"\xff\xfe", b'"\xc3\x28"', '{"a": 1}'.encode("utf-16")])
def test_D6_bad_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        parse_json(data)


def test_D6_numbers_stay_exact() -> None:
    assert parse_json(b'{"v": 250000.10}') == {"v": Decimal("250000.10")}
    assert parse_json(b"\xef\xbb\xbf[0.1, 1e3, 7]") == [Decimal("0.1"), Decimal("1E+3"), 7]


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (30000, "30000"),
        (Decimal("250000.10"), "250000.10"),
        ("30000", "30000"),
        ("250000.10", "250000.10"),
        ("-5", "-5"),
    ],
)
def test_C4_amounts_are_numbers_or_text(value: Any, amount: str) -> None:  # noqa: ANN401
    assert as_amount(value) == Decimal(amount)


@pytest.mark.parametrize("value", ["abc", "1e9", "1,000", "NaN", " 5", True, [], {}, "١٢٣", "0x5"])
def test_D6_an_amount_that_is_none_is_refused(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnexpectedAnswer):
        as_amount(value)


@pytest.mark.parametrize("value", [None, ""])
def test_an_absent_amount_is_none(value: Any) -> None:  # noqa: ANN401
    assert as_amount(value) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-02-28T17:27:47Z", datetime(2022, 2, 28, 17, 27, 47, tzinfo=UTC)),
        ("2022-02-28T17:27:47.8Z", datetime(2022, 2, 28, 17, 27, 47, 800000, tzinfo=UTC)),
        ("2022-02-28T17:27:47.875Z", datetime(2022, 2, 28, 17, 27, 47, 875000, tzinfo=UTC)),
        ("2022-02-28T17:27:47.875490Z", datetime(2022, 2, 28, 17, 27, 47, 875490, tzinfo=UTC)),
        ("2022-02-28T17:27:47.8754901Z", datetime(2022, 2, 28, 17, 27, 47, 875490, tzinfo=UTC)),
        ("2022-02-28T23:59:59.9999999Z", datetime(2022, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-03-24T00:00:00", datetime(2026, 3, 24, tzinfo=UTC)),
        ("2026-03-24", datetime(2026, 3, 24, tzinfo=UTC)),
        ("2026-03-24T00:00:00+14:00", datetime(2026, 3, 23, 10, tzinfo=UTC)),
        ("2026-03-24T00:00:00-12:00", datetime(2026, 3, 24, 12, tzinfo=UTC)),
        ("9999-12-31T00:00:00Z", datetime(9999, 12, 31, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_D5_times_of_any_precision_keep_their_day(text: Any, moment: datetime | None) -> None:  # noqa: ANN401
    assert as_moment(text) == moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-03-24T25:00:00Z",
        "20260324",
        "2026-W12-1",
        "24.03.2026",
        "soon",
        5,
        True,
        [],
        "9999-12-31T23:00:00-05:00",
        "\uff12\uff10\uff12\uff16-03-24",
    ],
)
def test_D5_a_time_that_is_none_is_refused(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnexpectedAnswer):
        as_moment(value)


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 30)),  # noqa: DTZ001
    st.integers(min_value=0, max_value=7),
)
def test_D5_the_day_never_shifts(moment: datetime, digits: int) -> None:
    fraction = f"{moment.microsecond:06}0"[:digits]
    text = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + (f".{fraction}" if fraction else "") + "Z"
    read = as_moment(text)
    assert read is not None
    assert read.date() == moment.date()
    assert abs(read - moment.replace(tzinfo=UTC)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), (False, False), ("true", True), ("False", False), ("", None), (1, None)],
)
def test_flags_may_be_text(value: Any, flag: bool | None) -> None:  # noqa: ANN401
    assert as_flag(value) is flag


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(max_size=8)
    | st.decimals(-(10**9), 10**9, places=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(samples.referral())), JSON)
def test_D6_any_value_in_any_field_is_read_or_refused(key: str, value: Any) -> None:  # noqa: ANN401
    try:
        assert referral_from_json(samples.referral(**{key: value})).raw[key] == value
    except UnexpectedAnswer as error:
        assert error.reason  # noqa: PT017


@given(JSON)
def test_strict_json_gives_back_what_was_written(value: Any) -> None:  # noqa: ANN401
    def spelled(each: object) -> object:
        assert isinstance(each, Decimal)
        return float(each)

    assert parse_json(json.dumps(value, default=spelled).encode()) == json.loads(
        json.dumps(value, default=spelled), parse_float=Decimal
    )
