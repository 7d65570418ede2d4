"""What was done to a deal from chat, told to who may see the deal; and taking back one's last
change, which is a change like any other: shown first, and bound to the deal as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot import editing
from bot.changes import NewValue
from bot.desk import Desk, Turn, bearer, fetch, view
from bot.proposal_fields import changes_between, held_in, in_order, spelled, texts, typed
from bot.replies import Reply
from bot.store import audit, people, proposals
from bot.store.audit import Entry
from bot.store.proposals import Kind, Proposal
from cards.actions import Show
from cards.history import Act, Done, history_card
from cards.notice import Button, notice_card
from cards.wording import Text, sentence, words
from partner_center.money import Amount
from partner_center.referral import Field, Referral

_READ = 100
"""Entries read for one card; many of them are steps of the same act."""
_ACTS: Mapping[tuple[str, str], Act] = {
    ("proposal.change", "done"): Act.CHANGED,
    ("proposal.member", "done"): Act.CHANGED,
    ("proposal.move", "done"): Act.CHANGED,
    ("proposal.create", "done"): Act.CREATED,
    ("register", "DONE"): Act.REGISTERED,
    ("approval", "asked"): Act.ASKED,
    ("approval", "approve"): Act.APPROVED,
    ("approval", "reject"): Act.REJECTED,
    ("approval", "withdrawn"): Act.WITHDRAWN,
}
"""What is told, by kind and outcome of the entry; steps in between are not."""


async def show(desk: Desk, turn: Turn, referral_id: str) -> Reply:
    """The newest acts. The deal is read first, with the token of whoever asks."""
    referral = await fetch(desk, turn, referral_id)
    tenant = turn.person.tenant
    async with desk.store.read() as connection:
        entries = await audit.of_referral(connection, tenant, referral_id, limit=_READ)
        told = [each for each in entries if (each.kind, each.outcome) in _ACTS]
        names = {
            person: known.person.name
            for person in {each.person for each in told}
            if (known := await people.find(connection, tenant, person)) is not None
        }
        last = await _last(desk, turn)
    done = [_done(each, names.get(each.person, "")) for each in told]
    mine = last is not None and last.kind is Kind.CHANGE and last.referral_id == referral_id
    shown = await view(desk, turn, referral)
    card = history_card(shown, done, turn.reader, can_undo=mine and referral.is_open)
    return Reply(card=card, summary=sentence("#{handle}: history", handle=shown.handle))


async def undo(desk: Desk, turn: Turn) -> Reply:
    """The inverse of the last change this person saved here, as before and after with its button.

    Nothing is proposed where somebody has changed the same again since.
    """
    await bearer(desk, turn)
    last = await _last(desk, turn)
    if last is None:
        return _told(
            words("There is nothing to undo"),
            words("You have not saved a change here lately."),
            words("Say “history” and a deal to see what was done to it."),
        )
    deal = (words("Show the deal"), Show(last.referral_id))
    if last.kind is not Kind.CHANGE:
        return _told(words("That cannot be undone"), _why(last.kind), _IN_PARTNER_CENTER, deal)
    referral = await fetch(desk, turn, last.referral_id)
    base, after = texts(last.base), texts(last.after)
    if any(spelled(held_in(referral, name)) != (wish or None) for name, wish in after.items()):
        return _told(
            words("That was changed again since"),
            words("Undoing it would overwrite what is there now."),
            words("Say “update” and what it shall be."),
            deal,
        )
    inverse = _inverse(referral, base)
    if inverse is None:
        return _told(
            words("That cannot be undone"),
            words("It was empty before, and Partner Center does not take that back."),
            _IN_PARTNER_CENTER,
            deal,
        )
    return await editing.propose_changes(desk, turn, last.referral_id, inverse)


_IN_PARTNER_CENTER = words("Say “update” and the deal to change something else of it.")


def _why(kind: Kind) -> Text:
    match kind:
        case Kind.MOVE:
            return words("The last thing you did here changed the state of a deal, which is final.")
        case Kind.MEMBER:
            return words("The last thing you did here added somebody to a deal's team.")
        case Kind.CREATE | Kind.CHANGE:
            return words("The last thing you did here created a deal.")


def _inverse(
    referral: Referral, base: Mapping[str, str | None]
) -> Sequence[tuple[Field, NewValue]] | None:
    """What the fields shall be again; None where an empty one cannot be had again."""
    wanted: list[tuple[Field, NewValue]] = []
    for name, was in base.items():
        value = typed(name, was)
        if value is None or value == "":
            if Field(name) not in _MAY_BE_EMPTY:
                return None
            value = ""
        said = Amount(value, None) if isinstance(value, Decimal) else value
        wanted.append((Field(name), said))
    return wanted


_MAY_BE_EMPTY = frozenset({Field.NOTES, Field.CRM, Field.CAMPAIGN})


async def _last(desk: Desk, turn: Turn) -> Proposal | None:
    """The last write this person saved in this conversation."""
    async with desk.store.read() as connection:
        saved = await proposals.done_by(connection, turn.person.tenant, turn.person.id)
    return next((each for each in saved if each.place.channel == turn.place.channel), None)


def _done(entry: Entry, name: str) -> Done:
    act = _ACTS[entry.kind, entry.outcome]
    detail = entry.detail if isinstance(entry.detail, Mapping) else {}
    after, before = detail.get("after"), detail.get("before")
    if act is not Act.CHANGED or not isinstance(after, Mapping):
        return Done(act, name, entry.at)
    was = texts(before) if isinstance(before, dict) else {}
    changes = in_order(changes_between(was, texts(after)))
    return Done(act, name, entry.at, changes, has_before=before is not None)


def _told(title: Text, happened: Text, todo: Text, *buttons: Button) -> Reply:
    card = notice_card(title, happened, words("Nothing was changed."), todo, buttons)
    return Reply(card=card, summary=title.plain)
