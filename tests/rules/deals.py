"""Referrals and registrations for the rules, made from the samples of the API reference."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from partner_center.referral import Referral
from partner_center.registration import DealRegistration, DeployedOn, Pricing, Term
from partner_center.wire import referral_from_json
from tests.wire import samples

NOW = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)


def deal(**changed: Any) -> Referral:  # noqa: ANN401
    """The sample co-sell deal: Active/Accepted, USD 30000, created 2026-01-05."""
    return replace(referral_from_json(samples.referral()), **changed)


def registration(**changed: Any) -> DealRegistration:  # noqa: ANN401
    """A registration of that deal which keeps every rule at NOW."""
    valid = DealRegistration(
        currency="USD",
        value=Decimal(120000),
        term=Term.FINITE,
        sign=date(2026, 2, 10),
        start=date(2026, 2, 15),
        end=date(2027, 2, 14),
        solution_id="SOL-34104-EBB",
        solution_value=Decimal(100000),
        solution_currency="USD",
        deployed_on_azure=True,
        deployment=DeployedOn.CUSTOMER,
        pricing=Pricing.OTHER,
        marketplace=False,
        marketplace_date=None,
    )
    return replace(valid, **changed)
