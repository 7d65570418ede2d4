"""The steps of a registration in one table: what each asks, what may stand there beforehand.

Answers are kept in one canonical spelling: amounts plain, days ISO, choices by their value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from bot.dates import AmbiguousDate, UnreadableDate, parse_date
from cards import registered
from cards.reader import day_in_words
from cards.registration import FieldKind
from cards.wording import Text, text, words
from partner_center.money import (
    CURRENCIES,
    AmbiguousAmount,
    Amount,
    UnreadableAmount,
    decimals_of,
    minor_digits,
    parse_amount,
    plain,
)
from partner_center.referral import Referral
from partner_center.registration import (
    DealRegistration,
    DeployedOn,
    Pricing,
    Term,
)

Answers = Mapping[str, str]
Choices = tuple[tuple[str, Text], ...]


class Name(StrEnum):
    """The steps, in order; READ_BACK shows them all."""

    VALUE = "value"
    DATES = "dates"
    SOLUTION = "solution"
    DEPLOYMENT = "deployment"
    MARKETPLACE = "marketplace"
    READ_BACK = "read_back"


class WrongAnswer(ValueError):
    """An answer that cannot be taken; `why` says so to the person."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.plain)
        self.why = why


class DoubtfulAnswer(ValueError):
    """An answer with several meanings: the value and the words of each, to choose from."""

    def __init__(self, why: Text, readings: Choices) -> None:
        super().__init__(why.plain)
        self.why = why
        self.readings = readings


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader of an answer may look at."""

    referral: Referral
    answers: Answers
    today: date


Read = Callable[[str, Asked], str]


@dataclass(frozen=True, slots=True)
class StepField:
    """One thing a step asks. `read` turns what was entered into the canonical spelling and raises
    WrongAnswer or DoubtfulAnswer; `prefill` is what stands there before anybody answered."""

    id: str
    label: Text
    kind: FieldKind
    read: Read
    prefill: Callable[[Referral, Answers], str] = lambda _referral, _answers: ""
    choices: Callable[[Referral], Choices] = lambda _referral: ()
    applies: Callable[[Answers], bool] = lambda _answers: True
    hint: Text | None = None
    short: Text | None = None
    """The label in a list of answers, where a whole question would wrap."""

    @property
    def brief(self) -> Text:
        """The label, as short as it comes."""
        return self.short or self.label


@dataclass(frozen=True, slots=True)
class Step:
    """One card of the dialog."""

    name: Name
    title: Text
    fields: tuple[StepField, ...] = field(default=())


def _chosen(options: Sequence[tuple[str, Text]]) -> Read:
    """A choice by its value, its words or its number in the list."""

    def read(entered: str, _asked: Asked) -> str:
        return pick(entered, options)

    return read


def pick(entered: str, options: Sequence[tuple[str, Text]]) -> str:
    """The value of the option somebody named. Raises WrongAnswer."""
    wanted = " ".join(entered.casefold().split())
    for value, said in options:
        if wanted in (value.casefold(), said.plain.casefold()):
            return value
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(options):
        return options[int(wanted) - 1][0]
    close = [value for value, said in options if wanted and wanted in said.plain.casefold()]
    if len(close) == 1:
        return close[0]
    raise WrongAnswer(words("Choose one of the answers listed."))


def read_amount(entered: str, currency: str | None) -> Amount:
    """The amount somebody entered. Raises WrongAnswer, or DoubtfulAnswer when it reads two ways
    that are both amounts of the currency."""
    try:
        return parse_amount(entered)
    except AmbiguousAmount as error:
        possible = [each for each in error.readings if _can_be(each, currency)]
        if len(possible) == 1:
            return possible[0]
        readings = tuple((_spelled(each), _amount_said(each, currency)) for each in possible)
        why = words("{typed} can mean more than one amount. Which?", typed=text(entered, limit=40))
        raise DoubtfulAnswer(why, readings) from error
    except UnreadableAmount as error:
        raise WrongAnswer(_AMOUNT_FAULTS.get(error.reason, _NO_AMOUNT)) from error


def spell(value: Decimal) -> str:
    """An amount for an input or a choice: when typed it might read two ways, marked as exact."""
    figures = plain(value)
    return f"={figures}" if re.search(r"\.\d{3}$", figures) else figures


_EXACT = re.compile(r"=(\d{1,13}(?:\.\d{1,6})?)", re.ASCII)


def _spelled(amount: Amount) -> str:
    figures = spell(amount.value)
    exact = figures.startswith("=") or amount.currency is None
    return figures if exact else f"{amount.currency} {figures}"


def _can_be(amount: Amount, currency: str | None) -> bool:
    """Whether the currency has that many decimals: no reading of USD has three."""
    code = amount.currency or currency
    return code is None or decimals_of(amount.value) <= minor_digits(code)


def _amount_said(amount: Amount, currency: str | None) -> Text:
    """`USD 1234` or `USD 1.23`: no grouping, for one reader's grouping is another's decimals."""
    code, figures = amount.currency or currency, plain(amount.value)
    return words("{code}\u00a0{figures}", code=code, figures=figures) if code else text(figures)


_NO_AMOUNT = words("Give the amount as a number, such as 250000 or 250k.")
_AMOUNT_FAULTS: Mapping[str, Text] = {
    "empty": words("Give an amount."),
    "negative": words("An amount cannot be negative."),
    "zero": words("Give an amount above 0."),
    "several": words("Give one amount only."),
    "unknown_currency": words("I do not know that currency; use three letters such as USD."),
    "too_precise": words("Give the amount with at most two decimals."),
    "too_large": words("That amount is too large."),
    "foreign_digits": words("Write the amount with the digits 0 to 9."),
    "exponent": words("Write the amount out in full."),
}


def _read_value(entered: str, asked: Asked) -> str:
    """The contract value; a currency named with it has to be the one of the contract."""
    return _amount_in(entered, asked.answers.get("currency") or asked.referral.currency)


def _read_solution_value(entered: str, asked: Asked) -> str:
    return _amount_in(entered, asked.answers.get("currency"))


def _amount_in(entered: str, currency: str | None) -> str:
    exact = _EXACT.fullmatch(entered)
    amount = Amount(Decimal(exact[1])) if exact else read_amount(entered, currency)
    if amount.value == 0:
        raise WrongAnswer(_AMOUNT_FAULTS["zero"])
    if amount.currency and currency and amount.currency != currency:
        raise WrongAnswer(
            words(
                "This amount is in {typed}, the contract is in {currency}; use one currency.",
                typed=amount.currency,
                currency=currency,
            )
        )
    return plain(amount.value)


def _read_currency(entered: str, _asked: Asked) -> str:
    code = entered.strip().upper()
    if code not in CURRENCIES:
        raise WrongAnswer(words("Use the three letters of a currency, such as USD or EUR."))
    return code


def read_day(entered: str, asked: Asked) -> str:
    """A day as ISO. Raises WrongAnswer or, for `03/04/2026`, DoubtfulAnswer."""
    try:
        return parse_date(entered, asked.today).isoformat()
    except AmbiguousDate as error:
        readings = tuple((day.isoformat(), day_said(day)) for day in error.readings)
        why = words("{typed} can mean more than one day. Which?", typed=text(entered, limit=40))
        raise DoubtfulAnswer(why, readings) from error
    except UnreadableDate as error:
        raise WrongAnswer(_DAY_FAULTS.get(error.reason, _DAY_FAULTS["unknown_form"])) from error


_DAY_FAULTS: Mapping[str, Text] = {
    "unknown_form": words("Give a day such as 12 Feb 2026 or 2026-02-12."),
    "no_such_day": words("There is no such day."),
    "out_of_range": words("Give a day between 2000 and 2100."),
}


def day_said(day: date) -> Text:
    """A day that nobody can misread."""
    return text(day_in_words(day))


def solutions_of(referral: Referral) -> Choices:
    """The deal's solutions, to choose from."""
    return tuple(
        (each.id, text(each.name or each.id, limit=80)) for each in referral.solutions[:50]
    )


