"""More questions than the server can answer: it says so at once, and an emergency is still told where to get help."""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from limits import parse

from answering.model_server import serve as serve_model
from backbot.answering.generative import load_language_model
from backbot.bot import Bot
from backbot.settings import Settings
from backbot.web import limits
from backbot.web.limits import OTHER_LOOKS, URGENT_LOOKS, WAITING, Busy, Places
from backbot.web.rate_store import IN_PROCESS, RateStore
from backbot.web.server import create_app
from web.served import UNLIMITED, run_server

QUESTION = {"turns": ["How long should I leave a cold pack on?"]}
EMERGENCY = {"turns": ["I am numb between my legs and I can't pee"], "country": "GB"}
PLACES = 2
HELD = PLACES + WAITING * PLACES
"""Questions that have a place, where a language model keeps them waiting, and those that wait for one."""

PATIENCE = 60.0
JSON, STREAM = "application/json", "text/event-stream"


async def ask(client: httpx.AsyncClient, body: dict[str, object], kind: str = JSON) -> httpx.Response:
    return await client.post("/api/chat", json=body, headers={"Accept": kind})


@pytest.fixture
def play_when_full(
    bot: Bot, serve_app: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[httpx.AsyncClient], Awaitable[None]]], None]:
    """Runs a scenario while every place is taken and every place in the line too; all those are answered in the end."""
    monkeypatch.setattr(limits, "WAIT_SECONDS", PATIENCE)

    async def run(address: str, scenario: Callable[[httpx.AsyncClient], Awaitable[None]], go: threading.Event) -> None:
        # The server ends a connection that was idle for five seconds, perhaps just as the next question is sent on it.
        most = httpx.Limits(max_connections=500, keepalive_expiry=1)
        headers = {"Origin": address}
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(base_url=address, headers=headers, limits=most) as client:
            client.timeout = httpx.Timeout(PATIENCE)
            held = [asyncio.create_task(ask(client, QUESTION)) for _ in range(HELD)]
            # Whoever is refused shows that all those have come in: until then one more would wait itself.
            while not any(task.done() for task in held):
                held.append(asyncio.create_task(ask(client, QUESTION)))
                await asyncio.wait(held, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            await scenario(client)
            waiting = [task for task in held if not task.done()]
            assert len(waiting) == HELD
            go.set()
            assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200] * HELD

    def play(scenario: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
        go = threading.Event()
        with serve_model(lambda _: go.wait(PATIENCE) and None) as model:
            changes = {"llm": model.url, "llm_timeout": 2 * PATIENCE, "answer_seconds": 2 * PATIENCE, "max_streams": PLACES}
            settings = bot.settings.model_copy(update={**changes, "rate_per_address": "10000/minute"})
            full = Bot(bot.index, settings, load_language_model(settings))
            address = serve_app(create_app(full, settings, with_page=False))
            # In a thread of its own: in this one the browser's loop may be running.
            with ThreadPoolExecutor(1) as thread:
                try:
                    thread.submit(asyncio.run, run(address, scenario, go)).result()
                finally:
                    go.set()

    return play


def test_past_capacity_a_question_is_refused_while_others_still_wait_and_an_emergency_is_referred(
    play_when_full: Callable[[Callable[[httpx.AsyncClient], Awaitable[None]]], None],
):
    async def scenario(client: httpx.AsyncClient) -> None:
        for kind in (JSON, STREAM):
            refused = await ask(client, QUESTION, kind)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert refused.json()["error"] == "busy"
            assert "emergency number" in refused.json()["message"]
        assert (await ask(client, EMERGENCY)).json()["outcome"] == "referred"
        streamed = (await ask(client, EMERGENCY, STREAM)).text
        assert streamed.startswith("event: triage\n")
        assert '"999"' in streamed
        assert "event: reply\n" in streamed
        assert (await client.get("/healthz")).status_code == 200

    play_when_full(scenario)


def test_in_a_flood_past_capacity_no_emergency_is_missed(
    play_when_full: Callable[[Callable[[httpx.AsyncClient], Awaitable[None]]], None],
):
    async def scenario(client: httpx.AsyncClient) -> None:
        bodies = [EMERGENCY if n % 10 == 9 else QUESTION for n in range(200)]
        answers = await asyncio.gather(*(ask(client, body) for body in bodies))
        for body, answer in zip(bodies, answers, strict=True):
            if body is EMERGENCY:
                assert answer.status_code == 200
                assert answer.json()["outcome"] == "referred"
            else:
                assert answer.status_code == 503

    play_when_full(scenario)


def test_a_place_goes_to_who_waited_first_and_one_too_many_is_refused_at_once():
    async def scenario() -> None:
        places, got = Places(1, waiting=2), []

        async def come(name: str, stay: asyncio.Event) -> None:
            async with places.take():
                got.append(name)
                await stay.wait()

        leave = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(come("first", leave))
            await asyncio.sleep(0)
            gives_up = group.create_task(come("gives up", leave))
            group.create_task(come("second", leave))
            await asyncio.sleep(0)
            with pytest.raises(Busy) as refused:
                await come("one too many", leave)
            assert not refused.value.is_reader
            gives_up.cancel()
            await asyncio.sleep(0)
            group.create_task(come("third", leave))
            await asyncio.sleep(0)
            assert got == ["first"]
            leave.set()
        assert got == ["first", "second", "third"]

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, scenario()).result()


