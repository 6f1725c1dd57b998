"""How much one address and all together may ask, and how many answers are made at once."""

import asyncio
import hashlib
import hmac
import math
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits import RateLimitItem, parse
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from backbot.errors import SettingsInvalid
from backbot.settings import Settings

WAIT_SECONDS = 5.0
"""How long a question waits for its turn before the server says that it is busy."""


class Busy(Exception):
    """Too much is asked; `retry_after` is in seconds. `is_reader` says whether the one who asks is the reason."""

    def __init__(self, retry_after: int, is_reader: bool):
        super().__init__(retry_after)
        self.retry_after = retry_after
        self.is_reader = is_reader


class Limits:
    """Counts questions. An address is kept only as a keyed hash, and only as long as its window."""

    def __init__(self, settings: Settings):
        try:
            self._rates = (parse(settings.rate_per_address), parse(settings.rate_overall))
            self._limiter = MovingWindowRateLimiter(storage_from_string(settings.rate_store))
        except Exception as error:
            raise SettingsInvalid(
                f"BACKBOT_RATE_PER_ADDRESS, BACKBOT_RATE_OVERALL or BACKBOT_RATE_STORE cannot be used ({error}). Write "
                "rates such as 30/minute, and the store as async+memory:// or async+redis://localhost:6379."
            ) from None
        self._key = settings.rate_key.get_secret_value().encode() or secrets.token_bytes(32)
        self._turns = asyncio.Semaphore(settings.max_streams)

    async def count(self, address: str) -> None:
        """Count one question of the address; raises Busy when it, or all together, asked too many."""
        who = hmac.new(self._key, address.encode(), hashlib.sha256).hexdigest()[:32]
        for rate, name, is_reader in zip(self._rates, (who, "all"), (True, False), strict=True):
            if not await self._limiter.hit(rate, name):
                raise Busy(await self._seconds(rate, name), is_reader)

    async def _seconds(self, rate: RateLimitItem, name: str) -> int:
        stats = await self._limiter.get_window_stats(rate, name)
        return max(1, math.ceil(stats.reset_time - time.time()))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One of the places in which an answer is made; raises Busy when none comes free."""
        try:
            await asyncio.wait_for(self._turns.acquire(), WAIT_SECONDS)
        except TimeoutError:
            raise Busy(math.ceil(WAIT_SECONDS), is_reader=False) from None
        try:
            yield
        finally:
            self._turns.release()
