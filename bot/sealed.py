"""What a write rests on is sealed: a proposal when it is shown, a request for approval when it is
asked, each vote when it is given.

The state of a row says what to do, and anybody who can write to the database can set it. So before
anything is written, the proposal, the request and enough of its votes have to bear their seals.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.seals import Seals
from bot.store import approvals, jsontext, seals
from bot.store.approvals import Approval, Subject, Verdict, Vote
from bot.store.direct import Runs
from bot.store.proposals import Kind, Proposal

_log = structlog.get_logger(__name__)


async def seal_proposal(connection: Runs, by: Seals, proposal: Proposal, now: datetime) -> None:
    """Seal a proposal that was just stored."""
    await seals.put(connection, f"proposal:{proposal.id}", by.of(*_proposal(proposal)), now)


async def is_as_shown(connection: AsyncConnection, by: Seals, proposal: Proposal) -> bool:
    """Whether a proposal is what its person was shown; what is not is logged."""
    seal = await seals.find(connection, f"proposal:{proposal.id}")
    if by.holds(seal, *_proposal(proposal)):
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


def _vote(approval: Approval, vote: Vote) -> tuple[str | None, ...]:
    said = ("vote", vote.person, vote.verdict.value, vote.acting_for)
    return (*said, *_request(approval))
