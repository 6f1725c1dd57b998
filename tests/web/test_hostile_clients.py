"""Clients that are slow, many, gone or endless, against `backbot serve` as operators run it: it goes on answering."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from answering.model_server import hang
from answering.model_server import serve as serve_model
from backbot.settings import Settings
from backbot.web import connections
from web.served import UNLIMITED, Served, run_server

QUESTION = json.dumps({"turns": ["How long should I leave a cold pack on?"]}).encode()
SLOW = 300
"""Connections that are held open by one hostile client."""

PATIENCE = 60.0
"""Seconds after which a test gives up; no server is waited for this long when all is well."""

Scenario = Callable[[Served], Awaitable[None]]


@pytest.fixture(scope="module")
def server(corpus_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with run_server(corpus_settings, tmp_path_factory.mktemp("served"), **UNLIMITED) as served:
        yield served


def chat(server: Served, *extra: str, body: bytes = QUESTION) -> bytes:
    """The bytes of a question whose answer is streamed."""
    head = [
        "POST /api/chat HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Origin: {server.address}", "Connection: close",
        "Content-Type: application/json", f"Content-Length: {len(body)}", *extra,
    ]  # fmt: skip
    return "\r\n".join([*head, "", ""]).encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


async def connect(server: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port)


async def answer_to(server: Served, request: bytes) -> bytes:
    """All that comes back until the server closes; empty when it cut the connection off."""
    reader, writer = await connect(server)
    try:
        writer.write(request)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def is_answering(server: Served) -> bool:
    health, answer = await asyncio.gather(answer_to(server, get("/healthz")), answer_to(server, chat(server)))
    return health.startswith(b"HTTP/1.1 200") and b"event: reply" in answer


def play(scenario: Scenario, server: Served) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario(server)

    # In a thread of its own: in this one the browser's loop may be running.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, bounded()).result()


def test_requests_that_never_end_are_cut_off_and_others_answered_meanwhile(
    corpus_settings: Settings, tmp_path_factory: pytest.TempPathFactory
):
    silent, half_a_head, half_a_body = b"", b"POST /api/chat HTTP/1.1\r\nHost: x\r\nX-", chat(Served("", 0, 0, Path()))[:-20]
    empty_lines = get("/healthz").replace(b"Connection: close\r\n", b"") + b"\r\n"

    async def hold(server: Served, start: bytes, more: bytes) -> None:
        """Sends a little, then a little more now and then, until the server ends it."""
        try:
            reader, writer = await connect(server)
            writer.write(start)
            while not reader.at_eof():
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1_000), 4)
                writer.write(more)
                await writer.drain()
        except ConnectionError:
            return

    async def scenario(server: Served) -> None:
        assert await is_answering(server)
        ways = [(silent, b""), (half_a_head, b"a"), (half_a_body, b" "), (empty_lines, b"\r\n")]
        held = [asyncio.create_task(hold(server, *ways[n % 4])) for n in range(100)]
        await asyncio.sleep(1)
        assert await is_answering(server)
        held += [asyncio.create_task(hold(server, *ways[n % 4])) for n in range(SLOW)]
        await asyncio.sleep(1)
        await asyncio.gather(*held)
        assert await is_answering(server)

    with run_server(corpus_settings, tmp_path_factory.mktemp("few"), most_files=256, **UNLIMITED) as served:
        play(scenario, served)


@pytest.mark.parametrize("head", ["many headers", "one header", "a long address"])
def test_a_head_without_end_is_cut_off_before_it_fills_the_memory(server: Served, head: str):
    async def scenario(server: Served) -> None:
        before = server.memory
        _, writer = await connect(server)
        writer.write({"many headers": b"GET / HTTP/1.1\r\n", "one header": b"GET / HTTP/1.1\r\nx: "}.get(head, b"GET /"))
        piece = b"x: " + b"a" * 1_000 + b"\r\n" if head == "many headers" else b"a" * 1_000
        sent = 0
        try:
            while sent < 200_000_000:
                writer.write(piece * 100)
                await writer.drain()
                sent += 100 * len(piece)
        except ConnectionError:
            pass
        assert sent < 20_000_000
        assert server.memory - before < 20_000_000
        assert await is_answering(server)

    play(scenario, server)


def test_two_hundred_open_streams_are_each_answered_or_told_to_wait(server: Served):
    async def scenario(server: Served) -> None:
        asked = [asyncio.create_task(answer_to(server, chat(server))) for _ in range(200)]
        await asyncio.sleep(0)
        assert (await answer_to(server, get("/healthz"))).startswith(b"HTTP/1.1 200")
        answers = await asyncio.gather(*asked)
        whole = [answer for answer in answers if b"event: reply" in answer and answer.endswith(b"0\r\n\r\n")]
        waiting = [
            answer for answer in answers if answer.startswith(b"HTTP/1.1 503") and b"\r\nretry-after: " in answer.lower()
        ]
        assert len(whole) + len(waiting) == 200
        assert len(whole) >= 16
        assert await is_answering(server)

    play(scenario, server)


def test_while_a_language_model_hangs_every_place_is_taken_and_given_back(
    corpus_settings: Settings, tmp_path_factory: pytest.TempPathFactory
):
    async def scenario(server: Served) -> None:
        asked = [asyncio.create_task(answer_to(server, chat(server))) for _ in range(60)]
        gone = [await connect(server) for _ in range(60)]
        for _, writer in gone:
            writer.write(chat(server))
        await asyncio.sleep(0.5)
        for _, writer in gone:
            writer.transport.abort()
        assert (await answer_to(server, get("/healthz"))).startswith(b"HTTP/1.1 200")
        for answer in await asyncio.gather(*asked):
            assert b"event: reply" in answer or answer.startswith(b"HTTP/1.1 503")
        assert await is_answering(server)

    with serve_model(hang(30)) as model:
        settings = {"BACKBOT_LLM": model.url, "BACKBOT_LLM_TIMEOUT": "2", **UNLIMITED}
        with run_server(corpus_settings, tmp_path_factory.mktemp("model"), **settings) as served:
            play(scenario, served)
        assert model.requests


def test_clients_that_vanish_leave_no_place_taken(server: Served):
    async def scenario(server: Served) -> None:
        for n in range(120):
            reader, writer = await connect(server)
            writer.write(chat(server))
            if n % 3:
                await reader.read(20 if n % 3 == 1 else 600)
            writer.transport.abort()
        assert all(await asyncio.gather(*(is_answering(server) for _ in range(20))))

    play(scenario, server)


def test_readers_who_take_nothing_hold_up_nobody(server: Served):
    async def scenario(server: Served) -> None:
        idle = []
        for path in [b"", *[b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20] * 50]:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(path or chat(server))
            idle.append(writer)
        assert all(await asyncio.gather(*(is_answering(server) for _ in range(20))))
        for writer in idle:
            writer.transport.abort()

    play(scenario, server)


def test_the_system_ends_connections_whose_other_end_is_gone():
    import socket

    with socket.socket() as listener:
        connections.drop_dead_peers(listener)
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == connections.UNREAD_SECONDS * 1000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)), b"400"),
        (b"\x00" * 5_000, b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", b"400"),
        (b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", b"400"),
        (b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"4"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n Folded: y\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: \xff\xfe\r\nOrigin: \xff\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b""),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"4"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            b"",
        ),
        (b"GET /gradio_api/queue/data HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b""),
    ],
)
def test_what_is_hardly_http_is_no_fault_of_the_server(server: Served, request_: bytes, status: bytes):
    async def scenario(server: Served) -> None:
        reader, writer = await connect(server)
        writer.write(request_)
        line = await reader.readline()
        writer.close()
        assert line.startswith(b"HTTP/1.1 " + status)
        assert not line.startswith(b"HTTP/1.1 5")
        assert await is_answering(server)

    play(scenario, server)


@pytest.mark.parametrize("missing", [0, 1, 20, len(QUESTION)])
def test_a_client_that_stops_sending_never_gets_a_part_that_looks_whole(server: Served, missing: int):
    async def scenario(server: Served) -> None:
        reader, writer = await connect(server)
        request = chat(server)
        writer.write(request[: len(request) - missing])
        writer.write_eof()
        answer = await reader.read()
        assert not answer.startswith(b"HTTP/1.1 5")
        # The last chunk is what tells a client that it holds everything.
        looks_whole = answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n0\r\n\r\n")
        assert not looks_whole or b"event: reply" in answer
        assert await is_answering(server)

    play(scenario, server)


def test_nothing_of_all_this_was_a_fault_in_the_server_log(server: Served):
    said = server.said.read_text()
    assert "Traceback" not in said
    assert "Exception in ASGI application" not in said, said
