"""What went wrong, in the seller's words: the one place that translates errors into answers.

Every answer says what happened, what did not, and what to do now. The API's own error text stays
in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.identity import SignInUnavailable
from bot.replies import Reply, Where
from bot.store.errors import StoreBusy, StoreError, StoreFull
from cards.actions import Help, ListDeals
from cards.notice import Button, notice_card
from cards.reader import Reader
from cards.sign_in import trouble_card
from cards.wording import Text, words
from partner_center import errors

_LIST: Button = (words("My deals"), ListDeals())
_HELP: Button = (words("Help"), Help())
_NOTHING_CHANGED = words("Nothing was changed.")


@dataclass(frozen=True, slots=True)
class Told:
    """The three sentences about one error."""

    title: Text
    happened: Text
    did_not: Text
    todo: Text


_TOLD: dict[type[Exception], Told] = {
    errors.NotFound: Told(
        words("I cannot find that deal"),
        words("Partner Center does not know this deal, or it is not one of yours."),
        _NOTHING_CHANGED,
        words("Check the number or name, or ask a Referral Admin to add you to its team."),
    ),
    errors.Refused: Told(
        words("Partner Center refused that"),
        words("Partner Center did not accept the request as it was sent."),
        _NOTHING_CHANGED,
        words("Look at the deal as it is now and try a different change."),
    ),
    errors.Conflict: Told(
        words("The deal has changed meanwhile"),
        words("Somebody changed the deal after it was read."),
        _NOTHING_CHANGED,
        words("Look at the deal as it is now and say it again."),
    ),
    errors.Locked: Told(
        words("The deal is locked for a moment"),
        words("Partner Center is working on this deal itself."),
        _NOTHING_CHANGED,
        words("Try again in a minute."),
    ),
    errors.Unavailable: Told(
        words("Partner Center is not answering"),
        words("Partner Center did not answer in several tries."),
        _NOTHING_CHANGED,
        words("Try again in a few minutes."),
    ),
    errors.UnexpectedAnswer: Told(
        words("Partner Center gave an unexpected answer"),
        words("I could not make sense of what Partner Center answered."),
        _NOTHING_CHANGED,
        words("Try again; if it stays so, give support the request number below."),
    ),
    errors.NotSent: Told(
        words("I could not reach Partner Center"),
        words("The connection failed before anything was sent."),
        _NOTHING_CHANGED,
        words("Try again in a few minutes."),
    ),
    errors.OutcomeUnknown: Told(
        words("I do not know whether that was saved"),
        words("Partner Center took the request, but its answer did not arrive."),
        words("It may or may not have been applied."),
        words("Look at the deal before you do it again."),
    ),
    StoreFull: Told(
        words("I cannot save anything right now"),
        words("My own storage is full, so I did not even try."),
        _NOTHING_CHANGED,
        words("Please tell your administrator, and try again later."),
    ),
    StoreBusy: Told(
        words("I am busy for a moment"),
        words("My own storage did not answer in time."),
        _NOTHING_CHANGED,
        words("Try again in a few seconds."),
    ),
    StoreError: Told(
        words("I cannot reach my storage"),
        words("My own storage does not answer."),
        _NOTHING_CHANGED,
        words("Please tell your administrator, and try again later."),
    ),
    SignInUnavailable: Told(
        words("Microsoft's sign-in is not answering"),
        words("I could not get access to Partner Center for you just now."),
        _NOTHING_CHANGED,
        words("You stay signed in; try again in a minute."),
    ),
}
_UNEXPECTED = Told(
    words("Something went wrong on my side"),
    words("I could not finish this, and the people who run me have been told."),
    words("If it was a change, look at the deal before you do it again."),
    words("Try again in a moment."),
)


def explain(
    error: Exception, reader: Reader, *, again: Button | None = None, where: Where = Where.EDIT
) -> Reply:
    """The answer to an error. `again` is the button that repeats what failed, when that is safe."""
    buttons = tuple(button for button in (again, _LIST, _HELP) if button is not None)
    request_id = error.request_id if isinstance(error, errors.PartnerCenterError) else None
    if isinstance(error, errors.Forbidden):
        return Reply(card=trouble_card("role", request_id=request_id), where=where)
    told = _throttled(error, reader) if isinstance(error, errors.Throttled) else _told(error)
    card = notice_card(
        told.title, told.happened, told.did_not, told.todo, buttons, request_id=request_id
    )
    return Reply(card=card, summary=told.title.plain, where=where)


def in_words(error: Exception) -> str:
    """What happened, what did not and what to do, where no card can be shown."""
    told = _told(error)
    return " ".join(each.plain for each in (told.happened, told.did_not, told.todo))


def _told(error: Exception) -> Told:
    for kind in type(error).__mro__:
        if kind in _TOLD:
            return _TOLD[kind]
    return _UNEXPECTED


def _throttled(error: errors.Throttled, reader: Reader) -> Told:
    wait = error.retry_after
    if wait is None or wait <= 60:
        todo = words("Try again in a minute.")
    else:
        at = reader.now + timedelta(seconds=min(wait, 7 * 86400))
        todo = words("Try again after {moment}.", moment=reader.moment(at))
    return Told(
        words("Partner Center asks us to slow down"),
        words("Your company has sent Partner Center too many requests."),
        _NOTHING_CHANGED,
        todo,
    )
