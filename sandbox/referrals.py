"""The referrals Partner Center holds: every version, and a new ETag for each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sandbox import wire
from sandbox.wire import Document

_ETAGS = itertools.count(0x2500EC5A)


class Referrals:
    """All referrals, own and others', in the order they were made. What it gives is not a copy:
    read it, and give changed copies to `put`."""

    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[datetime, Document]]] = {}
        self.on_change: Callable[[Document | None, Document], None] | None = None
        """Told the former version, None for a new referral, and the one just stored."""

    def __iter__(self) -> Iterator[Document]:
        return (versions[-1][1] for versions in self._versions.values())

    def __len__(self) -> int:
        return len(self._versions)

    def get(self, referral_id: str) -> Document | None:
        """The present version, by id in any case."""
        versions = self._versions.get(referral_id.lower())
        return versions[-1][1] if versions else None

    def engagement(self, referral: Document) -> list[Document]:
        """Every party's referral of the same deal, this one included."""
        deal = referral["engagementId"]
        return [other for other in self if other["engagementId"] == deal]

    def seen_at(self, referral_id: str, moment: datetime) -> Document | None:
        """The version that was current at a time; the first one for any time before it."""
        versions = self._versions.get(referral_id.lower(), [])
        past = [document for at, document in versions if at <= moment]
        return past[-1] if past else (versions[0][1] if versions else None)

    def before_last_write(self, referral_id: str) -> Document | None:
        """The version before the present one; the only one when there was no write yet."""
        versions = self._versions.get(referral_id.lower(), [])
        return versions[-2:][0][1] if versions else None

    def put(self, document: Document, now: datetime) -> Document:
        """Store a version: a new ETag always, and a later `updatedDateTime` always."""
        referral_id = wire.text_at(document, "id").lower()
        versions = self._versions.setdefault(referral_id, [])
        stored = dict(document)
        if versions:
            previous = wire.moment(versions[-1][1].get("updatedDateTime")) or now
            now = max(now, previous + timedelta(microseconds=1))
            stored["updatedDateTime"] = wire.stamp(now)
        stored["eTag"] = f'"{next(_ETAGS):08x}-0000-0000-0000-{int(now.timestamp()):08x}0000"'
        former = versions[-1][1] if versions else None
        versions.append((now, stored))
        if self.on_change is not None:
            self.on_change(former, stored)
        return stored

    def clear(self) -> None:
        """Forget all of them. ETags go on counting, so none ever returns."""
        self._versions.clear()
