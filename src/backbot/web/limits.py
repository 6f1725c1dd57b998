"""How much one address and all together may ask, and how many answers are made at once."""

import asyncio
import hashlib
import hmac
import math
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from limits import RateLimitItem, parse

from backbot.errors import SettingsInvalid
from backbot.settings import Settings
from backbot.web.rate_store import RateStore
from backbot.web.words import BUSY, TOO_MANY

WAIT_SECONDS = 5.0
"""How long a question waits for its turn before the server says that it is busy."""

HARD = 3
"""Beyond so many times the rates nothing is looked at any more; up to there triage still reads what is refused."""

SECOND_LOOKS = 2
"""Refused messages that triage reads at the same time."""


class Busy(Exception):
    """Too much is asked; `retry_after` is in seconds. `is_reader` says whether the one who asks is the reason.

    Its text is for the reader.
    """

    def __init__(self, retry_after: int, is_reader: bool):
        super().__init__(TOO_MANY if is_reader else BUSY)
        self.retry_after = retry_after
        self.is_reader = is_reader


class Limits:
    """Counts questions. An address is kept only as a keyed hash, and only as long as its window."""

    def __init__(self, settings: Settings):
        try:
            self._rates = (parse(settings.rate_per_address), parse(settings.rate_overall))
            self._store = RateStore(settings.rate_store)
        except Exception as error:
            raise SettingsInvalid(
                f"BACKBOT_RATE_PER_ADDRESS, BACKBOT_RATE_OVERALL or BACKBOT_RATE_STORE cannot be used ({error}). Write "
                "rates such as 30/minute, and the store as async+memory:// or async+valkey://localhost:6379."
            ) from None
        self._key = settings.rate_key.get_secret_value().encode() or secrets.token_bytes(32)
        self._hard_rates = tuple(type(rate)(HARD * rate.amount, rate.multiples, "hard") for rate in self._rates)
        self._turns = asyncio.Semaphore(settings.max_streams)
        self.second_looks = asyncio.Semaphore(SECOND_LOOKS)
        """Held while triage reads a refused message."""

    async def admit(self, address: str) -> None:
        """Count one request of the address, whatever it is; raises Busy far beyond the rates."""
        await self._hit(self._hard_rates, address)

    async def count(self, address: str) -> None:
        """Count one question of the address; raises Busy when it, or all together, asked too many."""
        await self._hit(self._rates, address)

    async def _hit(self, rates: Sequence[RateLimitItem], address: str) -> None:
        who = hmac.new(self._key, address.encode(), hashlib.sha256).hexdigest()[:32]
        for rate, name, is_reader in zip(rates, (who, "all"), (True, False), strict=True):
            if not await self._store.hit(rate, name):
                raise Busy(await self._store.seconds_left(rate, name), is_reader)

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
