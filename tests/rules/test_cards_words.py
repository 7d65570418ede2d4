"""The words on cards: a sentence for every problem, numbers and days as the reader writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

import bot
import partner_center
from bot.dispatch import HELP
from cards.approval import State
from cards.changes import FieldChange, change_pieces
from cards.checklist import POLICIES, checklist_card
from cards.deal import DealView, spelled_out
from cards.elements import card, words
from cards.help import EVERYDAY, help_card
from cards.notice import problem_text
from cards.problems import PROBLEMS, input_of, problem_words
from cards.proposal import proposal_card
from cards.reader import Reader
from cards.referral import deal_card
from cards.registered import Outcome, registration_state
from cards.registration import live_numbers
from cards.samples import checks, deals, notices, people
from cards.samples import gallery as samples
from cards.sign_in import trouble_card
from cards.won import approval_notice
from partner_center.eligibility import PartnerEligibility, Policy, checklist_from_json
from partner_center.referral import MOVES, Move, Problem
from tests.pictures import gallery
from tests.rules.test_cards_gallery import markdown

READER = deals.READER
REGISTRATION_STATES = (
    "None",
    "Approved",
    "ReviewPending",
    "ActionRequired",
    "Passed",
    "Failed",
    "Closed",
)
"""API reference 10.4."""


def codes_in_rules() -> Iterator[str]:
    """The first argument of every `Problem(...)` below and above the cards."""
    floors = [Path(package.__file__ or "").parent for package in (partner_center, bot)]
    for path in (path for floor in floors for path in floor.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield str(code.value)


def test_every_problem_of_the_rules_has_a_sentence_and_no_sentence_is_idle() -> None:
    assert set(codes_in_rules()) == set(PROBLEMS)


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_a_problem_reads_well_even_without_its_facts(code: str) -> None:
    said = problem_text(Problem(code), READER)
    assert said[-1] in ".?"
    assert "{" not in said


def test_an_unknown_problem_is_still_a_sentence() -> None:
    assert problem_text(Problem("brand_new"), READER).endswith("(brand_new).")


def test_facts_are_written_for_the_reader() -> None:
    german = Reader("de-DE", "Europe/Berlin", deals.NOW)
    problem = Problem("close_out_of_range", {"earliest": "2000-01-01", "latest": "2100-12-31"})
    assert "1. Januar 2000 and 31. Dezember 2100" in problem_words(problem, german).plain
    late = Problem("won_within_72_hours", {"until": "2026-03-04T23:30:00+00:00"})
    assert "5. März 2026, 00:30 (Europe/Berlin)" in problem_words(late, german).plain
    typed = Problem("ambiguous", {"typed": "50.000", "first": "USD 50000", "second": "USD 50"})
    assert problem_text(typed, READER).startswith("“50.000” can be read as USD 50000 or as USD 50;")
    long = Problem("text_too_long", {"field": "notes", "limit": "5000", "length": "5001"})
    assert problem_text(long, READER).startswith("Notes can have 5,000 characters")


def test_problems_find_their_input() -> None:
    assert input_of(Problem("value_negative")) == "value"
    assert input_of(Problem("text_too_long", {"field": "crm"})) == "crm"
    assert input_of(Problem("value_negative", {"field": "contract"})) is None
    assert input_of(Problem("no_changes")) is None


@pytest.mark.parametrize(
    ("locale", "value", "currency", "said"),
    [
        ("en-US", "30000", "USD", "USD 30,000"),
        ("en-US", "30000.00", "USD", "USD 30,000"),
        ("en-US", "30000.5", "EUR", "EUR 30,000.50"),
        ("en-US", "0.125", "KWD", "KWD 0.125"),
        ("en-US", "1E+3", "JPY", "JPY 1,000"),
        ("de-DE", "1234567.89", "EUR", "EUR 1.234.567,89"),
        ("en-IN", "1234567", "INR", "INR 12,34,567"),
        ("fr-FR", "30000", None, "30 000 (currency not set)"),
        ("xx-nonsense", "30000", "USD", "USD 30,000"),
        ("", "30000", "USD", "USD 30,000"),
        ("../../etc", "30000", "USD", "USD 30,000"),
    ],
)
def test_d_money_is_written_in_full(
    locale: str, value: str, currency: str | None, said: str
) -> None:
    money = Reader(locale, None, deals.NOW).money(Decimal(value), currency)
    assert money.plain.replace("\u00a0", " ").replace("\u202f", " ") == said


def test_an_amount_stays_in_one_line() -> None:
    facts = {"annual": "20000", "minimum": "25000", "value": "20000", "currency": "USD"}
    said = [
        READER.money(Decimal(45000), "USD"),
        problem_words(Problem("annual_value_too_low", facts), READER),
        problem_words(Problem("solution_value_too_high", facts), READER),
    ]
    assert not [each.plain for each in said if "USD " in each.plain]


@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_d5_a_day_never_shifts(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    midnight = datetime(2026, 3, 31, tzinfo=UTC).astimezone(zone)
    for place in ("Pacific/Kiritimati", "Etc/GMT+12", None, "No/Where", "../x"):
        assert Reader("en-GB", place, deals.NOW).date(midnight).plain == "31 March 2026"
    assert Reader("en-GB").date(date(2028, 2, 29)).plain == "29 February 2028"


def test_a_moment_names_its_zone() -> None:
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert Reader("en-GB", "Asia/Tokyo").moment(moment).plain == "2 July 2026, 07:30 (Asia/Tokyo)"
    assert Reader("en-GB", "No/Where").moment(moment).plain == "1 July 2026, 22:30 (UTC)"


def test_every_state_policy_and_move_has_words() -> None:
    assert set(POLICIES) == set(Policy)
    unknown = registration_state("SomethingElse").meaning
    assert all(registration_state(state).meaning != unknown for state in REGISTRATION_STATES)
    assert {f"registration-{outcome}" for outcome in Outcome} <= set(samples.names())
    assert set(Move) == set(MOVES)


@pytest.mark.parametrize("state", [*State, "unheard_of"])
def test_a_notice_of_an_approval_says_its_state_with_a_sign(state: str) -> None:
    what = replace(notices.HAPPENING, approval=state)
    (headline,) = [
        said
        for said in markdown(approval_notice(what, notices.CHANNEL, READER))
        if "Approval:" in said
    ][-1:]
    assert headline.removeprefix("Approval: ")[0] in "○✔✖⚠" or "unheard" in headline


def test_a_change_of_currency_colours_both_amounts() -> None:
    changes = [
        FieldChange("value", Decimal(30000), Decimal(25000)),
        FieldChange("currency", "USD", "EUR"),
    ]
    made = card(change_pieces(changes, deals.REFERRAL, READER), summary=words("x"))
    said = list(markdown(made))
    assert "USD\u00a030,000" in said
    assert "EUR\u00a025,000" in said


def test_register_is_offered_only_when_both_are_eligible() -> None:
    for partner in (checks.APPROVED, checks.NOT_APPROVED):
        for checklist in (checks.PASSED, checks.FAILED, checks.ODD):
            made = checklist_card(deals.VIEW, partner, checklist, READER)
            offered = '"verb": "register"' in gallery.written(made)
            assert offered == (partner.is_eligible and checklist.is_eligible)


def test_an_empty_answer_is_not_ready() -> None:
    made = checklist_card(
        deals.VIEW, PartnerEligibility(True), checklist_from_json({"isEligible": True}), READER
    )
    said = list(markdown(made))
    assert "✖ Cannot be registered yet" in said
    assert "1 of 6 checks passed" in said
    assert said.count("Partner Center said nothing about this") == 5


@pytest.mark.parametrize(
    ("seen", "deal", "advice"),
    [
        ({}, deals.VIEW, "Not invited yet"),
        ({"status": "New", "substatus": "Pending"}, deals.VIEW, "up to 14 days to answer"),
        ({"status": "Closed", "substatus": "Declined"}, deals.VIEW, "Create the deal again"),
        ({}, deals.LOST, "Create the deal again"),
    ],
)
def test_what_to_do_follows_microsofts_answer(
    seen: dict[str, str], deal: DealView, advice: str
) -> None:
    policy = checks.policy("isMicrosoftReferralAcceptedOrWon", passed=False, **seen)
    checklist = checklist_from_json(
        {"isEligible": False, "passedPolicies": [], "failedPolicies": [policy]}
    )
    said = list(markdown(checklist_card(deal, checks.APPROVED, checklist, READER)))
    (answer,) = (line for line in said if "14 days" in line or "again and" in line)
    assert advice in answer


def test_d4_the_value_rule_says_more_than() -> None:
    assert POLICIES["isDealValueEligible"].needed.plain == "More than USD 25,000"


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (42, "✔ 42 days left to register"),
        (1, "✔ 1 day left to register"),
        (0, "⚠ today is the last day"),
        (-1, "✖ 1 day too late to register"),
        (-9, "✖ 9 days too late to register"),
    ],
)
def test_days_left_are_said(left: int, said: str) -> None:
    (line,) = live_numbers(READER, sign_left=left)
    assert getattr(line.value, "plain", "") == said


@pytest.mark.parametrize("reason", ["role", "signed_out", "expired", "someone_else"])
def test_signing_out_is_never_the_main_way_on(reason: str) -> None:
    shown = cast("list[dict[str, object]]", trouble_card(reason)["actions"])
    (main,) = (each for each in shown if each.get("style") == "positive")
    assert main["verb"] != "sign_out"


def test_the_main_button_of_a_deal_is_what_comes_next() -> None:
    def first(view: DealView) -> tuple[object, object]:
        main = cast("list[dict[str, object]]", deal_card(view, READER)["actions"])[0]
        return main["title"], main.get("style")

    assert first(deals.VIEW) == ("Check registration", "positive")
    assert first(deals.WON) == ("Check registration", "positive")
    assert first(deals.BARE) == ("Edit", "positive")
    late = replace(deals.REFERRAL, closing=deals.NOW - timedelta(days=3))
    assert first(replace(deals.VIEW, referral=late)) == ("Edit", "positive")


@pytest.mark.parametrize(
    ("warnings", "titles"),
    [
        (["check_registration_first"], ["Mark as won", "Check registration", "Discard"]),
        (["closing_is_final"], ["Mark as won", "Discard"]),
    ],
)
def test_checking_the_registration_first_is_one_press(
    warnings: list[str], titles: list[str]
) -> None:
    made = proposal_card(
        deals.VIEW,
        deals.MOVE,
        [Problem(code) for code in warnings],
        deals.PROPOSAL,
        READER,
        move="won",
    )
    shown = cast("list[dict[str, object]]", made["actions"])
    assert [each["title"] for each in shown] == titles


def test_what_is_missing_next_is_named() -> None:
    referral = replace(deals.REFERRAL, closing=deals.NOW - timedelta(days=3), solutions=())
    said = list(markdown(deal_card(replace(deals.VIEW, referral=referral), READER)))
    assert "The close date has passed: change it, or close the deal." in said
    assert "Add a solution in Partner Center; without one it cannot be registered." in said


def test_help_names_the_five_commands_of_every_day_and_all_on_request() -> None:
    def names(topic: str | None) -> set[str]:
        said = set(markdown(help_card(HELP, topic, False)))
        return {row.name for row in HELP if row.summary in said}

    assert names(None) == names("discounts") == set(EVERYDAY)
    assert names("all") == {row.name for row in HELP}
    unknown = markdown(help_card(HELP, "discounts", False))
    assert "There is no command “discounts”." in unknown


def test_the_sample_commands_are_rows_of_the_table() -> None:
    assert set(people.COMMANDS) <= set(HELP)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("isOutsideFiscalYearFreeze", "Outside fiscal year freeze"),
        ("MarketplaceValidation", "Marketplace validation"),
        ("island", "Island"),
        ("isSMBDeal", "SMB deal"),
        ("HTTP", "HTTP"),
        ("two words", "Two words"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_a_name_we_have_no_words_for_is_spelled_out(name: str, said: str) -> None:
    assert spelled_out(name).plain == said
