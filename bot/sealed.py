"""What a write rests on is sealed: a proposal when it is shown, a request for approval when it is
asked, each vote when it is given; the answers of a registration when they are shown to be checked,
and the registration itself when it is decided.

The state of a row says what to do, and anybody who can write to the database can set it. So before
anything is written, the proposal, the request and enough of its votes have to bear their seals; and
so have a registration and the answers it is made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from bot.seals import Seals
from bot.store import approvals, jsontext, registrations, seals
from bot.store.approvals import Approval, Subject, Verdict, Vote
from bot.store.connection import AsyncConnection
from bot.store.drafts import Draft
from bot.store.proposals import Kind, Proposal
from bot.store.registrations import Submission

_log = structlog.get_logger(__name__)


def seal_of(by: Seals, proposal: Proposal) -> str:
    """The seal of a proposal that its person is about to be shown."""
    return by.of(*_proposal(proposal))


def is_as_shown(by: Seals, proposal: Proposal) -> bool:
    """Whether a proposal is what its person was shown; what is not is logged."""
    if by.holds(proposal.seal, *_proposal(proposal)):
        return True
    _log.error("a proposal was tampered with", proposal=proposal.id)
    return False


async def seal_request(
    connection: AsyncConnection, by: Seals, approval: Approval, now: datetime
) -> None:
    """Seal a request that was just stored."""
    await seals.put(connection, f"approval:{approval.id}", by.of(*_request(approval)), now)


async def seal_vote(connection: AsyncConnection, by: Seals, approval: Approval, vote: Vote) -> None:
    """Seal a vote that was just counted."""
    subject = f"vote:{approval.id}:{vote.person}"
    await seals.put(connection, subject, by.of(*_vote(approval, vote)), vote.at)


async def is_genuine(connection: AsyncConnection, by: Seals, approval: Approval) -> bool:
    """Whether a request is as it was asked; what is not is logged."""
    seal = await seals.find(connection, f"approval:{approval.id}")
    if by.holds(seal, *_request(approval)):
        return True
    _log.error("a request for approval was tampered with", approval=approval.id)
    return False


async def is_granted(
    connection: AsyncConnection, by: Seals, approval: Approval, proposal: Proposal | None
) -> bool:
    """Whether enough people really approved exactly this request, and this write is its write."""
    if not await is_genuine(connection, by, approval):
        return False
    approved = 0
    for vote in await approvals.votes(connection, approval.id):
        seal = await seals.find(connection, f"vote:{approval.id}:{vote.person}")
        if vote.verdict is not Verdict.APPROVE or vote.person == approval.requester:
            break
        approved += by.holds(seal, *_vote(approval, vote))
    if approved >= approval.quorum and _is_its_write(approval, proposal):
        return True
    _log.error("an approval was tampered with", approval=approval.id, votes=approved)
    return False


def seal_of_answers(by: Seals, draft: Draft, answers: Mapping[str, str]) -> str:
    """The seal of a draft with these answers, which its person is shown to check."""
    return by.of(*_answers(replace(draft, answers=answers)))


def is_as_checked(by: Seals, draft: Draft) -> bool:
    """Whether the answers of a draft are what its person was shown; what is not is logged."""
    if by.holds(draft.seal, *_answers(draft)):
        return True
    _log.error("a draft was tampered with", draft=draft.id, sealed=draft.seal is not None)
    return False


def sealed_submission(by: Seals, decided: Submission) -> Submission:
    """A registration that is about to be stored, with its seal."""
    return replace(decided, seal=by.of(*_submission(decided)))


def is_as_decided(by: Seals, held: Submission) -> bool:
    """Whether a registration is what its person decided; what is not is logged."""
    if by.holds(held.seal, *_submission(held)):
        return True
    _log.error("a registration was tampered with", id=held.id, sealed=held.seal is not None)
    return False


def _is_its_write(approval: Approval, proposal: Proposal | None) -> bool:
    if approval.subject is not Subject.PROPOSAL:
        return True
    return proposal is not None and (
        (proposal.tenant, proposal.person, proposal.referral_id)
        == (approval.tenant, approval.requester, approval.referral_id)
        and proposal.operations == approval.operations
        and proposal.base_etag == approval.base_etag
    )


def _proposal(proposal: Proposal) -> tuple[str | None, ...]:
    return (
        "proposal",
        proposal.id,
        proposal.tenant,
        proposal.person,
        proposal.referral_id,
        proposal.kind.value,
        jsontext.write(proposal.operations),
        proposal.base_etag,
        jsontext.write(proposal.after),
        *([proposal.fingerprint] if proposal.kind is Kind.CREATE else []),
    )


def _request(approval: Approval) -> tuple[str | None, ...]:
    return (
        "request",
        approval.id,
        approval.tenant,
        approval.requester,
        approval.requester_upn,
        jsontext.write(approval.place.to_json()),
        approval.referral_id,
        approval.kind,
        approval.subject.value,
        approval.subject_id,
        approval.operations,
        approval.base_etag,
        approval.fingerprint,
        jsontext.write(approval.diff),
        str(approval.quorum),
        approval.expires.astimezone(UTC).isoformat(),
    )


def _answers(draft: Draft) -> tuple[str | None, ...]:
    return (
        "answers",
        draft.id,
        draft.tenant,
        draft.person,
        draft.referral_id,
        jsontext.write(dict(draft.answers)),
    )


def _submission(decided: Submission) -> tuple[str | None, ...]:
    return (
        "registration",
        decided.id,
        decided.tenant,
        decided.requester,
        decided.approver,
        decided.draft_id,
        decided.referral_id,
        decided.fingerprint,
        jsontext.write(registrations.values_of(decided.registration)),
        jsontext.write(decided.place.to_json()),
        decided.created.astimezone(UTC).isoformat(),
    )


def _vote(approval: Approval, vote: Vote) -> tuple[str | None, ...]:
    said = ("vote", vote.person, vote.verdict.value, vote.acting_for)
    return (*said, *_request(approval))
