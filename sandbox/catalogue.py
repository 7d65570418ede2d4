"""What Microsoft knows beside the referrals: solutions, organisations and exchange rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

CONTOSO = "7d23e5ca-19dc-4eaa-aac8-5e6b559f0d1d"
"""The partner whose Partner Center this is."""
MICROSOFT = "msft"
"""Microsoft's organisation id (API reference 4.3)."""
ADATUM = "f3a1c2f4-5d0b-4b57-9a55-0f1f6f6a2d11"
"""Another partner, in some engagements."""
ORGANISATIONS: Mapping[str, str] = {
    CONTOSO: "Contoso",
    MICROSOFT: "Microsoft",
    ADATUM: "Adatum Services",
}
LOCATION = "1234567"
"""Contoso's partner location, `mpnId`."""

AZURE_IP_COSELL = "MSFT Internal Azure IP Co-Sell"
"""The tag that makes a solution eligible for deal registration (API reference 10.2)."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A published solution and the tags Microsoft gave it."""

    id: str
    name: str
    tags: tuple[str, ...]


SOLUTIONS: Mapping[str, Solution] = {
    solution.id: solution
    for solution in (
        Solution("DEAL-123456-XYZ", "Contoso Experience Platform", (AZURE_IP_COSELL,)),
        Solution("SOL-34104-EBB", "Contoso Data Mesh", (AZURE_IP_COSELL, "Azure Benefit")),
        Solution("SOL-55201-KLM", "Contoso Field Service", ("Co-Sell Ready",)),
        Solution("SOL-77310-QRS", "Contoso Migration Assessment", ()),
    )
}

USD_PER_UNIT: Mapping[str, Decimal] = {
    currency: Decimal(rate)
    for currency, rate in {
        "USD": "1",
        "EUR": "1.10",
        "GBP": "1.25",
        "CHF": "1.15",
        "JPY": "0.0068",
        "CAD": "0.74",
        "AUD": "0.65",
        "NZD": "0.60",
        "SEK": "0.095",
        "NOK": "0.094",
        "DKK": "0.147",
        "PLN": "0.25",
        "CZK": "0.044",
        "HUF": "0.0028",
        "INR": "0.012",
        "CNY": "0.14",
        "SGD": "0.74",
        "BRL": "0.19",
        "MXN": "0.055",
        "ZAR": "0.054",
        "AED": "0.27",
        "KWD": "3.25",
        "ILS": "0.27",
        "TRY": "0.03",
    }.items()
}
"""Fixed rates (U24); a currency that is not here cannot be converted."""


def in_usd(amount: Decimal, currency: str) -> Decimal | None:
    """An amount in US dollars, or None for a currency without a rate."""
    rate = USD_PER_UNIT.get(currency)
    return None if rate is None else amount * rate
