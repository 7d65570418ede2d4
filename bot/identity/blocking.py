"""Runs MSAL's blocking calls in threads of their own, so that a slow Entra slows nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from bot.identity.entra import EntraUnavailable

THREADS = 16
CALL_SECONDS = 15.0

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Blocking:
    """Threads for Entra only: the default ones also look up host names."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="entra")

    async def __call__(
        self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """What `function` gives. Raises EntraUnavailable when that takes over 15 seconds."""
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, partial(function, *args, **kwargs)
        )
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await work
        except TimeoutError:
            raise EntraUnavailable("no answer in time") from None

    def close(self) -> None:
        """Takes no more calls; those under way end by their own time limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)
