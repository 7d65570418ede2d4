"""When Partner Center takes a registration: its form, its dates, its sums (API reference 10.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox import wire
from sandbox.catalogue import in_usd
from sandbox.eligibility import MINIMUM_USD
from sandbox.wire import Document, Json

TYPE = "AzureIPCoSell"
SIGNED_WITHIN = timedelta(days=60)
STARTED_WITHIN = timedelta(days=90)
INVOICED_WITHIN = timedelta(days=365)
"""Pay-as-you-go: the sign date may be this long after the deal was shared (rule 7)."""
PERPETUAL_YEARS = 6
REVIEW_ABOVE_USD = Decimal(1_000_000)

Check = Callable[[Json], bool]


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value)


def _is_currency(value: Json) -> bool:
    return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isupper()


def _is_amount(value: Json) -> bool:
    amount = wire.number(value)
    return amount is not None and amount > 0


def _is_moment(value: Json) -> bool:
    return wire.moment(value) is not None


def _is_flag(value: Json) -> bool:
    return isinstance(value, bool)


def _one_of(*allowed: str) -> Check:
    return lambda value: value in allowed


FORM: Mapping[str, Check] = {
    "contract/currency": _is_currency,
    "contract/value": _is_amount,
    "contract/term": _one_of("Finite", "Perpetual"),
    "contract/signDateTime": _is_moment,
    "contract/startDateTime": _is_moment,
}
"""Members every registration needs, and what they must be."""

SOLUTION_FORM: Mapping[str, Check] = {
    "id": _is_text,
    "value": _is_amount,
    "currency": _is_currency,
    "isDeployedOnAzure": _is_flag,
    "primaryDeploymentOn": _one_of("Customer", "Partner"),
    "pricingModel": _one_of("PayAsYouGo", "Other"),
    "marketplaceTransactionDetails/isMarketplaceTransacted": _is_flag,
}
"""Members every solution of a registration needs."""


def form_faults(registration: Document, on_deal: frozenset[str]) -> Iterator[str]:
    """What is wrong in form; these hold whatever the switches say."""
    if registration.get("type") != TYPE:
        yield f"type must be {TYPE}"
    yield from _missing(registration, FORM, "")
    end = wire.at(registration, "contract/endDateTime")
    finite = wire.at(registration, "contract/term") == "Finite"
    if not (_is_moment(end) or (end is None and not finite)):
        yield "contract/endDateTime is wrong"
    details = wire.objects_at(registration, "solutionDetails")
    if not details:
        yield "solutionDetails is wrong"
    for entry in details:
        yield from _missing(entry, SOLUTION_FORM, "solutionDetails/")
        yield from _marketplace(entry)
        if wire.text_at(entry, "id") not in on_deal:
            yield "solutionDetails/id is not a solution of this referral"


def _missing(document: Document, form: Mapping[str, Check], under: str) -> Iterator[str]:
    for path, check in form.items():
        if not check(wire.at(document, path)):
            yield f"{under}{path} is wrong"


def _marketplace(entry: Document) -> Iterator[str]:
    sold = wire.at(entry, "marketplaceTransactionDetails/isMarketplaceTransacted") is True
    when = wire.at(entry, "marketplaceTransactionDetails/marketplaceTransactionDateTime")
    if not (_is_moment(when) if sold else when is None):
        yield "marketplaceTransactionDetails/marketplaceTransactionDateTime is wrong"


def portal_faults(
    registration: Document, *, made: datetime, invited: datetime | None, now: datetime
) -> Iterator[str]:
    """The portal's validations 1-6, days in UTC; the form must be in order (U28)."""
    contract = wire.object_at(registration, "contract")
    signed, started = _day(contract, "signDateTime"), _day(contract, "startDateTime")
    today = _midnight(now)
    shared = max(_midnight(made), _midnight(invited or made))
    if signed > today:
        yield "1: the sign date is in the future"
    if signed < shared:
        yield "1: the sign date is before the referral or the invitation of Microsoft"
    if pays_as_it_goes(registration):
        if signed > shared + INVOICED_WITHIN:
            yield "7: the first invoice is more than a year after the deal was shared"
    elif today - signed > SIGNED_WITHIN:
        yield "1: the sign date is more than 60 days ago"
    if today - started > STARTED_WITHIN:
        yield "2: the start date is more than 90 days ago"
    if contract.get("endDateTime") is not None and _day(contract, "endDateTime") < started:
        yield "3: the end date is before the start date"
    yearly = annual_usd(registration)
    if yearly is None or yearly <= MINIMUM_USD:
        yield "4: the annual contract value must be greater than USD 25,000"
    if _solutions_exceed_contract(registration):
        yield "5: the solution value exceeds the contract value"
    details = wire.objects_at(registration, "solutionDetails")
    if any(entry.get("isDeployedOnAzure") is False for entry in details):
        yield "6: a solution that is not deployed on Azure cannot be registered"


def annual_usd(registration: Document) -> Decimal | None:
    """Annual contract value in dollars: finite by days of 365, perpetual over six years (U29)."""
    contract = wire.object_at(registration, "contract")
    value = wire.number(contract.get("value")) or Decimal(0)
    dollars = in_usd(value, wire.text_at(contract, "currency"))
    if dollars is None:
        return None
    if contract.get("term") == "Perpetual":
        return dollars / PERPETUAL_YEARS
    days = (_day(contract, "endDateTime") - _day(contract, "startDateTime")).days
    return dollars / max(Decimal(1), Decimal(days) / 365)


def pays_as_it_goes(registration: Document) -> bool:
    """Whether a solution of it is priced by use."""
    details = wire.objects_at(registration, "solutionDetails")
    return any(entry.get("pricingModel") == "PayAsYouGo" for entry in details)


def first_state(registration: Document, partners: int) -> str:
    """Approved at once, or the reasons for a review (U30)."""
    yearly = annual_usd(registration) or Decimal(0)
    reviewed = yearly > REVIEW_ABOVE_USD or partners > 1 or pays_as_it_goes(registration)
    return "ReviewPending" if reviewed else "Approved"


def _solutions_exceed_contract(registration: Document) -> bool:
    contract = wire.object_at(registration, "contract")
    total = in_usd(wire.number(contract.get("value")) or Decimal(0), str(contract["currency"]))
    parts = [
        in_usd(wire.number(entry.get("value")) or Decimal(0), str(entry["currency"]))
        for entry in wire.objects_at(registration, "solutionDetails")
    ]
    known = [part for part in parts if part is not None]
    return total is None or len(known) != len(parts) or sum(known) > total


def _day(contract: Document, name: str) -> datetime:
    parsed = wire.moment(contract.get(name))
    if parsed is None:
        raise ValueError(f"{name} has not been checked")
    return _midnight(parsed)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
