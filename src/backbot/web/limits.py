"""How much one address and all together may ask, and how many answers are made at once."""

import asyncio
import hashlib
import hmac
import math
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from limits import RateLimitItem, parse

from backbot.bot import THREADS
from backbot.errors import SettingsInvalid
from backbot.settings import Settings
from backbot.web.rate_store import RateStore
from backbot.web.words import BUSY, TOO_MANY

WAIT_SECONDS = 5.0
"""How long a question waits for its turn before the server says that it is busy."""

WAITING = 2
"""So many questions wait for each place, some second's work; any other is told at once that the server is busy."""

HARD = 3
"""Beyond so many times the rates nothing is looked at any more; up to there triage still reads what is refused."""

URGENT_LOOKS, OTHER_LOOKS = 2, 1
"""Refused messages that triage reads at the same time with phrases and classifier: those whose phrases sound like an
emergency, however many wait, and others, of which only a few wait. What phrases alone cost is nothing to this."""

MOST_URGENT = 1_000


class Busy(Exception):
    """Too much is asked; `retry_after` is in seconds. `is_reader` says whether the one who asks is the reason.

    Its text is for the reader.
    """

    def __init__(self, retry_after: int, is_reader: bool):
        super().__init__(TOO_MANY if is_reader else BUSY)
        self.retry_after = retry_after
        self.is_reader = is_reader


class Places:
    """So many at the same time; so many others wait for a while, and whoever comes then is refused at once."""

    def __init__(self, places: int, waiting: int):
        self._free = asyncio.Semaphore(places)
        self._most = waiting
        self._waiting = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """One of the places; raises Busy when there is none to be had."""
        if self._free.locked() and self._waiting >= self._most:
            raise Busy(math.ceil(WAIT_SECONDS), is_reader=False)
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise Busy(math.ceil(WAIT_SECONDS), is_reader=False) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


Part = TypeVar("Part")


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
        self._turns = Places(settings.max_streams, WAITING * settings.max_streams)
        self._urgent_looks = Places(URGENT_LOOKS, MOST_URGENT)
        self._other_looks = Places(OTHER_LOOKS, WAITING * OTHER_LOOKS)
        self._glances = CapacityLimiter(1)
        # A thread that waits for a language model needs no core.
        self._threads = CapacityLimiter(settings.max_streams if settings.llm else THREADS)

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

    def turn(self) -> AbstractAsyncContextManager[None]:
        """One of the places in which an answer is made and sent; raises Busy when there is none to be had."""
        return self._turns.take()

    def second_look(self, *, is_urgent: bool) -> AbstractAsyncContextManager[None]:
        """One of the places in which triage reads a refused message; raises Busy when there is none to be had."""
        return (self._urgent_looks if is_urgent else self._other_looks).take()

    async def glance(self, judge: Callable[[Sequence[str]], bool], turns: Sequence[str]) -> bool:
        """What `judge` says of a long refused message, in a thread, one after the other."""
        return await run_sync(judge, turns, limiter=self._glances)

    async def work(self, parts: Iterator[Part]) -> AsyncIterator[Part]:
        """The parts of an answer, made in threads: of all answers so many at the same time as there are cores."""
        while (part := await run_sync(next, parts, None, limiter=self._threads)) is not None:
            yield part