def _read_solution(entered: str, asked: Asked) -> str:
    options = solutions_of(asked.referral)
    if not options:
        raise WrongAnswer(words("This deal has no solution; add one in Partner Center first."))
    wanted = entered.strip()
    return pick(wanted.casefold().removeprefix("solution").strip() or wanted, options)


def _choices(said: Mapping[str, Text]) -> Choices:
    return tuple((str(value), title) for value, title in said.items())


YES_NO: Choices = (("true", words("Yes")), ("false", words("No")))
TERMS: Choices = _choices(registered.TERMS)
TENANTS: Choices = _choices(registered.TENANTS)
PRICINGS: Choices = _choices(registered.PRICINGS)


def _only_solution(referral: Referral, _answers: Answers) -> str:
    return referral.solutions[0].id if len(referral.solutions) == 1 else ""


def _deal_value(referral: Referral, _answers: Answers) -> str:
    return spell(referral.deal_value) if referral.deal_value else ""


def _contract_value(_referral: Referral, answers: Answers) -> str:
    return spell(Decimal(answers["value"])) if answers.get("value") else ""


def is_finite(answers: Answers) -> bool:
    """Whether the contract ends: an end is asked for unless it is perpetual."""
    return answers.get("term") != Term.PERPETUAL.value


def is_transacted(answers: Answers) -> bool:
    """Whether the deal went through the marketplace, or may have: its day is asked for."""
    return answers.get("marketplace") != "false"


