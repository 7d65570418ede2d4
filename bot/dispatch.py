"""Which feature answers what was typed or pressed: one table for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from bot import (
    approvals,
    creating,
    creation,
    delegation,
    editing,
    eligibility,
    finding,
    history,
    languages,
    pipeline,
    proposals,
    questions,
    referrals,
)
from bot import command as said
from bot.command import Ask, Choice, Command, Filter, Unclear
from bot.commands import COMMANDS, parse, spec_of
from bot.conversation import Installed, Person, PlaceKind
from bot.desk import Desk, Turn
from bot.dialog import Dialog
from bot.feeds import Feeds
from bot.identity import Reason, SignInNeeded
from bot.replies import Reply
from bot.store import waiting
from bot.targets import Fragment, Target
from cards import actions
from cards.help import CommandHelp, help_card, welcome_card
from cards.language import Language, spoken
from cards.sign_in import signed_in_card, signed_out_card, trouble_card, who_card
from cards.wording import sentence
from partner_center.referral import Member, Move

HELP = tuple(CommandHelp(row.name, row.usage, row.summary, row.examples) for row in COMMANDS)

Feature = Callable[[Desk, Turn, str], Awaitable[Reply]]


def shares(verb: str) -> bool:
    """Whether a press changes the card for everybody, or only what this person looks at."""
    return verb in _SHARED


_SHARED = frozenset(
    {
        "save",
        "discard",
        "apply_again",
        "create_deal",
        "drop_deal",
        "answer",
        "back",
        "go_to",
        "cancel_draft",
        "submit",
        "choose",
        "speak",
        "open_approval",
        "pause_feed",
        "resume_feed",
        "delete_feed",
        "edit_feed",
    }
)


class Dispatch:
    """Finds the feature for a turn and runs it. Errors pass through; `turns` speaks for them."""

    def __init__(self, desk: Desk, dialog: Dialog, feeds: Feeds) -> None:
        self._desk = desk
        self._dialog = dialog
        self._feeds = feeds

    async def say(self, turn: Turn, text: str) -> Reply | None:
        """The answer to a typed text."""
        claimed = await self._dialog.claims(turn, text)
        if claimed is not None:
            return claimed
        parsed = parse(text, turn.today)
        match parsed:
            case Unclear(known=False):
                answered = await self._dialog.typed(turn, text)
                return answered if answered is not None else await self._unclear(turn, parsed)
            case Unclear():
                return await self._unclear(turn, parsed)
            case Ask():
                return await questions.ask(self._desk, turn, parsed.prompt, parsed.choices)
            case _:
                return await self._command(turn, parsed, text)

    async def press(self, turn: Turn, verb: str, data: Mapping[str, object]) -> Reply | None:
        """The answer to a pressed button. Raises UnknownAction for what no card of ours sends."""
        pressing = actions.unpack(verb, data)
        return await self._action(turn, pressing.action, pressing.inputs)

    def welcome(self, installed: Installed) -> Reply:
        """The introduction, once, on being added."""
        alone = installed.place.kind is PlaceKind.PERSONAL
        by = installed.person.name if installed.person is not None and not alone else ""
        return Reply(card=welcome_card(HELP, by), summary=sentence("Hello, this is Dealdesk"))

    async def signed_in(self, turn: Turn) -> Reply:
        """The greeting after a sign-in that nothing waited for."""
        account = await self._desk.identity.account(turn.person)
        name = account.name if account is not None else turn.person.name
        upn = account.upn if account is not None else None
        return Reply(card=signed_in_card(name, upn), summary=sentence("You are signed in"))

    async def resume(self, person: Person) -> None:
        """What waited in the background for this person's sign-in goes on."""
        await self._dialog.signed_in(person)

    async def _unclear(self, turn: Turn, unclear: Unclear) -> Reply:
        prompt = f"{unclear.why} {unclear.instead}"
        choices = unclear.choices or (Choice(sentence("Help"), "help"),)
        return await questions.ask(self._desk, turn, prompt, choices)

    async def _command(self, turn: Turn, command: Command, text: str) -> Reply | None:
        match command:
            case said.Help(topic=topic):
                return await self._help(turn, topic)
            case said.SignIn():
                return await self._sign_in(turn)
            case said.SignOut():
                return await self._sign_out(turn)
            case said.WhoAmI():
                return await self._who(turn)
            case said.ListDeals():
                return await referrals.list_deals(self._desk, turn, command)
            case said.Pipeline():
                return await pipeline.show(self._desk, turn, command)
            case said.Undo():
                return await history.undo(self._desk, turn)
            case said.Eligible(target=None):
                return await eligibility.of_company(self._desk, turn)
            case said.Create():
                return await creating.begin(self._desk, turn, command)
            case said.Languages():
                return languages.offered()
            case said.Speak(language=language):
                refused = await self._feeds.refused(turn)
                return refused or await languages.choose(self._desk, turn, language)
            case said.Drafts():
                return await self._dialog.drafts(turn)
            case said.Approvals():
                return await approvals.listed(self._desk, turn)
            case said.Delegate():
                return await delegation.delegate(self._desk, turn, command)
            case said.Cancel():
                return await self._dialog.cancel_here(turn)
            case said.Subscribe() | said.NotifyMe() | said.Subscriptions() | said.Unsubscribe():
                return await self._feeds.say(turn, command)
            case _:
                return await self._deal_command(turn, command, text)

    async def _deal_command(self, turn: Turn, command: Command, text: str) -> Reply | None:
        """A command about one deal. Who is not signed in learns no more than that, whether there
        is such a deal or not: the feature asks for their token first, and so does a miss."""
        if isinstance(command, said.MoveDeal):
            command = await self._with_reason(turn, command)
        target: Target | None = getattr(command, "target", None)
        if target is None:
            raise TypeError(f"{spec_of(command).name} names no deal")
        deal = await finding.find(self._desk, turn, target, text)
        if isinstance(deal, Reply):
            await self._desk.identity.bearer(turn.person)
            return deal
        match command:
            case said.Show():
                return await referrals.show(self._desk, turn, deal)
            case said.History():
                return await history.show(self._desk, turn, deal)
            case said.Update(changes=changes):
                return await editing.propose_changes(self._desk, turn, deal, changes)
            case said.AddMember():
                return await editing.propose_member(self._desk, turn, deal, _member(command))
            case said.MoveDeal(move=move, reason=reason):
                return await editing.propose_move(self._desk, turn, deal, move, reason)
            case said.Eligible():
                return await eligibility.of_deal(self._desk, turn, deal)
            case said.Register():
                return await self._dialog.open(turn, deal)
            case _:
                raise TypeError(f"{spec_of(command).name} is not about one deal")

    async def _with_reason(self, turn: Turn, command: said.MoveDeal) -> said.MoveDeal:
        """`lost northwind budget was cut`: only the deals tell where the reason begins."""
        if command.reason or not isinstance(command.target, Fragment):
            return command
        deal, reason = await finding.with_reason(self._desk, turn, command.target.text)
        return replace(command, target=Fragment(deal), reason=reason)

    async def _help(self, turn: Turn, topic: str | None) -> Reply:
        signed_in = await self._desk.identity.seems_signed_in(turn.person)
        card = _help_card(topic, signed_in, spoken())
        return Reply(card=card, summary=sentence("What you can say"))

    async def _sign_in(self, turn: Turn) -> Reply:
        if not await self._desk.identity.is_signed_in(turn.person):
            raise SignInNeeded(Reason.SIGNED_OUT)
        await self._desk.identity.bearer(turn.person)
        return await self._who(turn)

    async def _sign_out(self, turn: Turn) -> Reply:
        await self._desk.identity.sign_out(turn.person)
        async with self._desk.store.begin() as connection:
            await waiting.drop(connection, turn.person.tenant, turn.person.id)
        return Reply(card=signed_out_card(), summary=sentence("You are signed out"))

    async def _who(self, turn: Turn) -> Reply:
        account = await self._desk.identity.account(turn.person)
        if account is None:
            return Reply(card=trouble_card("signed_out"), summary=sentence("You are not signed in"))
        return Reply(
            card=who_card(account.name, account.upn),
            summary=sentence("You are {name}", name=account.name),
        )

    async def _action(
        self, turn: Turn, action: actions.Action, inputs: Mapping[str, str]
    ) -> Reply | None:
        match action:
            case actions.Help(topic=topic):
                return await self._help(turn, topic or None)
            case actions.SignIn():
                return await self._sign_in(turn)
            case actions.SignOut():
                return await self._command(turn, said.SignOut(), "sign out")
            case actions.ListDeals(filter=chosen, text=text, page=page):
                return await referrals.list_deals(self._desk, turn, _list(chosen, text, page))
            case actions.Pipeline(filter=chosen):
                return await pipeline.show(self._desk, turn, said.Pipeline(chosen != "all"))
            case actions.Speak(language=language):
                return await self._command(turn, said.Speak(languages.named(language)), "language")
            case actions.EligiblePartner():
                return await eligibility.of_company(self._desk, turn)
            case actions.Choose(question=question, choice=choice):
                return await self._chosen(turn, question, choice)
            case actions.Edit(deal=deal):
                return await editing.edit(self._desk, turn, deal, inputs)
            case actions.NewDeal():
                return await creating.entered(self._desk, turn, inputs)
            case actions.AddMember(deal=deal):
                return await editing.propose_member(self._desk, turn, deal, _entered_member(inputs))
            case actions.ProposeMove(deal=deal, move=move):
                return await editing.propose_move(
                    self._desk, turn, deal, _move(move), inputs.get("reason", "").strip()
                )
            case _:
                return await self._simple(turn, action, inputs)

    async def _simple(
        self, turn: Turn, action: actions.Action, inputs: Mapping[str, str]
    ) -> Reply | None:
        feature = _BY_DEAL.get(type(action))
        if feature is not None:
            return await feature(self._desk, turn, getattr(action, "deal", ""))
        feature = _BY_PROPOSAL.get(type(action))
        if feature is not None:
            return await feature(self._desk, turn, getattr(action, "proposal", ""))
        asked = await approvals.pressed(self._desk, turn, action, inputs)
        if asked is not None:
            return asked
        told = await self._feeds.press(turn, action, inputs)
        return told if told is not None else await self._dialog.pressed(turn, action, inputs)

    async def _chosen(self, turn: Turn, question: str, choice: int) -> Reply | None:
        text = await questions.chosen(self._desk, turn, question, choice)
        if not isinstance(text, str):
            return text
        try:
            return await self.say(turn, text)
        except Exception:
            await questions.put_again(self._desk, question)
            raise


