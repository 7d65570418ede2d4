"""Compares what the outside world has seen with what the bot's own books say.

The sandbox's ledgers are the truth: the writes Partner Center made, the messages Teams took. The
bot's books are its database. `check` raises Wrong with everything that does not agree.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.outbox import MOST_DOUBTS
from bot.store import schema
from bot.store.engine import Store, open_store
from tests.seen import Json
from tests.world import PATIENCE_SECONDS, World

REPEAT = "You may have got this message already"
OPEN_WRITES = frozenset({"applying", "unknown"})
OPEN_REGISTRATIONS = frozenset({"INTENT", "UNKNOWN"})
OWED = frozenset({"ready", "sending"})


class Wrong(AssertionError):
    """The books and the world do not agree."""


@dataclass(frozen=True, slots=True)
class Books:
    """Every row that says what the bot did or promised."""

    audit: Sequence[sa.RowMapping]
    proposals: Sequence[sa.RowMapping]
    registrations: Sequence[sa.RowMapping]
    approvals: Sequence[sa.RowMapping]
    votes: Sequence[sa.RowMapping]
    outbox: Sequence[sa.RowMapping]


@dataclass(frozen=True, slots=True)
class Written:
    """One write that Partner Center made, and whose it was."""

    person: str
    referral: str
    request_id: str
    operations: object
    etag: str


@dataclass(frozen=True, slots=True)
class Posted:
    """One new message that Teams took."""

    conversation: str
    activity_id: str
    text: str


async def books(store: Store) -> Books:
    """The database as it is now."""
    async with store.read() as connection:

        async def rows(table: sa.Table) -> Sequence[sa.RowMapping]:
            return (await connection.execute(table.select())).mappings().all()

        return Books(
            await rows(schema.audit),
            await rows(schema.proposals),
            await rows(schema.registrations),
            await rows(schema.approvals),
            await rows(schema.approval_votes),
            await rows(schema.outbox),
        )


async def kept(database: str) -> Books:
    """The books at this address as they are now."""
    store = open_store(database)
    try:
        return await books(store)
    finally:
        await store.close()


async def check(world: World, database: str, *, needs_approval: bool = False) -> None:
    """Once everything is settled: nothing doubled, nothing lost, nothing without its actor.

    With `needs_approval` every write must have been approved. Raises Wrong.
    """
    writes = [_written(each) for each in await world.ledger()]
    posts = [_posted(each) for each in await world.connector() if _arrived(each)]
    compare(await kept(database), writes, posts, needs_approval=needs_approval)


def compare(
    kept: Books, writes: Sequence[Written], posts: Sequence[Posted], *, needs_approval: bool
) -> None:
    """Raises Wrong with every disagreement between the books and the ledgers."""
    found = [
        *_writes(kept, writes, needs_approval=needs_approval),
        *_ends(kept, writes),
        *_requests(kept, writes),
        *_messages(kept, posts),
    ]
    if found:
        raise Wrong("\n".join(found))


def _writes(kept: Books, writes: Sequence[Written], *, needs_approval: bool) -> Iterator[str]:
    """Every write is known to the audit with its actor, and was made once."""
    for subject, count in Counter(_subject(kept, each) for each in writes).items():
        if subject and count > 1:
            yield f"{subject} was written {count} times"
    for write in writes:
        subject, actor = _subject(kept, write), _actor(kept, write)
        if not subject or actor is None:
            yield f"a write nobody asked for: {write}"
            continue
        if actor != write.person:
            yield f"{subject}: asked by {actor}, written as {write.person}"
        entries = [one for one in kept.audit if subject in one["detail"]]
        if not any(one["person"] == write.person for one in entries):
            yield f"{subject}: the audit does not name {write.person}"
        yield from _approved(kept, write, subject, needed=needs_approval)


def _approved(kept: Books, write: Written, subject: str, *, needed: bool) -> Iterator[str]:
    """The approval behind a write: enough people, none of them the requester, the same write."""
    asked = _asked(kept, subject)
    granted = [one for one in asked if one["state"] in {"approved", "done"}]
    if not granted:
        if asked or needed:
            yield f"{subject}: written without its approval"
        return
    for approval in granted:
        votes = [one for one in kept.votes if one["approval_id"] == approval["id"]]
        yes = {one["person"] for one in votes if one["verdict"] == "approve"}
        if len(yes) < approval["quorum"]:
            yield f"{subject}: {len(yes)} of {approval['quorum']} approvals"
        if approval["requester"] in yes or any(one["verdict"] == "reject" for one in votes):
            yield f"{subject}: not approved by others alone"
        if approval["subject"] == "proposal" and (
            json.loads(approval["operations"]) != write.operations
            or approval["base_etag"] != write.etag
        ):
            yield f"{subject}: written otherwise than it was approved"


def _ends(kept: Books, writes: Sequence[Written]) -> Iterator[str]:
    """DONE means that it is there, any other end that it is not; nothing is left open."""
    made = {_subject(kept, each) for each in writes}
    for row in (*kept.proposals, *kept.registrations):
        state = row["state"]
        if state in OPEN_WRITES | OPEN_REGISTRATIONS:
            yield f"{row['id']}: still {state}"
        elif (state.lower() == "done") is not (row["id"] in made):
            yield f"{row['id']}: {state}, but {'written' if row['id'] in made else 'not written'}"
        said = [one for one in kept.audit if row["id"] in one["detail"]]
        done = [one for one in said if one["outcome"].lower() == "done"]
        if len([one for one in done if one["kind"] != "approval"]) != (state.lower() == "done"):
            yield f"{row['id']}: {state}, and the audit says done {len(done)} times"


def _requests(kept: Books, writes: Sequence[Written]) -> Iterator[str]:
    """A request that is done was carried out; one that was refused was not."""
    made = {_subject(kept, each) for each in writes}
    for row in kept.approvals:
        subjects = {row["subject_id"]}
        subjects |= {
            one["id"] for one in kept.registrations if one["draft_id"] == row["subject_id"]
        }
        if row["state"] == "approved":
            yield f"request {row['id']}: approved and never carried out"
        elif row["state"] != "waiting" and (row["state"] == "done") is not bool(subjects & made):
            yield f"request {row['id']}: {row['state']}, its write says otherwise"
        decided = [
            one["outcome"]
            for one in kept.audit
            if one["kind"] == "approval"
            and f'"approval":"{row["id"]}"' in one["detail"].replace(" ", "")
        ]
        if decided.count(row["state"]) > 1:
            yield f"request {row['id']}: {row['state']} more than once"


def _messages(kept: Books, posts: Sequence[Posted]) -> Iterator[str]:
    """What was promised has arrived, once, or is marked as a possible repeat."""
    taken = {each.activity_id for each in posts}
    for row in kept.outbox:
        if row["state"] in OWED:
            yield f"message {row['key']}: still {row['state']} ({row['error']})"
        if row["error"] == "superseded":
            if not _is_overtaken(kept, row):
                yield f"message {row['key']}: given up for a later one that is not there"
        elif row["state"] == "failed" and row["doubts"] <= MOST_DOUBTS:
            yield f"message {row['key']}: lost ({row['error']})"
        if row["state"] == "sent" and row["op"] == "send" and row["activity_id"] not in taken:
            yield f"message {row['key']}: said to be sent, and Teams has not got it"
    owned = {row["activity_id"] for row in kept.outbox if row["op"] == "send"}
    told = Counter((each.conversation, each.text) for each in posts if each.activity_id in owned)
    for (where, text), count in told.items():
        if count > 1 and REPEAT not in text:
            yield f"{where} was told {count} times: {text[:80]}"


def _is_overtaken(kept: Books, row: sa.RowMapping) -> bool:
    """Whether the message this would have changed shows something later: a later change of it
    arrived, or, for a reply, an answer that no row was needed for."""
    where = (row["conversation"], row["target_message"])
    return row["as_of"] is not None or any(
        (each["conversation"], each["target_message"]) == where
        and each["state"] == "sent"
        and each["seq"] > row["seq"]
        for each in kept.outbox
    )


def _subject(kept: Books, write: Written) -> str:
    """The id of the proposal or registration behind a write; empty when there is none."""
    for row in kept.registrations:
        if write.request_id and write.request_id in row["client_request_ids"]:
            return str(row["id"])
    for entry in kept.audit:
        if entry["client_request_id"] == write.request_id and entry["kind"].startswith("proposal"):
            return str(json.loads(entry["detail"])["proposal"])
    return ""


def _actor(kept: Books, write: Written) -> str | None:
    subject = _subject(kept, write)
    found = [row["person"] for row in kept.proposals if row["id"] == subject]
    found += [row["requester"] for row in kept.registrations if row["id"] == subject]
    return next(iter(found), None)


def _asked(kept: Books, subject: str) -> list[sa.RowMapping]:
    drafts = [row["draft_id"] for row in kept.registrations if row["id"] == subject]
    return [row for row in kept.approvals if row["subject_id"] in {subject, *drafts}]


def _written(raw: Json) -> Written:
    return Written(
        person=str(raw["oid"]),
        referral=str(raw["referral"]),
        request_id=str(raw["client_request_id"] or ""),
        operations=raw["body"],
        etag=str(raw["etag_before"]),
    )


def _arrived(raw: Mapping[str, Any]) -> bool:
    return raw["op"] in {"send", "reply"} and raw["activity_id"] is not None


def _posted(raw: Json) -> Posted:
    body = json.dumps(raw["body"], sort_keys=True, default=str)
    return Posted(str(raw["conversation"]), str(raw["activity_id"]), body)


async def moment(world: World) -> None:
    """Until something happens in the sandbox, or half a second."""
    last = (await world.get("events", wait="0", person="ben"))["last"]
    await world.get("events", after=str(last), wait="0.5", person="ben")


async def until(
    world: World, database: str, holds: Callable[[Books], bool], within: float = PATIENCE_SECONDS
) -> None:
    """Look into the books again and again until they are as `holds` says. Raises TimeoutError."""
    store = open_store(database)
    try:
        async with asyncio.timeout(within):
            while not holds(await books(store)):
                await moment(world)
    finally:
        await store.close()


async def age(database: str, seconds: float) -> None:
    """Let time pass for what waits in a database: leases and pauses end that much sooner.

    Only for rows of processes that have ended or are stopped: a lease is a promise to the living.
    """
    store = open_store(database)
    try:
        async with store.begin() as connection:
            for table, columns in _WAITS.items():
                for row in (await connection.execute(table.select())).mappings().all():
                    if sooner := _earlier(row, columns, timedelta(seconds=seconds)):
                        mine = table.update().where(table.c.id == row["id"])
                        await connection.execute(mine.values(sooner))
    finally:
        await store.close()


def _earlier(row: sa.RowMapping, columns: Iterable[str], by: timedelta) -> dict[str, Any]:
    return {name: row[name] - by for name in columns if row[name] is not None}


_WAITS: Mapping[sa.Table, tuple[str, ...]] = {
    schema.outbox: ("not_before", "lease_until"),
    schema.approvals: ("lease_until",),
    schema.proposals: ("updated",),
    schema.registrations: ("lease_until", "look_at"),
}
