"""Samples of the cards of a deal that is to be created."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from cards.changes import FieldChange
from cards.new_deal import (
    deal_line,
    doubled_card,
    new_deal_card,
    new_deal_form_card,
    uncertain_card,
)
from cards.reader import Reader
from cards.referral import deal_card
from cards.samples.deals import DEAL, PROPOSAL, VIEW, Card
from cards.wording import words
from partner_center.referral import Problem

FIELDS: Final = (
    FieldChange("customer", None, "Wide World Importers"),
    FieldChange("country", None, "DE"),
    FieldChange("name", None, "Data platform for the new warehouse"),
    FieldChange("value", None, Decimal(30000)),
    FieldChange("currency", None, "EUR"),
    FieldChange("close", None, date(2027, 3, 31)),
    FieldChange("contact", None, "Ben Okafor (ben.okafor@contoso.example)"),
    FieldChange("notes", None, "Met at the fair; wants a pilot before the summer."),
)
PERSON: Final = {
    "first": "Ben",
    "last": "Okafor",
    "email": "ben.okafor@contoso.example",
    "phone": "+1 425 555 0100",
}
WRONG: Final = {
    **PERSON,
    "customer": "Wide World Importers",
    "country": "Atlantis",
    "name": "Data platform",
    "value": "30.000",
    "currency": "EUR",
    "close": "2027-03-31",
}
PROBLEMS: Final = (
    Problem("country_unknown", {"typed": "Atlantis"}),
    Problem(
        "ambiguous", {"field": "value", "typed": "30.000", "first": "30000", "second": "30.00"}
    ),
)


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    line = deal_line(FIELDS)
    warning = words(
        "You are not its contact: unless you are a Referral Admin, you will not see it."
    )
    return {
        "new-deal-form": lambda: new_deal_form_card(PERSON, reader),
        "new-deal-form-error": lambda: new_deal_form_card(WRONG, reader, problems=PROBLEMS),
        "new-deal": lambda: new_deal_card(FIELDS, PROPOSAL, reader, warnings=()),
        "new-deal-warned": lambda: new_deal_card(FIELDS, PROPOSAL, reader, warnings=(warning,)),
        "new-deal-created": lambda: deal_card(VIEW, reader, created=True),
        "new-deal-unknown": lambda: uncertain_card(line, PROPOSAL, accepted=False, asking=False),
        "new-deal-accepted": lambda: uncertain_card(line, PROPOSAL, accepted=True, asking=False),
        "new-deal-question": lambda: uncertain_card(line, PROPOSAL, accepted=False, asking=True),
        "new-deal-doubled": lambda: doubled_card(line, ((1053, DEAL), (1054, DEAL))),
    }