def test_whoever_waits_too_long_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.01)

    async def scenario() -> None:
        places = Places(1, waiting=1)
        async with places.take():
            for _ in range(3):
                with pytest.raises(Busy):
                    await places.take().__aenter__()
        async with places.take():
            pass

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, scenario()).result()


def test_many_questions_at_once_take_no_thread_each(corpus_settings: Settings, tmp_path: Path):
    with run_server(corpus_settings, tmp_path, **UNLIMITED) as served:

        async def scenario() -> None:
            most = httpx.Limits(max_connections=200)
            async with (
                asyncio.timeout(PATIENCE),
                httpx.AsyncClient(base_url=served.address, headers={"Origin": served.address}, limits=most) as client,
            ):
                client.timeout = httpx.Timeout(PATIENCE)
                assert (await ask(client, QUESTION)).status_code == 200
                before = sum(1 for _ in Path(f"/proc/{served.pid}/task").iterdir())
                answers = await asyncio.gather(*(ask(client, QUESTION) for _ in range(200)))
                assert {answer.status_code for answer in answers} <= {200, 503}
                after = sum(1 for _ in Path(f"/proc/{served.pid}/task").iterdir())
                cores = max(2, os.cpu_count() or 2)
                assert after - before <= cores + URGENT_LOOKS + OTHER_LOOKS + 2

        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, scenario()).result()


def test_a_clock_that_is_set_back_holds_nobody_up(monkeypatch: pytest.MonkeyPatch):
    rate = parse("2/minute")

    async def hits(store: RateStore, count: int) -> list[bool]:
        return [await store.hit(rate, "somebody") for _ in range(count)]

    store = RateStore(IN_PROCESS)
    with ThreadPoolExecutor(1) as thread:
        for now in (2_000_000_000.0, 1_000_000_000.0):
            monkeypatch.setattr(time, "time", lambda now=now: now)
            assert thread.submit(asyncio.run, hits(store, 3)).result() == [True, True, False]
            assert thread.submit(asyncio.run, store.seconds_left(rate, "somebody")).result() in range(1, 61)
        assert thread.submit(asyncio.run, RateStore(IN_PROCESS).seconds_left(rate, "nobody")).result() == 1


def test_a_thousand_names_are_counted_apart():
    rate = parse("2/minute")

    async def count(store: RateStore) -> list[int]:
        found = [[await store.hit(rate, str(name)) for name in range(1000)] for _ in range(3)]
        return [sum(hits) for hits in found]

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, count(RateStore(IN_PROCESS))).result() == [1000, 1000, 0]