STEPS: tuple[Step, ...] = (
    Step(
        Name.VALUE,
        words("Contract value"),
        (
            StepField(
                "value",
                words("Total contract value"),
                FieldKind.MONEY,
                _read_value,
                short=words("Contract value"),
                prefill=_deal_value,
                hint=words("Software and services, without hardware."),
            ),
            StepField(
                "currency",
                words("Currency"),
                FieldKind.TEXT,
                _read_currency,
                prefill=lambda referral, _answers: referral.currency or "",
            ),
        ),
    ),
    Step(
        Name.DATES,
        words("Term and dates"),
        (
            StepField(
                "term",
                words("Term"),
                FieldKind.CHOICE,
                _chosen(TERMS),
                choices=lambda _referral: TERMS,
                prefill=lambda _referral, _answers: Term.FINITE.value,
            ),
            StepField(
                "sign", words("Signed on"), FieldKind.DATE, read_day, short=words("Signing date")
            ),
            StepField(
                "start", words("Starts on"), FieldKind.DATE, read_day, short=words("Start date")
            ),
            StepField(
                "end",
                words("Ends on"),
                FieldKind.DATE,
                read_day,
                applies=is_finite,
                short=words("End date"),
            ),
        ),
    ),
    Step(
        Name.SOLUTION,
        words("Solution"),
        (
            StepField(
                "solution",
                words("Solution"),
                FieldKind.CHOICE,
                _read_solution,
                prefill=_only_solution,
                choices=solutions_of,
            ),
            StepField(
                "solution_value",
                words("Value of the solution"),
                FieldKind.MONEY,
                _read_solution_value,
                short=words("Solution value"),
                prefill=_contract_value,
                hint=words("The contract value without one-off implementation fees."),
            ),
        ),
    ),
    Step(
        Name.DEPLOYMENT,
        words("Deployment and pricing"),
        (
            StepField(
                "azure",
                words("Does it run on Azure?"),
                FieldKind.CHOICE,
                _chosen(YES_NO),
                short=words("Runs on Azure"),
                choices=lambda _referral: YES_NO,
            ),
            StepField(
                "tenant",
                words("Where does it mainly run?"),
                FieldKind.CHOICE,
                _chosen(TENANTS),
                short=words("Runs in"),
                choices=lambda _referral: TENANTS,
            ),
            StepField(
                "pricing",
                words("How does the customer pay?"),
                FieldKind.CHOICE,
                _chosen(PRICINGS),
                short=words("Pricing"),
                choices=lambda _referral: PRICINGS,
            ),
        ),
    ),
    Step(
        Name.MARKETPLACE,
        words("Marketplace"),
        (
            StepField(
                "marketplace",
                words("Is it transacted in Microsoft's marketplace?"),
                FieldKind.CHOICE,
                _chosen(YES_NO),
                short=words("Marketplace"),
                choices=lambda _referral: YES_NO,
            ),
            StepField(
                "marketplace_date",
                words("Day of the transaction"),
                FieldKind.DATE,
                read_day,
                short=words("Transaction date"),
                applies=is_transacted,
                hint=words("Only when it is; an estimate will do."),
            ),
        ),
    ),
)
BY_NAME: Mapping[Name, Step] = {step.name: step for step in STEPS}
ASKED: Mapping[str, StepField] = {each.id: each for step in STEPS for each in step.fields}


def missing(step: Step, answers: Answers) -> tuple[StepField, ...]:
    """The fields of a step that still need an answer."""
    return tuple(each for each in step.fields if each.applies(answers) and not answers.get(each.id))


def first_open(answers: Answers) -> Name:
    """The first step that is not answered in full; READ_BACK when all are."""
    return next((step.name for step in STEPS if missing(step, answers)), Name.READ_BACK)


def registration_of(answers: Answers) -> DealRegistration:
    """The registration these complete answers say. Raises KeyError while one is missing."""
    finite, transacted = is_finite(answers), is_transacted(answers)
    return DealRegistration(
        currency=answers["currency"],
        value=Decimal(answers["value"]),
        term=Term(answers["term"]),
        sign=date.fromisoformat(answers["sign"]),
        start=date.fromisoformat(answers["start"]),
        end=date.fromisoformat(answers["end"]) if finite else None,
        solution_id=answers["solution"],
        solution_value=Decimal(answers["solution_value"]),
        solution_currency=answers["currency"],
        deployed_on_azure=answers["azure"] == "true",
        deployment=DeployedOn(answers["tenant"]),
        pricing=Pricing(answers["pricing"]),
        marketplace=transacted,
        marketplace_date=(date.fromisoformat(answers["marketplace_date"]) if transacted else None),
    )
