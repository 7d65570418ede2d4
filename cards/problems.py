"""Words for every problem that the rules of Partner Center can find."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from cards.actions import CHANGES, MEMBER, NEW_DEAL, REASON
from cards.changes import label_of
from cards.deal import state_word
from cards.reader import Reader
from cards.wording import Text, marked, text, words
from partner_center.referral import Problem

PROBLEMS: Final[Mapping[str, str]] = {
    # changes of a deal
    "no_changes": marked("The deal already holds exactly this, so there is nothing to change."),
    "not_yours": marked("This record belongs to {organization}; only they can change it."),
    "closed_terminal": marked(
        "This deal is closed ({substatus}); a closed deal cannot be changed."
    ),
    "repeated": marked("{field} is given twice; give it once."),
    "value_not_a_number": marked("Give the amount as a number."),
    "value_negative": marked("An amount cannot be negative."),
    "value_not_positive": marked("Give an amount above 0."),
    "value_too_precise": marked("Give the amount with at most {decimals} decimals."),
    "value_too_large": marked("Give an amount below {limit}."),
    "currency_unknown": marked(
        "{currency} is not a currency code; use three letters such as USD or EUR."
    ),
    "currency_differs": marked(
        "The deal is in {held}, but you gave an amount in {typed}. "
        "Give it in {held}, or change the currency as well."
    ),
    "close_out_of_range": marked("Give a close date between {earliest} and {latest}."),
    "close_before_created": marked(
        "The close date cannot be before {created}, when the deal was created."
    ),
    "close_in_past": marked("The close date {close} is before today, {today}."),
    "text_too_long": marked("{field} can have {limit} characters at most; this has {length}."),
    "text_empty": marked("{field} cannot be empty."),
    "text_unreadable": marked("{field} holds characters that nobody can read; type it again."),
    # a new deal
    "country_unknown": marked(
        "“{typed}” is no country I know; use two letters such as DE, or its name."
    ),
    # what a form says
    "ambiguous": marked("“{typed}” can be read as {first} or as {second}; write the one you mean."),
    "unreadable": marked("{why} {instead}"),
    # team
    "member_incomplete": marked("{field} is missing."),
    "email_invalid": marked("{email} is not an email address."),
    "member_there": marked("{email} is on the team already."),
    "team_full": marked("The team has {limit} people already; Partner Center takes no more."),
    # status
    "move_not_from": marked("This is possible while a deal is {allowed}; this one is {status}."),
    "not_incoming": marked(
        "Your company created this deal, so there is nothing to accept or decline."
    ),
    "invitation_expired": marked("The time to accept or decline ended on {expires}."),
    "reason_missing": marked("Partner Center needs a reason for this."),
    "closing_is_final": marked("This is final: a closed deal cannot be changed or opened again."),
    "check_registration_first": marked(
        "Check the registration first: afterwards the value and the "
        "solutions can no longer be corrected."
    ),
    "won_within_72_hours": marked(
        "The deal is younger than 72 hours. If it is won before {until}, "
        "its registration may be refused."
    ),
    # registration
    "deal_not_registrable": marked("A deal that is {substatus} cannot be registered."),
    "contract_currency_differs": marked(
        "The contract is in {contract}, but the deal is in {deal}; use one currency."
    ),
    "solution_currency_differs": marked(
        "The solution is in {solution}, but the contract is in {contract}; use one currency."
    ),
    "sign_in_future": marked("The contract cannot be signed after today, {today}."),
    "sign_too_old": marked(
        "The contract must be signed on or after {earliest}: Partner Center takes "
        "contracts up to {days} days old."
    ),
    "sign_before_shared": marked(
        "The contract must be signed on or after {shared}, when the deal was "
        "created or Microsoft was invited."
    ),
    "start_too_old": marked(
        "The contract must start on or after {earliest}: Partner Center takes "
        "starts up to {days} days ago."
    ),
    "end_missing": marked("Give the day the contract ends."),
    "end_not_needed": marked("A perpetual contract has no end date; leave it empty."),
    "end_before_start": marked("The contract cannot end before it starts on {start}."),
    "annual_value_too_low": marked(
        "The contract is worth {currency}\u00a0{annual} a year; it must be "
        "more than {currency}\u00a0{minimum} a year."
    ),
    "solution_not_on_deal": marked("That solution is not on this deal; choose one that is."),
    "solution_value_too_high": marked(
        "The solution's value cannot be more than the contract's, {currency}\u00a0{value}."
    ),
    "not_on_azure": marked("Only a solution that runs on Azure can be registered."),
    "payg_needs_end": marked(
        "With pay-as-you-go the contract needs an end: the day of the last invoice."
    ),
    "payg_sign_is_not_start": marked(
        "With pay-as-you-go, signing and start are the same day: the day of the first invoice."
    ),
    "payg_end_in_future": marked(
        "With pay-as-you-go, the end is the last invoice so far; it cannot be after today, {today}."
    ),
    "payg_sign_too_late": marked(
        "With pay-as-you-go, the contract must be signed by {latest}, a year "
        "after the deal was shared."
    ),
    "marketplace_date_missing": marked("Give the day of the marketplace transaction."),
    "marketplace_date_not_needed": marked(
        "Leave the marketplace day empty, or say that the deal was transacted there."
    ),
}
"""Code of a problem -> one sentence; `{places}` are the problem's facts."""

