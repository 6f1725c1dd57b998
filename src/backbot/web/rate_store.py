"""Where questions are counted: in this process, or in a Redis or Valkey server that many processes share."""

import asyncio
import logging
import math
import time
from collections import deque
from typing import Any

from limits import RateLimitItem
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

IN_PROCESS = "async+memory://"
STORE_SECONDS = 0.5
"""How long a question waits for the shared store."""

RETRY_SECONDS = 5.0
"""How long after a fault of the shared store it is left alone."""

SWEEP_SECONDS = 10.0
"""How often names that were not counted for a window's length are forgotten."""

_log = logging.getLogger(__name__)


class _OwnCounts:
    """A moving window for each name, in this process alone.

    `limits` looks through all names at each hit, a core's work with a thousand readers, and goes by the wall clock, which
    may be set back.
    """

    def __init__(self) -> None:
        self._hits: dict[str, tuple[int, deque[float]]] = {}
        self._sweep_at = 0.0

    def hit(self, rate: RateLimitItem, *names: str) -> bool:
        now = time.monotonic()
        if now >= self._sweep_at:
            self._hits = {
                key: (length, hits) for key, (length, hits) in self._hits.items() if hits and hits[-1] > now - length
            }
            self._sweep_at = now + SWEEP_SECONDS
        length, hits = self._hits.setdefault(rate.key_for(*names), (rate.get_expiry(), deque()))
        while hits and hits[0] <= now - length:
            hits.popleft()
        if len(hits) < rate.amount:
            hits.append(now)
            return True
        return False

    def seconds_left(self, rate: RateLimitItem, *names: str) -> float:
        length, hits = self._hits.get(rate.key_for(*names), (0, deque()))
        return hits[0] + length - time.monotonic() if hits else 0


class RateStore:
    """Counts in the store of this address; while that one is away, in this process."""

    def __init__(self, address: str):
        self._shared = None if address == IN_PROCESS else MovingWindowRateLimiter(_open(address))
        self._own = _OwnCounts()
        self._retry_at = 0.0

    async def hit(self, rate: RateLimitItem, *names: str) -> bool:
        """Count one of these names; whether that is still within the rate."""
        if self._shared and time.monotonic() >= self._retry_at:
            try:
                return await self._shared.hit(rate, *names)
            except Exception as error:
                self._leave(error)
        return self._own.hit(rate, *names)

    async def seconds_left(self, rate: RateLimitItem, *names: str) -> int:
        """Seconds until there is room again, 1 at least."""
        left = self._own.seconds_left(rate, *names)
        if self._shared and time.monotonic() >= self._retry_at:
            try:
                left = (await self._shared.get_window_stats(rate, *names)).reset_time - time.time()
            except Exception as error:
                self._leave(error)
        return max(1, math.ceil(left))

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
