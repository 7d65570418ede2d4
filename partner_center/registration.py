"""Deal registrations: what a seller registers, the rules it must keep, and telling it again."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from partner_center.money import CURRENCIES, plain
from partner_center.referral import Problem, Referral, Status, check_value

REGISTRATION_TYPE = "AzureIPCoSell"
"""The only registration type (API reference 10.3)."""

SIGN_WINDOW = 60
"""Days after the contract was signed in which it can be registered (10.3 rule 1)."""

START_WINDOW = 90
"""Days after the contract started in which it can be registered (10.3 rule 2)."""

PERPETUAL_YEARS = 6
"""A perpetual contract counts as this many years (10.3 rules 3 and 4)."""

ANNUAL_MINIMUM = Decimal(25000)
"""USD; the annual contract value has to be more than this (10.3 rule 4)."""

PAY_AS_YOU_GO_WINDOW = 365
"""Days after sharing in which a pay-as-you-go contract can be signed (10.3 rule 7)."""


class Term(StrEnum):
    """How long the contract runs."""

    FINITE = "Finite"
    PERPETUAL = "Perpetual"


class DeployedOn(StrEnum):
    """Whose tenant the solution primarily runs in."""

    CUSTOMER = "Customer"
    PARTNER = "Partner"


class Pricing(StrEnum):
    """How the customer pays."""

    PAY_AS_YOU_GO = "PayAsYouGo"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class DealRegistration:
    """What is submitted (API reference 10.3). Days are UTC days.

    `end` is None for a perpetual term, `marketplace_date` unless it was a marketplace transaction.
    """

    currency: str
    value: Decimal
    term: Term
    sign: date
    start: date
    end: date | None
    solution_id: str
    solution_value: Decimal
    solution_currency: str
    deployed_on_azure: bool
    deployment: DeployedOn
    pricing: Pricing
    marketplace: bool
    marketplace_date: date | None


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration as Partner Center shows it. What it leaves out is None or empty.

    The solution fields are those of the first solution; `solution_ids` names all of them.
    """

    id: str
    status: str
    status_reason: str | None
    type: str | None
    value: Decimal | None
    currency: str | None
    term: str | None
    sign: datetime | None
    start: datetime | None
    end: datetime | None
    solution_id: str | None
    solution_name: str | None
    solution_value: Decimal | None
    solution_currency: str | None
    deployed_on_azure: bool | None
    deployment: str | None
    pricing: str | None
    marketplace: bool | None
    marketplace_date: datetime | None
    registered: datetime | None
    solution_ids: tuple[str, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


def contract_years(term: Term, start: date, end: date | None) -> Decimal:
    """Years a contract counts for: 6 when perpetual, else days / 365 and at least 1 (U29)."""
    if term is Term.PERPETUAL or end is None:
        return Decimal(PERPETUAL_YEARS)
    return max(Decimal(1), Decimal((end - start).days) / 365)


def annual_value(value: Decimal, term: Term, start: date, end: date | None) -> Decimal:
    """Annual contract value in the contract's currency, not rounded (10.3 rule 4, U29)."""
    return value / contract_years(term, start, end)


def days_left(day: date, window: int, now: datetime) -> int:
    """Days in which `day` stays inside a window of so many days; 0 today only, negative: over.

    Use with SIGN_WINDOW or START_WINDOW; all days are UTC (10.3 rule 1).
    """
    return window - (_today(now) - day).days


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything a rule may look at."""

    registration: DealRegistration
    referral: Referral
    today: date
    shared: date | None


_Rule = Callable[[_Case], tuple[Problem, ...]]


def validate(
    registration: DealRegistration,
    referral: Referral,
    *,
    now: datetime,
    microsoft_invited: datetime | None = None,
) -> tuple[Problem, ...]:
    """Every rule of API reference 10.3 this registration breaks; empty when it breaks none.

    `microsoft_invited` is when Microsoft's referral of the engagement was created, when known.
    Each rule's docstring names its Problem codes and facts. Eligibility is not judged here.
    """
    known = [moment for moment in (referral.created, microsoft_invited) if moment is not None]
    shared = max(known).astimezone(UTC).date() if known else None
    case = _Case(registration, referral, _today(now), shared)
    return tuple(problem for rule in _RULES for problem in rule(case))


def _deal(case: _Case) -> tuple[Problem, ...]:
    """deal_not_registrable (status, substatus): New, or closed other than won (U25)."""
    referral = case.referral
    if referral.status == Status.NEW or (referral.status == Status.CLOSED and not referral.is_won):
        facts = {"status": referral.status, "substatus": referral.substatus}
        return (Problem("deal_not_registrable", facts),)
    return ()


def _amounts(case: _Case) -> tuple[Problem, ...]:
    """value_... codes of `check_value` and value_not_positive, each with field contract or
    solution; currency_unknown (field, currency)."""
    registration = case.registration
    problems: list[Problem] = []
    for name, value, currency in (
        ("contract", registration.value, registration.currency),
        ("solution", registration.solution_value, registration.solution_currency),
    ):
        if currency not in CURRENCIES:
            facts = {"field": name, "currency": currency}
            problems.append(Problem("currency_unknown", facts))
        found = check_value(value, currency if currency in CURRENCIES else None)
        if not found and value == 0:
            found = (Problem("value_not_positive"),)
        problems.extend(Problem(each.code, {"field": name, **each.facts}) for each in found)
    return tuple(problems)


def _currencies(case: _Case) -> tuple[Problem, ...]:
    """contract_currency_differs (contract, deal, value, deal_value);
    solution_currency_differs (solution, contract, value, solution_value)."""
    registration, referral = case.registration, case.referral
    value, solution_value = _figure(registration.value), _figure(registration.solution_value)
    problems: list[Problem] = []
    if referral.currency and registration.currency != referral.currency:
        facts = {
            "contract": registration.currency,
            "deal": referral.currency,
            "value": value,
            "deal_value": _figure(referral.deal_value),
        }
        problems.append(Problem("contract_currency_differs", facts))
    if registration.solution_currency != registration.currency:
        facts = {
            "solution": registration.solution_currency,
            "contract": registration.currency,
            "value": value,
            "solution_value": solution_value,
        }
        problems.append(Problem("solution_currency_differs", facts))
    return tuple(problems)


def _figure(value: Decimal | None) -> str:
    return plain(value) if value is not None and value.is_finite() else ""


def _sign(case: _Case) -> tuple[Problem, ...]:
    """sign_in_future (sign, today); sign_too_old (sign, earliest, days); sign_before_shared
    (sign, shared): rule 1."""
    sign, facts = case.registration.sign, {"sign": case.registration.sign.isoformat()}
    if sign > case.today:
        return (Problem("sign_in_future", facts | {"today": case.today.isoformat()}),)
    problems: list[Problem] = []
    earliest = case.today - timedelta(days=SIGN_WINDOW)
    as_it_goes = case.registration.pricing is Pricing.PAY_AS_YOU_GO
    if sign < earliest and not as_it_goes:
        limits = {"earliest": earliest.isoformat(), "days": str(SIGN_WINDOW)}
        problems.append(Problem("sign_too_old", facts | limits))
    if case.shared is not None and sign < case.shared:
        shared = {"shared": case.shared.isoformat()}
        problems.append(Problem("sign_before_shared", facts | shared))
    return tuple(problems)


def _start(case: _Case) -> tuple[Problem, ...]:
    """start_too_old (start, earliest, days): rule 2. Starting before signing is allowed."""
    start, earliest = case.registration.start, case.today - timedelta(days=START_WINDOW)
    if start >= earliest:
        return ()
    facts = {
        "start": start.isoformat(),
        "earliest": earliest.isoformat(),
        "days": str(START_WINDOW),
    }
    return (Problem("start_too_old", facts),)


def _end(case: _Case) -> tuple[Problem, ...]:
    """end_missing; end_not_needed (end); end_before_start (start, end): rule 3."""
    registration = case.registration
    if registration.end is None:
        return (Problem("end_missing"),) if registration.term is Term.FINITE else ()
    facts = {"end": registration.end.isoformat()}
    if registration.term is Term.PERPETUAL:
        return (Problem("end_not_needed", facts),)
    if registration.end < registration.start:
        start = {"start": registration.start.isoformat()}
        return (Problem("end_before_start", facts | start),)
    return ()


def _annual(case: _Case) -> tuple[Problem, ...]:
    """annual_value_too_low (annual, value, years, minimum, currency): rule 4.

    Only for USD: the service converts, we do not (U24).
    """
    registration = case.registration
    if registration.currency != "USD" or not registration.value.is_finite():
        return ()
    if registration.term is Term.FINITE and registration.end is None:
        return ()
    years = contract_years(registration.term, registration.start, registration.end)
    annual = registration.value / years
    if annual > ANNUAL_MINIMUM:
        return ()
    facts = {
        "annual": plain(annual.quantize(Decimal("0.01"))),
        "value": plain(registration.value),
        "years": plain(years.quantize(Decimal("0.01"))),
        "minimum": plain(ANNUAL_MINIMUM),
        "currency": "USD",
    }
    return (Problem("annual_value_too_low", facts),)


def _solution(case: _Case) -> tuple[Problem, ...]:
    """solution_not_on_deal (solution); solution_value_too_high (solution_value, value,
    currency): rule 5."""
    registration = case.registration
    problems: list[Problem] = []
    if registration.solution_id not in {solution.id for solution in case.referral.solutions}:
        problems.append(Problem("solution_not_on_deal", {"solution": registration.solution_id}))
    values = (registration.solution_value, registration.value)
    if all(value.is_finite() for value in values) and values[0] > values[1]:
        facts = {
            "solution_value": _figure(registration.solution_value),
            "value": _figure(registration.value),
            "currency": registration.currency,
        }
        problems.append(Problem("solution_value_too_high", facts))
    return tuple(problems)


def _azure(case: _Case) -> tuple[Problem, ...]:
    """not_on_azure: the deal would be closed without a registration (rule 6)."""
    return () if case.registration.deployed_on_azure else (Problem("not_on_azure"),)


def _pay_as_you_go(case: _Case) -> tuple[Problem, ...]:
    """payg_needs_end; payg_sign_is_not_start (sign, start); payg_end_in_future (end, today);
    payg_sign_too_late (sign, latest): rule 7, from first to last invoice."""
    registration = case.registration
    if registration.pricing is not Pricing.PAY_AS_YOU_GO:
        return ()
    sign = {"sign": registration.sign.isoformat()}
    problems: list[Problem] = []
    if registration.term is Term.PERPETUAL:
        problems.append(Problem("payg_needs_end"))
    if registration.sign != registration.start:
        start = {"start": registration.start.isoformat()}
        problems.append(Problem("payg_sign_is_not_start", sign | start))
    if registration.end is not None and registration.end > case.today:
        facts = {"end": registration.end.isoformat(), "today": case.today.isoformat()}
        problems.append(Problem("payg_end_in_future", facts))
    if case.shared is not None:
        latest = case.shared + timedelta(days=PAY_AS_YOU_GO_WINDOW)
        if registration.sign > latest:
            facts = sign | {"latest": latest.isoformat()}
            problems.append(Problem("payg_sign_too_late", facts))
    return tuple(problems)


def _marketplace(case: _Case) -> tuple[Problem, ...]:
    """marketplace_date_missing; marketplace_date_not_needed (date): given iff transacted."""
    registration = case.registration
    if registration.marketplace and registration.marketplace_date is None:
        return (Problem("marketplace_date_missing"),)
    if not registration.marketplace and registration.marketplace_date is not None:
        facts = {"date": registration.marketplace_date.isoformat()}
        return (Problem("marketplace_date_not_needed", facts),)
    return ()


_RULES: Sequence[_Rule] = (
    _deal,
    _amounts,
    _currencies,
    _sign,
    _start,
    _end,
    _annual,
    _solution,
    _azure,
    _pay_as_you_go,
    _marketplace,
)


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()


def fingerprint(registration: DealRegistration) -> str:
    """SHA-256 (hex) of what makes a registration the same one: type, contract and solution values
    (exactly-once 3.1). Spelling does not matter: 250000 and 250000.00 are one value."""
    canonical = {
        "type": REGISTRATION_TYPE,
        "currency": registration.currency,
        "value": plain(registration.value),
        "sign": _second(registration.sign),
        "start": _second(registration.start),
        "end": _second(registration.end) if registration.end else None,
        "term": registration.term.value,
        "solutions": [[registration.solution_id, plain(registration.solution_value)]],
    }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _second(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


class Match(StrEnum):
    """How a registration that was read compares with one we want."""

    SAME = "same"
    SIMILAR = "similar"
    OTHER = "other"


def matches(registration: DealRegistration, read: Registration) -> Match:
    """SAME: the values of the fingerprint agree, however they are spelled; days are compared in
    UTC. SIMILAR: same type and solution (or the answer does not say) with other values: a person
    decides. OTHER: another type or solution."""
    if read.type is not None and read.type != REGISTRATION_TYPE:
        return Match.OTHER
    if read.solution_ids and registration.solution_id not in read.solution_ids:
        return Match.OTHER
    return Match.SAME if _agrees(registration, read) else Match.SIMILAR


def _agrees(registration: DealRegistration, read: Registration) -> bool:
    return (
        read.solution_ids == (registration.solution_id,)
        and read.value == registration.value
        and read.currency == registration.currency
        and read.term == registration.term
        and read.solution_value == registration.solution_value
        and _day(read.sign) == registration.sign
        and _day(read.start) == registration.start
        and (registration.term is Term.PERPETUAL or _day(read.end) == registration.end)
    )


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(UTC).date() if moment else None
