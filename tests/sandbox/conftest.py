"""One fresh Partner Center per test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.partner_center import Desk, open_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Start data as of 20 February 2026, 10:00 UTC; the clock stands still."""
    async with open_desk() as opened:
        yield opened
