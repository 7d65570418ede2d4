"""Everything Partner Center knows and how it is set: what a reset puts back to the start."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sandbox import json_patch, registrations, start_deals, wire
from sandbox.clock import Clock
from sandbox.fault_plan import Faults
from sandbox.ledger import Ledger
from sandbox.people import PEOPLE, Role
from sandbox.referrals import Referrals
from sandbox.switches import Switches
from sandbox.wire import Document, Json

PORTAL = "portal"
"""Owner of changes that nobody's token made: Microsoft's, or the system's."""


class NoSuchReferral(LookupError):
    """No referral has this id."""


class World:
    """The state of the sandbox's Partner Center; `roles` is each person's role by key."""

    def __init__(self, clock: Clock | None = None, count: int = start_deals.DEFAULT_COUNT) -> None:
        self.clock: Final = clock or Clock()
        self.faults: Final = Faults(self.clock)
        self.ledger: Final = Ledger()
        self.switches: Final = Switches()
        self.deals: Final = Referrals()
        self.roles: Final[dict[str, Role]] = {}
        self._count = count
        self._fill()

    def reset(self) -> None:
        """Start data, default switches and roles, empty ledger, no faults, unmoved clock."""
        self.clock.reset()
        self.faults.clear()
        self.ledger.reset()
        self.switches.reset()
        self._fill()

    def referral(self, referral_id: str) -> Document:
        """A referral as it is stored, whoever owns it. Raises NoSuchReferral."""
        document = self.deals.get(referral_id)
        if document is None:
            raise NoSuchReferral(referral_id)
        return document

    def edit(self, referral_id: str, operations: Json, by: str = PORTAL) -> Document:
        """Somebody's own change in the portal: any add, replace or remove, under no rule.

        `by` is a person's key or PORTAL. Raises NoSuchReferral or json_patch.PatchProblem.
        """
        before = self.referral(referral_id)
        after = json_patch.apply(before, json_patch.operations(operations))
        if after.get("id") != before["id"]:
            raise json_patch.PatchProblem("a referral keeps its id", "/id")
        return self._changed(before, after, by, operations)

    def set_registration_state(
        self, referral_id: str, state: str, reason: str | None = None, by: str = PORTAL
    ) -> Document:
        """Microsoft's review moves a registration on (API reference 10.4).

        Raises NoSuchReferral, or ValueError for an unknown state or no registration.
        """
        before = self.referral(referral_id)
        after = registrations.set_state(before, state, reason, self.clock.now())
        return self._changed(before, after, by, {"registrationStatus": state})

    def pass_time(self) -> None:
        """Expire what was not answered in time (API reference 13.1); its contacts are hidden."""
        now = self.clock.now()
        due = [
            referral
            for referral in self.deals
            if referral["status"] == "New"
            and (end := wire.moment(referral.get("expirationDateTime"))) is not None
            and end <= now
        ]
        for referral in due:
            expired: Document = {
                "status": "Closed",
                "substatus": "Expired",
                "closedDateTime": referral["expirationDateTime"],
                "customerProfile": {**wire.object_at(referral, "customerProfile"), "team": []},
            }
            self.deals.put(referral | expired, now)

    def version_before(self, referral_id: str, seconds: float | None) -> Document | None:
        """What a stale read shows: the version of so long ago, or the one before the last write."""
        if seconds is None:
            return self.deals.before_last_write(referral_id)
        return self.deals.seen_at(referral_id, self.clock.now() - timedelta(seconds=seconds))

    def _changed(self, before: Document, after: Document, by: str, body: Json) -> Document:
        now = self.clock.now()
        stored = self.deals.put(after, now)
        person = PEOPLE.get(by)
        self.ledger.edited(
            at=now,
            owner=by,
            oid=person.oid if person else "",
            body=body,
            referral=wire.text_at(stored, "id"),
            etag_before=wire.text_at(before, "eTag"),
            etag_after=wire.text_at(stored, "eTag"),
        )
        return stored

    def _fill(self) -> None:
        self.roles.clear()
        self.roles.update({key: person.role for key, person in PEOPLE.items()})
        told, self.deals.on_change = self.deals.on_change, None
        self.deals.clear()
        start_deals.start(self.deals, self.clock.now(), self._count)
        self.deals.on_change = told