@lru_cache(maxsize=64)
def _help_card(topic: str | None, signed_in: bool, _language: Language) -> Mapping[str, object]:
    """Help says the same to everybody who speaks the language; nobody changes the card."""
    return help_card(HELP, topic, signed_in)


async def _member_form(desk: Desk, turn: Turn, deal: str) -> Reply:
    return await editing.propose_member(desk, turn, deal, Member("", "", "", ""))


_BY_DEAL: Mapping[type, Feature] = {
    actions.Show: referrals.show,
    actions.EditForm: editing.edit_form,
    actions.MemberForm: _member_form,
    actions.Eligible: eligibility.of_deal,
}
_BY_PROPOSAL: Mapping[type, Feature] = {
    actions.Save: proposals.save,
    actions.Discard: proposals.discard,
    actions.ApplyAgain: proposals.apply_again,
    actions.CreateDeal: creation.save,
    actions.DropDeal: creation.drop,
    actions.ChangeDeal: creating.change,
}


def _member(command: said.AddMember) -> Member:
    return Member(
        first_name=command.first_name,
        last_name=command.last_name,
        email=command.email,
        phone_number=command.phone_number,
    )


def _entered_member(inputs: Mapping[str, str]) -> Member:
    return Member(
        first_name=inputs.get("first", "").strip(),
        last_name=inputs.get("last", "").strip(),
        email=inputs.get("email", "").strip(),
        phone_number=inputs.get("phone", "").strip(),
    )


def _list(chosen: str, text: str, page: int) -> said.ListDeals:
    known = Filter(chosen) if chosen in set(Filter) else Filter.MINE
    return said.ListDeals(known, text, max(1, page))


def _move(name: str) -> Move:
    if name not in set(Move):
        raise actions.UnknownAction("no such move")
    return Move(name)