_PLACE: Final = re.compile(r"\{(\w+)\}")
_FIELDS: Final[Mapping[str, Text]] = {
    "contract": words("The contract value"),
    "solution": words("The solution value"),
}
_NOT_SAID: Final = words("?")


def problem_words(problem: Problem, reader: Reader) -> Text:
    """The sentence for a problem, its dates and numbers as the reader writes them.

    What somebody typed is quoted as it was typed.
    """
    sentence = PROBLEMS.get(problem.code)
    if sentence is None:
        return words("Partner Center expects something else here ({code}).", code=problem.code)
    places = _PLACE.findall(sentence)
    return words(
        sentence,
        **{
            name: _fact(name, problem.facts[name], reader) if name in problem.facts else _NOT_SAID
            for name in places
        },
    )


def problem_text(problem: Problem, reader: Reader) -> str:
    """The sentence as plain text, for a place that is not a card."""
    return problem_words(problem, reader).plain


def _fact(name: str, value: str, reader: Reader) -> Text:
    match name:
        case "field":
            return _FIELDS.get(value) or label_of(value)
        case "status" | "substatus":
            return state_word(value)
        case "typed" | "first" | "second" | "why" | "instead" | "email":
            return text(value)
        case "allowed":
            return _either([part.strip() for part in value.split(",")])
        case _:
            return _moment(value, reader) or _number(value, reader) or text(value)


def _either(parts: Sequence[str]) -> Text:
    """The states of a deal that are meant, as alternatives."""
    said = state_word(parts[0])
    for part in parts[1:]:
        said = words("{some} or {other}", some=said, other=state_word(part))
    return said


def _moment(value: str, reader: Reader) -> Text | None:
    try:
        if len(value) == len("2026-03-31"):
            return reader.date(date.fromisoformat(value))
        return reader.moment(datetime.fromisoformat(value)) if "T" in value else None
    except ValueError:
        return None


def _number(value: str, reader: Reader) -> Text | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return reader.number(number) if number.is_finite() else None


_INPUTS: Final = CHANGES | MEMBER | NEW_DEAL | REASON
_BY_CODE: Final[Mapping[str, str]] = {
    "value_not_a_number": "value",
    "value_negative": "value",
    "value_too_precise": "value",
    "value_too_large": "value",
    "value_not_positive": "value",
    "country_unknown": "country",
    "close_in_past": "close",
    "currency_differs": "value",
    "currency_unknown": "currency",
    "close_out_of_range": "close",
    "close_before_created": "close",
    "email_invalid": "email",
    "member_there": "email",
    "reason_missing": "reason",
}


def input_of(problem: Problem) -> str | None:
    """The input of a deal's forms that a problem belongs to, if to one."""
    named = problem.facts.get("field", _BY_CODE.get(problem.code))
    return named if named in _INPUTS else None
