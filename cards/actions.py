"""Every button as a typed value, and its verb and data both ways, in one table."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final, TypedDict


class UnknownAction(ValueError):
    """A press that no card of ours can have sent: old, foreign or altered."""


@dataclass(frozen=True, slots=True)
class Help:
    """All commands, or one of them."""

    topic: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Ask for a sign-in link."""


@dataclass(frozen=True, slots=True)
class SignOut:
    """Forget this person's tokens."""


@dataclass(frozen=True, slots=True)
class ListDeals:
    """A page of deals: `mine`, a status, or those whose name or customer holds `text`."""

    filter: str = "mine"
    text: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The deals added up: `mine` or `all`."""

    filter: str = "mine"


@dataclass(frozen=True, slots=True)
class Show:
    """One deal's card."""

    deal: str


@dataclass(frozen=True, slots=True)
class EditForm:
    """The form with a deal's editable fields."""

    deal: str


@dataclass(frozen=True, slots=True)
class Edit:
    """That form, filled in."""

    deal: str


@dataclass(frozen=True, slots=True)
class MemberForm:
    """The form for one more team member."""

    deal: str


@dataclass(frozen=True, slots=True)
class AddMember:
    """That form, filled in."""

    deal: str


@dataclass(frozen=True, slots=True)
class ProposeMove:
    """Ask for a status move, with its reason when one was asked for."""

    deal: str
    move: str


@dataclass(frozen=True, slots=True)
class Save:
    """Write what a proposal shows."""

    proposal: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Write nothing of a proposal."""

    proposal: str


@dataclass(frozen=True, slots=True)
class NewDeal:
    """The form of a new deal, filled in."""


@dataclass(frozen=True, slots=True)
class CreateDeal:
    """Create the deal a proposal shows; or look again what became of that."""

    proposal: str


@dataclass(frozen=True, slots=True)
class DropDeal:
    """Create nothing of a proposal."""

    proposal: str


@dataclass(frozen=True, slots=True)
class ChangeDeal:
    """The form of a new deal again, with what a proposal says."""

    proposal: str


@dataclass(frozen=True, slots=True)
class ApplyAgain:
    """Propose the same change again, on the deal as it is now."""

    proposal: str


@dataclass(frozen=True, slots=True)
class Choose:
    """Pick one answer of a question, by its position from 0."""

    question: str
    choice: int


@dataclass(frozen=True, slots=True)
class Speak:
    """Answer here in a language, by its code, or in that of each person's Teams (`teams`)."""

    language: str


@dataclass(frozen=True, slots=True)
class Eligible:
    """The registration checklist of a deal."""

    deal: str


@dataclass(frozen=True, slots=True)
class EligiblePartner:
    """Whether our company may register deals."""


@dataclass(frozen=True, slots=True)
class Register:
    """Begin, or find again, the registration of a deal."""

    deal: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The fields of one registration step."""

    draft: str
    step: str


@dataclass(frozen=True, slots=True)
class Back:
    """The step before."""

    draft: str


@dataclass(frozen=True, slots=True)
class GoTo:
    """A certain step, to change its answers."""

    draft: str
    step: str


@dataclass(frozen=True, slots=True)
class CancelDraft:
    """Give the registration up."""

    draft: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on where the registration stopped."""

    draft: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the registration."""

    draft: str


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Read Partner Center again to learn what became of a registration."""

    registration: str


@dataclass(frozen=True, slots=True)
class Drafts:
    """The registrations not yet sent."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Let what a request asks for happen."""

    approval: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Let it not happen, for a reason."""

    approval: str


@dataclass(frozen=True, slots=True)
class AskBack:
    """Ask the requester something before deciding."""

    approval: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take one's own request back."""

    approval: str


@dataclass(frozen=True, slots=True)
class Remind:
    """Remind those who have not decided yet."""

    approval: str


@dataclass(frozen=True, slots=True)
class RefreshApproval:
    """A request as it is for whoever looks at it; also pressed by Teams itself."""

    approval: str


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """A request from the list, as a card of its own."""

    approval: str


@dataclass(frozen=True, slots=True)
class Approvals:
    """What waits for me, and what I wait for."""


@dataclass(frozen=True, slots=True)
class Feeds:
    """What this conversation is told."""


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """One subscription, with its buttons."""

    feed: str


@dataclass(frozen=True, slots=True)
class PauseFeed:
    """Tell nothing until it is resumed."""

    feed: str


@dataclass(frozen=True, slots=True)
class ResumeFeed:
    """Tell again, from now on."""

    feed: str


