"""The short numbers of deals met lately: they never change, so a turn need not ask the store."""

from __future__ import annotations

from collections.abc import Sequence

from bot.store import handles
from bot.store.engine import Store

MOST_KEPT = 10_000


class Numbers:
    """Numbers as they were given out, the newest of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}

    async def of(self, store: Store, tenant: str, referral_ids: Sequence[str]) -> dict[str, int]:
        """The number of each, given out on first sight. Raises StoreError."""
        wanted = set(referral_ids)
        known = {each: self._known.get((tenant, each), 0) for each in wanted}
        if not all(known.values()):
            known = await _stored(store, tenant, referral_ids)
            self._keep(tenant, known)
        return known

    def _keep(self, tenant: str, numbers: dict[str, int]) -> None:
        for referral_id, number in numbers.items():
            self._known[tenant, referral_id] = number
        while len(self._known) > MOST_KEPT:
            del self._known[next(iter(self._known))]


async def _stored(store: Store, tenant: str, referral_ids: Sequence[str]) -> dict[str, int]:
    """Kept numbers are read without waiting for a writer; only a new one is written."""
    async with store.read() as connection:
        known = await handles.known(connection, tenant, referral_ids)
    if len(known) == len(set(referral_ids)):
        return known
    async with store.begin() as connection:
        return await handles.number_of(connection, tenant, referral_ids)
