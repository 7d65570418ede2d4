"""Turns what a seller says of a new deal into a proposal, with a form for what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import structlog

from bot.changes import AmbiguousValue, NewValue, UnreadableValue, read_text
from bot.command import Create
from bot.countries import country_code
from bot.creation import deal_of, fields_of, show_ended
from bot.desk import Desk, Turn, bearer
from bot.entered import problem_of, tidy
from bot.proposal_fields import spelled
from bot.proposals import again, find_own
from bot.replies import Reply, Where
from bot.sealed import seal_of
from bot.store import proposals
from bot.store.proposals import Kind, Proposal, State
from cards.new_deal import new_deal_card, new_deal_form_card
from cards.wording import Text, sentence, words
from partner_center import errors
from partner_center.money import Amount, plain
from partner_center.new_deal import NewDeal, check_new_deal, fingerprint, written
from partner_center.query import mine
from partner_center.referral import MARK, Field, Member, Problem

_log = structlog.get_logger(__name__)
_READ: Mapping[str, Field] = {
    "name": Field.NAME,
    "value": Field.VALUE,
    "currency": Field.CURRENCY,
    "close": Field.CLOSE,
    "notes": Field.NOTES,
}
_PERSON = ("first", "last", "email", "phone")


async def begin(desk: Desk, turn: Turn, command: Create) -> Reply:
    """`create ...`: what will be created, or the form when parts are missing."""
    contact = await _contact(desk, turn)
    said = _given(command.changes)
    given = {
        **contact,
        "customer": command.customer,
        "country": command.country,
        **said,
        **({"phone": command.phone} if command.phone else {}),
    }
    return await _propose(desk, turn, given, fresh=not (command.customer or said))


async def entered(desk: Desk, turn: Turn, inputs: Mapping[str, str]) -> Reply:
    """The form came back: what it says is shown, mistakes stay in the form."""
    await bearer(desk, turn)
    return await _propose(desk, turn, {name: tidy(text) for name, text in inputs.items()})


async def change(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """The form again, with what was said. What was only shown is dropped; what may be there
    already stays as it is, in its own card, and is still looked for."""
    proposal = await find_own(desk, turn, proposal_id, creates=True)
    if isinstance(proposal, Reply):
        return proposal
    if proposal.state is State.OPEN:
        held = await desk.gate(desk, turn, proposal, asking=False)
        if held is not None:
            return held
        if not await _dropped(desk, proposal):
            return await change(desk, turn, proposal_id)
    if proposal.state in {State.APPLYING, State.DONE}:
        return await show_ended(desk, turn, await again(desk, proposal))
    if proposal.state is State.UNKNOWN:
        async with desk.store.begin() as connection:
            await proposals.part(connection, proposal)
    deal, _mark = deal_of(proposal)
    card = new_deal_form_card(_spelled(deal), turn.reader)
    where = Where.NEW if proposal.state is State.UNKNOWN else Where.EDIT
    return Reply(card=card, summary=sentence("New deal"), where=where)


async def _dropped(desk: Desk, proposal: Proposal) -> bool:
    async with desk.store.begin() as connection:
        return await proposals.advance(connection, proposal, State.DISCARDED, now=desk.now())


async def _propose(
    desk: Desk, turn: Turn, given: Mapping[str, str], *, fresh: bool = False
) -> Reply:
    """Store the wish and show it, or ask for what it lacks. A `fresh` form complains of nothing."""
    deal, problems = _read(given, turn)
    if deal is not None and not problems:
        problems = list(check_new_deal(deal, turn.today))
    if deal is None or problems:
        card = new_deal_form_card(given, turn.reader, problems=() if fresh else problems)
        return Reply(card=card, summary=sentence("New deal"))
    proposal_id = desk.new_id()
    async with desk.store.each(flush=True) as alone:
        proposal = await proposals.create(
            alone,
            proposal_id=proposal_id,
            tenant=turn.person.tenant,
            person=turn.person.id,
            place=turn.place,
            referral_id="",
            kind=Kind.CREATE,
            operations=written(deal, f"{MARK}{proposal_id}"),
            base_etag="",
            base={},
            after=_after(deal),
            now=desk.now(),
            fingerprint=fingerprint(deal),
            seal=partial(seal_of, desk.seals),
        )
    warnings = await _warnings(desk, turn, deal)
    card = new_deal_card(fields_of(proposal), proposal_id, turn.reader, warnings=warnings)
    return Reply(card=card, summary=sentence("Create this deal?"))


def _after(deal: NewDeal) -> dict[str, str | None]:
    """What is shown of the deal, before it is created and while it waits for approval."""
    contact = deal.contact
    return {
        "customer": deal.customer,
        "country": deal.country,
        "name": deal.name,
        "value": plain(deal.value),
        "currency": deal.currency,
        "close": deal.close.isoformat(),
        "contact": f"{contact.first_name} {contact.last_name} ({contact.email})",
        "notes": deal.notes,
    }


async def _warnings(desk: Desk, turn: Turn, deal: NewDeal) -> Sequence[Text]:
    """What the seller should know before: Referral Users see only deals whose team they are on."""
    account = await desk.identity.account(turn.person)
    if account is None or account.upn.casefold() == deal.contact.email.casefold():
        return ()
    return (
        words("You are not its contact: unless you are a Referral Admin, you will not see it."),
    )


def _read(given: Mapping[str, str], turn: Turn) -> tuple[NewDeal | None, list[Problem]]:
    """The deal these texts say, or what in them is missing or cannot be read."""
    country = country_code(given.get("country", ""), turn.reader.locale)
    problems = _about_customer(given, country)
    read: dict[Field, NewValue] = {}
    for name, field in _READ.items():
        try:
            if given.get(name):
                read[field] = read_text(field, given[name], turn.today)
        except (AmbiguousValue, UnreadableValue) as error:
            problems.append(problem_of(name, given[name], error))
    problems += _about_currency(read)
    problems += _missing(read, problems)
    match read.get(Field.VALUE), read.get(Field.CLOSE):
        case (Amount() as amount, date() as close) if country is not None and not problems:
            deal = NewDeal(
                customer=given["customer"],
                country=country,
                name=str(read[Field.NAME]),
                value=amount.value,
                currency=str(read[Field.CURRENCY]),
                close=close,
                contact=Member(*(given.get(name, "") for name in _PERSON)),
                notes=str(read.get(Field.NOTES, "")),
            )
            return deal, problems
        case _:
            return None, problems


def _about_customer(given: Mapping[str, str], country: str | None) -> list[Problem]:
    problems = [
        Problem("text_empty", {"field": name})
        for name in ("customer", "country")
        if not given.get(name)
    ]
    if given.get("country") and country is None:
        problems.append(Problem("country_unknown", {"typed": given["country"]}))
    return problems


def _about_currency(read: dict[Field, NewValue]) -> list[Problem]:
    """An amount may bring its currency along, but not another one than is said beside it."""
    amount = read.get(Field.VALUE)
    if not isinstance(amount, Amount) or amount.currency is None:
        return []
    beside = read.setdefault(Field.CURRENCY, amount.currency)
    if beside == amount.currency:
        return []
    facts = {"typed": amount.currency, "held": str(beside), "value": plain(amount.value)}
    return [Problem("currency_differs", facts)]


def _missing(read: Mapping[Field, NewValue], problems: Sequence[Problem]) -> list[Problem]:
    wrong = {problem.facts.get("field") for problem in problems}
    return [
        Problem("text_empty", {"field": name})
        for name, field in _READ.items()
        if field is not Field.NOTES and field not in read and name not in wrong
    ]


def _given(changes: Sequence[tuple[Field, NewValue]]) -> dict[str, str]:
    """What a line said, as the form holds it: an amount keeps a currency that is not said again."""
    said = dict(changes)
    given = {
        field.value: spelled(value) or ""
        for field, value in said.items()
        if not isinstance(value, Amount)
    }
    amount = said.get(Field.VALUE)
    if isinstance(amount, Amount):
        doubt = given.setdefault("currency", amount.currency or "") != (amount.currency or "")
        shown = f"{amount.currency} " if doubt and amount.currency else ""
        given["value"] = shown + plain(amount.value)
    return given


def _spelled(deal: NewDeal) -> dict[str, str]:
    """A deal as the form holds it."""
    contact = deal.contact
    return {
        **{name: text or "" for name, text in _after(deal).items() if name != "contact"},
        "first": contact.first_name,
        "last": contact.last_name,
        "email": contact.email,
        "phone": contact.phone_number,
    }


async def _contact(desk: Desk, turn: Turn) -> dict[str, str]:
    """The person themselves: as a deal's team names them, else as they are signed in."""
    token = await bearer(desk, turn)
    account = await desk.identity.account(turn.person)
    email = account.upn if account is not None else ""
    first, _space, last = (account.name if account is not None else turn.person.name).partition(" ")
    known = Member(first, last, email, "")
    try:
        page = await desk.partner_center.list(token, mine(email, top=5)) if email else None
    except (errors.Unavailable, errors.Throttled, errors.UnexpectedAnswer, ValueError) as error:
        _log.info("contact not completed", error=str(error))
        page = None
    for referral in page.referrals if page is not None else ():
        for member in referral.team:
            if member.email.casefold() == email.casefold() and member.phone_number:
                known = member
    return {
        "first": known.first_name,
        "last": known.last_name,
        "email": known.email,
        "phone": known.phone_number,
    }
