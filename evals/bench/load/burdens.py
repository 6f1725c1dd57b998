"""What is done to the server while readers ask: pages left open, readers who take nothing, readers who leave."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from server import Server

Burden = Callable[[Server], AbstractAsyncContextManager[Callable[[], Awaitable[str]]]]
"""Laid on the server for the length of a block; the function it gives says at the end how it went."""

IDLE, SLOW, LEAVING = 1_000, 200, 20
QUESTION = json.dumps({"turns": ["How should I set up my chair for a bad back?"]}).encode()


def _chat(server: Server) -> bytes:
    head = [
        "POST /api/chat HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Origin: {server.address}",
        "Content-Type: application/json", f"Content-Length: {len(QUESTION)}",
    ]  # fmt: skip
    return "\r\n".join([*head, "", ""]).encode() + QUESTION


@asynccontextmanager
async def idle(server: Server) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """A thousand chat pages that are open and ask nothing; each holds a stream."""
    opened: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    for _ in range(IDLE):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        path = f"/gradio_api/heartbeat/{secrets.token_hex(6)}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {server.address}\r\n\r\n".encode())
        opened.append((reader, writer))
    heads = await asyncio.gather(*(reader.readline() for reader, _ in opened))
    begun = sum(head.startswith(b"HTTP/1.1 200") for head in heads)

    async def count() -> str:
        still = sum(not reader.at_eof() for reader, _ in opened)
        return f"{begun} of {IDLE} streams began, {still} are open at the end"

    yield count
    for _, writer in opened:
        writer.close()


@asynccontextmanager
async def slow(server: Server) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Two hundred readers who ask again and again and read nothing of the answers."""
    writers = []
    for _ in range(SLOW):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writers.append(writer)

    async def ask_on() -> None:
        while True:
            for writer in writers:
                if not writer.transport.is_closing() and writer.transport.get_write_buffer_size() == 0:
                    writer.write(_chat(server))
                await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask_on())

    async def count() -> str:
        return f"{sum(not writer.transport.is_closing() for writer in writers)} of {SLOW} are open at the end"

    yield count
    asking.cancel()
    for writer in writers:
        writer.transport.abort()


@asynccontextmanager
async def leaving(server: Server) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Twenty readers a second who leave in the middle of an answer: before it, at its head, after some of it."""
    left = 0

    async def leave(most: int) -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(_chat(server))
        if most:
            await reader.read(most)
        writer.transport.abort()
        left += 1

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(10**9):
                group.create_task(leave((0, 20, 900)[number % 3]))
                await asyncio.sleep(1 / LEAVING)

    going = asyncio.create_task(go_on())

    async def count() -> str:
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        return f"{left} left"

    yield count
    going.cancel()


BURDENS: dict[str, Burden] = {"1,000 pages open": idle, "200 who read nothing": slow, "20 a second who leave": leaving}
