"""A registration on its way: the steps of its dialog, the read-back, every state, the drafts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from cards.elements import words
from cards.reader import Reader
from cards.registered import Outcome, registered_card, registration_state_card
from cards.registration import (
    DraftRow,
    FieldKind,
    FieldView,
    Line,
    Section,
    StepView,
    answered_card,
    draft_closed_card,
    drafts_card,
    live_numbers,
    read_back_card,
    step_card,
)
from cards.samples.deals import NEW, NOW, VIEW, Card
from partner_center.referral import Problem
from partner_center.registration import Registration

DRAFT: Final = "d" * 32

TOO_LOW: Final = (
    Problem(
        "annual_value_too_low",
        {
            "annual": "20000.00",
            "value": "20000",
            "years": "1.00",
            "minimum": "25000",
            "currency": "USD",
        },
    ),
    Problem("sign_too_old", {"sign": "2025-12-01", "earliest": "2026-01-01", "days": "60"}),
)
REGISTRATION: Final = Registration(
    id="3f0c6f0e-0000-4000-8000-000000000001",
    status="ReviewPending",
    status_reason=None,
    type="AzureIPCoSell",
    value=Decimal(250000),
    currency="USD",
    term="Finite",
    sign=datetime(2026, 2, 12, tzinfo=UTC),
    start=datetime(2026, 2, 12, tzinfo=UTC),
    end=datetime(2027, 2, 11, tzinfo=UTC),
    solution_id="DEAL-123456-XYZ",
    solution_name="Contoso Experience Platform",
    solution_value=Decimal(200000),
    solution_currency="USD",
    deployed_on_azure=True,
    deployment="Partner",
    pricing="Other",
    marketplace=False,
    marketplace_date=None,
    registered=datetime(2026, 3, 2, 9, 29, tzinfo=UTC),
)


def first_step() -> StepView:
    """The contract's value, with an amount that cannot be read."""
    return StepView(
        "contract",
        words("Contract value"),
        1,
        5,
        (
            FieldView(
                "value",
                words("Total contract value"),
                FieldKind.MONEY,
                "thirty",
                hint=words("Software and services, without hardware."),
                error=words("Give the amount as a number, such as 250000 or 250k."),
            ),
            FieldView("currency", words("Currency"), FieldKind.TEXT, "USD"),
        ),
    )


def dates_step(reader: Reader) -> StepView:
    """The dates of a contract that breaks a rule."""
    return StepView(
        "dates",
        words("Term and dates"),
        2,
        5,
        (
            FieldView(
                "term",
                words("Term"),
                FieldKind.CHOICE,
                "Finite",
                (
                    ("Finite", words("With an end date")),
                    ("Perpetual", words("Perpetual, no end date")),
                ),
                open=True,
            ),
            FieldView("sign", words("Signed on"), FieldKind.DATE, "2026-02-12"),
            FieldView("start", words("Starts on"), FieldKind.DATE, "2025-11-29"),
            FieldView("end", words("Ends on"), FieldKind.DATE, "", required=False),
        ),
        live_numbers(
            reader,
            annual=Decimal("30000"),
            currency="USD",
            sign_left=42,
            start_left=-3,
            sign=date(2026, 2, 12),
            start=date(2025, 11, 29),
        ),
        (Problem("payg_end_in_future", {"end": "2027-02-11", "today": "2026-03-02"}),),
        (("deployment", words("Deployment and pricing")),),
    )


def choices_step() -> StepView:
    """What is chosen from a few, all in sight."""
    return StepView(
        "deployment",
        words("Deployment and pricing"),
        4,
        5,
        (
            FieldView(
                "azure",
                words("Does it run on Azure?"),
                FieldKind.CHOICE,
                "true",
                (("true", words("Yes")), ("false", words("No"))),
                open=True,
            ),
            FieldView(
                "tenant",
                words("Where does it mainly run?"),
                FieldKind.CHOICE,
                "",
                (
                    ("Customer", words("The customer's tenant")),
                    ("Partner", words("Our own tenant")),
                ),
                open=True,
            ),
            FieldView(
                "pricing",
                words("How does the customer pay?"),
                FieldKind.CHOICE,
                "",
                (("PayAsYouGo", words("Pay as you go")), ("Other", words("Other"))),
                open=True,
            ),
        ),
    )


def sections(reader: Reader) -> tuple[Section, ...]:
    """What is read back before it is sent."""
    return (
        Section(
            "contract",
            words("Contract value"),
            (Line(words("Value"), reader.money(Decimal(250000), "USD")),),
        ),
        Section(
            "dates",
            words("Term and dates"),
            (
                Line(words("Term"), words("With an end date")),
                Line(words("Signing date"), reader.date(date(2026, 2, 12))),
                Line(words("Start date"), reader.date(date(2026, 2, 12))),
                Line(words("End date"), reader.date(date(2027, 2, 11))),
                *live_numbers(reader, sign_left=42, sign=date(2026, 2, 12)),
            ),
        ),
        Section(
            "solution",
            words("Solution"),
            (
                Line(words("Solution"), "Contoso Experience Platform"),
                Line(words("Value"), reader.money(Decimal(200000), "USD")),
            ),
        ),
    )


def wrong_sections(reader: Reader) -> tuple[Section, ...]:
    """The same with what the rules object to."""
    return (
        replace(sections(reader)[0], problems=TOO_LOW[:1]),
        replace(sections(reader)[1], problems=TOO_LOW[1:]),
        sections(reader)[2],
    )


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    return {
        "step-first": lambda: step_card(VIEW, first_step(), DRAFT, reader),
        "step-dates": lambda: step_card(VIEW, dates_step(reader), DRAFT, reader),
        "step-asked-on": lambda: step_card(
            VIEW,
            replace(choices_step(), needed=(words("Runs in"), words("Pricing"))),
            DRAFT,
            reader,
        ),
        "step-choices": lambda: step_card(VIEW, choices_step(), DRAFT, reader),
        "read-back": lambda: read_back_card(VIEW, sections(reader), (), DRAFT, reader),
        "read-back-problem": lambda: read_back_card(
            VIEW,
            wrong_sections(reader),
            (*TOO_LOW, Problem("deal_not_registrable", {"substatus": "Lost"})),
            DRAFT,
            reader,
        ),
        "registered": lambda: registered_card(VIEW, REGISTRATION, reader),
        "registered-action": lambda: registered_card(
            VIEW,
            replace(
                REGISTRATION, status="ActionRequired", status_reason="Attach the signed contract."
            ),
            reader,
        ),
        "registered-new-state": lambda: registered_card(
            VIEW, replace(REGISTRATION, status="MarketplaceValidation"), reader
        ),
        **{
            f"registration-{outcome}": partial(
                registration_state_card, VIEW, outcome, "e" * 32, reader, request_id="b1c2d3e4"
            )
            for outcome in Outcome
        },
        "drafts": lambda: drafts_card(
            (
                DraftRow(DRAFT, VIEW, words("Term and dates"), NOW, NOW + timedelta(days=14)),
                DraftRow(DRAFT, NEW, words("Solution"), NOW, NOW + timedelta(days=3)),
            ),
            reader,
        ),
        "drafts-none": lambda: drafts_card((), reader),
        "draft-answered": lambda: answered_card(VIEW, words("Contract value")),
        "draft-cancelled": lambda: draft_closed_card("cancelled", VIEW),
        "draft-gone": lambda: draft_closed_card("gone"),
    }
