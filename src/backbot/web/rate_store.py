"""Where questions are counted: in this process, or in a Redis or Valkey server that many processes share."""

import asyncio
import logging
import math
import time
from typing import Any

from limits import RateLimitItem
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

IN_PROCESS = "async+memory://"
STORE_SECONDS = 0.5
"""How long a question waits for the shared store."""

RETRY_SECONDS = 5.0
"""How long after a fault of the shared store it is left alone."""

_log = logging.getLogger(__name__)


class RateStore:
    """Counts in the store of this address; while that one is away, in this process.

    By `limits`' sliding window of two counters: its moving window keeps every hit, and in memory looks through all names at
    each, seven times the work with a thousand readers.
    """

    def __init__(self, address: str):
        self._shared = None if address == IN_PROCESS else SlidingWindowCounterRateLimiter(_open(address))
        self._own = SlidingWindowCounterRateLimiter(storage_from_string(IN_PROCESS))
        self._retry_at = 0.0

    async def hit(self, rate: RateLimitItem, *names: str) -> bool:
        """Count one of these names; whether that is still within the rate."""
        if self._shared and time.monotonic() >= self._retry_at:
            try:
                return await self._shared.hit(rate, *names)
            except Exception as error:
                self._leave(error)
        return await self._own.hit(rate, *names)

    async def seconds_left(self, rate: RateLimitItem, *names: str) -> int:
        """Seconds until there is room again, 1 at least."""
        counts = self._own
        if self._shared and time.monotonic() >= self._retry_at:
            counts = self._shared
        try:
            reset = (await counts.get_window_stats(rate, *names)).reset_time
        except Exception as error:
            self._leave(error)
            return 1
        return max(1, math.ceil(reset - time.time()))

    def _leave(self, error: Exception) -> None:
        # The error's text may hold the store's password.
        _log.error("The rate store is away (%s); this process counts for itself meanwhile.", type(error).__name__)
        self._retry_at = time.monotonic() + RETRY_SECONDS


def find_store_fault(address: str) -> str:
    """What is wrong with the shared store at this address; empty if it answers."""
    try:
        return "" if asyncio.run(_open(address).check()) else "no answer"
    except Exception as error:
        return type(error).__name__


def _open(address: str) -> Any:
    # One client speaks to Redis and Valkey alike.
    return storage_from_string(
        address, implementation="valkey", socket_timeout=STORE_SECONDS, socket_connect_timeout=STORE_SECONDS
    )
