"""Turns what a seller wants changed into a proposal, or says why the rules forbid it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bot import proposals
from bot.changes import AmbiguousValue, NewValue, UnreadableValue, read_text
from bot.desk import Desk, Turn, fetch, view
from bot.entered import problem_of, tidy
from bot.proposals import Draft
from bot.replies import Reply
from bot.store.proposals import Kind
from cards.actions import EditForm, Show
from cards.changes import FieldChange
from cards.forms import edit_form_card, member_form_card, move_form_card
from cards.notice import Button, notice_card, problem_text
from cards.wording import sentence, words
from partner_center.money import Amount, plain
from partner_center.patch import changes_document, member_document, move_document
from partner_center.referral import (
    MOVES,
    Change,
    Field,
    Member,
    Move,
    Problem,
    Referral,
    check_amount,
    check_changes,
    check_member,
    check_move,
    check_open,
    check_reason,
    held,
    warnings_of_close,
    warnings_of_move,
)


async def propose_changes(
    desk: Desk, turn: Turn, referral_id: str, changes: Sequence[tuple[Field, NewValue]]
) -> Reply:
    """Before and after of the changes, or the form when none were said."""
    referral = await fetch(desk, turn, referral_id)
    if not changes:
        return await edit_form(desk, turn, referral)
    checked = _checked(referral, changes)
    if checked.problems:
        form = ((words("Edit"), EditForm(referral.id)),) if not check_open(referral) else ()
        return await _refused(desk, turn, referral, checked.problems, *form)
    kept = tuple(change for change in checked.changes if _differs(referral, change))
    if not kept:
        return await _nothing_to_do(desk, turn, referral)
    draft = Draft(
        Kind.CHANGE,
        changes_document(kept),
        tuple(
            FieldChange(change.field, held(referral, change.field), change.value) for change in kept
        ),
        warnings_of_close(_close(kept), turn.today),
    )
    return await proposals.propose(desk, turn, referral, draft)


def _close(changes: Sequence[Change]) -> date | None:
    values = (change.value for change in changes if change.field is Field.CLOSE)
    return next((value for value in values if isinstance(value, date)), None)


@dataclass(frozen=True, slots=True)
class _Checked:
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]


def _checked(referral: Referral, said: Sequence[tuple[Field, NewValue]]) -> _Checked:
    changes: list[Change] = []
    amounts: list[Amount] = []
    said_currency = any(field is Field.CURRENCY for field, _value in said)
    for field, value in said:
        if isinstance(value, Amount):
            if value.currency and not (referral.currency or said_currency):
                changes.append(Change(Field.CURRENCY, value.currency))
            amounts.append(value)
            changes.append(Change(field, value.value))
        else:
            changes.append(Change(field, value))
    problems = [
        problem for amount in amounts for problem in check_amount(referral, amount, changes)
    ]
    problems.extend(check_changes(referral, changes))
    return _Checked(tuple(changes), tuple(problems))


def _differs(referral: Referral, change: Change) -> bool:
    return (held(referral, change.field) or "") != (change.value or "")


async def edit(desk: Desk, turn: Turn, referral_id: str, inputs: Mapping[str, str]) -> Reply:
    """The edit form came back: what differs is proposed, mistakes stay in the form."""
    referral = await fetch(desk, turn, referral_id)
    changes, problems = _entered(referral, inputs, turn.today)
    if changes and not problems:
        problems = list(_checked(referral, changes).problems)
    if problems:
        shown = await view(desk, turn, referral)
        card = edit_form_card(shown, turn.reader, given=inputs, problems=problems)
        return Reply(card=card, summary=sentence("#{handle}: please correct", handle=shown.handle))
    if not changes:
        return await _nothing_to_do(desk, turn, referral)
    return await propose_changes(desk, turn, referral_id, changes)


def _entered(
    referral: Referral, inputs: Mapping[str, str], today: date
) -> tuple[list[tuple[Field, NewValue]], list[Problem]]:
    """What the form says differently from the deal, and what in it cannot be read."""
    changes: list[tuple[Field, NewValue]] = []
    problems: list[Problem] = []
    for field in Field:
        typed = inputs.get(field.value)
        if typed is None or tidy(typed) == _as_entered(referral, field):
            continue
        try:
            changes.append((field, read_text(field, typed.strip(), today)))
        except (AmbiguousValue, UnreadableValue) as error:
            problems.append(problem_of(field, typed, error))
    return changes, problems


def _as_entered(referral: Referral, field: Field) -> str:
    value = held(referral, field)
    match value:
        case None:
            return ""
        case Decimal():
            return plain(value)
        case date():
            return value.isoformat()
        case str():
            return tidy(value)


async def edit_form(desk: Desk, turn: Turn, referral: Referral | str) -> Reply:
    """The form with every field a seller may edit."""
    if isinstance(referral, str):
        referral = await fetch(desk, turn, referral)
    problems = check_changes(referral, (Change(Field.NOTES, referral.notes or ""),))
    if problems:
        return await _refused(desk, turn, referral, problems)
    shown = await view(desk, turn, referral)
    card = edit_form_card(shown, turn.reader)
    return Reply(card=card, summary=sentence("#{handle}: edit", handle=shown.handle))


async def propose_member(desk: Desk, turn: Turn, referral_id: str, member: Member) -> Reply:
    """Before and after of a new team member, or the form while parts are missing."""
    referral = await fetch(desk, turn, referral_id)
    problems = check_member(referral, member)
    given = {
        "first": member.first_name,
        "last": member.last_name,
        "email": member.email,
        "phone": member.phone_number,
    }
    if any(problem.code in _FORM_CODES for problem in problems):
        shown = await view(desk, turn, referral)
        said = problems if any(given.values()) else ()
        card = member_form_card(shown, turn.reader, given, problems=said)
        return Reply(
            card=card, summary=sentence("#{handle}: add a team member", handle=shown.handle)
        )
    if problems:
        return await _refused(desk, turn, referral, problems)
    name = f"{member.first_name} {member.last_name} ({member.email})"
    draft = Draft(Kind.MEMBER, member_document(member), (FieldChange("member", None, name),))
    return await proposals.propose(desk, turn, referral, draft)


_FORM_CODES = frozenset({"member_incomplete", "email_invalid", "text_too_long", "text_unreadable"})


async def propose_move(
    desk: Desk, turn: Turn, referral_id: str, move: Move, reason: str = ""
) -> Reply:
    """Before and after of a status move, with what becomes impossible by it."""
    referral = await fetch(desk, turn, referral_id)
    now = desk.now()
    problems = check_move(referral, move, now)
    if problems:
        return await _refused(desk, turn, referral, problems)
    wrong = check_reason(move, reason)
    if wrong:
        shown = await view(desk, turn, referral)
        return Reply(
            card=move_form_card(shown, move.value, turn.reader),
            summary=sentence("#{handle}: a reason is needed", handle=shown.handle),
        )
    rule = MOVES[move]
    status = FieldChange(
        "status",
        f"{referral.status}/{referral.substatus}",
        f"{rule.status}/{rule.substatus}",
    )
    said = (FieldChange("reason", referral.status_reason, reason),) if reason else ()
    draft = Draft(
        Kind.MOVE,
        move_document(move, reason),
        (status, *said),
        warnings_of_move(referral, move, now),
        move,
    )
    return await proposals.propose(desk, turn, referral, draft)


async def _refused(
    desk: Desk, turn: Turn, referral: Referral, problems: Sequence[Problem], *buttons: Button
) -> Reply:
    """The rules forbid it: each reason in a sentence, nothing sent."""
    shown = await view(desk, turn, referral)
    reasons = " ".join(problem_text(problem, turn.reader) for problem in problems)
    card = notice_card(
        words("That is not possible with #{handle}", handle=shown.handle),
        reasons,
        words("Nothing was changed."),
        "",
        (*buttons, (words("Show the deal"), Show(referral.id))),
    )
    return Reply(card=card, summary=sentence("#{handle}: not possible", handle=shown.handle))


async def _nothing_to_do(desk: Desk, turn: Turn, referral: Referral) -> Reply:
    shown = await view(desk, turn, referral)
    card = notice_card(
        words("Nothing to change"),
        words("Partner Center already holds exactly that for #{handle}.", handle=shown.handle),
        "",
        words("Say another value, or open the form."),
        (
            (words("Show the deal"), Show(referral.id)),
            (words("Edit"), EditForm(referral.id)),
        ),
    )
    return Reply(card=card, summary=sentence("#{handle}: nothing to change", handle=shown.handle))
