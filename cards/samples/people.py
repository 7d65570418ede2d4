"""Somebody and Dealdesk: welcome, help, signing in, questions, and what could not be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cards.actions import Help, Show
from cards.choices import choice_card
from cards.elements import words
from cards.help import CommandHelp, help_card, welcome_card
from cards.notice import notice_card
from cards.reader import Reader
from cards.samples.deals import DEAL, Card
from cards.sign_in import signed_in_card, signed_out_card, trouble_card, who_card

COMMANDS: Final = (
    CommandHelp(
        "list", "list [mine|new|active|won|lost|text]", "Shows deals, ten at a time.", ("list",)
    ),
    CommandHelp("show", "show DEAL", "Shows one deal.", ("show #1042",)),
    CommandHelp(
        "update",
        'update DEAL value 30k close 2026-03-31 notes "..."',
        "Changes the value, close date, notes, name, CRM ID or campaign ID of a deal.",
        ("update #1042 value 30k", "update fabrikam close end of june value USD 45,000"),
    ),
    CommandHelp(
        "eligible",
        "eligible [me|DEAL]",
        "Says whether a deal can be registered.",
        ("eligible #1042",),
    ),
    CommandHelp("register", "register DEAL", "Registers a deal, step by step."),
    CommandHelp("who am i", "who am I", "Shows the account I act with for you."),
    CommandHelp("help", "help [command]", "Shows what you can say."),
)


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    return {
        "choice-deals": lambda: choice_card(
            "f" * 32,
            "Which deal do you mean?",
            (
                "#1042 Fabrikam analytics rollout, Fabrikam Inc, USD 30,000",
                "#1043 Tailspin Toys: store analytics for 240 shops, Tailspin Toys",
                "#1044 Unnamed deal",
            ),
            reader,
        ),
        "choice-amounts": lambda: choice_card(
            "f" * 32, "Which amount do you mean by “50.000”?", ("USD 50,000", "USD 50"), reader
        ),
        "notice": lambda: notice_card(
            words("Partner Center is not answering"),
            words("Partner Center did not answer in several tries."),
            words("Nothing was changed."),
            words("Try again in a few minutes."),
            ((words("Try again"), Show(DEAL)), (words("Help"), Help())),
            request_id="6d3f4a52-0c5e-4e0a-9a4f-1f6f1b0a9c11",
        ),
        "help": lambda: help_card(COMMANDS, None, True, reader),
        "help-signed-out": lambda: help_card(COMMANDS, None, False, reader),
        "help-all": lambda: help_card(COMMANDS, "all", True, reader),
        "help-unknown": lambda: help_card(COMMANDS, "discounts", True, reader),
        "help-topic": lambda: help_card(COMMANDS, "update", True, reader),
        "welcome": lambda: welcome_card(COMMANDS, reader),
        "signed-in": lambda: signed_in_card("Ben Okafor", "ben.okafor@contoso.example", "user"),
        "signed-out": signed_out_card,
        "who": lambda: who_card(
            "Ada Lindqvist", "ada.lindqvist@contoso.example", "admin", "Contoso"
        ),
        "trouble-mfa": lambda: trouble_card("mfa"),
        "trouble-role": lambda: trouble_card("role", request_id="b1c2d3e4"),
    }
