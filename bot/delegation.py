"""`delegate to PERSON until DATE`: somebody else may decide while an approver is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.command import Delegate
from bot.conversation import Message, SendFailed
from bot.delegation_line import HOW
from bot.desk import Desk, Turn
from bot.outbox import written
from bot.replies import Reply
from bot.store import audit, delegations, outbox, people
from bot.store.delegations import Delegation
from bot.store.people import Known
from cards.actions import Approvals
from cards.elements import Style
from cards.language import speaking
from cards.notice import notice_card
from cards.wording import Text, sentence, text, words

LONGEST = timedelta(days=92)


async def delegate(desk: Desk, turn: Turn, asked: Delegate) -> Reply:
    """Store, end or show who stands in for this person."""
    if asked.stop:
        return await _stop(desk, turn)
    if asked.until is None:
        return await _show(desk, turn)
    async with desk.store.read() as connection:
        me = await people.find(connection, turn.person.tenant, turn.person.id)
    if not desk.policy.is_anywhere_approver(turn.person.id, me.upn if me else None):
        return _notice(
            words("You may not delegate"),
            words("Only somebody who may approve can let others stand in."),
            words("Ask your administrator who may approve."),
        )
    found = await _people(desk, turn, asked.person)
    if len(found) != 1:
        return _unknown(asked.person, [known.person.name for known in found])
    stand_in, until = found[0], _end_of(asked.until, turn)
    wrong = _wrong(turn, stand_in, until, desk.now())
    if wrong is not None:
        return _notice(words("That is not possible"), wrong, words(HOW))
    return await _put(desk, turn, stand_in, until)


async def _put(desk: Desk, turn: Turn, stand_in: Known, until: datetime) -> Reply:
    now, tenant = desk.now(), turn.person.tenant
    to = stand_in.person
    async with desk.store.begin() as connection:
        given = Delegation(tenant, turn.person.id, to.id, until, now)
        await delegations.put(connection, given)
        await audit.record(
            connection,
            audit.Entry(
                at=now,
                tenant=tenant,
                person=turn.person.id,
                kind="delegation",
                outcome="given",
                detail={"to": to.id, "until": until.isoformat()},
            ),
        )
        place = desk.personal(stand_in)
        if place is not None:
            with speaking(stand_in.locale):
                message = _told(_read_by(turn, stand_in), until)
            key = f"delegation:{turn.person.id}:{to.id}:{now.isoformat()}"
            await outbox.put(connection, place, written(message), now, key=key)
    desk.wake_approvals()
    return _notice(
        words("{who} stands in for you", who=text(to.name or "?", limit=80)),
        words("Until {day} they may approve and reject in your place.", day=_day(turn, until)),
        words("Say “delegate to nobody” to end it earlier."),
        style=Style.GOOD,
    )


def _read_by(turn: Turn, known: Known) -> Turn:
    locale = known.locale or turn.reader.locale
    return replace(turn, reader=replace(turn.reader, locale=locale))


def _told(turn: Turn, until: datetime) -> Message:
    who = text(turn.person.name or "?", limit=80)
    card = notice_card(
        words("You stand in for {who}", who=who),
        words(
            "Until {day} you may approve and reject requests in their place.",
            day=_day(turn, until),
        ),
        words("What you ask for yourself needs somebody else."),
        words("Say “approvals” to see what waits."),
        ((words("Approvals"), Approvals()),),
        style=Style.ACCENT,
    )
    return Message(card=card, summary=sentence("You stand in for {name}", name=turn.person.name))


async def _stop(desk: Desk, turn: Turn) -> Reply:
    now, tenant = desk.now(), turn.person.tenant
    async with desk.store.begin() as connection:
        ended = await delegations.drop(connection, tenant, turn.person.id)
        if ended:
            await audit.record(
                connection, audit.Entry(now, tenant, turn.person.id, "delegation", "ended")
            )
    happened = (
        words("From now on nobody decides in your place.")
        if ended
        else words("Nobody stood in for you.")
    )
    return _notice(words("Nobody stands in for you"), happened, words(HOW), style=Style.CALM)


async def _show(desk: Desk, turn: Turn) -> Reply:
    async with desk.store.read() as connection:
        tenant = turn.person.tenant
        mine = await delegations.of(connection, tenant, turn.person.id, desk.now())
        known = await people.find(connection, tenant, mine.to_person) if mine else None
    if mine is None:
        return _notice(words("Nobody stands in for you"), words(HOW), style=Style.CALM)
    who = text(known.person.name if known else "?", limit=80)
    return _notice(
        words("{who} stands in for you", who=who),
        words("Until {day}.", day=_day(turn, mine.until)),
        words("Say “delegate to nobody” to end it earlier."),
        style=Style.CALM,
    )


async def _people(desk: Desk, turn: Turn, said: str) -> Sequence[Known]:
    """Whom the words name: among those the bot has met, else among those in this conversation."""
    async with desk.store.read() as connection:
        found = await people.named(connection, turn.person.tenant, said)
    if found or turn.is_personal:
        return found
    try:
        here = await desk.sender.members(turn.place)
    except SendFailed:
        return ()
    wanted = said.casefold()
    named = [one for one in here if wanted in {one.name.casefold(), *one.name.casefold().split()}]
    async with desk.store.begin() as connection:
        for one in named:
            await people.remember(connection, one, turn.place.service_url, desk.now())
        return [
            known for one in named if (known := await people.find(connection, one.tenant, one.id))
        ]


def _wrong(turn: Turn, stand_in: Known, until: datetime, now: datetime) -> Text | None:
    if stand_in.person.id == turn.person.id:
        return words("You cannot stand in for yourself.")
    if until <= now:
        return words("That day is over.")
    if until - now > LONGEST:
        return words("Somebody can stand in for three months at most.")
    return None


def _end_of(day: date, turn: Turn) -> datetime:
    """The end of that day where the person sits."""
    try:
        zone = ZoneInfo(turn.reader.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def _day(turn: Turn, until: datetime) -> Text:
    return turn.reader.moment(until)


def _unknown(said: str, several: Sequence[str]) -> Reply:
    if several:
        names = text(", ".join(several[:5]), limit=200)
        return _notice(
            words("Whom do you mean?"),
            words("Several people are called that: {names}.", names=names),
            words("Say the whole name or the sign-in name."),
        )
    return _notice(
        words("I do not know {who}", who=text(said or "?", limit=60)),
        words("I know people once they have talked to me."),
        words("Ask them to say hello to me, or use their sign-in name."),
    )


def _notice(
    title: Text, happened: Text, todo: Text | str = "", *, style: Style = Style.WARNING
) -> Reply:
    return Reply(card=notice_card(title, happened, "", todo, style=style), summary=title.plain)