@dataclass(frozen=True, slots=True)
class TestFeed:
    """Send an example where the subscription leads."""

    feed: str


@dataclass(frozen=True, slots=True)
class DeleteFeed:
    """End a subscription."""

    feed: str


@dataclass(frozen=True, slots=True)
class EditFeedForm:
    """The form of a subscription."""

    feed: str


@dataclass(frozen=True, slots=True)
class EditFeed:
    """That form, filled in."""

    feed: str


@dataclass(frozen=True, slots=True)
class OpenPersonally:
    """Show a deal in the personal chat of whoever presses."""

    deal: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """Say nothing of a deal's expiry for a day."""

    deal: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Leave a new deal to somebody else of its team: first to whom, then done."""

    deal: str


Action = (
    Help
    | SignIn
    | SignOut
    | ListDeals
    | Pipeline
    | Show
    | EditForm
    | Edit
    | MemberForm
    | AddMember
    | ProposeMove
    | Save
    | Discard
    | NewDeal
    | CreateDeal
    | DropDeal
    | ChangeDeal
    | ApplyAgain
    | Choose
    | Speak
    | Eligible
    | EligiblePartner
    | Register
    | Answer
    | Back
    | GoTo
    | CancelDraft
    | Resume
    | Submit
    | LookAgain
    | Drafts
    | Approve
    | Reject
    | AskBack
    | Withdraw
    | Remind
    | RefreshApproval
    | OpenApproval
    | Approvals
    | Feeds
    | OpenFeed
    | PauseFeed
    | ResumeFeed
    | TestFeed
    | DeleteFeed
    | EditFeedForm
    | EditFeed
    | OpenPersonally
    | Snooze
    | HandOver
)


@dataclass(frozen=True, slots=True)
class Pressing:
    """A button somebody pressed, and what stood in the card's inputs at that moment."""

    action: Action
    inputs: Mapping[str, str]


NOTHING: Final[frozenset[str]] = frozenset()
CHANGES: Final = frozenset({"value", "currency", "close", "notes", "name", "crm", "campaign"})
MEMBER: Final = frozenset({"first", "last", "email", "phone"})
NEW_DEAL: Final = MEMBER | {"customer", "country", "name", "value", "currency", "close", "notes"}
REASON: Final = frozenset({"reason"})
FEED: Final = frozenset({"value", "country", "solution", "quiet", "mine", "names", "place"})
HAND_OVER: Final = frozenset({"to"})
ANSWERS: Final = None
"""The names come from the dialog's step, which alone knows them."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table: an action's class and the inputs it takes (None: any a step has)."""

    action: type[Action]
    inputs: frozenset[str] | None = NOTHING
    strays: frozenset[str] | None = CHANGES | MEMBER | REASON
    """Inputs of the same card that an older client sends along although nobody asked: dropped."""


ACTIONS: Final[Mapping[str, Verb]] = {
    "help": Verb(Help),
    "sign_in": Verb(SignIn),
    "sign_out": Verb(SignOut),
    "list": Verb(ListDeals, strays=NEW_DEAL),
    "pipeline": Verb(Pipeline),
    "show": Verb(Show),
    "edit_form": Verb(EditForm),
    "edit": Verb(Edit, CHANGES),
    "member_form": Verb(MemberForm),
    "add_member": Verb(AddMember, MEMBER),
    "propose_move": Verb(ProposeMove, REASON),
    "save": Verb(Save),
    "discard": Verb(Discard),
    "new_deal": Verb(NewDeal, NEW_DEAL),
    "create_deal": Verb(CreateDeal),
    "drop_deal": Verb(DropDeal),
    "change_deal": Verb(ChangeDeal),
    "apply_again": Verb(ApplyAgain),
    "choose": Verb(Choose),
    "speak": Verb(Speak),
    "eligible": Verb(Eligible),
    "eligible_partner": Verb(EligiblePartner),
    "register": Verb(Register),
    "answer": Verb(Answer, ANSWERS),
    "back": Verb(Back, strays=ANSWERS),
    "go_to": Verb(GoTo, strays=ANSWERS),
    "cancel_draft": Verb(CancelDraft, strays=ANSWERS),
    "resume": Verb(Resume),
    "submit": Verb(Submit, strays=ANSWERS),
    "look_again": Verb(LookAgain),
    "drafts": Verb(Drafts),
    "approve": Verb(Approve),
    "reject": Verb(Reject, REASON),
    "ask_back": Verb(AskBack, REASON),
    "withdraw": Verb(Withdraw),
    "remind": Verb(Remind),
    "refresh_approval": Verb(RefreshApproval),
    "open_approval": Verb(OpenApproval),
    "approvals": Verb(Approvals),
    "feeds": Verb(Feeds),
    "open_feed": Verb(OpenFeed, strays=FEED),
    "pause_feed": Verb(PauseFeed),
    "resume_feed": Verb(ResumeFeed),
    "test_feed": Verb(TestFeed),
    "delete_feed": Verb(DeleteFeed),
    "edit_feed_form": Verb(EditFeedForm),
    "edit_feed": Verb(EditFeed, FEED, NOTHING),
    "open_personally": Verb(OpenPersonally),
    "snooze": Verb(Snooze, strays=HAND_OVER),
    "hand_over": Verb(HandOver, HAND_OVER, NOTHING),
}

