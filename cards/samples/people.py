"""Somebody and Dealdesk: welcome, help, signing in, questions, and what could not be done."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from cards.actions import Help, Show
from cards.choices import choice_card, language_card
from cards.elements import words
from cards.help import CommandHelp, help_card, welcome_card
from cards.notice import notice_card
from cards.reader import Reader
from cards.samples.deals import DEAL, Card
from cards.sign_in import signed_in_card, signed_out_card, trouble_card, who_card

COMMANDS: Final = (
    CommandHelp(
        "list",
        "list [mine|new|active|won|lost|all] [text] [page N]",
        "Lists deals you may see, the latest change first.",
        ("list", "list new", "list fabrikam", "list won page 2"),
    ),
    CommandHelp(
        "show",
        "show DEAL",
        "Shows a deal as Partner Center holds it now.",
        ("show #1042", "show fabrikam", "#1042"),
    ),
    CommandHelp(
        "update",
        'update DEAL value 30k close 2026-03-31 notes "..." name "..." crm ID campaign ID',
        "Changes one or more fields; you see before and after first.",
        ("update #1042 value 30k", 'update fabrikam close end of june notes "Pilot agreed"'),
    ),
    CommandHelp(
        "eligible",
        "eligible [me|DEAL]",
        "Shows whether a deal, or your company, can be registered, and what is missing.",
        ("eligible #1042", "eligible me"),
    ),
    CommandHelp(
        "register",
        "register DEAL",
        "Walks you through the deal registration, step by step.",
        ("register #1042",),
    ),
    CommandHelp("who am i", "who am I", "Shows the account I act with for you.", ("who am I",)),
    CommandHelp(
        "help",
        "help [command]",
        "Shows what I understand, or one command in detail.",
        ("help", "help update", "help all"),
    ),
)
"""Some rows of the bot's own table, word for word."""


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    return {
        "choice-deals": lambda: choice_card(
            "f" * 32,
            words("Which deal do you mean?"),
            (
                "#1042 Fabrikam analytics rollout, Fabrikam Inc, USD 30,000",
                "#1043 Tailspin Toys: store analytics for 240 shops, Tailspin Toys",
                "#1044 Unnamed deal",
            ),
        ),
        "choice-amounts": lambda: choice_card(
            "f" * 32,
            words("{typed} can mean more than one amount. Which?", typed="50.000"),
            (reader.money(Decimal(50000), "USD"), reader.money(Decimal(50), "USD")),
        ),
        "choice-languages": lambda: language_card((("English", "en"), ("日本語", "ja"))),
        "notice": lambda: notice_card(
            words("Partner Center is not answering"),
            words("Partner Center did not answer in several tries."),
            words("Nothing was changed."),
            words("Try again in a few minutes."),
            ((words("Try again"), Show(DEAL)), (words("Help"), Help())),
            request_id="6d3f4a52-0c5e-4e0a-9a4f-1f6f1b0a9c11",
        ),
        "help": lambda: help_card(COMMANDS, None, True),
        "help-signed-out": lambda: help_card(COMMANDS, None, False),
        "help-all": lambda: help_card(COMMANDS, "all", True),
        "help-unknown": lambda: help_card(COMMANDS, "discounts", True),
        "help-topic": lambda: help_card(COMMANDS, "update", True),
        "welcome": lambda: welcome_card(COMMANDS),
        "welcome-channel": lambda: welcome_card(COMMANDS, "Ada Lindqvist"),
        "signed-in": lambda: signed_in_card("Ben Okafor", "ben.okafor@contoso.example", "user"),
        "signed-out": signed_out_card,
        "who": lambda: who_card(
            "Ada Lindqvist", "ada.lindqvist@contoso.example", "admin", "Contoso"
        ),
        "trouble-mfa": lambda: trouble_card("mfa"),
        "trouble-role": lambda: trouble_card("role", request_id="b1c2d3e4"),
    }