_VERBS: Final = {row.action: verb for verb, row in ACTIONS.items()}
_NAMES: Final = {action: tuple(field.name for field in fields(action)) for action in _VERBS}

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_LONGEST_PHRASE: Final = 200
_LONGEST_INPUT: Final = 20_000
_MOST_INPUTS: Final = 30
_MOST_CHARACTERS: Final = 40_000


def _guid(value: object) -> bool:
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def _id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _phrase(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_PHRASE and _is_unicode(value)


def _is_unicode(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value <= 10_000


_KINDS: Final[Mapping[str, Callable[[object], bool]]] = {
    "deal": _guid,
    "proposal": _id,
    "question": _id,
    "draft": _id,
    "registration": _id,
    "feed": _id,
    "approval": _id,
    "move": _word,
    "step": _word,
    "filter": _word,
    "language": _word,
    "text": _phrase,
    "topic": _phrase,
    "page": _count,
    "choice": _count,
}


class Packed(TypedDict):
    """What a button carries."""

    verb: str
    data: dict[str, object]


def pack(action: Action) -> Packed:
    """`{"verb": ..., "data": {...}}` of an action: ids only, never facts or authority.

    Raises ValueError when an id has a form that `unpack` would refuse: a button that cannot be
    pressed is never drawn.
    """
    data = {name: getattr(action, name) for name in _NAMES[type(action)]}
    for name, value in data.items():
        if not _KINDS[name](value):
            raise ValueError(f"{type(action).__name__}.{name} cannot be sent as it is")
    return {"verb": _VERBS[type(action)], "data": data}


def unpack(verb: object, data: object) -> Pressing:
    """The action and the inputs of a press, from the verb and data that Teams delivered.

    Raises UnknownAction, and nothing else, for whatever `pack` and our inputs cannot have made.
    """
    row = ACTIONS.get(verb) if isinstance(verb, str) else None
    if row is None or not isinstance(data, Mapping):
        raise UnknownAction("no such verb")
    rest = _rest(verb, data)
    facts: dict[str, Any] = {}
    for field in fields(row.action):
        value = rest.pop(field.name, None)
        if not _KINDS[field.name](value):
            raise UnknownAction(f"{field.name} is missing or malformed")
        facts[field.name] = value
    return Pressing(row.action(**facts), _inputs(row, rest))


def _rest(verb: object, data: Mapping[object, object]) -> dict[str, object]:
    if len(data) > _MOST_INPUTS or not all(isinstance(key, str) for key in data):
        raise UnknownAction("not the data of a card")
    rest = {str(key): value for key, value in data.items()}
    if rest.pop("verb", verb) != verb:
        raise UnknownAction("two verbs")
    return rest


def _inputs(row: Verb, rest: Mapping[str, object]) -> dict[str, str]:
    taken: dict[str, str] = {}
    for name, value in rest.items():
        wanted = _allowed(name, row.inputs)
        if not wanted and not _allowed(name, row.strays):
            raise UnknownAction("a field that no card of ours has")
        said = _said(value)
        if wanted and said is not None:
            taken[name] = said
    if sum(map(len, taken.values())) > _MOST_CHARACTERS:
        raise UnknownAction("too long")
    return taken


def _allowed(name: str, names: frozenset[str] | None) -> bool:
    return _word(name) if names is None else name in names


def _said(value: object) -> str | None:
    """An input as text, whether a client sent text, number or toggle; None: it was left out."""
    match value:
        case None:
            return None
        case bool():
            return json.dumps(value)
        case str() if len(value) <= _LONGEST_INPUT:
            return value.encode("utf-8", "replace").decode("utf-8")
        case int() if abs(value) < 10**18:
            return str(value)
        case float() if math.isfinite(value) and abs(value) < 1e18:
            number = Decimal(repr(value))
            return format(number.quantize(Decimal(1)) if number == int(number) else number, "f")
        case _:
            raise UnknownAction("an input of the wrong type")
